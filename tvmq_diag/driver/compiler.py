"""Compiles of one run: each in a TVM process, what they share kept between them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .. import targets
from ..configuration import AS_IS, Configuration, for_target, parse
from ..errors import SetupError, UsageError
from ..instruments.protocol.jobs import CompileJob, DataSource
from ..measurements.benchmark import FLOAT
from ..toolchains import identity, process
from ..toolchains.toolchain import Toolchain
from ..trace import reader, trace
from ..trace.ending import Ending, How
from ..trace.layout import TRACES, TUNED
from . import float_cache
from .plan import Observer, Plan

MODEL_ERROR = "ModelError"
"""The exception of instruments.inputs.models: the person's mistake, not TVM's."""


@dataclass
class Compiled:
    """What a process left behind. `artifact`: the folder of the compiled model, if there is one."""

    trace: trace.Trace
    ending: Ending
    artifact: Path | None = None

    @property
    def ran(self) -> bool:
        """Did it come to outputs?"""
        return self.trace.outputs is not None

    @property
    def finished(self) -> bool:
        """Did it come to outputs, and to its end?"""
        return self.ran and self.ending.how == How.FINISHED

    @property
    def built(self) -> bool:
        """Did a compile for another machine come to code, and to its end?"""
        return self.trace.facts.built and self.ending.how == How.FINISHED and not self.ending.code

    @property
    def interrupted(self) -> bool:
        """Did Ctrl-C end it?"""
        return self.ending.how == How.INTERRUPTED


class Compiler:
    """Compiles a plan's model. `scratch` holds what is of no use after the run: the imported model,
    which the first process leaves there for the others, and the compiled ones.

    All raise UsageError when the model cannot be had, SetupError when no TVM process can run.
    """

    def __init__(self, plan: Plan, directory: Path, scratch: Path, observer: Observer) -> None:
        self._plan = plan
        self._directory = directory
        self._scratch = scratch
        self._observer = observer
        self._parts: dict[str, Compiled] = {}
        self._float: Compiled | None = None

    def compile(
        self, configuration: Configuration, suffix: str = "", data: DataSource | None = None
    ) -> Compiled:
        """The model at a configuration; `suffix` is for the name of its folder, `data` to calibrate
        on (None: the plan's)."""
        text, slug = configuration.text + suffix, configuration.slug + suffix
        if configuration.target is not None:
            return self._for_target(configuration, text, slug)
        if data is not None:
            what = f"{text}, calibrated on {data.source}"
            return self._run(what, slug, configuration.qconfig, dataset=data)
        if not configuration.as_is:
            return self._run(text, slug, configuration.qconfig)
        return self._run(text, slug, None, fq2i=configuration.fq2i, keep_inputs=True)

    def as_float(self, configuration: Configuration) -> Compiled:
        """The unquantized model for the target of a configuration; once a run."""
        if configuration.target is None:
            return self.float_model()
        same = for_target(parse(AS_IS), configuration.target)
        slug = f"{FLOAT}@{configuration.target}"
        if slug not in self._parts:
            self._parts[slug] = self._for_target(same, slug, replace(same, text=slug).slug)
        return self._parts[slug]

    def _for_target(self, configuration: Configuration, text: str, slug: str) -> Compiled:
        assert configuration.target is not None
        target, qconfig = targets.resolve(configuration.target), configuration.qconfig
        return self._run(text, slug, qconfig, target=target, fq2i=configuration.fq2i)

    def part(self, configuration: Configuration, first: int) -> Compiled:
        """The first calls of the model at a configuration; each once a run."""
        slug = f"{configuration.slug}-first{first}"
        if slug not in self._parts:
            what = f"{configuration.text} on the first {first} ops"
            self._parts[slug] = self._run(what, slug, configuration.qconfig, first_ops=first)
        return self._parts[slug]

    def at_level(self, configuration: Configuration, level: int, first: int | None) -> Compiled:
        """At a configuration, quantized at another opt_level; only the first calls, if given."""
        what = f"{configuration.text}, quantized at opt_level {level}"
        slug = f"{configuration.slug}-level{level}"
        qconfig = configuration.qconfig
        return self._run(what, slug, qconfig, quantize_opt_level=level, first_ops=first)

    def for_cpu(self, configuration: Configuration | None, mcpu: str | None) -> Compiled:
        """At a configuration (None: the float model), for another -mcpu; None means the host's."""
        name, qconfig = FLOAT, None
        if configuration is not None:
            name, qconfig = configuration.slug, configuration.qconfig
        cpu = "the host's -mcpu" if mcpu is None else f"-mcpu {mcpu}"
        what = f"{configuration.text if configuration else FLOAT} for {cpu}"
        return self._run(what, f"{name}-{mcpu or 'host'}", qconfig, mcpu=mcpu)

    def with_records(
        self, configuration: Configuration | None, records: Path, which: str
    ) -> Compiled:
        """At a configuration (None: the float model), built with the schedules of a file; `which`
        ends the name of its folder."""
        name, text, qconfig = FLOAT, FLOAT, None
        if configuration is not None:
            name, text, qconfig = configuration.slug, configuration.text, configuration.qconfig
        slug = f"{name}{TUNED}{which}"
        return self._run(f"{text}, tuned", slug, qconfig, records=str(records))

    @property
    def has_float(self) -> bool:
        """Is the float model there already?"""
        return self._float is not None

    def float_model(self) -> Compiled:
        """The unquantized model through the same TVM; once a run, or kept from another one."""
        if self._float is None:
            self._float = self._kept_or_made()
        return self._float

    def adopt_float(self, compiled: Compiled) -> None:
        """Take the model as it is, compiled because it was asked for, for the float model."""
        self._float = compiled

    def _kept_or_made(self) -> Compiled:
        plan = self._plan
        tvm = identity.identify(plan.toolchain)
        target = plan.target or plan.mcpu
        kept = None
        if plan.toolchain.overlay is None:  # that is for one run, and may change anything
            model, level = (plan.model, plan.check), plan.opt_level
            kept = float_cache.kept(*model, plan.toolchain, tvm, target, level, plan.tune > 0)
        folder = self._directory / TRACES / FLOAT
        if kept is not None and not plan.fresh and kept.restore(folder):
            done = Ending(How.FINISHED, 0, 0.0, 0, "")
            return Compiled(reader.load(folder), done, kept.artifact)
        compiled = self._run(f"{FLOAT} (the model as it is)", FLOAT, None)
        if kept is not None and compiled.ran and compiled.artifact is not None:
            kept.keep(folder, compiled.artifact)
        return compiled

    def calibrated(self, slug: str) -> Path:
        """Where the calibrated module of a configuration is left."""
        return self._scratch / f"{slug}-calibrated"

    def job(self, trace: Path, qconfig: dict[str, Any] | None) -> CompileJob:
        """A compile, for the TVM process."""
        plan = self._plan
        return CompileJob(
            trace=str(trace),
            dialect=plan.toolchain.dialect,
            model=plan.model,
            dataset=plan.dataset,
            check=plan.check,
            qconfig=qconfig,
            mcpu=plan.mcpu,
            target=plan.target,
            opt_level=plan.opt_level,
            quantize_opt_level=plan.quantize_opt_level,
            quantize_anyway=plan.quantize_anyway,
            imported=str(self._scratch),
            save_ir=plan.save_ir,
        )

    def _run(
        self,
        what: str,
        slug: str,
        qconfig: dict[str, Any] | None,
        **changes: int | str | DataSource | None,
    ) -> Compiled:
        """Of the planned job, with other values for some of its fields."""
        plan = self._plan
        self._observer.begin(what)
        folder = self._directory / TRACES / slug
        artifact = self._scratch / slug
        job = replace(self.job(folder, qconfig), **changes)  # type: ignore[arg-type]
        several = any(configuration.target is not None for configuration in plan.configurations)
        if job.first_ops is None and (plan.reference or several):
            job = replace(job, code=True)
        if plan.reference and job.first_ops is None and job.target == plan.target:
            calibrated = str(self.calibrated(slug)) if qconfig is not None else None
            # With records it is tuned already.
            tasks = plan.tune > 0 and job.records is None
            job = replace(job, artifact=str(artifact), calibrated=calibrated, tasks=tasks)
        ending = process.run(plan.toolchain, job, plan.limits, self._observer.progress)
        try:
            recorded = reader.load(folder)
        except UsageError:
            recorded = trace.Trace(folder)
        _check_it_began(recorded, ending, plan.toolchain)
        return Compiled(recorded, ending, artifact if artifact.is_dir() else None)


def _check_it_began(recorded: trace.Trace, ending: Ending, toolchain: Toolchain) -> None:
    """Sort out what no compile is to blame for: a model that is not there, a TVM that is broken."""
    failure = recorded.failure
    if failure is not None and failure.error == MODEL_ERROR:
        raise UsageError(failure.message)
    if not recorded.began and ending.how == How.FINISHED:
        last = [line for line in ending.tail.splitlines() if line.strip()]
        said = last[-1].strip()[:300] if last else f"exit code {ending.code}"
        raise SetupError(f"the TVM process of {toolchain.python} ended before it began: {said}")
