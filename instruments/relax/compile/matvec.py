"""A schedule for few rows by a matrix, as a language model has them token by token.

It is bound by reading the matrix: each column's sums stay in registers, a cache line of the matrix
is read whole, and a packed matrix (quantizer/packing.py) is unpacked there, so that no more than
its bytes are read.
"""

from __future__ import annotations

from typing import Any

from ..quantizer.packing import UNPACK

ROWS = 8
"""So many rows at most: more of them make use of a byte that is read more often."""

_VECTOR, _VECTORS = 16, 4
"""Sums in a register, and registers: their columns are a cache line of bytes."""


def block_of(schedule: Any, blocks: list[Any]) -> tuple[Any, int] | None:
    """The block that multiplies few rows by a matrix, and how many planes of it a byte holds (1 if
    it is not packed); None if the kernel is another. A block that unpacks is inlined."""
    names = [str(schedule.get(block).name_hint) for block in blocks]
    unpacking = blocks[0] if names[:1] == [UNPACK] and len(blocks) == 2 else None
    if unpacking is None and len(blocks) != 1:
        return None
    block = blocks[-1]
    extents = _extents(schedule, block)
    if extents is None:
        return None
    *rows, columns, length = extents
    count = 1
    for size in rows:
        count *= size
    if count > ROWS or columns % (_VECTOR * _VECTORS):
        return None
    if unpacking is None:
        return block, 1
    stored = _rows_read(schedule, unpacking)
    if stored is None or length % stored:
        return None  # padded: the last plane is shorter
    schedule.compute_inline(unpacking)
    return block, length // stored


def apply(schedule: Any, block: Any, planes: int) -> None:
    """Schedule the block: columns in parallel, and along them in vectors."""
    *rows, columns, length = schedule.get_loops(block)
    outer, several, vector = schedule.split(columns, [None, _VECTORS, _VECTOR])
    plane, row = schedule.split(length, [planes, None])
    schedule.reorder(*rows, outer, row, plane, several, vector)
    sums = schedule.cache_write(block, 0, "local")
    schedule.reverse_compute_at(sums, outer, preserve_unit_loops=True)
    schedule.vectorize(schedule.get_loops(sums)[-1])
    schedule.parallel(schedule.fuse(*rows, outer))
    schedule.vectorize(vector)
    schedule.unroll(plane)
    schedule.unroll(several)
    first = schedule.decompose_reduction(block, row)
    schedule.vectorize(schedule.get_loops(first)[-1])


def _extents(schedule: Any, block: Any) -> list[int] | None:
    """Of rows, columns and the one sum of a product of rows and a matrix; None of another block."""
    loops = schedule.get_loops(block)
    kinds = [int(var.iter_type) for var in schedule.get(block).iter_vars]
    extents = [getattr(schedule.get(loop).extent, "value", None) for loop in loops]
    is_product = len(loops) == len(kinds) >= 2 and kinds == [0] * (len(kinds) - 1) + [2]
    reads = [len(held(region).shape) for region in schedule.get(block).reads]
    if not is_product or None in extents or len(reads) != 2 or reads[1] != 2:
        return None
    return [int(extent) for extent in extents if extent is not None]


def _rows_read(schedule: Any, block: Any) -> int | None:
    [region] = schedule.get(block).reads
    return getattr(held(region).shape[0], "value", None)


def held(region: Any) -> Any:
    """What a block reads or writes, with its shape and dtype."""
    return region.source.ty if hasattr(region, "source") else region.buffer  # 0.27
