"""A schedule for few rows by a matrix, as a language model has them token by token.

It is bound by reading the matrix: each column's sums stay in registers, a cache line of the matrix
is read whole, and what is packed in it (quantizer/packing.py) is taken out there, so that no more
than its bytes are read. Where groups of rows have scales (quantizer/weight_ops.py), their sums are
made where they are scaled.
"""

from __future__ import annotations

import math
from typing import Any

ROWS = 8
"""So many rows at most: more of them make use of a byte that is read more often."""

_VECTOR, _VECTORS = 16, 4
"""Sums in a register, and registers: their columns are a cache line of bytes."""

_SCALED = "scaled"
"""The block that adds up the sums of groups, behind the one that makes them."""


def scheduled(schedule: Any, blocks: list[Any]) -> list[Any]:
    """Schedule a product of few rows and a matrix, if there is one; the blocks that it left."""
    for place, block in enumerate(blocks):
        if not _is_product(schedule, block):
            continue
        behind = blocks[place + 1] if place + 1 < len(blocks) else None
        if behind is not None and str(schedule.get(behind).name_hint) == _SCALED:
            _grouped(schedule, block, behind)
            return blocks[:place] + blocks[place + 2 :]
        _plain(schedule, block)
        return blocks[:place] + blocks[place + 1 :]
    return blocks


def held(region: Any) -> Any:
    """What a block reads or writes, with its shape and dtype."""
    return region.source.ty if hasattr(region, "source") else region.buffer  # 0.27


def _is_product(schedule: Any, block: Any) -> bool:
    kinds = [int(var.iter_type) for var in schedule.get(block).iter_vars]
    sums = kinds.count(2)
    reads = [len(held(region).shape) for region in schedule.get(block).reads]
    if sums not in (1, 2) or kinds != [0] * (len(kinds) - sums) + [2] * sums or reads[1:] != [2]:
        return False
    *rows, columns = _extents(schedule, block)[:-sums]
    if len(rows) >= reads[0]:  # of groups each is a row to this block
        rows, groups = rows[:-1], rows[-1]
    else:
        groups = 1
    count = math.prod(rows)
    return count * groups > 0 and count <= ROWS and columns % (_VECTOR * _VECTORS) == 0


def _extents(schedule: Any, block: Any) -> list[int]:
    """Of a block's loops; 0 of one that is not known."""
    loops = schedule.get_loops(block)
    return [int(getattr(schedule.get(loop).extent, "value", 0)) for loop in loops]


def _plain(schedule: Any, block: Any) -> None:
    """Columns in parallel, and along them in vectors."""
    *rows, columns = _space(schedule, block)
    outer, columns = schedule.split(columns, [None, _VECTORS * _VECTOR])
    schedule.reorder(*rows, outer)
    row = _sums(schedule, block, columns, outer)
    schedule.parallel(schedule.fuse(*rows, outer))
    _begin(schedule, block, row)


def _grouped(schedule: Any, block: Any, scaled: Any) -> None:
    """The same, with the sums of all groups of so many columns made before they are added up."""
    *rows, columns, group = schedule.get_loops(scaled)
    outer, several, vector = schedule.split(columns, [None, _VECTORS, _VECTOR])
    schedule.reorder(*rows, outer, group, several, vector)
    schedule.compute_at(block, outer, preserve_unit_loops=True)
    *_, its_group, its_columns = _space(schedule, block)
    row = _sums(schedule, block, its_columns, its_group)
    total = schedule.cache_write(scaled, 0, "local")
    schedule.reverse_compute_at(total, outer, preserve_unit_loops=True)
    schedule.vectorize(schedule.get_loops(total)[-1])
    schedule.parallel(schedule.fuse(*rows, outer))
    schedule.vectorize(vector)
    schedule.unroll(several)
    _begin(schedule, block, row)
    _begin(schedule, scaled, group)


def _sums(schedule: Any, block: Any, columns: Any, outer: Any) -> Any:
    """Sums of so many columns, in registers; `outer` is the loop around them. Their own loop."""
    several, vector = schedule.split(columns, [None, _VECTOR])
    loops = schedule.get_loops(block)
    row, *place = loops[len(loops) - _reductions(schedule, block) :]
    schedule.reorder(row, *place, several, vector)
    written = schedule.cache_write(block, 0, "local")
    schedule.reverse_compute_at(written, outer, preserve_unit_loops=True)
    schedule.vectorize(schedule.get_loops(written)[-1])
    schedule.vectorize(vector)
    for loop in (*place, several):
        schedule.unroll(loop)
    return row


def _begin(schedule: Any, block: Any, loop: Any) -> None:
    """Set sums to 0 before a loop; behind this the scheduler knows no reduction any more, and makes
    no loop around it parallel."""
    first = schedule.decompose_reduction(block, loop)
    schedule.vectorize(schedule.get_loops(first)[-1])


def _space(schedule: Any, block: Any) -> list[Any]:
    """The loops of a block but for its sums."""
    loops = schedule.get_loops(block)
    return list(loops[: len(loops) - _reductions(schedule, block)])


def _reductions(schedule: Any, block: Any) -> int:
    return [int(var.iter_type) for var in schedule.get(block).iter_vars].count(2)
