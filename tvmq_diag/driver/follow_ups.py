"""What follows the verdicts of a run: a function for each question that is then still open.

Each fills in its part of the run, and raises as Trials does.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ..analysis import ablation, accuracy, advice, hazards, judge
from ..configuration import Configuration, reference, wider
from ..errors import UsageError
from ..instruments.protocol.jobs import BisectJob, NumericsJob
from ..measurements import numerics
from ..measurements.benchmark import FLOAT, Benchmark
from ..measurements.numerics import Numerics
from ..results.run import Result, Role
from ..results.verdict import (
    CRASHED,
    REJECTED,
    WORKS,
    WRONG,
    Alternative,
    KnobRun,
    LevelRun,
    Verdict,
)
from ..trace.ending import Ending, How
from ..trace.layout import BISECTION, NUMBERS, TRACES
from . import benchmarking, bisecting
from .plan import ANY_CPU
from .trials import Stopped, Trials

_OTHER = {False: 3, True: 2}
"""The level to try beside another, by whether that is 3: at 3 FoldScaleAxis and CanonicalizeOps run
before the quantizer; 2 is TVM's own where a script opens no PassContext."""


_IS_WRONG = "is wrong: looking for the pass and the op"


def start_ahead(trials: Trials) -> None:
    """Have done beside the rest what is going to be asked of the verdicts as they are."""
    if trials.plan.errors:
        for _, configuration, folder, same in _simulations(trials):
            if folder == same:
                job = _numerics_job(trials, configuration, folder)
                trials.processes.ahead(_measuring(configuration), job)
        for result in _wrong(trials):
            bisect = _bisect_job(trials, result)
            if bisect is not None:
                trials.processes.ahead(f"{result.verdict.configuration} {_IS_WRONG}", bisect)
    for _, configuration, first in _dissectable(trials) if trials.plan.explore else ():
        trials.compiler.part_ahead(reference(configuration), first)
        for _, alone in ablation.questions(configuration):
            trials.compiler.part_ahead(alone, first)
    for _, configuration, level, ops in _at_levels(trials) if trials.plan.explore else ():
        trials.compiler.level_ahead(configuration, level, ops)


def settle_suggestions(trials: Trials) -> None:
    """Hold what the verdicts suggest against what was tried."""
    advice.settle([result.verdict for result in trials.run.results])
    trials.save()


def what_works_instead(trials: Trials) -> None:
    """For each configuration that does not work, try the nearest that might."""
    for_any_cpu: dict[str, str | None] = {}
    for result in trials.run.here:
        requested = trials.configuration(result.verdict.configuration)
        settled = result.verdict.outcome == WORKS or result.verdict.is_general
        if settled or requested.as_is or result.verdict.instead is not None:
            continue
        default = reference(requested)
        nearest = _nearest(trials, [*wider(requested), default])
        if nearest is not None:
            suggest(trials, result.verdict, nearest)
        elif trials.verdict_on(default).outcome == WRONG:
            if default.text not in for_any_cpu:
                for_any_cpu[default.text] = _for_any_cpu(trials, default)
            result.verdict.suggestion = for_any_cpu[default.text]
        trials.save()


def benchmark(trials: Trials) -> None:
    """Time all that was built, in turn."""
    artifacts = {FLOAT: trials.float_model().artifact, **trials.artifacts}
    sides = {name: folder for name, folder in artifacts.items() if folder is not None}
    if FLOAT not in sides:
        return
    sides.update(_for_host_cpu(trials))
    sides.update(trials.tuned)
    trials.observer.begin("benchmark: all models in turn")
    if benchmarking.measure(trials.plan, trials.run, sides, trials.observer.progress):
        raise Stopped
    for result in trials.run.results:
        if result.verdict.instead is not None:
            same = trials.verdict_on(trials.configuration(result.verdict.instead.configuration))
            suggest(trials, result.verdict, same, result.verdict.instead.option)
    trials.save()


def op_errors(trials: Trials) -> None:
    """Of each configuration that ran, where its error comes from, op by op."""
    for result, configuration, folder, same in _simulations(trials):
        if same == folder:
            result.numerics, ending = _measure_ops(trials, configuration, folder)
            if ending.how == How.INTERRUPTED:
                raise Stopped
            continue
        with contextlib.suppress(OSError, UsageError):
            shutil.copytree(same, folder)
            result.numerics = numerics.load(folder)


def _simulations(trials: Trials) -> Iterator[tuple[Result, Configuration, Path, Path]]:
    """Of each configuration that ran: the folder for its ops' errors, and that of the first one
    whose simulation is the same."""
    folders: dict[str, Path] = {}
    for result in trials.ran():
        configuration = trials.configuration(result.verdict.configuration)
        if not configuration.as_is:
            folder = trials.run.directory / TRACES / f"{configuration.slug}{NUMBERS}"
            same = folders.setdefault(_simulated(configuration), folder)
            yield result, configuration, folder, same


