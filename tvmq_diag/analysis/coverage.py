"""Did the quantization actually happen? Ops, multiply-accumulates and weight bytes by dtype."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass, field

from ..configuration import bits
from ..trace.ops import DENSE, TRANSPOSED, WEIGHTED, short
from ..trace.snapshot import Node, Snapshot, is_float
from ..trace.stages import STAGES
from ..trace.trace import Trace
from .dtype_timeline import anchors_of
from .reasons import in_float
from .unquantized import Unquantized, unquantized


@dataclass
class StageCoverage:
    """After one stage: anchor ops, MACs and weight bytes, each by the dtype they are read in."""

    stage: str
    ops: Counter[str] = field(default_factory=Counter)
    macs: Counter[str] = field(default_factory=Counter)
    weight_bytes: Counter[str] = field(default_factory=Counter)


@dataclass
class Coverage:
    """The stages in order, and the ops that read float after the last of them."""

    stages: list[StageCoverage]
    unquantized: list[Unquantized]
    arrived: bool = False
    """Did the model arrive quantized? Then it is from import on."""
    module: int | None = None
    """The snapshot of the last stage, which those ops are counted in."""

    @property
    def quantized(self) -> list[StageCoverage]:
        """The stages from realize on; empty if the compile did not come so far."""
        if self.arrived:
            return self.stages
        return [stage for stage in self.stages if stage.stage in ("realize", "fold")]

    @property
    def share(self) -> float | None:
        """Which share of the multiplying reads 8 bits or fewer in the end, 0 to 1."""
        macs = self.quantized[-1].macs if self.quantized else Counter[str]()
        if not macs.total():
            return None
        narrow = (count for dtype, count in macs.items() if _narrow(dtype))
        return sum(narrow) / macs.total()


def coverage(trace: Trace) -> Coverage:
    """Count a trace's modules, stage by stage, up to fold (lowering only rearranges)."""
    counted = []
    last: Snapshot | None = None
    imported = trace.imported()
    if imported is not None:
        counted.append(count("import", imported))
    for stage in STAGES[1 : STAGES.index("lower")]:
        module = next(trace.modules_of(stage), None)
        if module is not None:
            counted.append(count(stage, module))
            last = module
    arrived = bool(trace.facts.quantized_ops)
    last = last or imported
    covered = Coverage(counted, [], arrived, last.number if last is not None else None)
    if arrived:
        covered.unquantized = _islands(last, trace)
    elif last is not None and covered.quantized:
        covered.unquantized = unquantized(
            last, trace.facts.qconfig, [warning.text for warning in trace.warnings]
        )
    return covered


def _islands(module: Snapshot | None, trace: Trace) -> list[Unquantized]:
    """Of a model that arrived quantized: the anchors that read float, in running order."""
    if module is None:
        return []
    job = trace.facts.job
    folded = job is not None and job.fq2i
    on_dequantized = {island.index: island.reason for island in trace.facts.islands}
    numbers = {call.number: index for index, call in enumerate(module.executed())}
    remaining = []
    for call in anchors_of(module):
        index = numbers[call.number]
        if not is_float(_reads(module, call)):
            continue
        reason = in_float.WAS_FLOAT.clause
        if index in on_dequantized:
            reason = (folded and on_dequantized[index]) or in_float.ON_DEQUANTIZED.clause
        remaining.append(Unquantized(index, call.op, call.span, reason))
    return remaining


def count(stage: str, module: Snapshot) -> StageCoverage:
    """Count one module's anchors; what its types do not tell is left out."""
    counted = StageCoverage(stage)
    for call in anchors_of(module):
        dtype = _reads(module, call)
        if dtype is None:
            continue
        counted.ops[dtype] += 1
        if module.vocabulary.anchor_kind(call.op) in WEIGHTED and len(call.inputs) > 1:
            weight = module.nodes[call.inputs[1]]
            counted.macs[dtype] += _macs(module, call, weight)
            stored = _stored(module, weight)
            if stored.dtype is not None:
                size = math.prod(_sizes(stored)) * bits(stored.dtype)
                counted.weight_bytes[stored.dtype] += (size + 7) // 8
    return counted


def _stored(module: Snapshot, weight: Node) -> Node:
    """What the module holds of a weight: the bytes that it is unpacked from, if it is."""
    node = weight
    while node.kind == "call" and node.inputs:
        first = module.nodes[node.inputs[0]]
        if short(node.op) == module.vocabulary.unpacking:
            return first
        node = first
    return weight


def _narrow(dtype: str) -> bool:
    return not dtype.startswith(("float", "bfloat")) and bits(dtype) <= 8


def _reads(module: Snapshot, call: Node) -> str | None:
    return module.nodes[call.inputs[0]].dtype if call.inputs else None


def _macs(module: Snapshot, call: Node, weight: Node) -> int:
    """How often the op multiplies; 0 where its shapes are not known.

    A value that a dense makes takes one product for each entry of the last axis of what it reads;
    one of a convolution, the weights of one output channel. A transposed convolution multiplies
    each value that it reads by the weights of one input channel. A bitserial op has the model's
    products twice; its weights are packed, and the last axis of what it reads is the channels.
    """
    data, outputs, kernel = (_sizes(node) for node in (module.nodes[call.inputs[0]], call, weight))
    if not (data and outputs and kernel):
        return 0
    kind = module.vocabulary.anchor_kind(call.op)
    if module.vocabulary.is_bitserial(call.attrs):
        size = call.attrs.get("kernel_size")  # a dense has none
        window = [side for side in size if isinstance(side, int)] if isinstance(size, list) else []
        return math.prod(outputs) // 2 * data[-1] * math.prod(window)
    if kind == DENSE:
        return math.prod(outputs) * data[-1]
    values, axis = (data, "I") if kind == TRANSPOSED else (outputs, "O")
    return math.prod(values) * math.prod(kernel) // _channels(module, call, kernel, axis)


def _channels(module: Snapshot, call: Node, kernel: list[int], axis: str) -> int:
    """How many input (I) or output (O) channels the weights are for; at least 1.

    A layout may have two parts of each, as OIHW4i16o. Where none is recorded, the channels in
    question are the first axis.
    """
    layout = module.vocabulary.attributes(call.op, call.attrs).get("kernel_layout")
    letters = re.sub(r"\d", "", layout).upper() if isinstance(layout, str) else ""
    if len(letters) != len(kernel):
        return max(kernel[0], 1)
    parts = [size for size, letter in zip(kernel, letters, strict=True) if letter == axis]
    return max(math.prod(parts), 1)


def _sizes(node: Node) -> list[int]:
    return [size for size in node.shape or () if isinstance(size, int)]
