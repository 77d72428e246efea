"""How near kernels come to what this processor can do at most: the roofline model (Williams,
Waterman, Patterson: "Roofline: An Insightful Visual Performance Model", CACM 2009).

A kernel takes no less than its bytes take to move, nor than its products take to compute, at the
peaks that were measured beside it. Bytes are those of its arguments, each once, so that a kernel
that reads them more often is not told as faster than it could be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..measurements import work
from ..measurements.benchmark import Kernel, Peaks

MOVING, COMPUTING = "moving", "computing"


@dataclass(frozen=True)
class Roof:
    """A kernel, what it has to do, and the milliseconds it takes for that at least.

    `operations` and `computing`: None where they are not known, or of no kind that has a peak;
    `moving` is at the rate of the smallest memory that was measured and has room for its bytes.
    """

    kernel: Kernel
    moved: int
    moving: float
    operations: int | None
    computing: float | None

    @property
    def least(self) -> float:
        """Milliseconds."""
        return max(self.moving, self.computing or 0.0)

    @property
    def bound(self) -> str:
        """What takes longer at the peaks."""
        return COMPUTING if self.computing and self.computing > self.moving else MOVING

    @property
    def share(self) -> float:
        """Of the peak that bounds it, 1 being the peak itself; above 1 where its data was nearer
        than was reckoned."""
        return self.least / self.kernel.ms


def roofs(kernels: Sequence[Kernel], peaks: Peaks) -> list[Roof]:
    """Of the kernels whose bytes are known, in their order."""
    known = (_roof(kernel, peaks) for kernel in kernels if kernel.ms > 0)
    return [roof for roof in known if roof is not None]


def _roof(kernel: Kernel, peaks: Peaks) -> Roof | None:
    moved = work.moved(kernel)
    rate = peaks.stream(moved) if moved is not None else None
    if moved is None or rate is None:
        return None
    operations, peak = work.operations(kernel), _peak(kernel, peaks)
    computing = operations / peak * 1e3 if operations is not None and peak else None
    return Roof(kernel, moved, moved / rate * 1e3, operations, computing)


def _peak(kernel: Kernel, peaks: Peaks) -> float | None:
    """Operations a second of its kind."""
    dtypes = set(work.reads(kernel) or ())
    if dtypes == {"float32"}:
        return peaks.float_ops
    return peaks.int8_ops if dtypes and dtypes <= {"int8", "uint8"} else None
