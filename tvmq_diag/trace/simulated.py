"""What a quantization step stands for: it computes in float what the quantized op will compute.

Between annotate and realize every dtype is float; what a value will be stands in the step itself,
in its scale and clip, and, on Relay, in the quantizer's configuration.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from .facts import Setting
from .ops import short
from .snapshot import Node, Snapshot


class Simulated(msgspec.Struct, frozen=True):
    """What a quantization step will make of its value.

    `dtype` is None where the configuration is not on record. `scale` is the size of a step, a
    number or the type of a tensor with one for each channel; `least` and `greatest` are steps. All
    three are None until they are calibrated.
    """

    kind: str
    dtype: str | None = None
    least: float | None = None
    greatest: float | None = None
    scale: float | str | None = None

    def __str__(self) -> str:
        parts = [f"as {self.dtype or '?'}"]
        if self.least is not None and self.greatest is not None:
            parts.append(f"[{self.least:g}, {self.greatest:g}]")
        if self.scale is not None:
            parts.append(self.scale if isinstance(self.scale, str) else f"{self.scale:.6g}")
        return " · ".join(parts)


def simulated(
    node: Node, snapshot: Snapshot, qconfig: Mapping[str, Setting] | None = None
) -> Simulated | None:
    """What a quantization step stands for; None of any other op."""
    words = snapshot.vocabulary
    kind = words.step_kind(node.op, node.attrs)
    if kind is None:
        return None
    named = dict(zip(words.operands[short(node.op)], node.inputs, strict=False))
    values = {name: _constant(snapshot.nodes[row]) for name, row in named.items()}
    least, greatest, dtype = values.get("clip_min"), values.get("clip_max"), None
    attributes = words.attributes(node.op, node.attrs)
    bits, signed = attributes.get("bits"), attributes.get("signed")
    if (
        isinstance(bits, int) and 1 <= bits <= 64
    ):  # Relax: instruments/relax/quantizer/config.py, value_range
        dtype = f"{'int' if signed else 'uint'}{bits}"
        low, high = _range(bits, bool(signed))
        least, greatest = (low, high) if values.get("scale") is not None else (None, None)
    else:  # Relay: quantize.cc, QConfig::GetDtypeForKind; an identity has the activation's
        setting = (qconfig or {}).get(f"dtype_{'activation' if kind == 'identity' else kind}")
        dtype = setting if isinstance(setting, str) else None
    return Simulated(kind, dtype, _number(least), _number(greatest), values.get("scale"))


def _constant(node: Node) -> float | str | None:
    """A scalar's value, of a constant tensor its type; None of what is not calibrated yet."""
    if node.kind != "constant":
        return None
    if node.value is None:
        return node.tensor
    return float(node.value) or None  # 0 until calibrated, on Relax


def _number(value: float | str | None) -> float | None:
    return value if isinstance(value, (int, float)) else None


def _range(bits: int, signed: bool) -> tuple[float, float]:
    if not signed:
        return 0.0, float(2**bits - 1)
    return (-1.0, 0.0) if bits == 1 else (1.0 - 2.0 ** (bits - 1), 2.0 ** (bits - 1) - 1)
