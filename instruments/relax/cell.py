"""One cell of the support matrix on Relax: how far one kind of op gets in one dtype, step by step.

See ..protocol.cells for what is told. The op computes in the dtype itself, in a kernel of its
own, so that its operands and its result lie in memory in that dtype as they would between the
layers of a model. What goes in (float32 and int8) and out (int32) is cast inside the function.

It is built with the pipeline that tvm.compile has by default. The one of the target (see
relax.get_default_pipeline) folds constants besides: that is the step `fold`, with one operand a
constant.
"""

from __future__ import annotations

import re
from typing import Any, Callable, ClassVar, Mapping

import numpy as np

from .. import sandbox
from ..matrix.cell import CellSteps
from ..matrix.numbers import WrongNumbers, check
from ..protocol.cells import Raised
from ..protocol.jobs import CellJob
from ..tvm_types import Function
from . import cases

_FRAME = re.compile(r'^\s*File "(?P<file>[^"]+)", line (?P<line>\d+), in (?P<function>.+)$', re.M)
_ALLOCATION = "vm.builtin.alloc"
_FORMS = ("integer", "qdq")


class Attempt(CellSteps):
    """The steps of one cell."""

    GOES_ON: ClassVar[Mapping[str, str]] = {"lower": "codegen", "allocation": "run"}

    def __init__(self, job: CellJob) -> None:
        import tvm  # noqa: F401 (it is what installs a handler)

        super().__init__(job)
        sandbox.die_at_once()
        self.case = cases.case(job.op, job.dtype)
        self._module: Any = None
        self._executable: Any = None
        self._machine: Any = None
        self._inputs: list[Any] = []
        self._outputs: list[np.ndarray] = []

    def functions(self) -> dict[str, Callable[[], str]]:
        return {
            "type inference": self.infer,
            "realize": self.realize,
            "fold": self.fold,
            "lower": self.build,
            "allocation": self.run,
            "numbers": self.compare,
        }

    def raised(self, error: Exception) -> Raised:
        """In C++ if TVM says where: the innermost frame that has a file."""
        trace = getattr(getattr(error, "__tvm_ffi_error__", None), "backtrace", None)
        for frame in _FRAME.finditer(str(trace or "")):
            if frame["file"] != "<unknown>" and "tvm_ffi" not in frame["file"]:
                name = re.sub(r"\(.*", "", frame["function"]).split(" ")[-1]
                return Raised(name, frame["file"], int(frame["line"]))
        return super().raised(error)

    def infer(self) -> str:
        """Type inference of the op in the dtype."""
        with self.context():
            self.module()
        return ""

    def realize(self) -> str:
        """instruments/relax/quantizer on a float op of this kind between convolutions, in both of
        its forms. All three dtypes of the configuration are the cell's."""
        from . import quantizer

        if self.job.op == "astype":
            return "not tried: a float model has no cast to quantize"
        dtype = self.job.dtype
        for form in _FORMS:
            config = quantizer.QConfig(
                dtype, dtype, dtype, realize=form, calibrate_mode="global_scale"
            )
            with self.context():
                quantizer.quantize(cases.float_module(self.job.op), config)
        return ""

    def fold(self) -> str:
        """FoldConstant where an operand is a constant cast to the dtype."""
        from . import passes

        module = self.case.module(constant=True)
        passes.folded(module, self.context)
        return ""

    def build(self) -> str:
        """tvm.compile: `lower` until code generation begins, then `codegen`."""
        import tvm

        from ..inputs import target

        text, _ = target.host(self.job.mcpu)
        with self.generating(), self.context():
            self._executable = tvm.compile(self.module(), target=target.parse(text))
        if "lower" not in self.ended:  # this TVM generates code in a way we do not see
            self.go_on("lower")
        return ""

    def run(self) -> str:
        """One inference: `allocation` until there is room for the last tensor, then `run`."""
        from .compile import execution

        self._machine = execution.machine(self._executable)
        self._inputs = execution.tensors(self.case.inputs)
        remaining = str(self._executable.as_text()).count(_ALLOCATION + "_tensor")
        under_way = ""

        def instrument(_function: Function, symbol: str, before: bool, *_given: Any) -> int:
            nonlocal remaining, under_way
            if before:
                under_way = symbol
            elif symbol == _ALLOCATION + "_tensor":
                remaining -= 1
                if not remaining:
                    self.go_on("allocation")
            return 0

        self._machine.set_instrument(instrument)
        try:
            self._outputs = execution.outputs(self._machine, self._inputs)
        except Exception:
            if "allocation" not in self.ended and not under_way.startswith(_ALLOCATION):
                self.go_on("allocation")
            raise
        if "allocation" not in self.ended:
            self.go_on("allocation")
        return ""

    def compare(self) -> str:
        """Every value must be numpy's (all are small integers), and again in another run."""
        from .compile import execution

        check(self._outputs[0], self.case.expected)
        fresh = execution.machine(self._executable)  # without our instrument
        if not execution.repeats(self._executable, fresh, self._inputs, self._outputs):
            raise WrongNumbers("they are numpy's at first, and others in a second run")
        return ""

    def module(self) -> Any:
        """The op in the dtype, made once."""
        if self._module is None:
            self._module = self.case.module(constant=False)
        return self._module
