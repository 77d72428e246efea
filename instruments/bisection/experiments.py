"""The ways in which a model is built and run to find out where its result goes wrong."""

from __future__ import annotations

import contextlib
from functools import cached_property
from typing import Callable, Sequence

import numpy as np

from ..numerics.probe import Executor, Probe
from ..protocol.ops import anchor_kind
from ..tvm_types import IRModule, PassInfo, Target
from .capture import CapturedPass, only
from .contract import Suspect
from .rightness import Bounds, as_float, as_trusted, in_place
from .search import Judged, Ran, attempted


class Experiments:
    """On the model of a job, with its passes of quantize() captured.

    `host` is the target as asked, `plain_host` that of the plain way. A whole model is right if its
    outputs for each of `inputs` are near enough to those of the model before the first pass, built
    in the plain way: see rightness.as_float.
    """

    def __init__(
        self,
        suspect: Suspect,
        host: Target,
        plain_host: Target,
        inputs: list[dict[str, np.ndarray]],
        passes: list[CapturedPass],
        bounds: Bounds,
    ) -> None:
        self.suspect = suspect
        self.passes = passes
        self._host = host
        self._plain_host = plain_host
        self._inputs = inputs
        self._probe: tuple[Probe, Executor] | None = None
        self._near_float = as_float(self.plain(passes[0].before).outputs, bounds)

    def stage(self, index: int) -> str:
        """Of a pass. What comes behind realize folds, what comes before partition prepares."""
        own = self.suspect.stages
        named = [own[passed.name] for passed in self.passes[: index + 1] if passed.name in own]
        if not named:
            return "prepare"
        return "fold" if self.passes[index].name not in own else named[-1]

    def after(self, index: int) -> Judged:
        """The model as a pass of quantize() left it."""
        integers = self.stage(index) in ("realize", "fold")
        judge = self._in_place if integers else self._near_float
        return attempted(lambda: self._run_after(index), judge)

    def plain(self, module: IRModule) -> Ran:
        """A module built for no particular processor, nothing optimised."""
        return self.suspect.plain(module, self._plain_host, self._inputs)

    def real(self, module: IRModule) -> Ran:
        """A module built as asked."""
        return self.suspect.real(module, self._host, self._inputs, None)

    def limited(self, module: IRModule, allowed: Callable[[int, str], bool]) -> Judged:
        """A whole model built as asked; `allowed` says which of the passes that may be left out are
        run, by number and name."""
        count = 0

        def allow(info: PassInfo) -> bool:
            nonlocal count
            if not self.suspect.may_be_left_out(info):
                return True
            count += 1
            return allowed(count - 1, str(info.name))

        return attempted(
            lambda: self.suspect.real(module, self._host, self._inputs, only(allow)), self._in_place
        )

    def without_kernels(self, module: IRModule, index: int) -> tuple[Judged, str | None]:
        """The ops to one of a quantized module, as the passes of the build left them, built in the
        plain way; and which kernel the build has for the op, None where TVM does not say."""
        name = self.suspect.calls(module)[index].name
        kind = anchor_kind(self.suspect.dialect, name)
        part = self.suspect.prefix(module, index + 1)
        kernel: list[str] = []

        def run() -> Ran:
            lowered = self.suspect.lowered(part, self._host)
            of_kind = [
                implementation
                for op, implementation in lowered.chosen
                if op == name or (kind and anchor_kind(self.suspect.dialect, op) == kind)
            ]
            kernel.extend(of_kind[-1:])  # those of the ops before it come first
            return self.plain(lowered.module)

        judged = attempted(run, lambda ran: as_trusted(self.plain(part))(ran))
        return judged, next(iter(kernel), None)

    def again(self, names: Sequence[str], module: IRModule) -> Ran:
        """Passes of quantize() on a part of the model, built in the plain way."""
        return self.plain(self.suspect.again(names, module, self._host))

    @property
    def calibrated(self) -> IRModule:
        """What QuantizeCalibrate left."""
        return next(p.after for p in self.passes if p.name == "QuantizeCalibrate")

    def probe(self) -> Probe:
        """What is in the calibrated model. Raises what building it raises."""
        return self._probing()[0]

    def with_sites(self, sites: Sequence[int]) -> Judged:
        """The calibrated model with these quantization steps on, and no others."""
        return attempted(lambda: self._simulated(sites), self._near_float)

    @cached_property
    def _in_place(self) -> Callable[[Ran], Judged]:
        """The judge of what computes in integers: what a mean over the places hides is compared
        with the simulation, as float is further away the fewer bits there are."""
        simulated = None
        with contextlib.suppress(Exception):  # then it is judged without
            simulated = self.plain(self.suspect.floating(self.calibrated)).pooled
        return in_place(simulated, self._near_float)

    def _run_after(self, index: int) -> Ran:
        stage, module = self.stage(index), self.passes[index].after
        if stage == "annotate":  # it has no scales: every step passes its values on as they are
            return self._simulated(())
        return self.plain(self.suspect.floating(module) if stage == "calibrate" else module)

    def _probing(self) -> tuple[Probe, Executor]:
        if self._probe is None:
            probe = self.suspect.probed(self.calibrated)
            self._probe = probe, self.suspect.build(probe, self._plain_host, self._inputs[0])
        return self._probe

    def _simulated(self, sites: Sequence[int]) -> Ran:
        probe, executor = self._probing()
        each = []
        for given in self._inputs:
            executor.feed(given)
            executor.run(sites)
            each.append([executor.output(number) for number in probe.results])
        return Ran([np.stack(outputs) for outputs in zip(*each)])
