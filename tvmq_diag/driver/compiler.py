"""Compiles of one run: each in a TVM process, what they share kept between them."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .. import targets
from ..configuration import AS_IS, Configuration, for_target, parse
from ..errors import SetupError, UsageError
from ..instruments.protocol.jobs import CompileJob, DataSource
from ..measurements.benchmark import FLOAT
from ..toolchains import identity
from ..toolchains.cache import cache_dir
from ..toolchains.follower import Progress
from ..toolchains.toolchain import Toolchain
from ..trace import reader, trace
from ..trace.ending import Ending, How
from ..trace.layout import TRACES, TUNED
from . import float_cache
from .plan import Observer, Plan
from .processes import Processes, Watch

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


@dataclass(frozen=True)
class _Order:
    """A compile to be done: what a person reads of it, and where its compiled model goes."""

    what: str
    job: CompileJob
    artifact: Path


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
        self.processes = Processes(plan, observer.beside)
        self._parts: dict[str, Compiled] = {}
        self._float: Compiled | None = None

    def compile(
        self,
        configuration: Configuration,
        suffix: str = "",
        data: DataSource | None = None,
        watch: Watch | None = None,
    ) -> Compiled:
        """The model at a configuration; `suffix` is for the name of its folder, `data` to calibrate
        on (None: the plan's). `watch` follows it beside the observer."""
        return self._run(self._order_of(configuration, suffix, data), watch)

    def ahead(self, configuration: Configuration, watch: Watch) -> None:
        """Have the model compiled at a configuration before its turn, if there is room."""
        self._start(self._order_of(configuration), watch)

    def float_ahead(self) -> None:
        """The same of the float model, unless it is kept."""

        def is_kept() -> bool:
            kept = self._kept_float
            return kept is not None and kept.there and not self._plan.fresh

        order = self._float_order()
        self.processes.ahead(order.what, order.job, unless=is_kept)

    def part_ahead(self, configuration: Configuration, first: int) -> None:
        """The same of the first calls of the model at a configuration."""
        self._start(self._part_order(configuration, first))

    def trace_of(self, configuration: Configuration) -> Path:
        """The folder of the trace of `compile`."""
        return self._directory / TRACES / configuration.slug

    def _order_of(
        self, configuration: Configuration, suffix: str = "", data: DataSource | None = None
    ) -> _Order:
        text, slug = configuration.text + suffix, configuration.slug + suffix
        if configuration.target is not None:
            return self._for_target(configuration, text, slug)
        if data is not None:
            what = f"{text}, calibrated on {data.source}"
            return self._order(what, slug, configuration.qconfig, dataset=data)
        if not configuration.as_is:
            return self._order(text, slug, configuration.qconfig)
        return self._order(text, slug, None, fq2i=configuration.fq2i, keep_inputs=True)

    def as_float(self, configuration: Configuration) -> Compiled:
        """The unquantized model for the target of a configuration; once a run."""
        if configuration.target is None:
            return self.float_model()
        same = for_target(parse(AS_IS), configuration.target)
        slug = f"{FLOAT}@{configuration.target}"
        if slug not in self._parts:
            order = self._for_target(same, slug, replace(same, text=slug).slug)
            self._parts[slug] = self._run(order)
        return self._parts[slug]

    def _for_target(self, configuration: Configuration, text: str, slug: str) -> _Order:
        assert configuration.target is not None
        target, qconfig = targets.resolve(configuration.target), configuration.qconfig
        return self._order(text, slug, qconfig, target=target, fq2i=configuration.fq2i)

    def part(self, configuration: Configuration, first: int) -> Compiled:
        """The first calls of the model at a configuration; each once a run."""
        slug = f"{configuration.slug}-first{first}"
        if slug not in self._parts:
            self._parts[slug] = self._run(self._part_order(configuration, first))
        return self._parts[slug]

    def _part_order(self, configuration: Configuration, first: int) -> _Order:
        slug = f"{configuration.slug}-first{first}"
        what = f"{configuration.text} on the first {first} ops"
        return self._order(what, slug, configuration.qconfig, first_ops=first)

    def at_level(self, configuration: Configuration, level: int, first: int | None) -> Compiled:
        """At a configuration, quantized at another opt_level; only the first calls, if given."""
        what = f"{configuration.text}, quantized at opt_level {level}"
        slug = f"{configuration.slug}-level{level}"
        qconfig = configuration.qconfig
        changes: dict[str, Any] = {"quantize_opt_level": level, "first_ops": first}
        return self._run(self._order(what, slug, qconfig, **changes))

    def for_cpu(self, configuration: Configuration | None, mcpu: str | None) -> Compiled:
        """At a configuration (None: the float model), for another -mcpu; None means the host's."""
        name, qconfig = FLOAT, None
        if configuration is not None:
            name, qconfig = configuration.slug, configuration.qconfig
        cpu = "the host's -mcpu" if mcpu is None else f"-mcpu {mcpu}"
        what = f"{configuration.text if configuration else FLOAT} for {cpu}"
        return self._run(self._order(what, f"{name}-{mcpu or 'host'}", qconfig, mcpu=mcpu))

    def with_records(
        self, configuration: Configuration | None, records: Path, which: str
    ) -> Compiled:
        """At a configuration (None: the float model), built with the schedules of a file; `which`
        ends the name of its folder."""
        name, text, qconfig = FLOAT, FLOAT, None
        if configuration is not None:
            name, text, qconfig = configuration.slug, configuration.text, configuration.qconfig
        slug = f"{name}{TUNED}{which}"
        return self._run(self._order(f"{text}, tuned", slug, qconfig, records=str(records)))

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
        kept = self._kept_float
        order = self._float_order()
        folder = Path(order.job.trace)
        if kept is not None and not self._plan.fresh and kept.restore(folder):
            done = Ending(How.FINISHED, 0, 0.0, 0, "")
            return Compiled(reader.load(folder), done, kept.artifact)
        compiled = self._run(order)
        if kept is not None and compiled.ran and compiled.artifact is not None:
            kept.keep(folder, compiled.artifact)
        return compiled

    @functools.cached_property
    def _kept_float(self) -> float_cache.Kept | None:
        """Where the float model is kept, if it can be."""
        plan = self._plan
        if plan.toolchain.overlay is not None:
            return None  # that is for one run, and may change anything
        tvm, target = identity.identify(plan.toolchain), plan.target or plan.mcpu
        model, level = (plan.model, plan.check), plan.opt_level
        return float_cache.kept(*model, plan.toolchain, tvm, target, level, plan.tune > 0)

    def _float_order(self) -> _Order:
        return self._order(f"{FLOAT} (the model as it is)", FLOAT, None)

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
            kept=None if plan.fresh else str(cache_dir()),
            save_ir=plan.save_ir,
        )

    def _order(
        self,
        what: str,
        slug: str,
        qconfig: dict[str, Any] | None,
        **changes: int | str | DataSource | None,
    ) -> _Order:
        """Of the planned job, with other values for some of its fields."""
        plan = self._plan
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
        return _Order(what, job, artifact)

    def _start(self, order: _Order, watch: Watch = lambda progress: None) -> None:
        self.processes.ahead(order.what, order.job, watch)

    def _run(self, order: _Order, watch: Watch | None = None) -> Compiled:
        def told(progress: Progress) -> None:
            self._observer.progress(progress)
            if watch is not None:
                watch(progress)

        self._observer.begin(order.what)
        ending = self.processes.run(order.job, told)
        folder, artifact = Path(order.job.trace), order.artifact
        try:
            recorded = reader.load(folder)
        except UsageError:
            recorded = trace.Trace(folder)
        _check_it_began(recorded, ending, self._plan.toolchain)
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
