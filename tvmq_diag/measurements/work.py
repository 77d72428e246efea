"""What a kernel has to do at least, from its name and the shapes of its arguments: bytes to move,
and operations to compute."""

from __future__ import annotations

import math

from ..configuration import bits
from ..trace.ops import CONVOLUTION, DENSE
from .benchmark import Kernel

Sizes = list[int]


def moved(kernel: Kernel) -> int | None:
    """Bytes of its arguments, each once; None where a size is not known."""
    total = 0
    for dtype, sizes in kernel.tensors:
        if not all(size.isdigit() for size in sizes):
            return None
        total += math.prod(map(int, sizes)) * ((bits(dtype) + 7) // 8)
    return total or None


def operations(kernel: Kernel) -> int | None:
    """Multiplications and additions of a convolution or dense, without what is fused behind it.
    None of other kernels, and where the shapes are of none that is known here, as Winograd's."""
    if len(kernel.tensors) < 3:
        return None
    if not all(size.isdigit() for _, sizes in kernel.tensors for size in sizes):
        return None
    shapes = [[int(size) for size in sizes] for _, sizes in kernel.tensors]
    data, weight, result = shapes[0], shapes[1], shapes[-1]
    if kernel.kind == CONVOLUTION and "transpose" not in kernel.name:
        channels = _channels(weight, result)
        if not channels:
            return None
        return 2 * math.prod(result) * math.prod(weight) // channels
    if kernel.kind == DENSE and len(data) >= 2 and math.prod(weight) % data[-1] == 0:
        return 2 * math.prod(result) * data[-1]
    return None


def reads(kernel: Kernel) -> tuple[str, str] | None:
    """The dtypes of what it multiplies; None of a kernel that has no two arguments and a result."""
    tensors = kernel.tensors
    return (tensors[0][0], tensors[1][0]) if len(tensors) >= 3 else None


def _channels(weight: Sizes, result: Sizes) -> int:
    """Of a convolution's output, where the weight has as many; 0 where it has not.

    Layouts: NCHW with OIHW, NHWC with HWIO, and in blocks NCHWc with OIHWio, a depthwise one's, and
    OIHWio4 (python/tvm/topi/x86/conv2d.py, conv2d_int8.py).
    """
    if len(result) == 4 and len(weight) == 4:
        first, last = result[1] == weight[0], result[3] == weight[3]
        return result[1] if first else result[3] if last else 0
    if len(result) == 5 and len(weight) in (6, 7) and weight[5] == result[4]:
        return result[1] * result[4] if weight[0] == result[1] else 0
    return 0
