"""What the compiles of one run are: the job of each, its folder, and what a person reads of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .. import targets
from ..configuration import AS_IS, Configuration, for_target, parse
from ..instruments.protocol.jobs import CompileJob, DataSource
from ..measurements.benchmark import FLOAT
from ..toolchains.cache import cache_dir
from ..trace.layout import TRACES, TUNED
from .plan import Plan


@dataclass(frozen=True)
class Order:
    """A compile to be done: what a person reads of it, and where its compiled model goes."""

    what: str
    job: CompileJob
    artifact: Path

    @property
    def trace(self) -> Path:
        """The folder of its trace."""
        return Path(self.job.trace)


class Orders:
    """The compiles of a plan's model, into `directory`. `scratch` holds what is of no use after
    the run: the compiled models and, with --fresh, what is otherwise kept for other runs too."""

    def __init__(self, plan: Plan, directory: Path, scratch: Path) -> None:
        self._plan = plan
        self._directory = directory
        self._scratch = scratch

    def of(
        self, configuration: Configuration, suffix: str = "", data: DataSource | None = None
    ) -> Order:
        """The model at a configuration; `suffix` is for the name of its folder, `data` to calibrate
        on (None: the plan's)."""
        text, slug = configuration.text + suffix, configuration.slug + suffix
        if configuration.target is not None:
            return self._for_target(configuration, text, slug)
        if data is not None:
            what = f"{text}, calibrated on {data.source}"
            return self._order(what, slug, configuration.qconfig, dataset=data)
        if not configuration.as_is:
            return self._order(text, slug, configuration.qconfig)
        return self._order(text, slug, None, fq2i=configuration.fq2i, keep_inputs=True)

    def float_model(self) -> Order:
        """The unquantized model."""
        return self._order(f"{FLOAT} (the model as it is)", FLOAT, None)

    def float_for(self, target: str) -> Order:
        """The unquantized model for a target."""
        same = for_target(parse(AS_IS), target)
        slug = f"{FLOAT}@{target}"
        return self._for_target(same, slug, replace(same, text=slug).slug)

    def _for_target(self, configuration: Configuration, text: str, slug: str) -> Order:
        assert configuration.target is not None
        target, qconfig = targets.resolve(configuration.target), configuration.qconfig
        return self._order(text, slug, qconfig, target=target, fq2i=configuration.fq2i)

    def part(self, configuration: Configuration, first: int) -> Order:
        """The first calls of the model at a configuration."""
        slug = f"{configuration.slug}-first{first}"
        what = f"{configuration.text} on the first {first} ops"
        return self._order(what, slug, configuration.qconfig, first_ops=first)

    def at_level(self, configuration: Configuration, level: int, first: int | None) -> Order:
        """At a configuration, quantized at another opt_level; only the first calls, if given."""
        what = f"{configuration.text}, quantized at opt_level {level}"
        slug = f"{configuration.slug}-level{level}"
        changes: dict[str, Any] = {"quantize_opt_level": level, "first_ops": first}
        return self._order(what, slug, configuration.qconfig, **changes)

    def for_cpu(self, configuration: Configuration | None, mcpu: str | None) -> Order:
        """At a configuration (None: the float model), for another -mcpu; None means the host's."""
        name, qconfig = FLOAT, None
        if configuration is not None:
            name, qconfig = configuration.slug, configuration.qconfig
        cpu = "the host's -mcpu" if mcpu is None else f"-mcpu {mcpu}"
        what = f"{configuration.text if configuration else FLOAT} for {cpu}"
        return self._order(what, f"{name}-{mcpu or 'host'}", qconfig, mcpu=mcpu)

    def with_records(self, configuration: Configuration | None, records: Path, which: str) -> Order:
        """At a configuration (None: the float model), built with the schedules of a file; `which`
        ends the name of its folder."""
        name, text, qconfig = FLOAT, FLOAT, None
        if configuration is not None:
            name, text, qconfig = configuration.slug, configuration.text, configuration.qconfig
        slug = f"{name}{TUNED}{which}"
        return self._order(f"{text}, tuned", slug, qconfig, records=str(records))

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
            kept=str(self._scratch / "kept" if plan.fresh else cache_dir()),
            save_ir=plan.save_ir,
        )

    def _order(
        self,
        what: str,
        slug: str,
        qconfig: dict[str, Any] | None,
        **changes: int | str | DataSource | None,
    ) -> Order:
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
            if job.target is not None:  # which is that of the device
                job = replace(job, rpc=plan.rpc)
        return Order(what, job, artifact)
