"""For a wrong result on Relay: after which pass it is, and from which op on.

See instruments.bisection.bisection for the job. The plain way to build is opt_level 0 without
-mcpu; where that does not run, opt_level 1 without Legalize: a fixed_point_multiply, which every
calibration by data makes, computes int64 when it is fused with nothing (TVM 0.16), and is refused.
"""

from __future__ import annotations

from typing import Any, Sequence

import numpy as np
import tvm
from tvm import relay

from ..bisection.capture import CapturedPass, capturing
from ..bisection.contract import Lowered, Op, Suspect
from ..bisection.search import Ran
from ..numerics.op_errors import Inputs
from ..numerics.pooling import stacked
from ..numerics.probe import Probe, span_of
from ..protocol.schema import RELAY
from ..tvm_types import Call, IRModule, PassInfo, Target
from . import numerics
from .compile import execution, pooling
from .ir.op_table import STAGE_OF_PASS, View
from .ir.prefix import calls_of, prefix
from .ir.unpacked import unpacked
from .kernels import choices
from .passes import around_quantize, pass_by_name
from .probe import is_anchor, probe


class Bisected(numerics.Numerics, Suspect):
    """See bisection.contract."""

    dialect = RELAY
    stages = STAGE_OF_PASS

    def captured(self, model: Any, host: Target, batches: Any) -> list[CapturedPass]:
        level = self.job.quantize_opt_level
        # In this order: a context that was made before `capturing` would not be followed.
        with capturing() as passes, self._config(), host, around_quantize(level):
            relay.quantize.quantize(model.fresh(), dict(model.params), dataset=batches)
        return [one for one in passes if not View(one.before).same(View(one.after))]

    def floating(self, module: IRModule) -> Any:
        return module

    def plain(self, module: IRModule, host: Target, inputs: list[Inputs]) -> Ran:
        with tvm.transform.PassContext(opt_level=0):
            try:
                return _run(module, host, inputs)
            except tvm.TVMError:
                context = tvm.transform.PassContext(opt_level=1, disabled_pass=["Legalize"])
        with context:
            return _run(module, host, inputs)

    def real(self, module: IRModule, host: Target, inputs: list[Inputs], only: Any) -> Ran:
        instruments = [] if only is None else [only]
        level = self.job.opt_level
        with tvm.transform.PassContext(opt_level=level, instruments=instruments):
            return _run(module, host, inputs)

    def lowered(self, module: IRModule, host: Target) -> Lowered:
        before: list[IRModule] = []

        @tvm.instrument.pass_instrument
        class Fusing:
            """Behind it functions are kernels: the last of the passes that see ops."""

            def run_before_pass(self, module: IRModule, info: PassInfo) -> None:
                # Folding constants fuses too: the last is the model's.
                if str(info.name) == "FuseOps":
                    before.append(module)

        context = tvm.transform.PassContext(opt_level=self.job.opt_level, instruments=[Fusing()])
        with choices() as chosen, context:
            relay.build(module, target=host)
        return Lowered(unpacked(before[-1]), chosen)

    def may_be_left_out(self, info: PassInfo) -> bool:
        return int(info.opt_level) > 0

    def again(self, passes: Sequence[str], module: IRModule, host: Target) -> Any:
        for name in passes:
            run = pass_by_name(name, host)
            if run is None:
                raise ValueError(f"{name} cannot be run on its own")
            with self._config():
                module = run(module)
        return module

    def calls(self, module: IRModule) -> list[Op]:
        return [Op(_name(call), span_of(call)) for call in calls_of(module)]

    def anchors(self, module: IRModule) -> list[int]:
        calls = calls_of(relay.transform.InferType()(module))
        return [number for number, call in enumerate(calls) if is_anchor(call)]

    def prefix(self, module: IRModule, count: int) -> Any:
        return prefix(calls_of(module)[:count])

    def probed(self, module: IRModule) -> Probe:
        return probe(module)


def _run(module: IRModule, host: Target, inputs: list[Inputs]) -> Ran:
    """Build in the context in force, and run; whether it repeats is tried with the last input."""
    library = relay.build(module, target=host)
    pooled = pooling.LastPooling(library)
    names = {str(parameter.name_hint) for parameter in module["main"].params}
    each, before_pooling = [], []
    for given in inputs:
        held = {name: value for name, value in given.items() if name in names}
        executor = execution.executor(library, held)
        each.append(execution.outputs(executor))
        before_pooling.append(pooled.values(held))
    repeats = execution.repeats(library, executor, held, each[-1])
    return Ran([np.stack(outputs) for outputs in zip(*each)], repeats, stacked(before_pooling))


def _name(call: Call) -> str:
    return str(call.op.name) if isinstance(call.op, tvm.ir.Op) else type(call.op).__name__
