"""Bits of each weight of a model, in a small TOML file: what `--dtype @FILE` takes.

    dtype = "int8/int8/int32:weight_scale=max:global_scale=16"

    [[weight]]
    op = "nn.conv2d"
    shape = [64, 64, 3, 3]
    bits = 5

The weights are those that the quantizer quantizes, in running order; `op` and `shape` are for who
reads it. Standard library only, and Python 3.8.
"""

import importlib
import json
from pathlib import Path
from typing import Any, Iterable, List, NamedTuple, Sequence, Union


class BitsFileError(ValueError):
    """The file is not there, or not as declared; the message says what of it."""


class WeightBits(NamedTuple):
    """A line of the file: `op` as the dialect calls it, `shape` in elements."""

    op: str
    shape: List[int]
    bits: int


class Bits(NamedTuple):
    """`dtype`: the configuration but for `weight_bits`, which has a digit for each weight."""

    dtype: str
    weight_bits: str

    @property
    def configuration(self) -> str:
        """Both as one configuration."""
        return f"{self.dtype}:weight_bits={self.weight_bits}"


def written(dtype: str, weights: Sequence[WeightBits], comment: str) -> str:
    """The text of a file; `comment` is its first line."""
    tables = [
        f"[[weight]]\nop = {_quoted(weight.op)}\nshape = {json.dumps(list(weight.shape))}\n"
        f"bits = {weight.bits}\n"
        for weight in weights
    ]
    return "\n".join([f"# {comment}\ndtype = {_quoted(dtype)}\n", *tables])


def _quoted(text: str) -> str:
    """As JSON has it, but for what TOML has otherwise."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def read(path: Union[str, Path]) -> Bits:
    """What a file says. Raises BitsFileError."""
    if not str(path):
        raise BitsFileError("@ needs the name of a file: --dtype @bits.toml")
    try:
        record = _toml(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise BitsFileError(f"{path}: {error.strerror or error}") from error
    except ValueError as error:
        raise BitsFileError(f"{path}: {error}") from error
    dtype, weights = record.get("dtype"), record.get("weight")
    if not isinstance(dtype, str) or not dtype:
        raise BitsFileError(f'{path} has no dtype, such as dtype = "int8/int8/int32"')
    if "weight_bits" in dtype:
        raise BitsFileError(f"{path}: its dtype has weight_bits, and so have its [[weight]]s")
    if not isinstance(weights, list) or not weights:
        raise BitsFileError(f"{path} has no [[weight]]")
    return Bits(dtype, "".join(_digits(path, weights)))


def _digits(path: Union[str, Path], weights: Iterable[Any]) -> Iterable[str]:
    for number, weight in enumerate(weights, 1):
        bits = weight.get("bits") if isinstance(weight, dict) else None
        if not isinstance(bits, int) or isinstance(bits, bool) or not 1 <= bits <= 8:
            raise BitsFileError(f"{path}: [[weight]] {number} has {bits!r} bits, not 1 to 8")
        yield str(bits)


def _toml(text: str) -> Any:
    """Raises ValueError for what is no TOML, or where nothing here reads it."""
    for name in ("tomllib", "tomli"):  # the first since Python 3.11
        try:
            reader = importlib.import_module(name)
        except ImportError:
            continue
        return reader.loads(text)
    raise ValueError("this Python reads no TOML: pip install tomli")
