"""Write docs/answers.md, the answers to the assignment, from runs that this makes or is given.

examples:
  %(prog)s                                    ResNet-50 without -mcpu, as in the assignment
  %(prog)s --model digits -- --search 0       another model; behind -- options of trace_quantize.py
  %(prog)s --run runs/NAME --tuned runs/TUNED runs that are there; the second was made with --tune
  %(prog)s --page                             the page anew from docs/answers.json, without a run

The figures go into answers.json, and the page is made of that. A run takes TVM 0.16, and with
ResNet-50 some ten minutes on a quiet machine.

exit code: 0 written; 1 the run came to no verdict on TVM's default; 2 bad usage; 3 set-up.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import msgspec
from answering import distilled, page
from answering.facts import Answers

from tvmq_diag.commands import cli, trace
from tvmq_diag.commands.outcome import Outcome
from tvmq_diag.errors import UsageError

DOCS = Path(__file__).resolve().parent.parent / "docs"
NAME = "answers"
ASKED = "int8/int8/int32,int8,int4,int2,int1"
"""TVM's default, which is what people mean by int8, and what the assignment tries."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("--run", dest="of_run", type=Path, metavar="DIR", help="take this run")
    parser.add_argument("--tuned", type=Path, metavar="DIR", help="and this one, with --tune")
    parser.add_argument("--searched", type=Path, metavar="DIR", help="and this one's fewest bits")
    parser.add_argument("--page", action="store_true", help="write only the page anew")
    parser.add_argument("--model", default="torchvision:resnet50", help="%(default)s")
    parser.add_argument("--mcpu", default="none", help="as of trace_quantize.py (%(default)s)")
    parser.add_argument("--out", type=Path, default=Path("runs") / NAME, help="of a run made here")
    parser.add_argument("more", nargs="*", metavar="OPTION", help="behind --: of trace_quantize.py")
    parser.add_argument("--docs", type=Path, default=DOCS, help="where the page goes")


def run(options: argparse.Namespace) -> Outcome:
    """Write both files. Raises UsageError."""
    facts, text = options.docs / f"{NAME}.json", options.docs / f"{NAME}.md"
    if not options.page:
        folder = options.of_run or _made(options)
        answers = distilled.answers(folder, options.tuned, options.searched)
        encoded = msgspec.json.format(msgspec.json.encode(answers), indent=1).decode() + "\n"
        if distilled.names_a_folder(encoded):
            raise UsageError("what the run says names folders of this machine: leave --out out")
        facts.write_text(encoded, encoding="utf-8")
    text.write_text(page.page(stored(facts)), encoding="utf-8")
    print(text)
    return Outcome(0, {"page": text})


def stored(path: Path) -> Answers:
    """The figures that are on disk. Raises UsageError where they are not, or not readable."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Answers)
    except (OSError, msgspec.DecodeError) as error:
        raise UsageError(f"{path}: {error}") from error


def _made(options: argparse.Namespace) -> Path:
    """Make the run; returns its folder. Raises UsageError where it could not be made."""
    words = ["--model", options.model, "--dtype", ASKED, "--mcpu", options.mcpu]
    code = cli.script(trace, [*words, "--out", str(options.out), *options.more])
    if code not in (0, 1):
        raise UsageError(f"the run ended with exit code {code}")
    return Path(options.out)


if __name__ == "__main__":
    sys.exit(cli.script(sys.modules[__name__]))
