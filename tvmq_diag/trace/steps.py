"""What the quantization steps between annotate and realize are set to, read from an op table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from .snapshot import Node, Snapshot


class StepSettings(msgspec.Struct, frozen=True):
    """A value v becomes round(v / scale), clipped to `low` and `high`, times the scale.

    `kind` is one of ops.STEP_KINDS, or what else the table says. A number that is not known yet, as
    a scale before calibrate, is None.
    """

    kind: object
    signed: bool
    scale: float | None
    scales: int
    """How many scales there are: above 1, each channel has its own and `scale` is None."""
    low: float | None
    high: float | None


def read(node: Node, snapshot: Snapshot) -> StepSettings | None:
    """The quantization step that a call is; None if it is none."""
    vocabulary = snapshot.vocabulary
    if not vocabulary.is_step(node.op):
        return None
    attributes = vocabulary.attributes(node.op, node.attrs)
    kind = vocabulary.step_kind(node.op, node.attrs) or attributes.get("kind")
    numbers: list[float | None] = [_number(snapshot, row) for row in node.inputs[1:4]]
    scale, low, high = (numbers + [None] * 3)[:3]
    if "bits" in attributes:
        low, high = _range(attributes)
        scale = scale or None  # 0: not calibrated yet
    signed = bool(attributes.get("signed", attributes.get("sign", True)))
    return StepSettings(kind, signed, scale, _count(node, snapshot), low, high)


def _number(snapshot: Snapshot, row: int) -> float | None:
    return snapshot.nodes[row].value if 0 <= row < len(snapshot.nodes) else None


def _count(node: Node, snapshot: Snapshot) -> int:
    rows = [row for row in node.inputs[1:2] if 0 <= row < len(snapshot.nodes)]
    shapes = [snapshot.nodes[row].shape for row in rows]
    sizes = [shape[0] for shape in shapes if shape]
    return sizes[0] if sizes and isinstance(sizes[0], int) else 1


def _range(attributes: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """The least and the greatest integer (instruments/relax/quantizer/config.py, value_range)."""
    bits = attributes["bits"]
    if not isinstance(bits, int) or not 1 <= bits <= 64:  # a damaged one
        return None, None
    if not attributes.get("signed", True):
        return 0, 2**bits - 1
    return (-1, 0) if bits == 1 else (1 - 2 ** (bits - 1), 2 ** (bits - 1) - 1)
