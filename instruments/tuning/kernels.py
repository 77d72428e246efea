"""Which kernels of a profile are a task's."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any, Mapping, Sequence

from .tunable import Use

_TENSOR = re.compile(r"(\w+)\[([^\]]*)\]")


@dataclass(frozen=True)
class Signature:
    """What tells a kernel's task apart from others, in whatever layout: a part of its name, and
    dtype and number of elements of its first two arguments and of its result (without dtype: what
    is fused behind may cast)."""

    stem: str
    data: tuple[str, int]
    weight: tuple[str, int]
    result: int


def uses(signatures: Sequence[Signature], profile: Sequence[Mapping[str, Any]]) -> list[Use]:
    """For each signature the kernels that are its own: those of the profile (name, ms, shapes as
    TVM's profiler writes them) with its elements, where its name fits better than others'."""
    each = [Use() for _ in signatures]
    for kernel in profile:
        fits = [i for i, one in enumerate(signatures) if _fits(one, kernel)]
        if fits:
            use = each[max(fits, key=lambda i: len(signatures[i].stem))]
            use.calls += 1
            use.ms = (use.ms or 0.0) + float(kernel["ms"])
    return each


def _fits(signature: Signature, kernel: Mapping[str, Any]) -> bool:
    tensors = [
        (dtype, math.prod(int(size) for size in re.findall(r"\d+", sizes)))
        for dtype, sizes in _TENSOR.findall(str(kernel["shapes"]))
    ]
    if signature.stem not in str(kernel["name"]) or len(tensors) < 3:
        return False
    read = tuple(tensors[:2])
    return read == (signature.data, signature.weight) and tensors[-1][1] == signature.result
