"""What was measured and found out about the ops of a compile, by their lines.

Each measurement counts ops in its own way. Where its ops cannot be told for certain from what is on
record of the module that it was made of, nothing is noted: no figure stands at the wrong op.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from ..measurements.benchmark import Kernel
from ..measurements.numerics import Anchor, ErrorFigures, Numerics, QuantizationStep
from ..results.run import Result
from ..trace.graph import RESULT, Graph, Op
from ..trace.simulated import simulated
from ..trace.snapshot import is_float
from ..trace.trace import Trace
from .lineage import Lineage, Module, called
from .steps import Step

REJECTED = "rejected"
ACCEPTED = "accepted"
UNJUDGED = "cannot be judged alone"
UNREACHED = "not reached"

Decibel = float | Literal["exact", "no number"]
"""An SQNR; `exact` where there is no error at all, `no number` where there are no finite values."""


class Errors(msgspec.Struct, frozen=True, omit_defaults=True):
    """An op's SQNR against float, dB; None: not measured, as it stays float or time was up.

    `before`: with the whole model quantized. `output`: the model's, with only this op quantized.
    """

    number: int
    before: Decibel
    alone: Decibel | None = None
    output: Decibel | None = None


class Range(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a quantization step does to the float model's values; shares are 0 to 1."""

    clipped: float | None = None
    zeroed: float | None = None
    largest: float | None = None


class Timed(msgspec.Struct, frozen=True):
    """The kernel that a lowered op runs; `number` counts them in running order."""

    number: int
    name: str
    ms: float


class Note(msgspec.Struct, omit_defaults=True):
    """All that is known of a line beyond what the modules say.

    `fate`: how the failing pass takes it alone (REJECTED, ACCEPTED, UNJUDGED, UNREACHED), and `why`
    not. `blame`: what part it has in the failure.
    """

    fate: str | None = None
    why: str | None = None
    blame: str | None = None
    errors: Errors | None = None
    range: Range | None = None
    kernel: Timed | None = None


Notes = dict[int, Note]


def of(
    result: Result,
    trace: Trace,
    passed: list[Step],
    followed: Lineage,
    kernels: Sequence[Kernel] = (),
) -> Notes:
    """What is known of the ops of a compile; `kernels` are its own, as they were profiled."""
    notes: Notes = {}
    _fates(notes, result, trace, followed)
    if result.numerics is not None:
        _numerics(notes, result.numerics, trace, calibrated(passed, followed))
    for line, kernel in timed(followed, kernels):
        _at(notes, line).kernel = Timed(kernel.number, kernel.name, round(kernel.ms, 6))
    return notes


def calibrated(passed: list[Step], followed: Lineage) -> Module | None:
    """The module whose quantization steps have their scales, and are not realized yet."""
    last = max((i for i, step in enumerate(passed) if step.stage == "calibrate"), default=None)
    return None if last is None else followed.at(last)


def anchors(numerics: Numerics, module: Module | None) -> list[tuple[int, Anchor]]:
    """The anchors that were measured, each with its line; none unless all of them are found.

    They count as instruments.numerics.probe does: the float ops of a known kind that compute with
    no scalar, in the table's order.
    """
    if module is None:
        return []
    found = [(line, op) for line, op in _in_table_order(module) if _measured(module.graph, op)]
    if [_named(op) for _, op in found] != [(a.op, a.span, a.shape) for a in numerics.anchors]:
        return []
    return [(line, anchor) for (line, _), anchor in zip(found, numerics.anchors, strict=True)]


def timed(followed: Lineage, kernels: Sequence[Kernel]) -> list[tuple[int, Kernel]]:
    """The kernels of a compile, each with the line of the op that it is.

    By name where names are on record: all where they come in the same order, or else those that
    there is one of. Where there are none, by what they read and make, all in order or none.
    """
    if not followed.modules or not kernels:
        return []
    last = followed.modules[-1]
    calls = [(line, op) for line, op in last.ops if op.name != RESULT]
    names = [called(last.graph, op) for _, op in calls]
    wanted = [kernel.name for kernel in kernels]
    if not any(names):  # Relax's calls have names, all but the number that TVM puts behind one
        names = [_unnumbered(op.node.op.removeprefix("@")) for _, op in calls]
        wanted = [_unnumbered(kernel.name) for kernel in kernels]
    if not set(names) & set(wanted):
        same = [_types(op) for _, op in calls] == [_tensors(kernel) for kernel in kernels]
        return _paired(calls, kernels) if same else []
    # What is no kernel, as the allocation of memory, is not in the profile.
    chosen = [call for call, name in zip(calls, names, strict=True) if name in wanted]
    if [name for name in names if name in wanted] == wanted:
        return _paired(chosen, kernels)
    here, there = Counter(names), Counter(wanted)
    only = {name: k for name, k in zip(wanted, kernels, strict=True) if there[name] == 1}
    pairs = zip(calls, names, strict=True)
    return [(line, only[name]) for (line, _), name in pairs if name in only and here[name] == 1]


