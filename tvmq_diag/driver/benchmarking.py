"""Time the compiled models of a run, in turn, in one TVM process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..configuration import AS_IS
from ..errors import UsageError
from ..instruments.protocol.jobs import BenchmarkJob
from ..measurements import benchmark, tuning
from ..measurements.benchmark import FLOAT, Benchmark
from ..results.run import Role, Run
from ..toolchains import process
from ..toolchains.follower import Progress
from ..trace.ending import How
from ..trace.layout import BENCHMARK, TRACES
from .plan import Plan


def measure(
    plan: Plan,
    run: Run,
    sides: dict[str, Path],
    watch: Callable[[Progress], None] = lambda progress: None,
) -> bool:
    """Time `sides` (name: folder of the compiled model, the float model first); True for Ctrl-C.

    The results' verdicts get their latencies and ratios; `run.benchmark` the rest.
    """
    folder = run.directory / TRACES / BENCHMARK
    before = run.benchmark
    if folder.exists():  # the last one is that which is shown
        folder.rename(folder.with_name(f"{BENCHMARK}-before"))
    job = BenchmarkJob(
        trace=str(folder),
        dialect=plan.toolchain.dialect,
        sides={name: str(side) for name, side in sides.items()},
        eager=plan.model if plan.model.source.startswith("torchvision:") else None,
        rounds=plan.rounds,
        seconds=plan.seconds,
        rpc=plan.rpc,
    )
    ending = process.run(plan.toolchain, job, plan.limits, watch)
    try:
        run.benchmark = benchmark.load(folder)
    except UsageError:  # it died before it began
        run.benchmark = Benchmark()
    if ending.how != How.FINISHED or ending.code:
        said = [line.strip() for line in ending.tail.splitlines() if line.strip()]
        last = said[-1][:300] if said else f"exit code {ending.code}"
        run.benchmark.problems.append(f"the benchmark did not come to its end: {last}")
    if before is not None and not run.benchmark.times:
        before.problems += run.benchmark.problems
        run.benchmark = before
    _spread(run, run.benchmark)
    return ending.how == How.INTERRUPTED


def _spread(run: Run, measured: Benchmark) -> None:
    facts = measured.facts
    for result in run.results:
        configuration = result.verdict.configuration
        as_it_is = result.role == Role.FLOAT or configuration == AS_IS
        side = FLOAT if as_it_is else configuration
        result.verdict.latency_ms = measured.latency(side)
        result.verdict.ratio = measured.ratio(side) if side != FLOAT else None
        result.verdict.tuning = tuning.gain(measured, side, FLOAT) if side != FLOAT else None
        if result.trace is not None and side in measured.times:
            facts.targets[side] = result.trace.facts.target
            facts.schedules[side] = result.trace.facts.schedules
