"""One cell of the support matrix on Relay: how far one kind of op gets in one dtype, step by step.

See ..protocol.cells for what is told. The op computes in the dtype itself, in a kernel of its
own, so that its operands and its result lie in memory in that dtype as they would between the
layers of a model. What goes in (float32 and int8) and out (int32) is cast inside the function.
"""

from __future__ import annotations

import sys
from typing import Any, Callable, ClassVar, Mapping

import numpy as np

from ..matrix.cell import CellSteps
from ..matrix.numbers import WrongNumbers, check
from ..protocol.jobs import CellJob
from . import cases


class Attempt(CellSteps):
    """The steps of one cell."""

    CONFIG: ClassVar[Mapping[str, Any]] = {"relay.FuseOps.max_depth": 1}
    """Each op a kernel of its own."""

    def __init__(self, job: CellJob) -> None:
        super().__init__(job)
        self.case = cases.case(job.op, job.dtype)
        self._module: Any = None
        self._library: Any = None
        self._executor: Any = None
        self._outputs: list[np.ndarray] = []

    def functions(self) -> dict[str, Callable[[], str]]:
        return {
            "type inference": self.infer,
            "realize": self.realize,
            "fold": self.fold,
            "lower": self.build,
            "allocation": self.allocate,
            "run": self.run,
            "numbers": self.compare,
        }

    def infer(self) -> str:
        """Type inference of the op in the dtype."""
        from tvm import relay

        with self.context():
            relay.transform.InferType()(self.module())
        return ""

    def realize(self) -> str:
        """The quantizer up to QuantizeRealize on a float op of this kind between convolutions.

        All three dtypes of the configuration are the cell's; the rest is TVM's default, but no
        layer is left out. The FoldConstant behind it belongs to another step.
        """
        from tvm import relay, transform

        if self.job.op == "cast":
            return "not tried: a float model has no cast to quantize"
        quantizer = sys.modules["tvm.relay.quantize.quantize"]
        dtypes = {f"dtype_{kind}": self.job.dtype for kind in ("input", "weight", "activation")}
        options = {"global_scale": 8.0, "skip_conv_layers": [], "skip_dense_layer": False}
        with relay.quantize.qconfig(**dtypes, **options), self.context():
            module = quantizer.prerequisite_optimize(cases.float_module(self.job.op), {})
            calibrate = transform.module_pass(
                quantizer.calibrate(None), opt_level=1, name="QuantizeCalibrate"
            )
            passes = [quantizer.partition(), quantizer.annotate(), calibrate]
            passes += [relay.transform.InferType(), quantizer.realize()]
            with quantizer.quantize_context():
                transform.Sequential(passes)(module)
        return ""

    def fold(self) -> str:
        """FoldConstant where an operand is a constant cast to the dtype."""
        from tvm import relay

        with self.context():
            relay.transform.FoldConstant()(
                relay.transform.InferType()(self.case.module(constant=True))
            )
        return ""

    def build(self) -> str:
        """relay.build: `lower` until code generation begins, then `codegen`."""
        import tvm
        from tvm import relay

        from ..inputs import target

        text, _ = target.host(self.job.mcpu)
        with self.generating(), self.context():
            self._library = relay.build(self.module(), target=tvm.target.Target(text))
        if "lower" not in self.ended:  # this TVM generates code in a way we do not see
            self.go_on("lower")
        return ""

    def allocate(self) -> str:
        """A graph executor, whose buffers hold tensors of the dtype."""
        from .compile import execution

        self._executor = execution.executor(self._library, self.case.inputs)
        return ""

    def run(self) -> str:
        """One inference."""
        from .compile import execution

        self._outputs = execution.outputs(self._executor)
        return ""

    def compare(self) -> str:
        """Every value must be numpy's (all are small integers), and again in another run."""
        from .compile import execution

        check(self._outputs[0], self.case.expected)
        if not execution.repeats(self._library, self._executor, self.case.inputs, self._outputs):
            raise WrongNumbers("they are numpy's at first, and others in a second run")
        return ""

    def module(self) -> Any:
        """The op in the dtype, made once."""
        if self._module is None:
            self._module = self.case.module(constant=False)
        return self._module
