"""From the float model's time to the quantized one's: which kernels the difference is in.

Each kernel of either model is in one part, with the one that it stands beside: so the parts add up
to the whole difference.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from ..measurements.benchmark import Kernel
from .kernel_pairs import align, islands

ISLANDS = "float islands"


@dataclass
class Part:
    """Kernels of both models that are of one kind. `of_float` and `of_ours` in running order."""

    name: str
    of_float: list[Kernel] = field(default_factory=list)
    of_ours: list[Kernel] = field(default_factory=list)

    @property
    def float_ms(self) -> float:
        """Milliseconds in the float model."""
        return sum(kernel.ms for kernel in self.of_float)

    @property
    def ms(self) -> float:
        """Milliseconds in the quantized one."""
        return sum(kernel.ms for kernel in self.of_ours)

    @property
    def difference(self) -> float:
        """By how many milliseconds that is more; negative where it is less."""
        return self.ms - self.float_ms


def parts(
    floats: Sequence[Kernel], ours: Sequence[Kernel], without: Collection[int] = ()
) -> list[Part]:
    """Those that lose most first, those that gain most last. `without`: numbers of kernels of ours
    that multiply without the instruction that the target has for it."""
    in_float = {kernel.number for kernel in islands(ours)}
    result: dict[str, Part] = {}
    for one, other in align(floats, ours):
        kernel = other or one
        assert kernel is not None  # a pair is of something
        name = kernel.kind
        if other is not None and other.number in in_float:
            name = ISLANDS
        elif other is not None and other.number in without:
            name = f"{kernel.kind}, without the int8 instruction"
        part = result.setdefault(name, Part(name))
        part.of_float += [one] if one is not None else []
        part.of_ours += [other] if other is not None else []
    return sorted(result.values(), key=lambda part: -part.difference)
