"""A hazard: a rule looks at a case and yields what it finds, with evidence from the case."""

from __future__ import annotations

from collections.abc import Iterator

from tvmq_diag.analysis.hazards import Case
from tvmq_diag.results.verdict import Hazard

MOST = 0.5


def one_kernel(case: Case) -> Iterator[Hazard]:
    """One kernel takes more than half of the time: tune that one."""
    longest = max(case.kernels, key=lambda kernel: kernel.ms, default=None)
    if longest is not None and longest.ms > MOST * case.total:
        yield Hazard(
            "one kernel takes most of the time",
            "what is done about the others changes little",
            [f"{longest.name}: {longest.ms:.3f} of {case.total:.3f} ms"],
            "tune it by itself",
        )
