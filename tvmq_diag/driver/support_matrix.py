"""Fill the support matrix: one TVM process per cell.

What a process said is kept in the cache, by the TVM, the tool, the cell and the target's cpu: a
second run starts only the processes whose answer may have changed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec

from .. import __version__, foreign
from ..analysis import tvm_error
from ..errors import SetupError, UsageError
from ..instruments.protocol import cells
from ..instruments.protocol.cells import StepBegins, StepEnds
from ..instruments.protocol.jobs import CellJob
from ..results.support_matrix import NEEDS, STEPS, Cell, CellStep, Matrix
from ..toolchains import process, scratch
from ..toolchains.cache import cache_dir
from ..toolchains.identity import Identity
from ..toolchains.limits import Limits
from ..toolchains.toolchain import Toolchain
from ..trace import layout
from ..trace.ending import Ending, How
from ..trace.failure import Raised

_DETAIL = 6_000
_ASSERTED = re.compile(r"^Assert fail: .*, (?=[^,]+ is expected to )")
"""The condition that generated code checks, before the sentence about it."""
_NOT_A_PLACE = re.compile(r"PackedFunc|ffi_error|^_Z")
"""Functions that only carry the error from C++ to Python."""


@dataclass(frozen=True)
class Setup:
    """With what the cells are run. `tvm` is what `identify` says; `mcpu` None means the host's.

    `command` replaces the TVM process's program, for tests.
    """

    toolchain: Toolchain
    tvm: Identity
    limits: Limits
    mcpu: str | None = None
    fresh: bool = False
    command: list[str] | None = None


def run(
    matrix: Matrix, setup: Setup, watch: Callable[[str, str, str], None] = lambda *_: None
) -> None:
    """Fill the matrix. `watch` gets op, dtype, and "" before or the word of the cell after it.

    Ctrl-C raises KeyboardInterrupt; the cells done till then are in the matrix and in the cache.
    Raises SetupError when a TVM process ends before it has begun.
    """
    for op in matrix.ops:
        for dtype in matrix.dtypes:
            watch(op, dtype, "")
            cell = _cell(op, dtype, setup)
            matrix.cells.append(cell)
            watch(op, dtype, cell.stopped_at or "works")


# One cell


def _cell(op: str, dtype: str, setup: Setup) -> Cell:
    kept = _cache_file(op, dtype, setup)
    if not setup.fresh:
        with contextlib.suppress(UsageError):
            cached = foreign.record(kept.parent, kept.name, _CELL)
            if [step.name for step in cached.steps] == list(STEPS):
                return cached
    cell, lasting = _measure(op, dtype, setup)
    if lasting:
        _keep(kept, cell)
    return cell


def _measure(op: str, dtype: str, setup: Setup) -> tuple[Cell, bool]:
    """The cell, and whether a process would say the same again: a time-out may be a busy machine.

    A process that dies in a step is followed by one that goes on with what does not need that step.
    """
    steps: dict[str, CellStep] = {}
    lasting = True
    remaining = list(STEPS)
    while remaining:
        output, ending = _process(op, dtype, remaining, setup)
        if ending.how == How.INTERRUPTED:
            raise KeyboardInterrupt
        told, open_step = read(output)
        steps.update(told)
        if ending.how == How.FINISHED and ending.code == 0 and open_step is None:
            break
        if ending.how == How.FINISHED and not told and open_step is None:
            raise SetupError(_did_not_begin(ending, setup))
        lasting = lasting and ending.how in (How.FINISHED, How.SIGNAL)
        dead = open_step or next(name for name in remaining if name not in steps)
        steps[dead] = CellStep(
            dead, False, _death(ending, setup.limits), "", ending.tail[-_DETAIL:]
        )
        later = STEPS[STEPS.index(dead) + 1 :]
        remaining = [name for name in later if name in remaining and _possible(name, steps)]
    return Cell(op, dtype, [steps.get(name) or _untried(name, steps) for name in STEPS]), lasting


def _possible(name: str, steps: dict[str, CellStep]) -> bool:
    """May a new process try this step? What it needs must be done there too, or have gone well."""
    needed = NEEDS.get(name)
    if name in steps or needed is None:
        return name not in steps
    return bool(steps[needed].ok) if needed in steps else _possible(needed, steps)


def _untried(name: str, steps: dict[str, CellStep]) -> CellStep:
    needed: str | None = NEEDS.get(name)
    while needed is not None and needed not in steps:
        needed = NEEDS.get(needed)
    return CellStep(name, None, f"not tried: it needs {needed}" if needed else "not tried")


def read(output: str) -> tuple[dict[str, CellStep], str | None]:
    """The steps a process told of, and the one that it began and did not end."""
    steps: dict[str, CellStep] = {}
    begun: str | None = None
    for event in cells.events(output):
        if isinstance(event, StepBegins):
            begun = event.step
        else:
            steps[event.step] = _step(event)
            begun = None if begun == event.step else begun
    return steps, begun


def _step(ended: StepEnds) -> CellStep:
    text = ended.message
    if ended.ok is not False:
        return CellStep(ended.step, ended.ok, text[:_DETAIL])
    detail = (ended.detail or text)[-_DETAIL:]
    sentence = _ASSERTED.sub("", tvm_error.sentence(text)) or "it fails without a word"
    return CellStep(ended.step, False, sentence, _where(ended), detail)


def _where(ended: StepEnds) -> str:
    """The innermost open pass that tells something, then the function and line that raised."""
    names = ended.passes
    telling = [name for name in names if name not in ("sequential", "InferType")]
    site = tvm_error.read(ended.message).site
    if site is None and ended.raised is not None:
        site = tvm_error.python_site(Raised(**vars(ended.raised)))
    parts = telling[-1:] or names[-1:]
    if site and not _NOT_A_PLACE.search(site.function or ""):
        parts += [site.function or ""] + ([f"{site.file}:{site.line}"] if site.file else [])
    return ", ".join(part for part in parts if part)


def _death(ending: Ending, limits: Limits) -> str:
    if ending.how == How.TIMED_OUT:
        return f"no end within {limits.timeout:g} s"
    if ending.how == How.OUT_OF_MEMORY:
        return f"it took more than {limits.memory / 2**30:.0f} GiB of memory"
    if ending.signal_name:
        return f"the process died ({ending.signal_name})"
    return f"the process ended with exit code {ending.code}"


def _did_not_begin(ending: Ending, setup: Setup) -> str:
    lines = [line.strip() for line in ending.tail.splitlines() if line.strip()]
    said = lines[-1][:300] if lines else f"exit code {ending.code}"
    return f"the TVM process of {setup.toolchain.python} ended before it began: {said}"


def _process(op: str, dtype: str, steps: list[str], setup: Setup) -> tuple[str, Ending]:
    """Everything that a process for these steps printed, and how it ended."""
    with scratch.folder() as temporary:
        folder = temporary / "cell"
        job = CellJob(str(folder), setup.toolchain.dialect, op, dtype, steps, setup.mcpu)
        ending = process.run(setup.toolchain, job, setup.limits, command=setup.command)
        try:
            output = (folder / layout.OUTPUT).read_text(encoding="utf-8", errors="replace")
        except OSError:
            output = ending.tail
    return output, ending


# The cache

_CELL = msgspec.json.Decoder(Cell)


def _spec(op: str, dtype: str, setup: Setup) -> dict[str, Any]:
    return {"op": op, "dtype": dtype, "mcpu": setup.mcpu}


def _sources(dialect: str) -> list[str]:
    """What a cell is made by: a checkout of the tool changes without its version."""
    inside = ("matrix", "protocol/cells.py", "protocol/records.py", "inputs/target.py")
    own = (f"{dialect}/cell.py", f"{dialect}/cases.py")
    places = [process.INSTRUMENTS / name for name in (*inside, *own)]
    files = [file for place in places for file in (sorted(place.glob("*.py")) or [place])]
    ours = [Path(str(tvm_error.__file__)), Path(__file__)]
    return [hashlib.sha256(file.read_bytes()).hexdigest() for file in [*files, *ours]]


def _cache_file(op: str, dtype: str, setup: Setup) -> Path:
    parts = {
        "python": str(setup.toolchain.python),
        "tvm": asdict(setup.tvm),
        "tool": __version__,
        "sources": _sources(setup.toolchain.dialect),
        **_spec(op, dtype, setup),
    }
    key = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
    return cache_dir() / "matrix" / f"{op}-{dtype}-{key}.json"


def _keep(file: Path, cell: Cell) -> None:
    """A cache that cannot be written costs only time."""
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        foreign.write(file, json.dumps(msgspec.to_builtins(cell), indent=1))
