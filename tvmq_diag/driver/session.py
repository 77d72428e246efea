"""The whole job: every configuration through a TVM process, judged, and written down.

Order matters to the person waiting: the verdicts on what was asked for come first. The float model
runs as soon as a verdict needs it; the reference runs last.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ..analysis import ablation, explanations, hazards, judge
from ..configuration import (
    REFERENCE,
    Configuration,
    parse,
    reference,
    wider,
)
from ..errors import UsageError
from ..instruments.protocol.jobs import NumericsJob
from ..measurements import numerics, outputs
from ..measurements.benchmark import FLOAT, Benchmark
from ..measurements.metrics import Metrics
from ..measurements.numerics import Numerics
from ..results import store
from ..results.run import Result, Role, Run
from ..results.verdict import INTERRUPTED, WORKS, WRONG, Verdict
from ..toolchains import process
from ..trace.ending import How
from ..trace.layout import BISECTION, NUMBERS, TRACES
from . import benchmarking, bisecting, investigation
from .compiler import Compiled, Compiler
from .plan import ANY_CPU, Observer, Plan


class _Stopped(Exception):
    """Ctrl-C ended a process: nothing more is started."""


class Session:
    """One run of the tool. `run.results` fills up while `go` works, and is on disk at each step."""

    def __init__(self, plan: Plan, run: Run, observer: Observer) -> None:
        self.plan = plan
        self.run = run
        self.observer = observer
        self._built: dict[str, Path | None] = {}
        """The compiled models, by configuration."""
        self._elsewhere_right: dict[str, str | None] = {}
        """What TVM's default comes to without -mcpu, where it is right there."""

    def go(self) -> Run:
        """Do the plan. Stops early, with what it has, when a process was stopped by Ctrl-C.

        Raises UsageError when the model cannot be had, SetupError when no TVM process can run.
        """
        store.write(self.run)
        with tempfile.TemporaryDirectory(prefix="tvmq-run-") as scratch:
            self._compiler = Compiler(self.plan, self.run.directory, Path(scratch), self.observer)
            self._work()
        return self.run

    def _work(self) -> None:
        try:
            for configuration, role in self._queue():
                self._try(configuration, role)
            if self.plan.reference:
                self._float_model()
                if self.plan.explore:
                    self._look_for_what_works()
                self._time()
                if self.plan.errors:
                    self._follow_the_numbers()
                    self._bisect()
                self._name_hazards()
                if self.plan.explore:
                    self._turn_each_knob()
        except _Stopped:
            self.run.facts["interrupted"] = True
            store.write(self.run)

    def _time(self) -> None:
        """All that was built, in turn."""
        artifacts = {FLOAT: self._float_model().artifact, **self._built}
        sides = {name: folder for name, folder in artifacts.items() if folder is not None}
        if FLOAT not in sides:
            return
        sides.update(self._elsewhere())
        self.observer.begin("benchmark: all models in turn")
        if benchmarking.measure(self.plan, self.run, sides, self.observer.progress):
            raise _Stopped
        for result in self.run.results:
            if result.verdict.instead is not None:
                same = self._verdict_on(parse(result.verdict.instead["configuration"]))
                self._suggest(result.verdict, same)
        store.write(self.run)

    def _elsewhere(self) -> dict[str, Path]:
        """What TVM's target leaves out of this processor is tried, to say what that costs."""
        sides: dict[str, Path] = {}
        for result in self._ran():
            configuration = parse(result.verdict.configuration)
            assert result.trace is not None
            if not hazards.leaves_out(hazards.Case(configuration, result.trace)):
                continue
            if not sides:
                self._add_side(sides, FLOAT, self._compiler.for_cpu(None, None))
            there = self._compiler.for_cpu(configuration, None)
            self._add_side(sides, configuration.text, there)
        return sides

    def _add_side(self, sides: dict[str, Path], name: str, compiled: Compiled) -> None:
        if compiled.interrupted:
            raise _Stopped
        if compiled.ran and compiled.artifact is not None:
            sides[hazards.elsewhere(name)] = compiled.artifact

    def _follow_the_numbers(self) -> None:
        """Of each configuration that ran, where its error comes from, op by op."""
        measured: dict[str, Path] = {}
        for result in self._ran():
            configuration = parse(result.verdict.configuration)
            folder = self.run.directory / TRACES / f"{configuration.slug}{NUMBERS}"
            same = measured.setdefault(_simulated(configuration), folder)
            if same != folder:
                with contextlib.suppress(OSError, UsageError):
                    shutil.copytree(same, folder)
                    result.numerics = numerics.load(folder)
                continue
            self.observer.begin(f"{configuration.text}: each op's error")
            compiled = vars(self._compiler.job(folder, configuration.qconfig))
            calibrated = str(self._compiler.calibrated(configuration.slug))
            job = NumericsJob(**{**compiled, "calibrated": calibrated})
            ending = process.run(self.plan.toolchain, job, self.plan.limits, self.observer.progress)
            try:
                result.numerics = numerics.load(folder)
            except UsageError:  # it died before it began
                result.numerics = Numerics(problems=[ending.tail[-500:]])
            if ending.how == How.INTERRUPTED:
                raise _Stopped

    def _bisect(self) -> None:
        """Of each configuration that was asked for and is wrong, from which pass and op on."""
        for result in self.run.with_role(Role.REQUESTED):
            if result.verdict.outcome != WRONG:
                continue
            configuration = parse(result.verdict.configuration)
            self.observer.begin(f"{configuration.text} is wrong: looking for the pass and the op")
            folder = self.run.directory / TRACES / f"{configuration.slug}{BISECTION}"
            result.bisection, ending = bisecting.look(
                self.plan.toolchain,
                self._compiler.job(folder, configuration.qconfig),
                folder,
                self.plan.limits,
                self.plan.min_cosine,
                watch=self.observer.progress,
            )
            judge.blame_bisected(result.verdict, result.bisection)
            store.write(self.run)
            if ending.how == How.INTERRUPTED:
                raise _Stopped

    def _name_hazards(self) -> None:
        for result in self._ran():
            if result.trace is None:
                continue
            text = result.verdict.configuration
            measured = self.run.benchmark or Benchmark()
            case = hazards.Case(parse(text), result.trace, measured, result.numerics, text)
            result.verdict.hazards = hazards.find(case)
            result.verdict.explained = hazards.explained(case, result.verdict.hazards)
        store.write(self.run)

    def _ran(self) -> list[Result]:
        """What was asked for, and the reference, as far as they came to outputs."""
        results = self.run.with_role(Role.REQUESTED, Role.REFERENCE)
        return [r for r in results if r.ran]

    def _turn_each_knob(self) -> None:
        """For each rejected configuration, what its fields do one by one, on the first ops."""
        for result in self.run.with_role(Role.REQUESTED):
            first = ablation.first_ops(result.trace) if result.trace is not None else None
            questions = ablation.questions(parse(result.verdict.configuration))
            if first is None or not questions:
                continue
            usual = self._part(reference(parse(result.verdict.configuration)), first)
            answers: list[dict[str, Any]] = []
            if not usual.ran:
                questions = []  # the part itself is at fault: it would say nothing of the fields
            for field, configuration in questions:
                part = self._part(configuration, first)
                decided = judge.of_failure(
                    configuration, self.plan.toolchain.name, part.trace, part.ending
                )
                ran = part.ran and part.ending.how == How.FINISHED
                answers.append(asdict(ablation.run(field, decided, ran, part.trace, usual.trace)))
            result.verdict.knob_map = answers
            store.write(self.run)

    def _part(self, configuration: Configuration, first: int) -> Compiled:
        part = self._compiler.part(configuration, first)
        if part.interrupted:
            raise _Stopped
        return part

    def _look_for_what_works(self) -> None:
        """For each configuration that does not work, try the nearest that might, and say so."""
        for result in self.run.with_role(Role.REQUESTED):
            if result.verdict.outcome == WORKS:
                continue
            asked = parse(result.verdict.configuration)
            tried = self._nearest([*wider(asked), reference(asked)])
            if tried is not None:
                self._suggest(result.verdict, tried)
            elif self._verdict_on(reference(asked)).outcome == WRONG:
                result.verdict.suggestion = self._for_any_cpu(reference(asked))
            store.write(self.run)

    def _for_any_cpu(self, usual: Configuration) -> str | None:
        """What to try where even TVM's own default is wrong: it may be so for this -mcpu only."""
        if self.plan.mcpu == ANY_CPU or self.plan.target is not None:
            return None
        if usual.text not in self._elsewhere_right:
            compiled = self._compiler.for_cpu(usual, ANY_CPU)
            if compiled.interrupted:
                raise _Stopped
            right = compiled.ran and compiled.ending.how == How.FINISHED
            numbers = self._numbers(compiled) if right else None
            name, bound = self.plan.toolchain.name, self.plan.min_cosine
            decided = judge.of_result(usual, name, compiled.trace, numbers, bound)
            works = right and decided.outcome == WORKS
            said = f"{explanations.tried(decided)}, with --mcpu {ANY_CPU}" if works else None
            self._elsewhere_right[usual.text] = said
        return self._elsewhere_right[usual.text]

    def _suggest(self, decided: Verdict, tried: Verdict) -> None:
        """Say what works instead, with its numbers as far as they are known."""
        decided.instead = {
            "configuration": tried.configuration,
            "metrics": asdict(tried.metrics) if tried.metrics else None,
            "latency_ms": asdict(tried.latency_ms) if tried.latency_ms else None,
        }
        decided.suggestion = explanations.tried(tried)

    def _nearest(self, candidates: list[Configuration]) -> Verdict | None:
        """The first of the candidates that works, by halving: more bits only get better."""
        low, high = 0, len(candidates) - 1
        if self._verdict_on(candidates[high]).outcome != WORKS:
            return None
        while low < high:
            middle = (low + high) // 2
            found = self._verdict_on(candidates[middle])
            low, high = (low, middle) if found.outcome == WORKS else (middle + 1, high)
        return self._verdict_on(candidates[high])

    def _verdict_on(self, configuration: Configuration) -> Verdict:
        """The verdict on a configuration, tried now if it was not before."""
        known = (r.verdict for r in self.run.results if r.role != Role.FLOAT)
        same = (v for v in known if v.configuration == configuration.text)
        return next(same, None) or self._try(configuration, Role.INSTEAD)

    def _queue(self) -> list[tuple[Configuration, Role]]:
        queue = [(configuration, Role.REQUESTED) for configuration in self.plan.configurations]
        known = {configuration.text for configuration, _ in queue}
        usual = reference(self.plan.configurations[0])
        if self.plan.reference and usual.text not in known:
            queue.append((usual, Role.REFERENCE))
        return queue

    def _try(self, configuration: Configuration, role: Role) -> Verdict:
        compiled = self._compiler.compile(configuration)
        name = self.plan.toolchain.name
        stopped = compiled.interrupted
        if compiled.ran:
            self._built[configuration.text] = compiled.artifact
        if compiled.ran and compiled.ending.how == How.FINISHED:
            try:
                numbers = self._numbers(compiled)
            except _Stopped:
                decided = Verdict(configuration.text, name, INTERRUPTED, "check")
                decided.message = "it ran; Ctrl-C came before its numbers were compared"
                self._keep(Result(decided, role, compiled.trace, compiled.ending.tail))
                raise
            decided = judge.of_result(
                configuration, name, compiled.trace, numbers, self.plan.min_cosine
            )
        else:
            stopped = stopped or self._look_into_a_crash(configuration, compiled)
            decided = judge.of_failure(configuration, name, compiled.trace, compiled.ending)
            investigation.reproduce(
                self.plan.toolchain, compiled.trace, decided, self.run.directory
            )
        self._keep(Result(decided, role, compiled.trace, compiled.ending.tail))
        if stopped:
            raise _Stopped
        return decided

    def _look_into_a_crash(self, configuration: Configuration, compiled: Compiled) -> bool:
        """A process that raised has looked into it itself; for a dead one others do, one by one.

        Returns whether Ctrl-C came meanwhile.
        """
        if compiled.ending.how != How.SIGNAL or not compiled.trace.can_replay:
            return False
        self.observer.begin(f"{configuration.text} died: looking for the op")
        compiled.trace, ending = investigation.look_again(
            self.plan.toolchain, compiled.trace, self.plan.limits, watch=self.observer.progress
        )
        return ending.how == How.INTERRUPTED

    def _float_model(self) -> Compiled:
        """The unquantized model; its result is kept when it is first wanted."""
        known = self._compiler.has_float
        compiled = self._compiler.float_model()
        if not known:
            self._keep(self._float_result(compiled))
        if compiled.interrupted:
            raise _Stopped
        return compiled

    def _float_result(self, compiled: Compiled) -> Result:
        name = self.plan.toolchain.name
        if compiled.ran:
            decided = Verdict(FLOAT, name, WORKS, "run")
        else:
            unquantized = replace(REFERENCE, text=FLOAT, dtypes=(FLOAT, FLOAT, FLOAT))
            decided = judge.of_failure(unquantized, name, compiled.trace, compiled.ending)
            decided.suggestion = None
        return Result(decided, Role.FLOAT, compiled.trace, compiled.ending.tail)

    def _numbers(self, compiled: Compiled) -> Metrics | None:
        floats = self._float_model()
        if not floats.ran:
            return None
        try:
            return outputs.compare(_outputs(compiled), _outputs(floats))
        except (OSError, ValueError, KeyError):
            return None

    def _keep(self, result: Result) -> None:
        self.run.results.append(result)
        store.write(self.run)
        self.observer.decided(result)


def _outputs(compiled: Compiled) -> list[outputs.Array]:
    assert compiled.trace.outputs is not None
    return outputs.outputs(compiled.trace.path / compiled.trace.outputs)


def _simulated(configuration: Configuration) -> str:
    """What its simulation depends on: in which pipeline it is compiled makes no difference."""
    fields = {name: value for name, value in configuration.qconfig.items() if name != "pipeline"}
    return json.dumps(fields, sort_keys=True)


def works(run: Run) -> bool:
    """Do all configurations that were asked for work?"""
    asked = run.with_role(Role.REQUESTED)
    return bool(asked) and all(result.verdict.outcome == WORKS for result in asked)
