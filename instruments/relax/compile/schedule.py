"""A sound CPU schedule for every kernel: what TVM's own build for a CPU leaves out.

Without tuning TVM runs a kernel's loops as they are written, on one core and with the reduction
innermost, 25 to 30 times slower than PyTorch. A ratio between two such kernels says nothing. Here
the outer loops run in parallel, the innermost is along the data and vectorised, and a convolution
keeps a block of its result in registers. It is no tuning: no layout is changed, nothing is tried.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping

import tvm
from tvm import relax

from ...tvm_types import Function, IRModule, Target
from ..ir import walk
from . import matvec
from .tiles import DEFAULT, Tile, key


@dataclass
class Scheduled:
    """`kernels` have it; `left` are those it does not fit, with the reason; `functions` are those
    that have it, as they were before."""

    kernels: list[str] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)


def pipeline(name: str, target: Target) -> Any:
    """TVM's own of that name: "default", or "target" for the one it has for the target."""
    return relax.get_default_pipeline(target) if name == "target" else relax.get_pipeline(name)


def sound(
    pipeline: Any, done: Scheduled, tuned: Mapping[str, Tile] | None = None, target: str = ""
) -> Any:
    """The pipeline, and behind it the schedule, as a pass of the name SoundSchedule. `tuned` has by
    its key the numbers of each kernel that does best on a target with others than DEFAULT."""

    def schedule(module: IRModule, _context: Any) -> Any:
        changed = dict(module.functions.items())
        for var, function in module.functions.items():
            if walk.is_primfunc(function):
                tile = tuned.get(key(function, target), DEFAULT) if tuned else DEFAULT
                changed[var] = scheduled(var.name_hint, function, done, tile)
        return tvm.IRModule(changed, attrs=module.attrs, global_infos=module.global_infos)

    own = tvm.transform.module_pass(schedule, opt_level=0, name="SoundSchedule")
    return tvm.transform.Sequential([pipeline, own])


def scheduled(name: str, function: Function, done: Scheduled, tile: Tile = DEFAULT) -> Any:
    """The function with a schedule; as it was where it takes none."""
    try:
        schedule = _package().Schedule(function)
        blocks = schedule.get_child_blocks(schedule.get_sblock("root"))
    except Exception:  # no loops over a tensor: what computes the shapes
        return function
    try:
        narrow = _sub_byte(schedule, blocks)
        if narrow is not None:
            done.left[name] = f"holds {narrow}, of which TVM's LLVM backend has no vectors"
            return function
        for block in matvec.scheduled(schedule, list(blocks)):
            _block(schedule, block, tile)
    except Exception as error:
        done.left[name] = str(error).strip().splitlines()[-1][:200] if str(error) else "?"
        return function
    done.kernels.append(name)
    done.functions[name] = function
    return schedule.mod["main"].with_attrs(dict(function.attrs.items()))


def _sub_byte(schedule: Any, blocks: list[Any]) -> str | None:
    """A dtype of less than a byte that the kernel reads or writes, if it does.

    A vectorised one is refused by CodeGenLLVM (`value_dtype.bits() >= 8`): a failure of our own
    making, as the same kernel builds when it is left alone.
    """
    for block in map(schedule.get, blocks):
        for region in (*block.reads, *block.writes):
            dtype = str(matvec.held(region).dtype)
            if dtype == "bool" or tvm.DataType(dtype).bits < 8:
                return dtype
    return None


def _package() -> Any:
    return tvm.s_tir if hasattr(tvm, "s_tir") else tvm.tir


def _block(schedule: Any, block: Any, tile: Tile) -> None:
    loops = schedule.get_loops(block)
    kinds = [int(var.iter_type) for var in schedule.get(block).iter_vars]
    if not loops or len(loops) != len(kinds):
        return
    space = [loop for loop, kind in zip(loops, kinds) if kind == 0]
    sums = [loop for loop, kind in zip(loops, kinds) if kind == 2]
    if not space:
        return
    if not sums:
        _elementwise(schedule, space, tile)
    else:
        _reduction(schedule, block, space, sums, tile)


def _elementwise(schedule: Any, space: list[Any], tile: Tile) -> None:
    inner = _tile(schedule, space[-1], tile.vector)
    if inner is None:
        schedule.parallel(schedule.fuse(*space))
        return
    outer, vector = inner
    schedule.parallel(schedule.fuse(*space[:-1], outer))
    schedule.vectorize(vector)


def _reduction(schedule: Any, block: Any, space: list[Any], sums: list[Any], tile: Tile) -> None:
    """The sums outside of the vector, which is along the data: outer | sums | channels vector."""
    outer, inner = list(space), []
    split = _tile(schedule, space[-1], tile.vector)
    if split is not None:
        outer[-1], vector = split
        inner = [vector]
        if len(space) == 4 and len(sums) > 1:  # N, C, H, W
            channels = _tile(schedule, space[1], tile.channels)
            if channels is not None:
                outer[1], few = channels
                inner = [few, vector]
    schedule.reorder(*outer, *sums, *inner)
    if inner:
        sum_block = schedule.cache_write(block, 0, "local")
        schedule.reverse_compute_at(sum_block, outer[-1], preserve_unit_loops=True)
        schedule.vectorize(schedule.get_loops(sum_block)[-1])
    schedule.parallel(schedule.fuse(*outer))
    if inner:  # before the decomposition: what is left then is no reduction to the scheduler
        schedule.vectorize(inner[-1])
        for loop in inner[:-1]:
            schedule.unroll(loop)
    first = schedule.decompose_reduction(block, sums[0])
    if inner:
        last = schedule.get_loops(first)[-1]
        if schedule.get(last).kind == 0:
            schedule.vectorize(last)


def _tile(schedule: Any, loop: Any, most: int) -> tuple[Any, Any] | None:
    """The loop split in two, the inner one of the greatest size up to `most` that divides it."""
    extent = getattr(schedule.get(loop).extent, "value", 0)
    size = max((n for n in range(2, most + 1) if extent % n == 0), default=0)
    if size == 0:
        return None
    outer, inner = schedule.split(loop, [None, size])
    return outer, inner
