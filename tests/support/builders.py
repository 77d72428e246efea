"""Parts of traces, and which TVM made them, by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tvmq_diag.toolchains.identity import Identity
from tvmq_diag.trace.events import Written
from tvmq_diag.trace.snapshot import Node, Snapshot

_TVM = Identity("0.16", None, "/tvm", [], 9, 5)


def tvm_identity(**changes: Any) -> Identity:
    return replace(_TVM, **changes)


def call(number: int, op: str, *inputs: int, shape: tuple[int, ...] = (1, 8), **more: Any) -> Node:
    return Node(number, "call", op, inputs, more.pop("dtype", "float32"), shape, **more)


def written(number: int, table: str = "made up") -> Written:
    """What a journal says of a snapshot whose op table nobody reads."""
    return Written(number, table)


def half_quantized() -> Snapshot:
    """Two convolutions, the first in float; then a pooling without a rule and a dense in float."""
    return Snapshot(
        1,
        (
            Node(0, "var", dtype="float32", shape=(1, 3, 8, 8)),
            Node(1, "constant", dtype="float32", shape=(4, 3, 3, 3)),
            Node(2, "call", "nn.conv2d", (0, 1), "float32", (1, 4, 8, 8)),
            Node(3, "call", "cast", (2,), "int8", (1, 4, 8, 8)),
            Node(4, "constant", dtype="int8", shape=(4, 4, 3, 3)),
            Node(5, "call", "nn.conv2d", (3, 4), "int32", (1, 4, 8, 8)),
            Node(6, "call", "cast", (5,), "float32", (1, 4, 8, 8)),
            Node(7, "call", "nn.adaptive_avg_pool2d", (6,), "float32", (1, 4, 1, 1)),
            Node(8, "call", "nn.batch_flatten", (7,), "float32", (1, 4)),
            Node(9, "constant", dtype="float32", shape=(10, 4)),
            Node(10, "call", "nn.dense", (8, 9), "float32", (1, 10)),
        ),
    )
