"""The kernels of a float model and those of a quantized one, side by side in running order."""

from __future__ import annotations

from collections.abc import Sequence

from rapidfuzz.distance import Indel

from ..measurements.benchmark import Kernel

KernelPair = tuple[Kernel | None, Kernel | None]
"""Of the float model, and what it became; either may stand alone."""


def align(floats: Sequence[Kernel], ours: Sequence[Kernel]) -> list[KernelPair]:
    """Pairs by kind (longest common subsequence); what has no partner, alone."""
    pairs: list[KernelPair] = []
    for block in Indel.opcodes([k.kind for k in floats], [k.kind for k in ours]):
        here = floats[block.src_start : block.src_end]
        there = ours[block.dest_start : block.dest_end]
        if block.tag == "equal":
            pairs.extend(zip(here, there, strict=True))
        else:
            pairs.extend((kernel, None) for kernel in here)
            pairs.extend((None, kernel) for kernel in there)
    return pairs


def islands(kernels: Sequence[Kernel]) -> list[Kernel]:
    """Those of a quantized model that compute in float between quantized ones."""
    reads = [_reads_float(kernel) for kernel in kernels]
    if all(reads):
        return []
    first = reads.index(False)
    last = len(reads) - 1 - reads[::-1].index(False)
    return [kernel for kernel, in_float in zip(kernels[first:last], reads[first:last], strict=True)
            if in_float]  # fmt: skip


def _reads_float(kernel: Kernel) -> bool:
    return all(dtype.startswith(("float", "bfloat")) for dtype, _ in kernel.tensors)
