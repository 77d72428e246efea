"""For a wrong result on Relax: after which pass it is, and from which op on.

See instruments.bisection.bisection for the job. The plain way to build is TVM's default pipeline at
opt_level 0, without -mcpu and without our schedule. Of the passes of a build those of OPTIONAL are
left out: nearly all have opt_level 0 on Relax, so that tells nothing.
"""

from __future__ import annotations

from typing import Any, Sequence

import numpy as np
import tvm
from tvm import relax

from ..bisection.capture import CapturedPass, capturing
from ..bisection.contract import Lowered, Op, Suspect
from ..bisection.search import Ran
from ..numerics.op_errors import Inputs
from ..numerics.pooling import stacked
from ..numerics.probe import Probe, span_of
from ..protocol.schema import RELAX
from ..tvm_types import IRModule, Library, PassInfo, Target
from . import numerics, quantizer
from .compile import compilation, execution, schedule
from .ir import prefix as cut
from .ir.op_table import STAGE_OF_PASS, View, operator_of
from .ir.parts import Parts
from .probe import is_anchor, probe

OPTIONAL = {
    "CanonicalizeBindings",
    "DeadCodeElimination",
    "EliminateCommonSubexpr",
    "FoldConstant",
    "FuseOps",
    "FuseTIR",
    "RewriteDataflowReshape",
    "SoundSchedule",
    "StaticPlanBlockMemory",
}
"""Passes of relax.get_pipeline("default") and of get_default_pipeline of a CPU (python/tvm/relax/
backend/cpu_generic/pipeline.py) that make a model faster or smaller, and our own."""


class Bisected(numerics.Numerics, Suspect):
    """See bisection.contract."""

    dialect = RELAX
    stages = STAGE_OF_PASS

    def captured(self, model: Any, host: Target, batches: Any) -> list[CapturedPass]:
        config = self._config()
        level = self.job.opt_level
        with capturing() as passes:
            module = compilation.prepare(model.module, host, level)
            with config, host, tvm.transform.PassContext(opt_level=level):
                quantizer.quantize(module, config, batches)
        return [one for one in passes if not View(one.before).same(View(one.after))]

    def floating(self, module: IRModule) -> Any:
        config = self._config()
        with config:
            return quantizer.realize(config.in_float())(module)

    def plain(self, module: IRModule, host: Target, inputs: list[Inputs]) -> Ran:
        with tvm.transform.PassContext(opt_level=0):
            executable = tvm.compile(
                module, target=host, relax_pipeline=relax.get_pipeline("default")
            )
        return _run(executable, inputs)

    def real(self, module: IRModule, host: Target, inputs: list[Inputs], only: Any) -> Ran:
        pipeline = compilation.passes_of(self.job, host, schedule.Scheduled())
        instruments = [] if only is None else [only]
        level = self.job.opt_level
        with tvm.transform.PassContext(opt_level=level, instruments=instruments):
            executable = tvm.compile(module, target=host, relax_pipeline=pipeline)
        return _run(executable, inputs)

    def lowered(self, module: IRModule, host: Target) -> Lowered:
        raise ValueError("TVM writes every kernel of Relax itself: there is none of the target's")

    def may_be_left_out(self, info: PassInfo) -> bool:
        return str(info.name) in OPTIONAL

    def again(self, passes: Sequence[str], module: IRModule, host: Target) -> Any:
        config = self._config()
        for name in passes:
            if name == "QuantizeRealize":
                run = quantizer.realize(config)
            else:
                run = getattr(relax.transform, name)()
            with config, host, tvm.transform.PassContext(opt_level=self.job.opt_level):
                module = run(module)
        return module

    def calls(self, module: IRModule) -> list[Op]:
        return [Op(operator_of(call), span_of(call)) for call in Parts(module).calls]

    def anchors(self, module: IRModule) -> list[int]:
        calls = Parts(module).calls
        return [number for number, call in enumerate(calls) if is_anchor(call)]

    def prefix(self, module: IRModule, count: int) -> Any:
        return cut.first_ops(module, count)

    def probed(self, module: IRModule) -> Probe:
        return probe(module, self._config())


def _run(executable: Library, inputs: list[Inputs]) -> Ran:
    """Whether it repeats is tried with the last input."""
    running = execution.machine(executable)
    each, before_pooling = [], []
    for held in inputs:
        given = execution.tensors(held)
        each.append(execution.outputs(running, given))
        before_pooling.append(execution.pooled(running, given))
    repeats = execution.repeats(executable, running, given, each[-1])
    return Ran([np.stack(outputs) for outputs in zip(*each)], repeats, stacked(before_pooling))
