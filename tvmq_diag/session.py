"""The whole job: every configuration through a TVM process, judged, and written down.

Order matters to the person waiting: the verdicts on what was asked for come first. The float model
runs as soon as a verdict needs it; the reference runs last.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from . import explain, knobmap, metrics, runner, trace, verdict
from .configuration import REFERENCE, Configuration, parse, wider
from .errors import SetupError, UsageError
from .outcome import INTERRUPTED, WORKS, Metrics, Result, Run, Verdict
from .runner import Ending, Limits, Progress
from .toolchain import Toolchain

VERDICTS = "verdict.json"
FACTS = "run.json"
FLOAT = "float32"

REPRODUCER_SECONDS = 120.0

MODEL_ERROR = "ModelError"
"""The exception of instruments.models: the person's mistake, not TVM's."""


@dataclass(frozen=True)
class Model:
    """What to compile: a source (see instruments.models), input shape, seed and weights."""

    source: str
    shape: list[int] | None = None
    seed: int = 0
    weights: str | None = None


@dataclass(frozen=True)
class Plan:
    """What a run does. `mcpu` None means the host's; `min_cosine` is the bound for `works`."""

    model: Model
    configurations: list[Configuration]
    toolchain: Toolchain
    limits: Limits
    mcpu: str | None = None
    opt_level: int = 3
    reference: bool = True
    save_ir: bool = False
    min_cosine: float = verdict.MIN_COSINE


@dataclass
class Observer:
    """Who is told what happens meanwhile: a process begins, gets on, a verdict is known."""

    begin: Callable[[str], None] = lambda what: None
    progress: Callable[[Progress], None] = lambda progress: None
    decided: Callable[[Result], None] = lambda result: None


@dataclass
class Compiled:
    """What a process left behind."""

    trace: trace.Trace
    ending: Ending

    @property
    def ran(self) -> bool:
        """Did it come to outputs?"""
        return self.trace.outputs is not None


class _Stopped(Exception):
    """Ctrl-C ended a process: nothing more is started."""


