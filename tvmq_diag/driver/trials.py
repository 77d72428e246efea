"""Configurations tried: compiled in a TVM process, judged, and written down."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path

from ..analysis import arrived, judge
from ..configuration import REFERENCE, Configuration, parse
from ..errors import UsageError
from ..instruments.protocol.jobs import DataSource
from ..measurements import kernel_code, outputs
from ..measurements.benchmark import FLOAT
from ..measurements.metrics import Metrics
from ..results import store
from ..results.run import Result, Role, Run
from ..results.verdict import INTERRUPTED, TIMED_OUT, WORKS, Verdict
from ..trace.ending import How
from . import investigation, onnx_runtime
from .compiler import Compiled, Compiler
from .foresight import Foresight
from .plan import Observer, Plan


class Stopped(Exception):
    """Ctrl-C ended a process: nothing more is started."""


class NotImported(Exception):
    """TVM does not take the model: no configuration of it can be tried. That is in the run."""


class Trials:
    """What a run tries. Every result is in `run`, and on disk, as soon as it is known.

    `scratch` is a folder for what is of no use after the run. What starts a process raises Stopped
    after Ctrl-C, UsageError when the model cannot be had, SetupError when no TVM process can run.
    """

    def __init__(self, plan: Plan, run: Run, observer: Observer, scratch: Path) -> None:
        self.plan = plan
        self.run = run
        self.observer = observer
        self.scratch = scratch
        self.compiler = Compiler(plan, run.directory, scratch, observer)
        self.processes = self.compiler.processes
        self.artifacts: dict[str, Path | None] = {}
        """The folder of the compiled model of each configuration that ran, if there is one."""
        self.tuned: dict[str, Path] = {}
        """The same of those that were built with tuning records, by their side of the benchmark."""

    def attempt(
        self, configuration: Configuration, role: Role, data: DataSource | None = None
    ) -> Verdict:
        """Try a configuration; its verdict. `data`: to calibrate on, None for the plan's."""
        self.run.facts.attempted[configuration.text] = role.value
        self.save()
        compiled = self.compiler.compile(
            configuration, data=data, watch=_watch(self, configuration)
        )
        if judge.is_import(compiled.trace, compiled.ending):
            verdict = judge.of_import(self.plan.toolchain.name, compiled.trace, compiled.ending)
            self._keep(Result(verdict, role, compiled.trace, compiled.ending.tail))
            raise NotImported
        if configuration.is_model and configuration.target is None:
            self.compiler.adopt_float(compiled)
        elif compiled.ran:
            self.artifacts[configuration.text] = compiled.artifact
        verdict, stopped = self._verdict(configuration, compiled)
        if configuration.target is not None:
            verdict.target = compiled.trace.facts.target
        self._keep(Result(verdict, role, compiled.trace, compiled.ending.tail))
        if stopped:
            raise Stopped
        return verdict

    def ahead(self, configurations: list[Configuration]) -> None:
        """Have what is going to be tried compiled side by side."""
        for configuration in configurations:
            self.compiler.ahead(configuration, _watch(self, configuration))

    def float_ahead(self) -> None:
        """Have the float model compiled beside the rest, where it is going to be wanted."""
        here = [one.is_model for one in self.plan.configurations if one.target is None]
        if self.plan.reference and here and not any(here):
            self.compiler.float_ahead()

    def configuration(self, text: str) -> Configuration:
        """The configuration of that text; one that was asked for has fields of the TVM at hand."""
        same = (one for one in self.plan.configurations if one.text == text)
        return next(same, None) or parse(text)

    def verdict_on(self, configuration: Configuration, data: DataSource | None = None) -> Verdict:
        """The verdict on a configuration, tried now if it was not before."""
        cached = (result.verdict for result in self.run.results if result.role != Role.FLOAT)
        same = (verdict for verdict in cached if verdict.configuration == configuration.text)
        return next(same, None) or self.attempt(configuration, Role.INSTEAD, data)

    def float_model(self) -> Compiled:
        """The unquantized model, compiled when it is first needed."""
        first = not self.compiler.has_float
        compiled = self.compiler.float_model()
        if first:
            verdict = _of_float(self.plan.toolchain.name, compiled)
            self._keep(Result(verdict, Role.FLOAT, compiled.trace, compiled.ending.tail))
        return _unless_stopped(compiled)

    def _as_float(self, configuration: Configuration) -> Compiled:
        """The unquantized model, for the same target."""
        if configuration.target is None:
            return self.float_model()
        return _unless_stopped(self.compiler.as_float(configuration))

    def part(self, configuration: Configuration, first: int) -> Compiled:
        """The first calls of the model at a configuration; compiled once a run."""
        return _unless_stopped(self.compiler.part(configuration, first))

    def at_level(self, configuration: Configuration, level: int, first: int | None) -> Compiled:
        """At a configuration, quantized at another opt_level; only the first calls, if given."""
        return _unless_stopped(self.compiler.at_level(configuration, level, first))

    def for_cpu(self, configuration: Configuration | None, mcpu: str | None) -> Compiled:
        """At a configuration (None: the float model), for another -mcpu; None means the host's."""
        return _unless_stopped(self.compiler.for_cpu(configuration, mcpu))

    def with_records(
        self, configuration: Configuration | None, records: Path, which: str
    ) -> Compiled:
        """At a configuration (None: the float model), built with the schedules of a file."""
        return _unless_stopped(self.compiler.with_records(configuration, records, which))

    def judged(self, configuration: Configuration, compiled: Compiled) -> Verdict:
        """The verdict on what ran to its end, by its outputs."""
        name, bounds = self.plan.toolchain.name, self.plan.bounds
        if configuration.as_is:
            metrics, other = _arrived(self, configuration, compiled)
            verdict = arrived.of_as_is(configuration, name, compiled.trace, metrics, bounds, other)
            if not any(requested.fq2i for requested in self.plan.configurations):
                arrived.offer_fold(verdict, compiled.trace)
            return verdict
        return judge.of_result(configuration, name, compiled.trace, self.metrics(compiled), bounds)

    def ran(self) -> list[Result]:
        """What was asked for, and the reference, as far as they came to outputs."""
        return [one for one in self.run.with_role(Role.REQUESTED, Role.REFERENCE) if one.ran]

    def save(self) -> None:
        """Write the run as it is now."""
        store.write(self.run)

    def _keep(self, result: Result) -> None:
        if result.trace is not None:
            with contextlib.suppress(UsageError):
                result.code = kernel_code.load(result.trace)
        self.run.results.append(result)
        self.save()
        self.observer.decided(result)

    def _verdict(self, configuration: Configuration, compiled: Compiled) -> tuple[Verdict, bool]:
        """The verdict, and whether Ctrl-C ended the compile or came meanwhile."""
        if compiled.built:
            name = self.plan.toolchain.name
            return judge.of_build(configuration, name, compiled.trace), False
        judged = self._of_outputs if compiled.finished else self._of_failure
        return judged(configuration, compiled)

    def _of_outputs(self, configuration: Configuration, compiled: Compiled) -> tuple[Verdict, bool]:
        """The verdict, and whether Ctrl-C came meanwhile."""
        try:
            return self.judged(configuration, compiled), False
        except Stopped:
            verdict = Verdict(configuration.text, self.plan.toolchain.name, INTERRUPTED, "check")
            verdict.message = "it ran; Ctrl-C came before its numbers were compared"
            return verdict, True

    def _of_failure(self, configuration: Configuration, compiled: Compiled) -> tuple[Verdict, bool]:
        """The verdict, and whether Ctrl-C ended the compile or came meanwhile."""
        stopped = compiled.interrupted or self._investigate(configuration, compiled)
        name = self.plan.toolchain.name
        verdict = judge.of_failure(configuration, name, compiled.trace, compiled.ending)
        if not stopped:
            try:
                self._confirm(configuration, compiled, verdict)
            except (Stopped, KeyboardInterrupt):  # what is known by now is kept
                stopped = True
        return verdict, stopped

    def _confirm(self, configuration: Configuration, compiled: Compiled, verdict: Verdict) -> None:
        """Does the reduced module fail by itself, and the float model just so?"""
        chain = self.plan.toolchain
        investigation.reproduce(chain, compiled.trace, verdict, self.run.directory)
        if configuration.is_model or verdict.outcome == TIMED_OUT:
            return
        if verdict.stage in judge.FLOAT_STAGES:
            unquantized = self._as_float(configuration)
            if not (unquantized.ran or unquantized.built) and judge.fails_likewise(
                verdict, compiled.trace, unquantized.trace, unquantized.ending
            ):
                judge.blame_float(verdict, configuration)

    def _investigate(self, configuration: Configuration, compiled: Compiled) -> bool:
        """A process that raised has looked into it itself; for a dead one others do, one by one.

        Returns whether Ctrl-C came meanwhile.
        """
        if compiled.ending.how != How.SIGNAL or not compiled.trace.can_replay:
            return False
        self.observer.begin(f"{configuration.text} died: looking for the op")
        plan = self.plan
        with self.processes.room.turn():
            compiled.trace, ending = investigation.look_again(
                plan.toolchain, compiled.trace, plan.limits, watch=self.observer.progress
            )
        return ending.how == How.INTERRUPTED

    def metrics(self, compiled: Compiled) -> Metrics | None:
        """Of the outputs against the float model's; None where they cannot be compared."""
        reference = self.float_model()
        if not reference.ran:
            return None
        try:
            return outputs.compare(
                outputs.of_trace(compiled.trace), outputs.of_trace(reference.trace)
            )
        except (OSError, ValueError):
            return None


