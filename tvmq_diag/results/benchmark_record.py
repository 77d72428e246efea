"""A benchmark that is no part of a run, as benchmark.json holds it: figures for scripts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from .. import foreign
from ..measurements.benchmark import AGAIN, FLOAT, Benchmark
from ..measurements.paired import Latency, Ratio
from .facts import Circumstances, RunFacts

RECORD = "benchmark.json"


class SideRecord(msgspec.Struct, frozen=True):
    """A model that was timed; `to_float` is None for the float model itself.

    `rounds_ms` are its times in the order in which they were taken, milliseconds.
    """

    latency_ms: Latency | None = None
    to_float: Ratio | None = None
    rounds_ms: list[float] = []
    kernels_ms_by_kind: dict[str, float] = {}


class BenchmarkRecord(Circumstances, kw_only=True):
    """Of benchmark.json what tells one from the other. The whole also has RunFacts and
    BenchmarkFacts."""

    model: str | None = None
    sides: dict[str, SideRecord]
    problems: list[str] = msgspec.field(default_factory=list)

    @property
    def title(self) -> str:
        """What was timed."""
        return f"benchmark of {self.model or '?'}"

    @property
    def headline(self) -> str:
        """Each side's time as a multiple of the float model's."""
        ratios = [
            f"{name} {side.to_float.value:.2f}\N{MULTIPLICATION SIGN} float"
            for name, side in self.sides.items()
            if side.to_float is not None and name != AGAIN
        ]
        return ", ".join(ratios) or "nothing was compared"


_DECODER = msgspec.json.Decoder(BenchmarkRecord)


def load(folder: Path) -> BenchmarkRecord:
    """The record in a folder. Raises UsageError when there is none, or it is damaged."""
    return foreign.record(folder, RECORD, _DECODER)


def to_json(measured: Benchmark, facts: RunFacts) -> dict[str, Any]:
    """The object that benchmark.json holds: by side latency (ms), ratio to float, time by kind."""
    sides = {
        side: SideRecord(
            measured.latency(side),
            measured.ratio(side) if side != FLOAT else None,
            times,
            measured.by_kind(side),
        )
        for side, times in measured.times.items()
    }
    record = {"sides": sides, "problems": measured.problems}
    where: dict[str, Any] = msgspec.to_builtins(measured.facts)
    return {**facts.to_json(), **where, **msgspec.to_builtins(record)}
