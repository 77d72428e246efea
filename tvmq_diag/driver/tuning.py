"""Schedules for the kernels of a run's models: searched for, or somebody's own."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..instruments.protocol.jobs import TuneJob
from ..measurements import tuning as measured
from ..measurements.benchmark import Benchmark
from ..measurements.tuning import Tuning
from ..toolchains import identity, process
from ..toolchains.cache import cache_dir
from ..toolchains.toolchain import Toolchain
from ..trace.ending import How
from ..trace.layout import TRACES, TUNING
from . import follow_ups, tuned_models
from .float_cache import cpu_flags
from .trials import Stopped, Trials

_PROFILE_S = 15.0
"""For the benchmark before: its profile says what to tune."""


def profile(trials: Trials) -> None:
    """A short benchmark, which is on record in case there will be no other."""
    plan = trials.plan
    trials.plan = replace(plan, seconds=min(plan.seconds, _PROFILE_S))
    try:
        follow_ups.benchmark(trials)
    finally:
        trials.plan = plan


def search(trials: Trials) -> None:
    """Try schedules for as long as the plan says. What was tried is kept for the next run, also if
    Ctrl-C ends this one."""
    plan, run = trials.plan, trials.run
    sides = {model.side: model.artifact for model in tuned_models.of(trials)}
    folder = run.directory / TRACES / TUNING
    job = TuneJob(
        trace=str(folder),
        dialect=plan.toolchain.dialect,
        sides={name: str(side) for name, side in sides.items()},
        kernels={name: _profiled(run.benchmark, name) for name in sides},
        seconds=plan.tune,
        records=str(records_folder(plan.toolchain)),
    )
    trials.observer.begin(f"tuning the kernels of {len(sides)} models for {plan.tune:g} s")
    limits = replace(plan.limits, timeout=max(plan.limits.timeout, 3 * plan.tune))
    ending = process.run(plan.toolchain, job, limits, trials.observer.progress)
    try:
        run.tuning = measured.load(folder)
    except UsageError:  # it died before it began
        run.tuning = Tuning(problems=[ending.tail[-500:]])
    trials.save()
    if ending.how == How.INTERRUPTED:
        raise Stopped


def build(trials: Trials) -> None:
    """Build what is timed with schedules that were found, or that somebody gave."""
    if trials.plan.tuning_records is not None:
        tuned_models.with_given(trials, trials.plan.tuning_records)
    elif trials.run.tuning is not None:
        tuned_models.choose(trials, trials.run.tuning)


def records_folder(chain: Toolchain) -> Path:
    """Where what was tried with a TVM on this processor is kept: a file for a task and target."""
    tvm = identity.identify(chain)
    tvms = [
        chain.dialect,
        chain.extension,
        tvm.version,
        tvm.package,
        tvm.newest_outside_quantizer_ns,
    ]
    parts = [*tvms, *sorted(cpu_flags())]
    key = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
    return cache_dir() / "tuning" / key


def _profiled(benchmark: Benchmark | None, side: str) -> list[dict[str, Any]]:
    """The kernels of a side as they were profiled; none where they were not."""
    kernels = benchmark.kernels.get(side, []) if benchmark is not None else []
    return [{"name": kernel.name, "ms": kernel.ms, "shapes": kernel.shapes} for kernel in kernels]