class Session:
    """One run of the tool. `run.results` fills up while `go` works, and is on disk at each step."""

    def __init__(self, plan: Plan, run: Run, observer: Observer) -> None:
        self.plan = plan
        self.run = run
        self.observer = observer
        self._float: Compiled | None = None
        self._parts: dict[str, Compiled] = {}

    def go(self) -> Run:
        """Do the plan. Stops early, with what it has, when a process was stopped by Ctrl-C.

        Raises UsageError when the model cannot be had, SetupError when no TVM process can run.
        """
        self._write()
        try:
            for configuration, role in self._queue():
                self._try(configuration, role)
            if self.plan.reference:
                self._float_model()
                self._look_for_what_works()
                self._turn_each_knob()
        except _Stopped:
            self.run.facts["interrupted"] = True
            self._write()
        return self.run

    def _turn_each_knob(self) -> None:
        """For each rejected configuration, what its fields do one by one, on the first ops."""
        for result in self.run.with_role("asked"):
            first = knobmap.first_ops(result.trace) if result.trace is not None else None
            questions = knobmap.questions(parse(result.verdict.configuration))
            if first is None or not questions:
                continue
            usual = self._part(REFERENCE, first)
            answers: list[dict[str, Any]] = []
            if not usual.ran:
                questions = []  # the part itself is at fault: it would say nothing of the fields
            for field, configuration in questions:
                part = self._part(configuration, first)
                decided = verdict.of_failure(
                    configuration, self.plan.toolchain.name, part.trace, part.ending
                )
                ran = part.ran and part.ending.how == runner.FINISHED
                answers.append(asdict(knobmap.run(field, decided, ran, part.trace, usual.trace)))
            result.verdict.knob_map = answers
            self._write()

    def _part(self, configuration: Configuration, first: int) -> Compiled:
        """The first calls of the model at a configuration; each once a run."""
        slug = f"{configuration.slug}-first{first}"
        if slug not in self._parts:
            what = f"{configuration.text} on the first {first} ops"
            part = self._compile(what, slug, configuration.qconfig, first)
            if part.ending.how == runner.INTERRUPTED:
                raise _Stopped
            self._parts[slug] = part
        return self._parts[slug]

    def _look_for_what_works(self) -> None:
        """For each configuration that does not work, try the nearest that might, and say so."""
        for result in self.run.with_role("asked"):
            if result.verdict.outcome == WORKS:
                continue
            asked = parse(result.verdict.configuration)
            tried = self._nearest([*wider(asked), REFERENCE])
            if tried is not None:
                result.verdict.instead = {
                    "configuration": tried.configuration,
                    "metrics": asdict(tried.metrics) if tried.metrics else None,
                    "latency_ms": asdict(tried.latency_ms) if tried.latency_ms else None,
                }
                result.verdict.suggestion = explain.tried(tried)
            self._write()

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
        known = (r.verdict for r in self.run.results if r.role != "float")
        same = (v for v in known if v.configuration == configuration.text)
        return next(same, None) or self._try(configuration, "instead")

    def _queue(self) -> list[tuple[Configuration, str]]:
        queue = [(configuration, "asked") for configuration in self.plan.configurations]
        asked = any(configuration.text == REFERENCE.text for configuration, _ in queue)
        if self.plan.reference and not asked:
            queue.append((REFERENCE, "reference"))
        return queue

    def _try(self, configuration: Configuration, role: str) -> Verdict:
        compiled = self._compile(configuration.text, configuration.slug, configuration.qconfig)
        name = self.plan.toolchain.name
        if compiled.ran and compiled.ending.how == runner.FINISHED:
            try:
                numbers = self._numbers(compiled)
            except _Stopped:
                decided = Verdict(configuration.text, name, INTERRUPTED, "check")
                decided.message = "it ran; Ctrl-C came before its numbers were compared"
                self._keep(Result(decided, role, compiled.trace, compiled.ending.tail))
                raise
            decided = verdict.of_result(
                configuration, name, compiled.trace, numbers, self.plan.min_cosine
            )
        else:
            decided = verdict.of_failure(configuration, name, compiled.trace, compiled.ending)
            decided.reproducer = self._verified(compiled, decided.message)
        self._keep(Result(decided, role, compiled.trace, compiled.ending.tail))
        if compiled.ending.how == runner.INTERRUPTED:
            raise _Stopped
        return decided

    def _verified(self, compiled: Compiled, message: str | None) -> str | None:
        """The reproducer's path, if it fails in the same way in a fresh process; else it goes."""
        smallest = compiled.trace.smallest
        if smallest is None or smallest.file is None or message is None:
            return None
        file = compiled.trace.path / smallest.file
        said = runner.output_of(self.plan.toolchain, file, REPRODUCER_SECONDS)
        if said is not None and message in said:
            return file.relative_to(self.run.directory).as_posix()
        file.replace(file.with_suffix(".unverified"))
        return None

    def _float_model(self) -> Compiled:
        """The unquantized model through the same TVM; once a run."""
        if self._float is None:
            self._float = self._compile(f"{FLOAT} (the model as it is)", FLOAT, None)
            self._keep(self._float_result(self._float))
            if self._float.ending.how == runner.INTERRUPTED:
                raise _Stopped
        return self._float

    def _float_result(self, compiled: Compiled) -> Result:
        name = self.plan.toolchain.name
        if compiled.ran:
            decided = Verdict(FLOAT, name, WORKS, "run")
            decided.latency_ms = verdict.latency(compiled.trace.latencies.get("tvm", ()))
        else:
            unquantized = replace(REFERENCE, text=FLOAT, dtypes=(FLOAT, FLOAT, FLOAT))
            decided = verdict.of_failure(unquantized, name, compiled.trace, compiled.ending)
            decided.suggestion = None
        return Result(decided, "float", compiled.trace, compiled.ending.tail)

    def _numbers(self, compiled: Compiled) -> Metrics | None:
        floats = self._float_model()
        if not floats.ran:
            return None
        try:
            return metrics.compare(_outputs(compiled), _outputs(floats))
        except (OSError, ValueError, KeyError):
            return None

    def _compile(
        self, what: str, slug: str, qconfig: dict[str, Any] | None, first_ops: int | None = None
    ) -> Compiled:
        self.observer.begin(what)
        folder = self.run.directory / "traces" / slug
        job = {
            "task": "compile",
            "trace": str(folder),
            "model": asdict(self.plan.model),
            "qconfig": qconfig,
            "mcpu": self.plan.mcpu,
            "opt_level": self.plan.opt_level,
            "benchmark": self.plan.reference and first_ops is None,
            "first_ops": first_ops,
            "save_ir": self.plan.save_ir,
        }
        ending = runner.run(self.plan.toolchain, job, self.plan.limits, self.observer.progress)
        try:
            recorded = trace.load(folder)
        except UsageError:
            recorded = trace.Trace(folder)
        _check_it_began(recorded, ending, self.plan.toolchain)
        return Compiled(recorded, ending)

    def _keep(self, result: Result) -> None:
        self.run.results.append(result)
        self._write()
        self.observer.decided(result)

    def _write(self) -> None:
        """verdict.json and run.json as they are known now."""
        verdicts = [
            {**result.verdict.to_json(), "role": result.role}
            for result in self.run.results
            if result.role != "float"
        ]
        _dump(self.run.directory / VERDICTS, verdicts)
        for result in self.run.with_role("float"):
            times = result.trace.latencies if result.trace else {}
            self.run.facts["float"] = {
                "outcome": result.verdict.outcome,
                "latency_ms": {
                    of: asdict(summary)
                    for of, ms in times.items()
                    if (summary := verdict.latency(ms)) is not None
                },
            }
        _dump(self.run.directory / FACTS, self.run.facts)


def _outputs(compiled: Compiled) -> list[metrics.Array]:
    assert compiled.trace.outputs is not None
    return metrics.outputs(compiled.trace.path / compiled.trace.outputs)


def _check_it_began(recorded: trace.Trace, ending: Ending, toolchain: Toolchain) -> None:
    """Sort out what no compile is to blame for: a model that is not there, a TVM that is broken."""
    failure = recorded.failure
    if failure is not None and failure.error == MODEL_ERROR:
        raise UsageError(failure.message)
    if not recorded.facts and ending.how == runner.FINISHED:
        last = [line for line in ending.tail.splitlines() if line.strip()]
        said = last[-1].strip()[:300] if last else f"exit code {ending.code}"
        raise SetupError(f"the TVM process of {toolchain.python} ended before it began: {said}")


def _dump(path: Path, value: Any) -> None:
    """Write through a neighbour file, so that nobody ever reads half of it."""
    draft = path.with_suffix(".tmp")
    draft.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
    draft.replace(path)


def works(run: Run) -> bool:
    """Do all configurations that were asked for work?"""
    asked = run.with_role("asked")
    return bool(asked) and all(result.verdict.outcome == WORKS for result in asked)
