"""The numbers of the schedule of a kernel, and a file of those that are best for some."""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from ...tvm_types import Function


@dataclass(frozen=True)
class Tile:
    """The numbers of the schedule, where they divide a loop; else the next lower that do.

    `vector`: values in the innermost loop; 16 are an AVX-512 register of float32. `channels`:
    output channels of a convolution that share what is loaded; the sums of 8 fill 8 registers.
    """

    vector: int = 16
    channels: int = 8


DEFAULT = Tile()


def key(function: Function, target: str) -> str:
    """The same for the same kernel on a target, however it is called in a model."""
    text = function.without_attr("global_symbol").script()
    return hashlib.sha256(f"{target}\n{text}".encode()).hexdigest()[:16]


def record(key: str, name: str, tile: Tile, ms: float | None) -> str:
    """A line that `read` takes; ms None: it fails."""
    fields = {"kernel": key, "name": name, "vector": tile.vector, "channels": tile.channels}
    return json.dumps({**fields, "ms": ms})


def read(records: str | None) -> dict[str, Tile]:
    """Of each kernel in a file of records the numbers that it has there last; None: no file.

    What is no record is passed over. Raises OSError.
    """
    tiles: dict[str, Tile] = {}
    text = Path(records).read_text(encoding="utf-8") if records is not None else ""
    for line in text.splitlines():
        with contextlib.suppress(ValueError, KeyError, TypeError):
            given = json.loads(line)
            if given["ms"] is not None:
                tiles[str(given["kernel"])] = Tile(int(given["vector"]), int(given["channels"]))
    return tiles
