"""Write the JSON schemas of verdict.json, run.json and zoo.json into docs/schema.

examples:
  %(prog)s                after a change of the types in tvmq_diag/results; a test says when

They are made from the types that read the files.

exit code: 0 done; 2 bad usage.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import msgspec  # noqa: E402

from tvmq_diag.results.facts import RunFacts  # noqa: E402
from tvmq_diag.results.store import VerdictRecord  # noqa: E402
from tvmq_diag.results.zoo import RECORD, ZooRecord  # noqa: E402
from tvmq_diag.trace.layout import FACTS, VERDICTS  # noqa: E402

FOLDER = ROOT / "docs" / "schema"

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def schemas() -> dict[str, str]:
    """The text of each schema, by the name of its file."""
    files: dict[str, Any] = {VERDICTS: list[VerdictRecord], FACTS: RunFacts, RECORD: ZooRecord}
    return {f"{Path(name).stem}.schema.json": _schema(name, kind) for name, kind in files.items()}


def _schema(name: str, kind: Any) -> str:
    schema = msgspec.json.schema(kind)
    facts = schema.get("$defs", {}).get("RunFacts")
    if facts is not None:
        # Not a name in the file: what a reader does with names that it does not know.
        del facts["properties"]["extra"]
    whole = {"$schema": DRAFT, "title": name, **schema}
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def main() -> int:
    """Write them; returns 0."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in schemas().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
        print(FOLDER / name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
