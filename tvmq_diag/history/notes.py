"""What was measured and found out about an op, by its line: the verdict of the map, its error, the
time of its kernel.

Each was counted in a module of its own. Where that count and ours are not of the same ops, nothing
is noted.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ..analysis.dtype_timeline import anchors_of
from ..measurements.benchmark import Kernel
from ..measurements.numerics import ErrorFigures, Numerics
from ..trace.graph import RESULT
from ..trace.trace import Trace
from .lineage import Lineage, Module
from .steps import Step


class Note(msgspec.Struct, omit_defaults=True):
    """Of an op: `fate` is accepted, rejected or unjudged, and `reason` what the pass said.

    Errors are SQNR in dB against float: `alone` with only its own values quantized, `propagated`
    with the whole model, `at_output` that of the model's output when only this op is. `kernel` is
    the lowered function that it is in, `ms` what that took.
    """

    fate: str = ""
    reason: str = ""
    alone: float | None = None
    propagated: float | None = None
    at_output: float | None = None
    kernel: str = ""
    ms: float | None = None


def notes(
    trace: Trace,
    steps: Sequence[Step],
    lineage: Lineage,
    numerics: Numerics | None = None,
    kernels: Sequence[Kernel] = (),
) -> dict[int, Note]:
    """All that is known, by line."""
    found: dict[int, Note] = {}
    _fates(trace, steps, lineage, found)
    if numerics is not None:
        _errors(trace, steps, lineage, numerics, found)
    if lineage.modules:
        _times(lineage.modules[-1], kernels, found)
    return found


def _fates(trace: Trace, steps: Sequence[Step], lineage: Lineage, found: dict[int, Note]) -> None:
    failing = trace.failing_snapshot()
    given = [m for m in lineage.modules if failing and steps[m.step].module == failing.number]
    if trace.map is None or not given:
        return
    lines = {op.node.number: line for line, op in given[-1].ops}
    told = [
        *((row, "accepted", "") for row in trace.map.accepted),
        *((row, "rejected", reason) for row, reason in trace.map.rejected),
        *((row, "unjudged", reason) for row, reason in trace.map.unjudged),
    ]
    for row, fate, reason in told:
        if row in lines:
            note = found.setdefault(lines[row], Note())
            note.fate, note.reason = fate, reason[:200]


def _errors(
    trace: Trace,
    steps: Sequence[Step],
    lineage: Lineage,
    numerics: Numerics,
    found: dict[int, Note],
) -> None:
    """The anchors that were measured are those of the calibrated module, in running order."""
    calibrated = [m for m in lineage.modules if steps[m.step].stage == "calibrate"]
    snapshot = trace.snapshot(steps[calibrated[-1].step].module) if calibrated else None
    if snapshot is None:
        return
    anchors = anchors_of(snapshot)
    if [node.op for node in anchors] != [anchor.op for anchor in numerics.anchors]:
        return
    lines = {op.node.number: line for line, op in calibrated[-1].ops}
    for node, anchor in zip(anchors, numerics.anchors, strict=True):
        note = found.setdefault(lines[node.number], Note())
        note.alone, note.propagated = _db(anchor.alone), _db(anchor.propagated)
        note.at_output = _db(anchor.at_output)


def _times(module: Module, kernels: Sequence[Kernel], found: dict[int, Note]) -> None:
    """The last module's calls are the kernels, in running order, where each makes the same type."""
    calls = [(line, op) for line, op in module.ops if op.name != RESULT]
    if [op.node.tensor for _, op in calls] != [_made(kernel) for kernel in kernels]:
        return
    for (line, _), kernel in zip(calls, kernels, strict=True):
        note = found.setdefault(line, Note())
        note.kernel, note.ms = kernel.name, kernel.ms


def _made(kernel: Kernel) -> str:
    """The type of its last argument, which it writes to, as op tables have it."""
    dtype, sizes = kernel.tensors[-1] if kernel.tensors else ("?", [])
    return f"{dtype}[{','.join(sizes)}]"


def _db(figures: ErrorFigures | None) -> float | None:
    return None if figures is None or figures.sqnr_db is None else round(figures.sqnr_db, 2)