def hidden(trials: Trials) -> None:
    """Of each configuration that was asked for and works, whether a mean hides that it does not."""
    for result in trials.run.here:
        works = result.verdict.outcome == WORKS
        if works and accuracy.is_hidden(result.verdict.metrics, trials.plan.bounds):
            _bisect(trials, result, "works: looking at what the last pooling hides")


def bisection(trials: Trials) -> None:
    """Of each configuration that was asked for and is wrong, from which pass and op on."""
    for result in _wrong(trials):
        _bisect(trials, result, _IS_WRONG)


def _wrong(trials: Trials) -> list[Result]:
    wrong = (result for result in trials.run.here if result.verdict.outcome == WRONG)
    return [result for result in wrong if result.bisection is None]


def _bisect(trials: Trials, result: Result, what: str) -> None:
    """Look where what is wrong comes from, and say so in the verdict."""
    job = _bisect_job(trials, result)
    if job is None:
        return
    trials.observer.begin(f"{result.verdict.configuration} {what}")
    ending = trials.processes.run(job, trials.observer.progress)
    result.bisection = bisecting.result(Path(job.trace), ending)
    judge.blame_bisected(result.verdict, result.bisection)
    trials.save()
    if ending.how == How.INTERRUPTED:
        raise Stopped


def _bisect_job(trials: Trials, result: Result) -> BisectJob | None:
    """None for what was never quantized."""
    configuration = trials.configuration(result.verdict.configuration)
    if configuration.as_is:
        return None
    folder = trials.run.directory / TRACES / f"{configuration.slug}{BISECTION}"
    return bisecting.order(
        trials.compiler.orders.job(folder, configuration.qconfig),
        trials.plan.bounds,
        accuracy.shown_by(result.verdict.metrics, trials.plan.bounds),
        made_with=result.trace.facts.made_with if result.trace is not None else None,
    )


def name_hazards(trials: Trials) -> None:
    """What costs each configuration that ran time or accuracy."""
    for result in [*trials.ran(), *trials.run.built]:
        assert result.trace is not None
        text = result.verdict.configuration
        configuration = trials.configuration(text)
        if configuration.is_model or result.trace.facts.quantized_ops == 0:
            continue  # it is what the others are compared with
        measured = trials.run.benchmark or Benchmark()
        case = hazards.Case(
            configuration=configuration,
            trace=result.trace,
            benchmark=measured,
            numerics=result.numerics,
            side=text,
            code=result.code,
            tuning=trials.run.tuning,
        )
        result.verdict.hazards = hazards.find(case)
        result.verdict.explained = hazards.explained(case, result.verdict.hazards)
    trials.save()


def each_knob(trials: Trials) -> None:
    """For each rejected configuration, what its fields do one by one, on the first ops."""
    for result, configuration, first in _dissectable(trials):
        result.verdict.knob_map = _answers(trials, configuration, first)
        result.verdict.knob = ablation.guilty_fields(result.verdict.knob, result.verdict.knob_map)
        trials.save()


def _dissectable(trials: Trials) -> Iterator[tuple[Result, Configuration, int]]:
    """Each rejected configuration with several fields to blame, and how many ops show it."""
    for result in trials.run.here:
        first = ablation.first_ops(result.trace) if result.trace is not None else None
        configuration = trials.configuration(result.verdict.configuration)
        if result.verdict.is_general or configuration.as_is:
            continue
        if first is not None and ablation.questions(configuration):
            yield result, configuration, first


def at_other_level(trials: Trials) -> None:
    """For each configuration that fails in or after quantize(), what becomes of it where that runs
    at another opt_level: of one that is rejected the first ops, of a wrong one all."""
    for result, configuration, level, first in _at_levels(trials):
        result.verdict.other_level = _at_level(trials, result.verdict, configuration, level, first)
        trials.save()


def _at_levels(trials: Trials) -> Iterator[tuple[Result, Configuration, int, int | None]]:
    """Each that fails so, with the other level, and how many ops show it; None: all."""
    for result in trials.run.here:
        outcome, trace = result.verdict.outcome, result.trace
        tried = outcome in (REJECTED, CRASHED, WRONG) and not result.verdict.float_fails
        # What the outputs do not show would take a bisection there too.
        tried = tried and not accuracy.is_hidden(result.verdict.metrics, trials.plan.bounds)
        if not tried or trace is None:
            continue
        level = trace.facts.quantized_at
        first = None if outcome == WRONG else ablation.first_ops(trace)
        if level is None or (outcome != WRONG and first is None):
            continue
        configuration = trials.configuration(result.verdict.configuration)
        yield result, configuration, _OTHER[level == 3], first


