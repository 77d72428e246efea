"""Run many models in many configurations on one TVM or more, and say what became worse.

For before a change to a quantizer is proposed: a zoo of the TVM as it is, then one of the changed
TVM against it. Each cell (model, configuration, TVM) is trace_quantize.py --no-reference in a
process of its own; nothing is timed, so cells run side by side.

examples:
  %(prog)s --models tiny,digits --dtype int8/int8/int32,int4
  %(prog)s --models torchvision:all-small --input-shape 1,3,64,64 --out runs/before
  %(prog)s --models torchvision:all-small --input-shape 1,3,64,64 \\
      --tvm-python ~/my-tvm/bin/python --against runs/before
  %(prog)s --models 'onnx:nets/*.onnx,torchvision:resnet18' --dtype int4 --tvm relay,relax
  %(prog)s --models torchvision:all-small --scheduler tcp://HOST:8786      on a Dask cluster

models: what trace_quantize.py --model takes, with commas between; patterns of files
(onnx:nets/*.onnx); torchvision:all-small, the 40 classifiers of torchvision 0.29 with fewer than
30 million parameters, each of which takes one image.

What a cell came to is kept by content (the model's file, the options, the files of the TVM, this
tool, the processor): run it again, and only what changed or was cut off is run. One that was cut
off goes on in its own folder (--out). Not kept are py: models, which may be others each time,
time-outs, and what memory was short for.

On a cluster (`dask scheduler`; `dask worker tcp://HOST:8786 --nthreads 1` for each core or two)
workers need pip install 'tvmq_diag[zoo,run]' and nothing else: they fetch the toolchain, and are
sent the files that --models and --weights name. py:MODULE and folders of data have to be where they
are here. What a lost worker was in is run again elsewhere. Ctrl-C takes no further results; a cell
that a worker is in goes on there to its end.

exit code: 0 it ran to its end, whatever it found, and nothing is worse than in the baseline; 1
something is worse; 2 bad usage; 3 a TVM could not be set up, or a cell has no result; 130 Ctrl-C
(what is done is in the folder).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import shutil
import time
from pathlib import Path

from rich.console import Console

from .. import foreign
from ..comparison import zoo_diff
from ..comparison.zoo_diff import ZooDiff
from ..configuration import parse_list
from ..driver.zoo import rounds, sources
from ..driver.zoo.cluster import Cluster
from ..driver.zoo.local import Local, cores
from ..driver.zoo.rounds import Setup
from ..driver.zoo.shelf import Shelf
from ..driver.zoo.workplace import Workplace
from ..errors import DiagError, SetupError, UsageError
from ..reports.pages import index
from ..reports.pages import zoo as page
from ..reports.text import console
from ..reports.text import zoo as text
from ..reports.text.console import print_plain
from ..results import zoo
from ..results.zoo import RECORD, Zoo, ZooCell, ZooFacts, ZooTvm
from ..toolchains.limits import usable_bytes
from ..toolchains.recipes import parse_names
from .facts import circumstances
from .folders import fresh_directory
from .options import (
    add_bounds,
    add_compile,
    add_configurations,
    add_input,
    add_out,
    add_own_tvms,
)
from .outcome import Outcome

DTYPES = "int8/int8/int32,int8/int8/int32:nbit_weight=4,int8,int4"

_TOLD = (
    "input_shape", "seed", "weights", "calibrate_on", "samples", "check_on", "check_samples",
    "preprocess", "mcpu", "opt_level", "quantize_opt_level", "timeout", "min_cosine",
    "min_agreement",
)  # fmt: skip
"""Options that each cell is given as they are. What memory a process may use changes no result."""

_NAMING_FILES = ("weights", "calibrate_on", "check_on")

_BETWEEN_PAGES_S = 2.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `zoo`."""
    parser.add_argument(
        "--models", required=True, metavar="SOURCE[,SOURCE…]", help="which, see above"
    )
    add_configurations(parser, DTYPES)
    tvms = parser.add_argument_group("TVMs")
    tvms.add_argument(
        "--tvm",
        metavar="NAME[,NAME…]",
        help="toolchains, installed on first use (relay, or none where --tvm-python is given)",
    )
    add_own_tvms(tvms, ", as well; may be given several times")
    add_input(parser)
    add_compile(parser)
    add_bounds(parser)
    parser.add_argument(
        "--against",
        type=Path,
        metavar="BASELINE",
        help="say what is not as in this zoo: its folder, or its zoo.json; exit code 1 if anything "
        "is worse",
    )
    where = parser.add_argument_group("where it runs")
    where.add_argument(
        "--jobs",
        type=_at_least_one,
        metavar="N",
        help="cells at a time on this machine (as many as it has cores)",
    )
    where.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="on the workers of this Dask scheduler instead, as tcp://HOST:8786",
    )
    parser.add_argument(
        "--fresh", action="store_true", help="run again what is kept of earlier runs"
    )
    add_out(parser, "zoo-TIME")