def _unnumbered(name: str) -> str:
    return re.sub(r"\d+$", "", name)


def _paired(calls: Sequence[tuple[int, Op]], kernels: Sequence[Kernel]) -> list[tuple[int, Kernel]]:
    return [(line, kernel) for (line, _), kernel in zip(calls, kernels, strict=True)]


def _at(notes: Notes, line: int) -> Note:
    return notes.setdefault(line, Note())


def _fates(notes: Notes, result: Result, trace: Trace, followed: Lineage) -> None:
    failing = trace.failing_snapshot()
    given = (m for m in followed.modules if failing and m.graph.snapshot.number == failing.number)
    module = next(given, None)
    if module is None:
        return
    known = trace.map
    if known is not None:
        reasons: dict[int, tuple[str, str | None]] = {
            row: (REJECTED, said.partition(": ")[2] or said) for row, said in known.rejected
        }
        reasons |= {row: (UNJUDGED, why) for row, why in known.unjudged}
        reasons |= dict.fromkeys(known.accepted, (ACCEPTED, None))
        for line, op in module.ops:
            if op.name != RESULT:
                note = _at(notes, line)
                note.fate, note.why = reasons.get(op.node.number, (UNREACHED, None))
    blamed, culprit = trace.blamed(), trace.culprit
    if blamed is not None:
        message = f": {result.verdict.message}" if result.verdict.message else ""
        _at(notes, module.lines[blamed[0]]).blame = f"the compile failed at it{message}"
    if culprit is not None and culprit.index is not None and culprit.index < len(module.lines):
        said = f": with its value cast to {culprit.dtype} the pass goes through"
        proven = said if culprit.dtype else ""
        _at(
            notes, module.lines[culprit.index]
        ).blame = f"it handed on what the pass could not take{proven}"


def _numerics(notes: Notes, numerics: Numerics, trace: Trace, module: Module | None) -> None:
    found = anchors(numerics, module)
    for line, anchor in found:
        _at(notes, line).errors = Errors(
            anchor.index,
            _decibel(anchor.propagated),
            _decibel(anchor.alone) if anchor.alone is not None else None,
            _decibel(anchor.at_output) if anchor.at_output is not None else None,
        )
    if found and module is not None:
        for line, step in _quantization_steps(numerics, trace, module):
            _at(notes, line).range = Range(step.saturated_alone, step.zeroed, step.largest)


def _quantization_steps(
    numerics: Numerics, trace: Trace, module: Module
) -> Iterator[tuple[int, QuantizationStep]]:
    """Each step that was measured, with its line; none unless kinds and scales are all the same."""
    words = module.graph.snapshot.vocabulary
    found = [(line, op) for line, op in _in_table_order(module) if words.is_step(op.name)]
    if len(found) != len(numerics.steps):
        return
    for (_, op), step in zip(found, numerics.steps, strict=True):
        known = simulated(op.node, module.graph.snapshot, trace.facts.qconfig)
        if known is None or known.kind != step.kind:
            return
        if not _alike(known.scale, step.scale):
            return
    for (line, _), step in zip(found, numerics.steps, strict=True):
        yield line, step


def _alike(scale: float | str | None, measured: float | None) -> bool:
    """Can they be one scale? Of one for each channel only its type is on record."""
    if measured is None or not isinstance(scale, float):
        return True
    return math.isclose(scale, measured, rel_tol=1e-5)


def _in_table_order(module: Module) -> list[tuple[int, Op]]:
    real = [(line, op) for line, op in module.ops if op.name != RESULT]
    return sorted(real, key=lambda pair: pair[1].node.number)


def _measured(graph: Graph, op: Op) -> bool:
    nodes = graph.snapshot.nodes
    scalars = (nodes[row].kind == "constant" and nodes[row].shape == () for row in op.node.inputs)
    known = op.vocabulary.anchor_kind(op.name) is not None
    return known and is_float(op.node.dtype) and not any(scalars)


def _named(op: Op) -> tuple[str, str | None, tuple[int | str, ...] | None]:
    return op.node.op, op.node.span, op.node.shape


def _decibel(error: ErrorFigures) -> Decibel:
    if math.isfinite(error.sqnr):
        return round(error.sqnr, 2)
    return "exact" if error.sqnr > 0 else "no number"


def _types(op: Op) -> list[str]:
    return [*(operand.type for operand in op.operands), op.node.tensor]


def _tensors(kernel: Kernel) -> list[str]:
    return [f"{dtype}[{','.join(sizes)}]" for dtype, sizes in kernel.tensors]
