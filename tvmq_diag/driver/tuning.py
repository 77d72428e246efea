"""Schedules for the kernels of a run's models, searched for or somebody's own, and the models built
with them, to be timed in turn with those without."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from .. import foreign
from ..analysis import tvm_error
from ..configuration import Configuration
from ..errors import UsageError
from ..instruments.protocol.jobs import TuneJob
from ..measurements import outputs
from ..measurements import tuning as measured
from ..measurements.benchmark import FLOAT, Benchmark
from ..measurements.tuning import TunedModel, Tuning
from ..toolchains import identity, process
from ..toolchains.cache import cache_dir
from ..toolchains.toolchain import Toolchain
from ..trace.ending import How
from ..trace.layout import RECORDS, TRACES, TUNING
from ..trace.trace import Trace
from . import follow_ups
from .compiler import Compiled
from .float_cache import cpu_flags
from .trials import Stopped, Trials, outputs_of

_PROFILE_S = 15.0
"""For the benchmark before: its profile says what to tune."""

_ROUNDING = 1e-3
_SAME_COSINE = 0.999
"""Outputs of a tuned model are the untuned one's but for rounding, of floats and, where a float sum
in another order falls on the other side of a quantizer's step, of quantized values. Kernel by
kernel integers are compared exactly: see instruments.tuning."""


def profile(trials: Trials) -> None:
    """A short benchmark, which is on record in case there will be no other."""
    plan = trials.plan
    trials.plan = replace(plan, seconds=min(plan.seconds, _PROFILE_S))
    try:
        follow_ups.benchmark(trials)
    finally:
        trials.plan = plan


def search(trials: Trials) -> None:
    """Try schedules for as long as the plan says, and leave those that won beside the run. What was
    tried is kept for the next run, also if Ctrl-C ends it."""
    plan, run = trials.plan, trials.run
    sides = {name: folder for name, folder in _models(trials).items() if folder is not None}
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
    if run.tuning.records:
        text = "".join(f"{line}\n" for line in run.tuning.records)
        foreign.write(run.directory / RECORDS, text)
    trials.save()
    if ending.how == How.INTERRUPTED:
        raise Stopped


def build(trials: Trials) -> None:
    """Build what is timed with the records too; what computes something else is not timed."""
    plan, run = trials.plan, trials.run
    records = run.directory / RECORDS
    if plan.tuning_records is not None:
        shutil.copyfile(plan.tuning_records, records)
    if not records.exists():
        return
    _tuned(trials, None, trials.float_model().trace, records)
    for result in trials.ran():
        configuration = trials.configuration(result.verdict.configuration)
        if not configuration.as_is and result.trace is not None:
            _tuned(trials, configuration, result.trace, records)
    trials.save()


def records_folder(chain: Toolchain) -> Path:
    """Where what was tried with a TVM on this processor is kept: a file for a task and target."""
    tvm = identity.identify(chain)
    tvms = [chain.dialect, tvm.version, tvm.package, tvm.newest_outside_quantizer_ns]
    parts = [*tvms, *sorted(cpu_flags())]
    key = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
    return cache_dir() / "tuning" / key


def _models(trials: Trials) -> dict[str, Path | None]:
    """What is timed: the float model and each configuration that ran, by its name there."""
    quantized = {
        text: folder
        for text, folder in trials.artifacts.items()
        if text in {result.verdict.configuration for result in trials.ran()}
        and not trials.configuration(text).as_is
    }
    return {FLOAT: trials.float_model().artifact, **quantized}


def _profiled(benchmark: Benchmark | None, side: str) -> list[dict[str, Any]]:
    """The kernels of a side as they were profiled; none where they were not."""
    kernels = benchmark.kernels.get(side, []) if benchmark is not None else []
    return [{"name": kernel.name, "ms": kernel.ms, "shapes": kernel.shapes} for kernel in kernels]


def _tuned(
    trials: Trials, configuration: Configuration | None, untuned: Trace, records: Path
) -> None:
    """Build one model with the records, and compare it with the one without."""
    compiled = trials.with_records(configuration, records)
    side = measured.tuned(configuration.text if configuration is not None else FLOAT)
    model = _compared(compiled, untuned)
    trials.run.facts.tuned[side] = model
    if model.same and compiled.artifact is not None:
        trials.tuned[side] = compiled.artifact


def _compared(compiled: Compiled, untuned: Trace) -> TunedModel:
    if not compiled.finished:
        failure = compiled.trace.failure
        said = failure.message if failure is not None else compiled.ending.how.value
        return TunedModel(False, why=tvm_error.sentence(said))
    try:
        ours, theirs = outputs_of(compiled.trace), outputs_of(untuned)
        furthest, cosine = outputs.apart(ours, theirs), outputs.compare(ours, theirs).cosine
    except (OSError, ValueError) as error:
        return TunedModel(True, why=f"its outputs cannot be compared: {error}")
    same = furthest <= _ROUNDING or (cosine is not None and cosine >= _SAME_COSINE)
    why = None if same else "its outputs are not those of the model without records"
    return TunedModel(True, furthest, cosine, same, why)