def _arrived(
    trials: Trials, configuration: Configuration, compiled: Compiled
) -> tuple[Metrics | None, str]:
    """Of a model that arrived: its outputs against ONNX Runtime's, else against those of the
    model as it is; what they were compared with, or why with nothing."""
    metrics, other = onnx_runtime.compared(
        trials.plan.model.source, compiled.trace, trials.scratch, trials.observer
    )
    if metrics is None and configuration.fq2i:
        metrics, other = trials.metrics(compiled), arrived.UNFOLDED
        other = other if metrics is not None else f"{other} does not run"
    return metrics, other


def _of_float(name: str, compiled: Compiled) -> Verdict:
    """The verdict on the float model, on the TVM of that name."""
    if compiled.ran:
        return Verdict(FLOAT, name, WORKS, "run")
    unquantized = replace(REFERENCE, text=FLOAT, dtypes=(FLOAT, FLOAT, FLOAT))
    verdict = judge.of_failure(unquantized, name, compiled.trace, compiled.ending)
    verdict.suggestion = None
    return verdict


def _watch(trials: Trials, configuration: Configuration) -> Foresight:
    trace = trials.compiler.orders.of(configuration).trace
    return Foresight(
        configuration,
        trials.plan.toolchain.name,
        trace,
        trials.observer.foreseen,
        lambda: configuration.target is None and trials.compiler.float_runs,
    )


def _unless_stopped(compiled: Compiled) -> Compiled:
    if compiled.interrupted:
        raise Stopped
    return compiled
