"""Compare two runs, or two traces: the first pass that differs, op by op, and what is worse for it.
Of three and more, each is compared with the one before it.

examples:
  %(prog)s runs/before runs/after
  %(prog)s runs/before/traces/int4 runs/after/traces/int4 --text
  %(prog)s runs/before runs/after --allow slower,moved-earlier
  %(prog)s runs/tiny-*                  a table over all of them, the oldest first

The text goes to standard output and is the same for the same two compiles: no times, no paths.

exit code: 0 nothing is worse; 1 something is; 2 bad usage. Worse are these, less what --allow
names: regressed (it worked), moved-earlier (it fails sooner), missing (it was not tried),
accuracy, coverage, slower. Of several, 1 if any of them is worse than the one before it.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from .. import foreign
from ..comparison import across, run_diff
from ..comparison.figures import Tolerances
from ..comparison.record import RECORD
from ..comparison.run_diff import REGRESSIONS, Comparison
from ..errors import UsageError
from ..reports.pages import across as across_page
from ..reports.pages import comparison as page
from ..reports.pages import index
from ..reports.text import across as across_text
from ..reports.text import comparison, console
from .facts import circumstances
from .folders import fresh_directory
from .options import add_out
from .outcome import Outcome

TEXT = "comparison.txt"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `compare`."""
    parser.add_argument("old", type=Path, metavar="BEFORE", help="the folder of a run or trace")
    parser.add_argument("new", type=Path, metavar="AFTER", help="the other")
    parser.add_argument(
        "more",
        nargs="*",
        type=Path,
        metavar="MORE",
        help="further ones: runs are put in the order of their time",
    )
    add_tolerances(parser)
    add_out(parser, "compare-AFTER-TIME")
    parser.add_argument("--text", action="store_true", help="print the text and write nothing")


def add_tolerances(parser: argparse.ArgumentParser) -> None:
    """Add how much worse a figure may be, and what may be worse."""
    defaults = Tolerances()
    parser.add_argument(
        "--allow",
        default="",
        metavar="CLASS[,CLASS…]",
        help=f"what may be worse: {', '.join(REGRESSIONS)}",
    )
    parser.add_argument(
        "--cosine",
        type=float,
        default=defaults.cosine,
        metavar="C",
        help="tolerated loss (%(default)s)",
    )
    parser.add_argument(
        "--sqnr",
        type=float,
        default=defaults.sqnr_db,
        metavar="DB",
        help="tolerated loss (%(default)s)",
    )
    parser.add_argument(
        "--agreement",
        type=float,
        default=defaults.agreement,
        metavar="SHARE",
        help="tolerated loss of classes that are the float model's, or the label (%(default)s)",
    )
    parser.add_argument(
        "--slower",
        type=float,
        default=defaults.time,
        metavar="SHARE",
        help="tolerated, even where the intervals are apart (%(default)s)",
    )


def run(options: argparse.Namespace) -> Outcome:
    """Compare, print, write. Raises UsageError."""
    allowed = allowances(options)
    if options.more:
        return _several(options, allowed)
    compared = run_diff.compare(options.old, options.new, tolerances(options))
    if not options.text:
        name = options.new.resolve().name
        directory = fresh_directory(options.out, f"compare-{name}")
        facts = {"before": str(options.old), "now": str(options.new)}
        console.error(f"report: {write(compared, facts, directory)}")
    console.plain(comparison.text(compared))
    return Outcome(1 if compared.regressions(allowed) else 0, compared.to_json())


def _several(options: argparse.Namespace, allowed: frozenset[str]) -> Outcome:
    folders = [options.old, options.new, *options.more]
    compared = across.compare(folders, tolerances(options))
    told = across_text.text(compared)
    if not options.text:
        directory = fresh_directory(options.out, f"compare-{len(folders)}")
        facts = dict(circumstances())
        _record(compared.to_json(), facts, told, directory)
        console.error(f"report: {across_page.write(compared, facts, directory)}")
        index.update(directory.parent)
    console.plain(told)
    return Outcome(1 if compared.regressions(allowed) else 0, compared.to_json())


def write(compared: Comparison, about: dict[str, str], directory: Path) -> Path:
    """Write the record, the text and the page, which says what it is `about`; returns the page."""
    facts = {**circumstances(), **about}
    _record(compared.to_json(), facts, comparison.text(compared), directory)
    written = page.write(compared, facts, directory)
    index.update(directory.parent)
    return written


def _record(found: dict[str, Any], facts: dict[str, Any], told: str, directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    foreign.write(directory / RECORD, json.dumps({**facts, **found}, indent=2) + "\n")
    foreign.write(directory / TEXT, told)


def tolerances(options: argparse.Namespace) -> Tolerances:
    """How much worse a figure may be, as the options say."""
    return Tolerances(options.cosine, options.sqnr, options.slower, options.agreement)


def allowances(options: argparse.Namespace) -> frozenset[str]:
    """The classes of regression that --allow names. Raises UsageError for one that there is not."""
    names = frozenset(name.strip() for name in options.allow.split(",") if name.strip())
    unknown = sorted(names - set(REGRESSIONS))
    if unknown:
        raise UsageError(f"--allow {unknown[0]!r} is none of {', '.join(REGRESSIONS)}")
    return names