def run(options: argparse.Namespace) -> Outcome:
    """Run the cells, write zoo.json and index.html as they come."""
    screen, progress = console.screen(), console.progress()
    before = zoo.load(options.against) if options.against is not None else None
    work = _empty(options)
    directory = _cut_off(options.out, work) or fresh_directory(options.out, "zoo")
    with contextlib.closing(_workplace(options, progress)) as place:
        writing = _Writing(work, before, directory, progress)
        setup = Setup(
            directory,
            place,
            Shelf(),
            tuple(work.facts.arguments),
            tuple(_files(options)),
            tuple(_memory(options)),
            options.fresh,
        )
        makers = rounds.look(work, place, lambda name: print_plain(progress, f"TVM: {name}"))
        problems = [f"{tvm.name}: {tvm.problem}" for tvm in work.tvms if tvm.problem]
        if not makers:
            raise SetupError("; ".join(problems))
        for problem in problems:
            print_plain(progress, problem)
        try:
            rounds.run(work, makers, setup, writing.done)
        finally:  # also after Ctrl-C: what is there is worth reading
            if work.cells:
                written = writing.write()
                print_plain(screen, "\n".join(text.lines(work, writing.diff)))
                print_plain(screen, f"report: {written}")
                index.update(directory.parent)
    return Outcome(_code(work, writing.diff), {"folder": directory, **work.to_json()})


class _Writing:
    """What is written and said while cells are done."""

    def __init__(self, work: Zoo, before: Zoo | None, directory: Path, progress: Console) -> None:
        self._work = work
        self._before = before
        self._directory = directory
        self._progress = progress
        self._written = 0.0

    @property
    def diff(self) -> ZooDiff | None:
        """What is not as in the baseline, None without one."""
        return zoo_diff.compare(self._before, self._work) if self._before is not None else None

    def done(self, cell: ZooCell) -> None:
        """A cell is done: a line for it, and the page where it is time."""
        total = sum(1 for _ in self._work.wanted)
        line = text.progress_line(cell, len(self._work.cells), total)
        print_plain(self._progress, line)
        if time.monotonic() - self._written > _BETWEEN_PAGES_S:
            self.write()

    def write(self) -> Path:
        """Write the record and the page; returns the page."""
        self._directory.mkdir(parents=True, exist_ok=True)
        record = json.dumps(self._work.to_json(), indent=1)
        foreign.write(self._directory / RECORD, record + "\n")
        written = page.write(self._work, self.diff, self._directory)
        self._written = time.monotonic()
        return written


def _empty(options: argparse.Namespace) -> Zoo:
    """The zoo before anything was run. Raises UsageError."""
    if options.jobs is not None and options.scheduler:
        raise UsageError("--jobs is for this machine; with --scheduler its workers say how many")
    if options.scheduler and not re.search(r":\d+$", options.scheduler):
        raise UsageError(
            f"--scheduler {options.scheduler}: wants tcp://HOST:PORT, as tcp://HOST:8786"
        )
    named = options.tvm or ("" if options.tvm_python else "relay")
    tvms = [ZooTvm(name=name) for name in parse_names(named)]
    for python in options.tvm_python:
        tvms.append(ZooTvm(name=str(python), python=str(python.expanduser().absolute())))
    if not tvms:
        raise UsageError(f"--tvm {options.tvm!r} names no toolchain")
    return Zoo(
        models=sources.listed(options.models),
        configurations=[configuration.text for configuration in parse_list(options.dtype)],
        tvms=tvms,
        facts=ZooFacts(
            **circumstances(), arguments=_arguments(options), scheduler=options.scheduler
        ),
    )


def _cut_off(folder: Path | None, work: Zoo) -> Path | None:
    """The folder that was asked for, if this very zoo was cut off in it: it goes on there, and what
    is kept of its cells is taken. Raises UsageError for one that cannot be read."""
    if folder is None or not (folder / RECORD).is_file():
        return None
    there = zoo.load(folder)
    same = (there.models, there.configurations, there.facts.arguments) == (
        work.models,
        work.configurations,
        work.facts.arguments,
    )
    by_name = [tvm.name for tvm in there.tvms] == [tvm.name for tvm in work.tvms]
    if not (same and by_name) or len(there.cells) == len(list(there.wanted)):
        return None
    shutil.rmtree(folder / rounds.CELLS, ignore_errors=True)
    return folder


def _workplace(options: argparse.Namespace, progress: Console) -> Workplace:
    def echo(line: str) -> None:
        print_plain(progress, line)

    if options.scheduler:
        return Cluster(options.scheduler, echo)
    return Local(_jobs(options), echo)


def _jobs(options: argparse.Namespace) -> int:
    return int(options.jobs or cores())


def _arguments(options: argparse.Namespace) -> list[str]:
    """Those of _TOLD that were given, or have a default, as `trace` takes them."""
    told = []
    for name in _TOLD:
        value = getattr(options, name)
        if value is not None:
            is_file = name in _NAMING_FILES and Path(value).exists()
            said = str(Path(value).absolute()) if is_file else str(value)
            told += [f"--{name.replace('_', '-')}", said]
    return [*told, *(["--quantize-anyway"] if options.quantize_anyway else [])]


def _files(options: argparse.Namespace) -> list[str]:
    named = (getattr(options, name) for name in _NAMING_FILES)
    return [str(Path(value).absolute()) for value in named if value and Path(value).exists()]


def _memory(options: argparse.Namespace) -> list[str]:
    """What memory a process may use: here, the machine's is shared by the cells that run."""
    if options.memory_limit:
        return ["--memory-limit", str(options.memory_limit)]
    if options.scheduler:
        return []
    return ["--memory-limit", f"{usable_bytes() / 2**30 / _jobs(options):.2f}"]


def _code(work: Zoo, diff: ZooDiff | None) -> int:
    if diff is not None and diff.of_kind(zoo_diff.WORSE):
        return 1
    lacking = any(tvm.problem for tvm in work.tvms) or any(cell.problem for cell in work.cells)
    return DiagError.exit_code if lacking else 0


def _at_least_one(text: str) -> int:
    """The value of --jobs. Raises ArgumentTypeError or ValueError for less than one."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value
