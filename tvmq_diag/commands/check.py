"""Try again what a baseline says of TVM's quantizer, and fail where it is no longer so.

examples:
  %(prog)s quantizer.toml --run runs/NAME --write     makes it from a run
  %(prog)s quantizer.toml                             tries it again
  %(prog)s quantizer.toml --tvm-python ~/my-tvm/bin/python --junit check.xml
  %(prog)s quantizer.toml --patch change.diff         with that change of TVM's Python files
  %(prog)s quantizer.toml --write                     tries again and keeps what came of it

Commit the file with your TVM branch. Files that the model is in are looked for from the folder
where the command runs.

exit code: 0 all is as the baseline says; 1 something is not; 2 bad usage; 3 the tool or its set-up
failed; 130 Ctrl-C.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import msgspec
from rich.console import Console

from ..analysis import recovery
from ..analysis.accuracy import Bounds
from ..comparison import baseline
from ..comparison.baseline import Baseline
from ..driver import provenance
from ..errors import UsageError
from ..reports.pages import index
from ..reports.pages import run as run_page
from ..reports.text import baseline as text
from ..reports.text import console
from ..reports.text.console import print_plain
from ..results import store
from ..results.run import Run
from ..toolchains import overlay, resolution
from ..toolchains.toolchain import Toolchain
from .facts import plan_facts
from .folders import fresh_directory
from .options import (
    add_mcpu,
    add_memory_limit,
    add_model,
    add_out,
    add_timeout,
    add_trust,
    add_tvm,
)
from .outcome import Outcome
from .plans import plan_of
from .running import carry_out


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `check`."""
    parser.add_argument("baseline", type=Path, metavar="FILE", help="the baseline, TOML")
    parser.add_argument(
        "--run", dest="of_run", type=Path, metavar="DIR", help="this run; try nothing"
    )
    parser.add_argument(
        "--write", "--update", action="store_true", help="write the baseline instead of checking it"
    )
    parser.add_argument("--junit", type=Path, metavar="FILE", help="the result as JUnit XML")
    parser.add_argument(
        "--patch", type=Path, metavar="FILE", help="on a copy of the TVM with this diff applied"
    )
    add_out(parser, "check-FILE-TIME")
    add_tvm(parser)
    add_mcpu(parser)
    add_timeout(parser, 1800.0)
    add_memory_limit(parser)
    add_trust(parser, "a baseline")


def run(options: argparse.Namespace) -> Outcome:
    """Check or write. Raises UsageError."""
    screen, progress = console.screen(), console.progress()
    if options.of_run is not None:
        work = recovery.load(options.of_run)
        promised = None if options.write else baseline.read(options.baseline)
    else:
        promised = baseline.read(options.baseline)
        source = str(promised.model.model)
        provenance.confirm_baseline(options.baseline, source, options.trust)
        work = try_again(promised, options, progress)
    if options.write:
        current = baseline.of_run(work)
        if not current.promises:
            raise UsageError(f"{work.directory} has no verdict to make a baseline from")
        baseline.write(current, options.baseline)
        provenance.sign_baseline(options.baseline, str(current.model.model))
        print_plain(screen, f"baseline: {options.baseline}")
        return Outcome(record=store.to_json(work))
    assert promised is not None
    checks = baseline.check(promised, work)
    if options.junit:
        baseline.junit(checks, options.junit)
    for check in checks:
        print_plain(screen, "\n".join(text.lines(check)))
    broken = sum(bool(check.broken) for check in checks)
    screen.print(f"{len(checks) - broken} of {len(checks)} as the baseline says", highlight=False)
    return Outcome(1 if broken else 0, {"checks": msgspec.to_builtins(checks)})


def try_again(promised: Baseline, options: argparse.Namespace, progress: Console) -> Run:
    """Compile what a baseline promises, with the options of `check`, and write the page.

    Raises KeyboardInterrupt after Ctrl-C, UsageError, SetupError.
    """
    directory = fresh_directory(options.out, f"check-{options.baseline.stem}")
    chain = _patched(options, directory, progress) if options.patch is not None else None
    plan = replace(
        plan_of(_options(promised, options), progress.print, chain),
        reference=False,
        bounds=Bounds.of(promised.model.min_cosine, promised.model.min_agreement),
    )
    work = Run(directory, plan_facts(plan))
    carry_out(plan, work, progress)
    print_plain(progress, f"report: {directory / run_page.NAME}")
    index.update(directory.parent)
    return work


def _patched(options: argparse.Namespace, directory: Path, progress: Console) -> Toolchain:
    """A copy of the TVM with the patch, inside the output folder. Raises UsageError, SetupError."""
    chain = resolution.resolve(
        options.tvm, options.tvm_python, options.dialect, echo=progress.print
    )
    directory.mkdir(parents=True, exist_ok=True)
    return overlay.patched(chain, options.patch, directory / overlay.FOLDER)


def _options(promised: Baseline, options: argparse.Namespace) -> argparse.Namespace:
    """The options of a trace, as the baseline's model and configurations ask for them."""
    parser = argparse.ArgumentParser()
    add_model(parser)
    merged, model = parser.parse_args([]), promised.model
    shape = model.input_shape
    merged.model = model.model
    merged.input_shape = ",".join(map(str, shape)) if isinstance(shape, list) else shape
    merged.seed = merged.seed if model.seed is None else model.seed
    merged.weights = model.weights
    merged.calibrate_on = model.calibrated_on
    merged.check_on, merged.check_samples = model.checked_on, model.check_samples
    merged.preprocess = model.preprocess
    merged.quantize_opt_level = model.quantize_opt_level
    merged.dtype = ",".join(promised.promises)
    for name in ("tvm", "tvm_python", "dialect", "mcpu", "timeout", "memory_limit"):
        setattr(merged, name, getattr(options, name))
    return merged
