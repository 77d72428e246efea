"""What a dialect calls the operators that a diagnosis tells apart: one vocabulary a dialect.

All that reads a run asks the vocabulary of its trace (`Trace.vocabulary`, `Snapshot.vocabulary`)
and names no operator itself. What the recording half needs too is in instruments.protocol.ops.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from ..instruments.protocol import ops as shared
from . import stages

STEP_KINDS = shared.STEP_KINDS

DENSE, TRANSPOSED = "dense", "conv2d_transpose"

WEIGHTED = shared.WEIGHTED

ELEMENTWISE = ("add", "multiply")
"""Kinds of anchor that compute each value from those at the same place."""

_NAMESPACES = ("relay.op.", "annotation.", "tvmq.")
"""Of the quantizers' own operators, in the order in which a name has them."""


class Quantizer(msgspec.Struct, frozen=True, eq=False):
    """Which operators a dialect's quantizer takes, and what keeps one of them in float."""

    rules: frozenset[str]
    """The operators that it has a rule for; all others stay float."""
    numbered: frozenset[str]
    """Those that the setting `skip` counts, from 0 in running order."""
    skip: str
    """The setting that lists what to leave in float."""
    switches: Mapping[str, str] = {}
    """Operators that have a setting of their own to leave them in float."""
    ends: str | None = None
    """Behind the first of these that reads a quantized value it quantizes nothing any more."""
    ends_by: str = ""
    """What in its source does that."""
    following: frozenset[str] = frozenset()
    """The operators that it quantizes only where they read the result of a quantized op."""
    float_with_constant: frozenset[str] = frozenset()
    """The operators that it leaves in float where an operand is a constant."""
    same_shape: frozenset[str] = frozenset()
    """The operators that it quantizes only where the operands have one shape."""
    floats: frozenset[str] = frozenset()
    """The dtypes of what it quantizes; empty: any float."""
    passed_over: Mapping[str, str] = {}
    """Operators that its rule leaves as they are, and why, in a clause."""
    wants_constants: bool = False
    """Does it take weights that are constants only?"""


class Vocabulary(msgspec.Struct, frozen=True, eq=False):
    """What a dialect calls things. Operators have the names of op tables.

    Where a set says so its names are short: without the namespaces of `short`.
    """

    dialect: str
    quantizer: Quantizer
    casts: frozenset[str]
    """From one dtype to another."""
    dequantize: frozenset[str]
    """From integers and their scale to float."""
    rescaling: frozenset[str]
    """What the quantizer multiplies sums with their scales by."""
    with_scales: str | None
    """The namespace of operators that take their scales and zero points as operands, as nets that
    arrive quantized have them."""
    channel_scales: bool
    """Can such a scale be a tensor, one value for each channel? Else it is always a scalar."""
    machinery: frozenset[str]
    """Short names of what the quantizer and the compiler write between a model's ops: nobody knows
    these by place."""
    runtime: tuple[str, ...]
    """Namespaces of what the compiler calls at run time: storage, checks of shapes."""
    unpacking: str | None
    """The short name of what takes the values of a weight out of the bytes that they share."""
    notes: str | None
    """The namespace of the quantizer's notes to itself, which compute nothing."""
    operands: Mapping[str, tuple[str, ...]]
    """What the operands of an operator (its short name) are called, where the model or the
    quantizer has a name for them."""
    literals: Mapping[str, tuple[str, ...]]
    """What the numbers and texts are called that an operator (its short name) is written with; a
    table has them as one list."""
    heavy: re.Pattern[str]
    """Operators of the model that compute more than a rescaling does: they are no part of a chain
    of casts."""
    tuners: str
    """What TVM tunes schedules with."""

    @property
    def step(self) -> str:
        """The quantization step between annotate and realize."""
        return shared.STEP[self.dialect]

    def anchor_kind(self, op: str) -> str | None:
        """The kind of anchor (what a person recognises from the model) an operator is, or None."""
        return shared.anchor_kind(self.dialect, op)

    def is_step(self, op: str) -> bool:
        """Is it the quantization step?"""
        return short(op) == short(self.step)

    def step_kind(self, op: str, attrs: Mapping[str, Any]) -> str | None:
        """What a quantization step is for, one of STEP_KINDS; None of any other op."""
        if not self.is_step(op):
            return None
        kind = self.attributes(op, attrs).get("kind")
        if isinstance(kind, int):
            return STEP_KINDS[kind] if 0 <= kind < len(STEP_KINDS) else None
        return kind if kind in STEP_KINDS else None

    def attributes(self, op: str, attrs: Mapping[str, Any]) -> Mapping[str, Any]:
        """An op's attributes; what it is written with goes by name, where that has one."""
        names = self.literals.get(short(op))
        literals = attrs.get("literals")
        if names is None or not isinstance(literals, list):  # or a damaged table's
            return attrs
        named = dict(zip(names, literals, strict=False))
        return {**{name: attrs[name] for name in attrs if name != "literals"}, **named}

    def is_bitserial(self, attrs: Mapping[str, Any]) -> bool:
        """Does an op of these attributes multiply packed bits? It makes two results for each of the
        model's op, of the weights above zero and of those below (instruments/relay/quantizer)."""
        return self.dialect == stages.RELAY and "pack_dtype" in attrs

    def is_note(self, op: str) -> bool:
        """Is it a note of the quantizer to itself?"""
        return self.notes is not None and op.startswith(self.notes)

    def is_machinery(self, op: str) -> bool:
        """Is it the quantizer's or the compiler's own, whatever it computes with?"""
        return short(op) in self.machinery or op.startswith(self.runtime)


