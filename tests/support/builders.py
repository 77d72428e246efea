"""Parts of traces, and which TVM made them, by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tvmq_diag.toolchains.identity import Identity
from tvmq_diag.trace.events import Written
from tvmq_diag.trace.snapshot import Node

_TVM = Identity("0.16", None, "/tvm", [], 9, 5)


def tvm_identity(**changes: Any) -> Identity:
    return replace(_TVM, **changes)


def call(number: int, op: str, *inputs: int, shape: tuple[int, ...] = (1, 8), **more: Any) -> Node:
    return Node(number, "call", op, inputs, more.pop("dtype", "float32"), shape, **more)


def written(number: int, table: str = "made up") -> Written:
    """What a journal says of a snapshot whose op table nobody reads."""
    return Written(number, table)
