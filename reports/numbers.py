"""Latencies: whose, against whom, and the bars that show them."""

from __future__ import annotations

from dataclasses import dataclass

from tvmq_diag.benchmark import EAGER
from tvmq_diag.outcome import Latency, Result, Run

WIDTH = 360.0
"""Of the chart's plotting area, in its own units."""


@dataclass(frozen=True)
class Bar:
    """A line of the chart; `kind` is asked, reference, float or torch. x positions in WIDTH."""

    label: str
    kind: str
    latency: Latency
    ratio: float | None
    low: float
    median: float
    high: float


def latency_of(result: Result) -> Latency | None:
    """The latency of a result."""
    return result.verdict.latency_ms


def float_latency(run: Run) -> Latency | None:
    """What the float model takes through the same TVM."""
    found = [latency_of(result) for result in run.with_role("float")]
    return next((known for known in found if known is not None), None)


def torch_latency(run: Run) -> Latency | None:
    """What the float model takes in PyTorch itself."""
    return run.benchmark.latency(EAGER) if run.benchmark is not None else None


def ratio(one: Latency | None, to: Latency | None) -> float | None:
    """How many times as long, by the fastest runs: other work on the machine slows the rest."""
    if one is None or to is None or to.min <= 0:
        return None
    return one.min / to.min


def bars(run: Run, only: Result | None = None) -> list[Bar]:
    """The chart of a run; `only` leaves out the other configurations that were asked for."""
    measured = [
        (result.verdict.configuration, result.role, latency_of(result))
        for result in run.results
        if only is None or result is only or result.role != "asked"
    ]
    measured.append(("PyTorch eager, float32", "torch", torch_latency(run)))
    known = [(name, role, taken) for name, role, taken in measured if taken is not None]
    if not known:
        return []
    longest = max(taken.max for _, _, taken in known) or 1.0
    base = float_latency(run)
    names = {"float": "{} in TVM", "reference": "{} (reference)"}
    return [
        Bar(
            names.get(role, "{}").format(name),
            role,
            taken,
            ratio(taken, base),
            taken.min / longest * WIDTH,
            taken.median / longest * WIDTH,
            taken.max / longest * WIDTH,
        )
        for name, role, taken in known
    ]
