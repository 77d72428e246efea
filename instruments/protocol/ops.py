"""What the dialects call the operators that both halves of the project tell apart.

Standard library only: `tvmq_diag`, which never imports tvm, hands this on in tvmq_diag.trace.ops.
"""

from __future__ import annotations

import functools
import re

from .schema import RELAX, RELAY

STEP = {RELAY: "relay.op.annotation.simulated_quantize", RELAX: "tvmq.simulated_quantize"}
"""The quantization step between annotate and realize, by dialect: Relay's is TVM's own
(src/relay/quantize/quantize.cc), Relax's this project's (instruments/relax/quantizer/op.py)."""

STEP_KINDS = ("identity", "input", "weight", "activation")
"""What a step can be for, in the order in which TVM numbers them (QAnnotateKind in
python/tvm/relay/quantize/quantize.py). Relax's quantizer has the last three, by name."""

_IN_BOTH = {
    "conv1d": r"conv1d",
    "conv2d": r"conv2d(?!_transpose)",
    "conv2d_transpose": r"conv2d_transpose",
    "conv3d": r"conv3d",
    "dense": r"matmul",
    "add": r"^add$|^nn\.batch_norm$",
    "multiply": r"^multiply$",
    "max_pool": r"max_pool",
    "avg_pool": r"avg_pool|^mean$",
    "concatenate": r"^concatenate$",
    "softmax": r"softmax",
}

ANCHORS = {
    RELAY: {
        **_IN_BOTH,
        "dense": r"dense|matmul",
        "add": r"^(?:qnn\.)?add$|^nn\.(?:bias_add|batch_norm)$",
        "multiply": r"^multiply$|^qnn\.mul$",
        "concatenate": r"^(?:qnn\.)?concatenate$",
    },
    RELAX: {**_IN_BOTH, "concatenate": r"^concat(?:enate)?$"},
}
"""Operators that a person recognises from the model (anchors), by dialect: the kinds, alike in
both, and the operators of each. A pattern is searched for, so that it is found in the name of a
kernel too. Relay's SimplifyInference turns a batch_norm into an add; a Relax concat is lowered to
a kernel called concatenate."""

CHOOSING = ("max_pool", "concatenate")
"""Kinds of anchor that only choose among the values they get: a quantization step before them is
also one of the op behind them, which reads the very values that the step made."""

WEIGHTED = ("conv1d", "conv2d", "conv2d_transpose", "conv3d", "dense")
"""Kinds of anchor whose second operand is a weight, if it is a constant."""


@functools.lru_cache(maxsize=None)
def anchor_kind(dialect: str, op: str) -> str | None:
    """The kind of anchor an operator of the dialect is, a key of ANCHORS; None if it is none."""
    kinds = ANCHORS[dialect].items()
    return next((kind for kind, pattern in kinds if re.search(pattern, op)), None)


def is_weighted(dialect: str, op: str) -> bool:
    """Is it an operator of the dialect whose second operand may be a weight?"""
    return anchor_kind(dialect, op) in WEIGHTED
