"""Try again what a baseline says of TVM's quantizer, and fail where it is no longer so.

examples:
  %(prog)s quantizer.toml --run runs/NAME --write     makes it from a run
  %(prog)s quantizer.toml                             tries it again
  %(prog)s quantizer.toml --tvm-python ~/my-tvm/bin/python --junit check.xml
  %(prog)s quantizer.toml --write                     tries again and keeps what came of it

Commit the file with your TVM branch. Files that the model is in are looked for from the folder
where the command runs.

exit code: 0 all is as the baseline says; 1 something is not; 2 bad usage; 3 the tool or its set-up
failed; 130 Ctrl-C.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console

from ..analysis import judge
from ..comparison import baseline
from ..comparison.baseline import Baseline, Check
from ..errors import UsageError
from ..reports.pages import index, page
from ..results import store
from ..results.verdict import Run
from .common import (
    add_model,
    add_tvm,
    fresh_directory,
    model_facts,
    plan,
    positive,
)
from .running import carry_out


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `check`."""
    parser.add_argument("baseline", type=Path, metavar="FILE", help="the baseline, TOML")
    parser.add_argument(
        "--run", dest="made", type=Path, metavar="DIR", help="this run; try nothing"
    )
    parser.add_argument(
        "--write", "--update", action="store_true", help="write the baseline instead of checking it"
    )
    parser.add_argument("--junit", type=Path, metavar="FILE", help="the result as JUnit XML")
    parser.add_argument("--out", type=Path, metavar="DIR", help="default: runs/check-FILE-TIME")
    add_tvm(parser)
    parser.add_argument(
        "--mcpu", metavar="CPU", help="for the target; 'none' leaves it out (host's)"
    )
    parser.add_argument(
        "--timeout", type=positive, default=1800.0, metavar="S", help="per process (1800)"
    )
    parser.add_argument(
        "--memory-limit", type=positive, metavar="GIB", help="per process (90%% of the machine)"
    )


def run(options: argparse.Namespace) -> int:
    """Check or write; returns the exit code. Raises UsageError."""
    screen, progress = Console(), Console(stderr=True)
    if options.made is not None:
        work = store.load(options.made)
        promised = None if options.write else baseline.read(options.baseline)
    else:
        promised = baseline.read(options.baseline)
        work = try_again(promised, options, progress)
    if options.write:
        made = baseline.of_run(work)
        if not made.promises:
            raise UsageError(f"{work.directory} has no verdict to make a baseline from")
        baseline.write(made, options.baseline)
        screen.print(f"baseline: {options.baseline}", highlight=False, soft_wrap=True, markup=False)
        return 0
    assert promised is not None
    checks = baseline.check(promised, work)
    if options.junit:
        baseline.junit(checks, options.junit)
    for found in checks:
        text = "\n".join(lines(found))
        screen.print(text, highlight=False, soft_wrap=True, markup=False)
    broken = sum(bool(found.broken) for found in checks)
    screen.print(f"{len(checks) - broken} of {len(checks)} as the baseline says", highlight=False)
    return 1 if broken else 0


def lines(found: Check) -> list[str]:
    """A check as text; of a broken one, what came instead."""
    said = [f"{'✗' if found.broken else '✓'} {found.configuration}"]
    said += [f"  {text}" for text in found.broken]
    return [*said, f"  now: {found.headline}"] if found.broken else said


def try_again(promised: Baseline, options: argparse.Namespace, progress: Console) -> Run:
    """Compile what a baseline promises, with the options of `check`, and write the page.

    Raises KeyboardInterrupt after Ctrl-C, UsageError, SetupError.
    """
    directory = fresh_directory(options.out, f"check-{options.baseline.stem}")
    asked = plan(
        _options(promised, options),
        progress.print,
        reference=False,
        min_cosine=promised.facts.get("min_cosine", judge.MIN_COSINE),
    )
    work = Run(directory, model_facts(asked))
    carry_out(asked, work, progress)
    index.write(directory.parent)
    report = f"report: {directory / page.NAME}"
    progress.print(report, highlight=False, soft_wrap=True, markup=False)
    return work


def _options(promised: Baseline, options: argparse.Namespace) -> argparse.Namespace:
    """The options of a trace, as the baseline's model and configurations ask for them."""
    usual = argparse.ArgumentParser()
    add_model(usual)
    found, facts = usual.parse_args([]), promised.facts
    shape = facts.get("input_shape")
    found.model = facts["model"]
    found.input_shape = ",".join(map(str, shape)) if shape else None
    found.seed = facts.get("seed", found.seed)
    found.weights = facts.get("weights")
    found.calibrate_on = facts.get("calibrated_on")
    found.dtype = ",".join(promised.promises)
    for name in ("tvm", "tvm_python", "mcpu", "timeout", "memory_limit"):
        setattr(found, name, getattr(options, name))
    return found
