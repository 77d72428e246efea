"""What is asked of the quantizer."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Iterable, Mapping

import numpy as np

Batches = Iterable[Mapping[str, np.ndarray]]
"""Arrays by the names of main's parameters. Gone through once."""

_in_force: list[QConfig] = []


@dataclass(frozen=True)
class QConfig:
    """The names are those of Relay's QConfig where it has the field.

    A dtype says what values are kept in, nbit how many bits of it they use: they are independent.
    """

    dtype_input: str = "int8"
    """Of what goes into conv2d and matmul."""
    dtype_weight: str = "int8"
    dtype_activation: str = "int32"
    """What conv2d, matmul and additions add up in. Realize "qdq" adds up in float."""
    nbit_input: int | None = None
    """None: the bits of dtype_input."""
    nbit_weight: int | None = None
    calibrate_mode: str = "minmax"
    """minmax, percentile, kl (or Relay's kl_divergence), global_scale."""
    realize: str = "integer"
    """integer: integer ops. qdq: float ops between relax.dequantize and relax.quantize. packed: as
    integer, to the last bit, with weights of up to 4 bits several to a byte."""
    per_channel: bool = True
    """One scale for each output channel of a weight, not one for all of it."""
    skip: tuple[Any, ...] = ()
    """Left in float: ops by name ("add", "nn.conv2d"), conv2d and matmul by number, from 0."""
    global_scale: float = 8.0
    """The bound of all activations in mode global_scale."""
    nbit_activation: int | None = None
    """Of the operands of an addition. None: 16, or where dtype_activation is narrower, one bit less
    than it has, which the sum needs. Realize "qdq" takes nbit_input."""
    weight_bits: str = ""
    """The bits of each weight that is quantized, in running order: a digit from 1 to 8 for each.
    Empty: nbit_weight for all."""
    group: int = 0
    """How many values of a matmul's constant weight (rows, channels) have a scale together: so many
    rows of a channel. 0: all rows of it. So it is too of a weight whose rows `group` does not
    divide (of all of them: ValueError), where not per_channel, and with realize "qdq"."""

    def __post_init__(self) -> None:
        """Raises ValueError for weight_bits that are none."""
        if re.fullmatch("[1-8]*", self.weight_bits) is None:
            raise ValueError(f"weight_bits={self.weight_bits} is not digits from 1 to 8")

    @classmethod
    def from_fields(cls, given: Mapping[str, Any]) -> QConfig:
        """From a mapping that may hold more than is known here."""
        names = {field.name for field in fields(cls)}
        chosen = {name: value for name, value in given.items() if name in names}
        if "skip" in chosen:
            chosen["skip"] = tuple(chosen["skip"])
        return cls(**chosen)

    def in_float(self) -> QConfig:
        """To realize with: all integers are kept in float32, where TVM can do everything."""
        return replace(
            self, dtype_input="float32", dtype_weight="float32", dtype_activation="float32"
        )

    def __enter__(self) -> QConfig:
        _in_force.append(self)
        return self

    def __exit__(self, *exception: object) -> None:
        _in_force.pop()


def current() -> QConfig | None:
    """The config in force: while the passes run, and inside `with config:`."""
    return _in_force[-1] if _in_force else None


def settings(config: QConfig) -> dict[str, Any]:
    """The config as plain values, with the bits filled in."""
    return {
        **asdict(config),
        "nbit_input": bits_of(config.dtype_input, config.nbit_input),
        "nbit_weight": bits_of(config.dtype_weight, config.nbit_weight),
        "nbit_activation": addend_bits(config),
        "skip": list(config.skip),
    }


def addend_bits(config: QConfig) -> int:
    """How many bits the operands of an addition use.

    16 and not 31: TVM simulates in float32, which has 24.
    """
    if config.nbit_activation is not None:
        return config.nbit_activation
    if config.realize == "qdq":
        return bits_of(config.dtype_input, config.nbit_input)
    return max(1, min(16, bits_of(config.dtype_activation, None) - 1))


def bits_of(dtype: str, nbit: int | None) -> int:
    """How many bits of `dtype` are used: 4 of int4, 1 of bool, 8 of float8_e4m3fn."""
    if nbit is not None:
        return nbit
    digits = re.search(r"\d+", dtype)
    return int(digits.group()) if digits else 1


def is_signed(dtype: str) -> bool:
    return not dtype.startswith(("uint", "bool"))


def value_range(bits: int, signed: bool) -> tuple[int, int]:
    """The least and the greatest integer in `bits` bits.

    Symmetric where there is a sign, as scales are: -127 to 127 in 8 bits. One signed bit holds -1
    and 0. Without a sign, what is negative becomes 0.
    """
    if not signed:
        return 0, 2**bits - 1
    if bits == 1:
        return -1, 0
    return 1 - 2 ** (bits - 1), 2 ** (bits - 1) - 1


def steps(bits: int, signed: bool) -> int:
    """How many steps of the scale lead from 0 to the bound of the values."""
    return max(abs(end) for end in value_range(bits, signed))
