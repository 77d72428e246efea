"""What a page says about a benchmark: who is faster, by how much more than noise, and where.

`view` has all that templates/benchmark.html.j2 shows, with every id in it beginning with a key.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from tvmq_diag.measurements.benchmark import AGAIN, EAGER, FLOAT, Benchmark
from tvmq_diag.measurements.paired import Ratio

from ..figures import charts
from ..figures.charts import Side
from ..formatting import DASH, clip, latency, percent
from . import kernels
from .kernels import Pair
from .ratios import in_figures, in_words

_LOOKS = {FLOAT: "float", AGAIN: "again", EAGER: "eager"}


@dataclass(frozen=True)
class Schedule:
    """How well TVM knew the operators: a sentence, and the workloads it had no schedule for."""

    sentence: str
    fallbacks: list[str]


@dataclass(frozen=True)
class LatencyRow:
    """A side of the comparison; `words` say what its ratio means."""

    label: str
    look: str
    fastest: str
    mean: str
    median: str
    slowest: str
    ratio: str
    words: str
    schedule: Schedule | None


@dataclass(frozen=True)
class BenchmarkView:
    """A benchmark as it is shown. `missing` are the names that were not timed."""

    key: str
    summary: str
    noise: str
    rows: list[LatencyRow]
    missing: list[str]
    pairs: list[Pair]
    facts: list[tuple[str, str]]
    problems: list[str]
    bars: str | None = None
    rounds: str | None = None


def view(
    benchmark: Benchmark,
    names: list[str],
    key: str = "benchmark",
    about: Sequence[str] | None = None,
    idle: Collection[str] = (),
) -> BenchmarkView:
    """Everything to show of the float model, the configurations called `names`, and PyTorch.

    `about`: those that the sentence and the kernels are about (all); `idle`: see kernels.pair.
    """
    chosen = names if about is None else about
    timed = [name for name in dict.fromkeys(names) if benchmark.times.get(name)]
    sides = [name for name in (FLOAT, *timed, EAGER) if benchmark.times.get(name)]
    again = [AGAIN] if benchmark.times.get(AGAIN) else []
    rows = [_row(benchmark, side) for side in (*sides, *again)]
    drawn = [_side(benchmark, side) for side in sides]
    return BenchmarkView(
        key,
        summary(benchmark, [name for name in timed if name in chosen]),
        _noise(benchmark),
        rows,
        [clip(name, 80) for name in dict.fromkeys(names) if name not in timed],
        [
            kernels.pair(benchmark, name, f"{key}-k{i}", idle)
            for i, name in enumerate(dict.fromkeys(chosen))
            if benchmark.kernels.get(name) and benchmark.kernels.get(FLOAT)
        ],
        _facts(benchmark, (*sides, *again)),
        [clip(problem, 400) for problem in benchmark.problems],
        charts.bars(drawn, f"{key}-bars"),
        charts.distribution([*drawn, *(_side(benchmark, side) for side in again)], f"{key}-rounds"),
    )


def summary(benchmark: Benchmark, names: Sequence[str]) -> str:
    """The benchmark in one sentence."""
    compared = [(ratio, name) for name in names if (ratio := _ratio(benchmark, name)) is not None]
    if not compared:
        floats = benchmark.latency(FLOAT)
        taken = f"float32 takes {latency(floats.median)}, and n" if floats else "N"
        return f"{taken}othing else was timed often enough to be compared with it"
    ratio, name = min(compared, key=lambda one: one[0].value)
    words = f"{in_words(ratio, _ratio(benchmark, AGAIN))}: {in_figures(ratio)}"
    if len(compared) == 1:
        return f"{clip(name, 80)} {words}"
    return f"The fastest of {len(compared)} configurations, {clip(name, 80)}, {words}"


def _ratio(benchmark: Benchmark, side: str) -> Ratio | None:
    try:
        return benchmark.ratio(side)
    except (ArithmeticError, ValueError):  # a time of 0 ms, or an interval beyond all numbers
        return None


def _row(benchmark: Benchmark, side: str) -> LatencyRow:
    timed = benchmark.latency(side)
    assert timed is not None  # only sides that were timed have a row
    ratio = None if side == FLOAT else _ratio(benchmark, side)
    words = {FLOAT: "what the others are compared with", AGAIN: "the noise"}.get(side, DASH)
    if ratio is not None and side != AGAIN:
        sentence = in_words(ratio, _ratio(benchmark, AGAIN))
        words = sentence.removeprefix("is ").removeprefix("takes ")
    return LatencyRow(
        clip(side, 80),
        _LOOKS.get(side, "asked"),
        latency(timed.min),
        latency(timed.mean),
        latency(timed.median),
        latency(timed.max),
        DASH if ratio is None else in_figures(ratio),
        words,
        _schedule(benchmark, side),
    )


def _side(benchmark: Benchmark, side: str) -> Side:
    ratio = None if side == FLOAT else _ratio(benchmark, side)
    figures = "" if ratio is None else in_figures(ratio)
    return Side(side, _LOOKS.get(side, "asked"), benchmark.times[side], figures)


def _noise(benchmark: Benchmark) -> str:
    noise = _ratio(benchmark, AGAIN)
    if noise is None:
        return "The float model was not timed against itself: what is noise is not known."
    widest = max(noise.high, 1 / noise.low) - 1 if noise.low > 0 else float("inf")
    return (
        f"Noise: the float model against itself is {in_figures(noise)}, "
        f"so a difference of less than {percent(widest)} is none."
    )


def _schedule(benchmark: Benchmark, side: str) -> Schedule | None:
    state = benchmark.facts.schedules.get(side)
    if state is None:
        return None
    listed = [clip(text, 300) for text in state.fallbacks]
    if listed:
        many = f"{len(listed)} operators have" if len(listed) > 1 else "1 operator has"
        return Schedule(f"TVM: {many} not been tuned, default schedules", listed)
    return Schedule(f"TVM: {clip(state.warning, 200)}", []) if state.warning else None


def _facts(benchmark: Benchmark, sides: Sequence[str]) -> list[tuple[str, str]]:
    facts, device = benchmark.facts, benchmark.facts.rpc
    remote = device and f"host {device.host}, port {device.port}, key {device.key}"
    recorded = [
        ("CPU", facts.cpu),
        ("threads", facts.threads),
        ("threads of PyTorch", facts.eager_threads),
        ("cores", ", ".join(map(str, facts.affinity)) or None),
        ("remote device", remote),
        ("TVM", facts.tvm),
    ]
    rows = [(label, clip(value, 300)) for label, value in recorded if value is not None]
    rounds = max((len(benchmark.times[side]) for side in sides), default=0)
    rows.append(("rounds", f"{rounds:,}, all sides in turn in each"))
    targets = [(side, target) for side, target in facts.targets.items() if target]
    alike = len({target for _, target in targets}) == 1
    for side, target in targets[:1] if alike else targets:
        label = "target" if alike else f"target of {clip(side, 60)}"
        rows.append((label, clip(target, 300)))
    return rows