RELAY = Vocabulary(
    dialect=stages.RELAY,
    quantizer=Quantizer(
        # python/tvm/relay/quantize/_annotate.py, TVM 0.16: register_annotate_function
        rules=frozenset(
            {
                "nn.contrib_conv2d_NCHWc", "nn.conv2d", "nn.conv1d", "nn.dense",
                "nn.batch_matmul", "multiply", "add", "reshape", "clip", "nn.relu",
                "strided_slice", "nn.avg_pool2d", "nn.batch_flatten", "transpose",
                "nn.max_pool2d", "nn.max_pool1d", "concatenate", "nn.global_avg_pool2d",
            }
        ),
        numbered=frozenset({"nn.conv2d"}),
        skip="skip_conv_layers",
        switches={"nn.dense": "skip_dense_layer"},
        # _annotate.py, conv2d_nchwc_rewrite
        passed_over={
            "nn.contrib_conv2d_NCHWc": "the quantizer warns that it has no effect on NCHWc "
            "convolutions: quantize before AlterOpLayout"
        },
        ends="nn.global_avg_pool2d",
        ends_by="stop_quantize in _annotate.py",
        # identity_rewrite, pool2d_rewrite, concatenate_rewrite, add_rewrite, multiply_rewrite
        following=frozenset(
            {
                "multiply", "add", "reshape", "clip", "nn.relu", "strided_slice", "nn.avg_pool2d",
                "nn.batch_flatten", "transpose", "nn.max_pool2d", "nn.max_pool1d", "concatenate",
                "nn.global_avg_pool2d",
            }
        ),
        wants_constants=True,
    ),
    casts=frozenset({"cast"}),
    dequantize=frozenset(),
    rescaling=frozenset({"multiply"}),
    with_scales="qnn.",
    channel_scales=False,
    machinery=frozenset(
        {
            "simulated_quantize", "cast_hint", "stop_fusion", "cast", "clip", "round",
            "right_shift", "left_shift", "fixed_point_multiply",
            "fixed_point_multiply_per_axis", "zeros", "full", "where", "greater_equal",
            "layout_transform", "copy", "device_copy", "on_device",
        }
    ),
    runtime=(),
    unpacking=None,
    notes="annotation.",
    operands={
        "simulated_quantize": ("data", "scale", "clip_min", "clip_max"),
        **dict.fromkeys(
            (
                "nn.conv1d", "nn.conv2d", "nn.conv2d_transpose", "nn.conv3d",
                "nn.contrib_conv2d_NCHWc", "nn.dense",
            ),
            ("data", "weights"),
        ),
    },
    literals={},
    heavy=re.compile(r"^nn\.(?:conv|dense|global|avg|max)"),
    tuners="autotvm, meta_schedule",
)  # fmt: skip