def _at_level(
    trials: Trials, requested: Verdict, configuration: Configuration, level: int, first: int | None
) -> LevelRun:
    """What came of it. Where the first ops fail in a way of their own, that may be for their end:
    then all are tried."""
    compiled = trials.at_level(configuration, level, first)
    name = trials.plan.toolchain.name
    if not compiled.finished:
        verdict = judge.of_failure(configuration, name, compiled.trace, compiled.ending)
    elif first is None:
        verdict = trials.judged(configuration, compiled)
    else:
        return LevelRun(level, ablation.RUNS, first_ops=first)
    if first is not None and verdict.message != requested.message:
        return _at_level(trials, requested, configuration, level, None)
    return LevelRun(
        level, verdict.outcome, verdict.stage, verdict.pass_name, verdict.op, verdict.message, first
    )


def _nearest(trials: Trials, candidates: list[Configuration]) -> Verdict | None:
    """The first of the candidates that works, by halving: more bits only get better."""
    low, high = 0, len(candidates) - 1
    if trials.verdict_on(candidates[high]).outcome != WORKS:
        return None
    while low < high:
        middle = (low + high) // 2
        verdict = trials.verdict_on(candidates[middle])
        low, high = (low, middle) if verdict.outcome == WORKS else (middle + 1, high)
    return trials.verdict_on(candidates[high])


def suggest(trials: Trials, verdict: Verdict, works: Verdict, option: str = "") -> None:
    """Say what works instead, with its numbers as far as they are known and those of the default
    beside them; `option` is what that takes beside --dtype."""
    verdict.instead = Alternative(works.configuration, works.metrics, works.latency_ms, option)
    traces = (result.trace for result in trials.run.with_role(Role.FLOAT))
    sizes = (trace.facts.weight_bytes for trace in traces if trace is not None)
    text = reference(trials.configuration(works.configuration)).text
    same = (r.verdict for r in trials.run.results if r.verdict.configuration == text)
    default = next(same, None)
    disturbed = trials.run.benchmark.disturbed if trials.run.benchmark is not None else None
    verdict.suggestion = advice.tried(works, option, next(sizes, None), default, disturbed)


def _for_any_cpu(trials: Trials, default: Configuration) -> str | None:
    """What to try where even TVM's own default is wrong: it may be so for this -mcpu only."""
    if trials.plan.mcpu == ANY_CPU or trials.plan.target is not None:
        return None
    compiled = trials.for_cpu(default, ANY_CPU)
    if not compiled.finished:
        return None
    verdict = trials.judged(default, compiled)
    if verdict.outcome != WORKS:
        return None
    return f"{advice.tried(verdict)}, with --mcpu {ANY_CPU}"


def _for_host_cpu(trials: Trials) -> dict[str, Path]:
    """What TVM's target leaves out of this processor is tried, to say what that costs."""
    sides: dict[str, Path] = {}
    for result in trials.ran():
        assert result.trace is not None
        configuration = trials.configuration(result.verdict.configuration)
        if not hazards.leaves_out(hazards.Case(configuration, result.trace)):
            continue
        models = [] if sides else [(FLOAT, trials.for_cpu(None, None))]
        models.append((configuration.text, trials.for_cpu(configuration, None)))
        for name, compiled in models:
            if compiled.ran and compiled.artifact is not None:
                sides[hazards.elsewhere(name)] = compiled.artifact
    return sides


def _measure_ops(
    trials: Trials, configuration: Configuration, folder: Path
) -> tuple[Numerics, Ending]:
    """Each op's error at a configuration, into `folder`."""
    trials.observer.begin(_measuring(configuration))
    job = _numerics_job(trials, configuration, folder)
    ending = trials.processes.run(job, trials.observer.progress)
    try:
        return numerics.load(folder), ending
    except UsageError:  # it died before it began
        return Numerics(problems=[ending.tail[-500:]]), ending


def _measuring(configuration: Configuration) -> str:
    return f"{configuration.text}: each op's error"


def _numerics_job(trials: Trials, configuration: Configuration, folder: Path) -> NumericsJob:
    calibrated = str(trials.compiler.orders.calibrated(configuration.slug))
    compiled = trials.compiler.orders.job(folder, configuration.qconfig)
    return NumericsJob(**vars(replace(compiled, calibrated=calibrated)))


def _simulated(configuration: Configuration) -> str:
    """What its simulation depends on: in which pipeline it is compiled makes no difference."""
    fields = {
        name: value for name, value in (configuration.qconfig or {}).items() if name != "pipeline"
    }
    return json.dumps(fields, sort_keys=True)


def _answers(trials: Trials, configuration: Configuration, first: int) -> list[KnobRun]:
    """What becomes of each of ablation's questions, on the first ops."""
    default = trials.part(reference(configuration), first)
    if not default.ran:
        return []  # the part itself is at fault: it would say nothing of the fields
    answers = []
    for field, alone in ablation.questions(configuration):
        part = trials.part(alone, first)
        verdict = judge.of_failure(alone, trials.plan.toolchain.name, part.trace, part.ending)
        answers.append(ablation.run(field, verdict, part.finished, part.trace, default.trace))
    return answers
