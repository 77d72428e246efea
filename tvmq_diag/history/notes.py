"""What was measured and found out about an op, by its line: the verdict of the map, its error, what
its quantization step does to its values, the time of its kernel.

Each was counted in a module of its own. Where its ops cannot be told for certain from what is on
record of that module, nothing is noted: no figure stands at the wrong op.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from ..analysis.dtype_timeline import anchors_of
from ..measurements.benchmark import Kernel
from ..measurements.numerics import Anchor, ErrorFigures, Numerics, QuantizationStep
from ..trace.facts import Setting
from ..trace.graph import RESULT, Graph, Op
from ..trace.simulated import simulated
from ..trace.snapshot import Node, Snapshot
from ..trace.trace import Trace
from .lineage import Lineage, Module, called
from .steps import Step

Decibel = float | Literal["exact"]


class Note(msgspec.Struct, omit_defaults=True):
    """Of an op: `fate` is accepted, rejected or unjudged, and `reason` what the pass said.

    Errors are SQNR in dB against float, `exact` where there is none: `alone` with only its own
    values quantized, `propagated` with the whole model, `at_output` that of the model's output when
    only this op is. Of a quantization step: the shares, 0 to 1, of the float model's values that
    are `clipped`, and that become 0 (`zeroed`), and the `largest` magnitude. `kernel` is the
    lowered function that it is in, `ms` what that took.
    """

    fate: str = ""
    reason: str = ""
    alone: Decibel | None = None
    propagated: Decibel | None = None
    at_output: Decibel | None = None
    clipped: float | None = None
    zeroed: float | None = None
    largest: float | None = None
    kernel: str = ""
    ms: float | None = None


Notes = dict[int, Note]


def notes(
    trace: Trace,
    steps: Sequence[Step],
    lineage: Lineage,
    numerics: Numerics | None = None,
    kernels: Sequence[Kernel] = (),
) -> Notes:
    """All that is known, by line."""
    found: Notes = {}
    _fates(trace, steps, lineage, found)
    calibrated = [m for m in lineage.modules if steps[m.step].stage == "calibrate"]
    if numerics is not None and calibrated:
        _numerics(trace, calibrated[-1], numerics, found)
    if lineage.modules:
        last = lineage.modules[-1]
        for op, kernel in timed(last.graph, kernels):
            note = _at(found, last.lines[op.index])
            note.kernel, note.ms = kernel.name, kernel.ms
    return found


def anchors(snapshot: Snapshot, numerics: Numerics) -> list[tuple[Node, Anchor]]:
    """The anchors that were measured, with their ops in the calibrated module; none unless it has
    the same ones."""
    there = anchors_of(snapshot)
    if [_named(node) for node in there] != [_named(anchor) for anchor in numerics.anchors]:
        return []
    return list(zip(there, numerics.anchors, strict=True))


def scaled(
    snapshot: Snapshot, qconfig: Mapping[str, Setting], numerics: Numerics
) -> list[tuple[Node, QuantizationStep]]:
    """The quantization steps that were measured, with their ops in the calibrated module; none
    unless kinds and scales are all the same."""
    executed = sorted(snapshot.executed(), key=lambda node: node.number)  # as they are counted
    nodes = [node for node in executed if snapshot.vocabulary.is_step(node.op)]
    if len(nodes) != len(numerics.steps):
        return []
    pairs = list(zip(nodes, numerics.steps, strict=True))
    for node, step in pairs:
        known = simulated(node, snapshot, qconfig)
        if known is None or known.kind != step.kind or not _alike(known.scale, step.scale):
            return []
    return pairs


def timed(graph: Graph, kernels: Sequence[Kernel]) -> list[tuple[Op, Kernel]]:
    """The kernels of a compile, with the ops of its last module that they are.

    By name where names are on record: all where they come in the same order, or else those that
    there is one of. Where there are none, by what they make, all in order or none.
    """
    calls = [op for op in graph.ops if op.name != RESULT]
    names = [called(graph, op) for op in calls]
    wanted = [kernel.name for kernel in kernels]
    if not any(names):  # Relax's calls have names, all but the number that TVM puts behind one
        names = [_unnumbered(op.node.op.removeprefix("@")) for op in calls]
        wanted = [_unnumbered(kernel.name) for kernel in kernels]
    if not set(names) & set(wanted):
        same = [op.node.tensor for op in calls] == [_made(kernel) for kernel in kernels]
        return list(zip(calls, kernels, strict=True)) if same else []
    # What is no kernel, as the allocation of memory, is not in the profile.
    chosen = [(op, name) for op, name in zip(calls, names, strict=True) if name in wanted]
    if [name for _, name in chosen] == wanted:
        return [(op, kernel) for (op, _), kernel in zip(chosen, kernels, strict=True)]
    here, there = Counter(names), Counter(wanted)
    only = {name: k for name, k in zip(wanted, kernels, strict=True) if there[name] == 1}
    return [(op, only[name]) for op, name in chosen if name in only and here[name] == 1]


def _at(found: Notes, line: int) -> Note:
    return found.setdefault(line, Note())


def _fates(trace: Trace, steps: Sequence[Step], lineage: Lineage, found: Notes) -> None:
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
            note = _at(found, lines[row])
            note.fate, note.reason = fate, reason[:200]


def _numerics(trace: Trace, module: Module, numerics: Numerics, found: Notes) -> None:
    lines = {op.node.number: line for line, op in module.ops}
    snapshot = module.graph.snapshot
    measured = anchors(snapshot, numerics)
    for node, anchor in measured:
        note = _at(found, lines[node.number])
        note.alone, note.propagated = _db(anchor.alone), _db(anchor.propagated)
        note.at_output = _db(anchor.at_output)
    for node, step in scaled(snapshot, trace.facts.qconfig, numerics) if measured else ():
        note = _at(found, lines[node.number])
        note.clipped, note.zeroed, note.largest = step.saturated_alone, step.zeroed, step.largest


def _named(op: Node | Anchor) -> tuple[str, str | None, tuple[int | str, ...] | None]:
    return op.op, op.span, op.shape


def _alike(scale: float | str | None, measured: float | None) -> bool:
    """Can they be one scale? Of one for each channel only its type is on record."""
    if measured is None or not isinstance(scale, float):
        return True
    return math.isclose(scale, measured, rel_tol=1e-5)


def _unnumbered(name: str) -> str:
    return re.sub(r"\d+$", "", name)


def _made(kernel: Kernel) -> str:
    """The type of its last argument, which it writes to, as op tables have it."""
    dtype, sizes = kernel.tensors[-1] if kernel.tensors else ("?", [])
    return f"{dtype}[{','.join(sizes)}]"


def _db(figures: ErrorFigures | None) -> Decibel | None:
    if figures is None or figures.sqnr == math.inf:
        return None if figures is None else "exact"
    return None if figures.sqnr_db is None else round(figures.sqnr_db, 2)