RELAX = Vocabulary(
    dialect=stages.RELAX,
    quantizer=Quantizer(
        # instruments/relax/quantizer/annotate.py: ANCHORS, PASS_THROUGH and _is_residual
        rules=frozenset(
            {
                "nn.conv2d", "matmul", "add", "nn.relu", "nn.max_pool2d", "reshape", "flatten",
                "squeeze", "expand_dims", "permute_dims",
            }
        ),
        numbered=frozenset({"nn.conv2d", "matmul"}),
        skip="skip",
        following=frozenset(
            {
                "add", "nn.relu", "nn.max_pool2d", "reshape", "flatten", "squeeze", "expand_dims",
                "permute_dims",
            }
        ),
        float_with_constant=frozenset({"add"}),
        same_shape=frozenset({"add"}),
        floats=frozenset({"float32", "float16"}),
    ),
    # LegalizeOps makes kernels of the second name (relax/transform/legalize_ops/datatype.py).
    casts=frozenset({"astype", "cast"}),
    dequantize=frozenset({"dequantize"}),
    rescaling=frozenset({"multiply"}),
    with_scales=None,
    channel_scales=True,
    machinery=frozenset(
        {
            "simulated_quantize", "astype", "cast", "clip", "tir_clip", "round", "tir_round",
            "quantize", "dequantize", "zeros", "full", "where", "greater_equal",
            "layout_transform", "to_vdevice", "hint_on_device", "null_value", "unpack",
        }
    ),
    runtime=("builtin.", "memory.", "vm."),
    # instruments/relax/quantizer/weight_ops.py, with both of its matmuls
    unpacking="unpack",
    notes=None,
    operands={
        "simulated_quantize": ("data", "scale"),
        "unpack": ("packed", "meets"),
        "packed_matmul": ("data", "weights"),
        "grouped_matmul": ("data", "weights", "scale"),
        **dict.fromkeys(
            ("nn.conv1d", "nn.conv2d", "nn.conv2d_transpose", "nn.conv3d"), ("data", "weights")
        ),
    },
    literals={
        "simulated_quantize": ("kind", "bits", "signed", "axis"),
        **dict.fromkeys(
            ("unpack", "packed_matmul", "grouped_matmul"), ("bits", "least", "rows", "dtype")
        ),
    },
    heavy=re.compile(r"^nn\.(?:conv|avg|max|adaptive)|matmul$|^mean$"),
    tuners="meta_schedule",
)  # fmt: skip

_BY_DIALECT = {vocabulary.dialect: vocabulary for vocabulary in (RELAY, RELAX)}


def of_dialect(dialect: str | None) -> Vocabulary:
    """The vocabulary of a dialect; Relay's where a journal does not say which it is."""
    return _BY_DIALECT.get(dialect or stages.RELAY, RELAY)


@functools.lru_cache(4096)  # a model has few names, each of them thousands of times
def short(op: str) -> str:
    """An operator as people call it: without the namespaces of the quantizers' own."""
    for namespace in _NAMESPACES:
        op = op.removeprefix(namespace)
    return op


CONVOLUTION = "convolution"
DENSE = "dense"
POOLING = "pooling"
LAYOUT = "layout"
REQUANTIZE = "cast, clip, requantize"
OTHER = "other elementwise"

KERNELS = {
    CONVOLUTION: r"conv[123]d",
    DENSE: r"dense|matmul",
    POOLING: r"pool",
    LAYOUT: r"layout_transform|transpose|reshape",
    REQUANTIZE: r"cast|clip|round|shift|fixed_point_multiply",
    OTHER: r"",
}
"""Kinds of kernel and the ops in their names that tell, alike in both dialects. A fused kernel is
of the first that fits: what is fused into a convolution cannot be told apart from it."""


def kernel_kind(name: str) -> str:
    """Which of KERNELS a kernel of this name is."""
    return next(kind for kind, ops in KERNELS.items() if re.search(ops, name))
