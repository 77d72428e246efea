"""Compiles of one run: each in a TVM process, what they share kept between them."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

from ..configuration import Configuration
from ..errors import SetupError, UsageError
from ..instruments.protocol.jobs import DataSource
from ..toolchains import identity
from ..toolchains.follower import Progress
from ..toolchains.toolchain import Toolchain
from ..trace import reader, trace
from ..trace.ending import Ending, How
from ..trace.layout import OUTPUTS
from . import float_cache
from .orders import Order, Orders
from .plan import Observer, Plan
from .processes import IMPORTING, Processes, Watch

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
    """Compiles a plan's model. `scratch` holds what is of no use after the run: see Orders.

    All raise UsageError when the model cannot be had, SetupError when no TVM process can run.
    """

    def __init__(self, plan: Plan, directory: Path, scratch: Path, observer: Observer) -> None:
        self._plan = plan
        self._observer = observer
        self.orders = Orders(plan, directory, scratch)
        self.processes = Processes(plan, observer.beside)
        self._once: dict[str, Compiled] = {}
        self._float: Compiled | None = None

    def compile(
        self,
        configuration: Configuration,
        suffix: str = "",
        data: DataSource | None = None,
        watch: Watch | None = None,
    ) -> Compiled:
        """The model at a configuration: see Orders.of. `watch` follows it beside the observer."""
        return self._run(self.orders.of(configuration, suffix, data), watch)

    def ahead(self, configuration: Configuration, watch: Watch) -> None:
        """Have the model compiled at a configuration before its turn, if there is room."""
        self._start(self.orders.of(configuration), watch)

    def float_ahead(self) -> None:
        """The same of the float model, unless it is kept."""
        order = self.orders.float_model()
        self.processes.ahead(
            order.what, order.job, unless=lambda: self._float_is_kept, shares=IMPORTING
        )

    def part_ahead(self, configuration: Configuration, first: int) -> None:
        """The same of the first calls of the model at a configuration."""
        self._start(self.orders.part(configuration, first))

    def level_ahead(self, configuration: Configuration, level: int, first: int | None) -> None:
        """The same of it quantized at another opt_level: see at_level."""
        self._start(self.orders.at_level(configuration, level, first))

    def as_float(self, configuration: Configuration) -> Compiled:
        """The unquantized model for the target of a configuration; once a run."""
        if configuration.target is None:
            return self.float_model()
        return self._run_once(self.orders.float_for(configuration.target))

    def part(self, configuration: Configuration, first: int) -> Compiled:
        """The first calls of the model at a configuration; each once a run."""
        return self._run_once(self.orders.part(configuration, first))

    def at_level(self, configuration: Configuration, level: int, first: int | None) -> Compiled:
        """At a configuration, quantized at another opt_level; only the first calls, if given."""
        return self._run(self.orders.at_level(configuration, level, first))

    def for_cpu(self, configuration: Configuration | None, mcpu: str | None) -> Compiled:
        """At a configuration (None: the float model), for another -mcpu; None means the host's."""
        return self._run(self.orders.for_cpu(configuration, mcpu))

    def with_records(
        self, configuration: Configuration | None, records: Path, which: str
    ) -> Compiled:
        """At a configuration (None: the float model), built with the schedules of a file; `which`
        ends the name of its folder."""
        return self._run(self.orders.with_records(configuration, records, which))

    @property
    def has_float(self) -> bool:
        """Is the float model there already?"""
        return self._float is not None

    @property
    def float_runs(self) -> bool:
        """Is it known by now that the float model comes to outputs?"""
        if self._float is not None:
            return self._float.ran
        return self._float_is_kept or (self.orders.float_model().trace / OUTPUTS).exists()

    def float_model(self) -> Compiled:
        """The unquantized model through the same TVM; once a run, or kept from another one."""
        if self._float is None:
            self._float = self._kept_or_made()
        return self._float

    def adopt_float(self, compiled: Compiled) -> None:
        """Take the model as it is, compiled because it was asked for, for the float model."""
        self._float = compiled

    @property
    def _float_is_kept(self) -> bool:
        kept = self._kept_float
        return kept is not None and kept.there and not self._plan.fresh

    def _kept_or_made(self) -> Compiled:
        kept = self._kept_float
        order = self.orders.float_model()
        folder = order.trace
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
        if plan.target is not None:
            return None  # it runs on a device, and what is kept does not say on which
        tvm, target = identity.identify(plan.toolchain), plan.target or plan.mcpu
        model, level = (plan.model, plan.check), plan.opt_level
        return float_cache.kept(*model, plan.toolchain, tvm, target, level, plan.tune > 0)

    def _run_once(self, order: Order) -> Compiled:
        if order.job.trace not in self._once:
            self._once[order.job.trace] = self._run(order)
        return self._once[order.job.trace]

    def _start(self, order: Order, watch: Watch = lambda progress: None) -> None:
        self.processes.ahead(order.what, order.job, watch)

    def _run(self, order: Order, watch: Watch | None = None) -> Compiled:
        def told(progress: Progress) -> None:
            self._observer.progress(progress)
            if watch is not None:
                watch(progress)

        def again() -> None:
            self._observer.begin(f"{order.what}, again by itself: it was killed beside others")

        self._observer.begin(order.what)
        ending = self.processes.run(order.job, told, again)
        folder, artifact = order.trace, order.artifact
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
