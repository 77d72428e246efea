"""Did the quantization actually happen? Ops, multiply-accumulates and weight bytes by dtype."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..configuration import bits
from ..trace.snapshot import Node, Snapshot
from ..trace.stages import STAGES
from ..trace.trace import Trace
from .dtype_timeline import anchor_kind, anchors_of

WEIGHTED = ("conv1d", "conv2d", "conv2d_transpose", "conv3d", "dense")
"""Kinds of anchor that multiply by weights: the ones quantization is for."""

RULES = frozenset(
    {
        "nn.contrib_conv2d_NCHWc", "nn.conv2d", "nn.conv1d", "nn.dense", "nn.batch_matmul",
        "multiply", "add", "reshape", "clip", "nn.relu", "strided_slice", "nn.avg_pool2d",
        "nn.batch_flatten", "transpose", "nn.max_pool2d", "nn.max_pool1d", "concatenate",
        "nn.global_avg_pool2d",
    }
)  # fmt: skip
"""Operators with a rewrite rule (python/tvm/relay/quantize/_annotate.py, TVM 0.16)."""


ENDS = "nn.global_avg_pool2d"
"""Behind the first of these that reads a quantized value TVM quantizes nothing any more."""


@dataclass
class StageCoverage:
    """After one stage: anchor ops, MACs and weight bytes, each by the dtype they are read in."""

    stage: str
    ops: Counter[str] = field(default_factory=Counter)
    macs: Counter[str] = field(default_factory=Counter)
    weight_bytes: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Left:
    """An anchor op that still works in float at the end, and why; `index` is in running order."""

    index: int
    op: str
    span: str | None
    reason: str


@dataclass
class Coverage:
    """The stages in order, and what was left in float after the last of them."""

    stages: list[StageCoverage]
    left: list[Left]

    @property
    def quantized(self) -> list[StageCoverage]:
        """The stages from realize on; empty if the compile did not come so far."""
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
    found = []
    last: Snapshot | None = None
    imported = trace.imported()
    if imported is not None:
        found.append(count("import", imported))
    for stage in STAGES[1 : STAGES.index("lower")]:
        module = next(trace.modules_of(stage), None)
        if module is not None:
            found.append(count(stage, module))
            last = module
    quantized = any(entry.stage in ("realize", "fold") for entry in found)
    left = left_in_float(last, trace.facts.qconfig) if last is not None and quantized else []
    return Coverage(found, left)


def count(stage: str, module: Snapshot) -> StageCoverage:
    """Count one module's anchors; what its types do not tell is left out."""
    counted = StageCoverage(stage)
    for call in anchors_of(module):
        dtype = _reads(module, call)
        if dtype is None:
            continue
        counted.ops[dtype] += 1
        if anchor_kind(call.op) in WEIGHTED and len(call.inputs) > 1:
            weight = module.nodes[call.inputs[1]]
            counted.macs[dtype] += _macs(call, weight)
            if weight.dtype is not None:
                size = math.prod(_sizes(weight)) * bits(weight.dtype)
                counted.weight_bytes[weight.dtype] += (size + 7) // 8
    return counted


def left_in_float(module: Snapshot, qconfig: Mapping[str, object]) -> list[Left]:
    """The anchors that read float, with the setting or the missing rule that kept them there."""
    skipped = qconfig.get("skip_conv_layers")
    skipped = skipped if isinstance(skipped, list) else []
    left = []
    convolutions, ended = 0, False
    for index, call in enumerate(module.executed()):
        if anchor_kind(call.op) is None:
            continue
        number = convolutions
        convolutions += call.op == "nn.conv2d"
        if not (_reads(module, call) or "").startswith("float"):
            continue
        ends = call.op == ENDS and _was_integer(module, call)
        if ended or ends:
            where = "here" if ends and not ended else f"behind the first {ENDS}"
            reason = f"quantization ends {where} (stop_quantize in _annotate.py)"
        elif call.op == "nn.conv2d" and number in skipped:
            reason = f"skip_conv_layers holds {number}"
        elif call.op == "nn.dense" and qconfig.get("skip_dense_layer"):
            reason = "skip_dense_layer is set"
        elif call.op not in RULES:
            reason = f"the quantizer has no rule for {call.op}"
        else:
            reason = "what it reads was left in float"
        if not any(module.nodes[i].value is not None for i in call.inputs):
            left.append(Left(index, call.op, call.span, reason))
        ended |= ends
    return left


def _was_integer(module: Snapshot, call: Node) -> bool:
    """Is what it reads a rescaled integer, as of a quantized value that an op reads in float?"""
    node = module.nodes[call.inputs[0]]
    while node.op in ("multiply", "cast") and str(node.dtype).startswith("float"):
        node = module.nodes[node.inputs[0]]
    return not str(node.dtype).startswith("float")


def _narrow(dtype: str) -> bool:
    return not dtype.startswith(("float", "bfloat")) and bits(dtype) <= 8


def _reads(module: Snapshot, call: Node) -> str | None:
    return module.nodes[call.inputs[0]].dtype if call.inputs else None


def _macs(call: Node, weight: Node) -> int:
    """Each output value takes as many as there are weights for one output channel."""
    outputs, kernel = _sizes(call), _sizes(weight)
    return math.prod(outputs) * math.prod(kernel[1:]) if outputs and kernel else 0


def _sizes(node: Node) -> list[int]:
    return [size for size in node.shape or () if isinstance(size, int)]
