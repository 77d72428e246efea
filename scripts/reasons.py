"""Write docs/reasons.md: every clause that the tool can print as a reason, and where it is from.

examples:
  %(prog)s                after a change in tvmq_diag/analysis/reasons; a test says when

exit code: 0 done; 2 bad usage.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tvmq_diag.analysis.reasons.catalogue import CATALOGUE  # noqa: E402
from tvmq_diag.analysis.reasons.reason import Circumstance, Reason  # noqa: E402

PAGE = ROOT / "docs" / "reasons.md"

HEAD = """\
# Reasons

All that the tool can give as the reason of a verdict, or of an op left in float: by what it is
known, the clause as it is printed, and where in TVM's source it was read (v0.15/0.16 for Relay,
0.27 for Relax, unless a line says otherwise). A message that is not here gets no reason. Numbers in
braces are what the pattern and the recorded values hold there. Beside these a wrong result has the
answer of `bisect.py` for a reason: the pass, the op and the kernel that it was narrowed down to,
by runs.

Made by `scripts/reasons.py` from `tvmq_diag/analysis/reasons`.
"""


def page() -> str:
    """The text of docs/reasons.md."""
    parts = [HEAD]
    for heading, entries in CATALOGUE.items():
        parts.append(f"## {heading}\n\n| when | reason | source |\n| --- | --- | --- |")
        parts += [_row(entry) for entry in entries]
        parts.append("")
    return "\n".join(parts)


def _row(entry: Reason | Circumstance) -> str:
    when = _code(entry.when) if isinstance(entry, Circumstance) else _known_by(entry)
    source = entry.source
    if isinstance(entry, Reason) and entry.tried is not None:
        source += f"; tried: {entry.tried}"
    return f"| {when} | {_escaped(entry.clause)} | {_escaped(source)} |"


def _known_by(reason: Reason) -> str:
    """The pattern, and what else it takes for this to be the reason."""
    parts = [_code(f"`{reason.pattern}`")]
    if reason.function is not None:
        parts.append(f"in `{reason.function}`")
    if reason.since is not None:
        parts.append(f"from the stage {reason.since} on")
    if reason.culprit is not None:
        parts.append(f"handed on by a {reason.culprit}")
    parts += [f"`{name}`: {_code(f'`{pattern}`')}" for name, pattern in reason.values.items()]
    return ", ".join(parts)


def _code(text: str) -> str:
    """A bar ends a cell of a table, also in code."""
    return text.replace("|", "\\|")


def _escaped(text: str) -> str:
    for mark in ("|", "*", "_", "<"):
        text = text.replace(mark, f"\\{mark}")
    return text


def main() -> int:
    """Write it; returns 0."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.parse_args()
    PAGE.write_text(page(), encoding="utf-8")
    print(PAGE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
