"""One cell of the support matrix: how far one kind of op gets in one dtype, step by step.

A job is a JSON object: `op` (a key of OPS), `dtype`, `mcpu` (see target.py) and `steps` (those of
STEPS to try, in order). Each step is one JSON line {"step", "begins": true} on stdout before it
begins, and one {"step", "ok", "message", …} when it has ended: a process that dies has said where.

The op computes in the dtype itself, in a kernel of its own, so that its operands and its result
lie in memory in that dtype as they would between the layers of a model. What goes in (float32 and
int8) and out (int32) is cast inside the function.
"""

from __future__ import annotations

import contextlib
import json
import sys
import traceback
from typing import Any, Callable, Iterator

import numpy as np

from .. import diagnostics
from . import cases

STEPS = (
    "type inference",
    "realize",
    "fold",
    "lower",
    "codegen",
    "allocation",
    "run",
    "numbers",
)
"""In the order in which a quantized model goes through them."""

NEEDS = {
    "fold": "type inference",
    "lower": "type inference",
    "codegen": "lower",
    "allocation": "codegen",
    "run": "allocation",
    "numbers": "run",
}
"""Steps that mean nothing without another; all others are tried whatever happened before."""

WRONG = "it runs, and the values are wrong"

_LONGEST = 20_000


def main(job: dict[str, Any]) -> int:
    """Run a job; returns 0 whatever the steps came to."""
    attempt = Attempt(job)
    failed: set[str] = set()
    for name in job["steps"]:
        if name not in attempt.said and NEEDS.get(name) not in failed:
            attempt.step(name)
        if attempt.said.get(name) is not True:
            failed.add(name)
    return 0


class Attempt:
    """The steps of one cell. `said` has each step that ended, and whether it went well."""

    def __init__(self, job: dict[str, Any]) -> None:
        self.job = job
        self.said: dict[str, bool | None] = {}
        self.case = cases.case(job["op"], job["dtype"])
        self.passes: list[str] = []
        self._module: Any = None
        self._library: Any = None
        self._executor: Any = None
        self._outputs: list[np.ndarray] = []

    def step(self, name: str) -> None:
        """Try one step and say how it went. `lower` goes on into `codegen`."""
        announce(name)
        self.passes = []
        steps: dict[str, Callable[[], str]] = {
            "type inference": self.infer,
            "realize": self.realize,
            "fold": self.fold,
            "lower": self.build,
            "allocation": self.allocate,
            "run": self.run,
            "numbers": self.compare,
        }
        seen: list[str] = []
        try:
            with diagnostics.collected(seen):
                skipped = steps[name]()
        except Exception as error:
            name = "codegen" if self.said.get(name) is True else name
            self.end(name, False, **described(error, seen, self.passes))
        else:
            last = "codegen" if name == "lower" else name
            self.end(last, None if skipped else True, message=skipped)

    def end(self, name: str, ok: bool | None, **said: Any) -> None:
        """Say how a step went."""
        self.said[name] = ok
        say({"step": name, "ok": ok, **said})

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

        if self.job["op"] == "cast":
            return "not tried: a float model has no cast to quantize"
        quantizer = sys.modules["tvm.relay.quantize.quantize"]
        dtypes = {f"dtype_{kind}": self.job["dtype"] for kind in ("input", "weight", "activation")}
        options = {"global_scale": 8.0, "skip_conv_layers": [], "skip_dense_layer": False}
        with relay.quantize.qconfig(**dtypes, **options), self.context():
            module = quantizer.prerequisite_optimize(cases.float_module(self.job["op"]), {})
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

        from .. import target

        text, _ = target.host(self.job["mcpu"])
        with self.generating(), self.context():
            self._library = relay.build(self.module(), target=tvm.target.Target(text))
        if "lower" not in self.said:  # this TVM generates code in a way we do not see
            self.begin_codegen()
        return ""

    def allocate(self) -> str:
        """A graph executor, whose buffers hold tensors of the dtype."""
        from . import measure

        self._executor = measure.executor(self._library, self.case.inputs)
        return ""

    def run(self) -> str:
        """One inference."""
        from . import measure

        self._outputs = measure.outputs(self._executor)
        return ""

    def compare(self) -> str:
        """Every value must be numpy's (all are small integers), and again in another run."""
        from . import measure

        got, expected = self._outputs[0].astype(np.int64), self.case.expected
        wrong = got != expected
        if wrong.any():
            at = tuple(int(i) for i in np.argwhere(wrong)[0])
            raise WrongNumbers(
                f"{int(wrong.sum())} of {wrong.size} values differ from numpy's;"
                f" the first at {list(at)}: {int(got[at])} instead of {int(expected[at])}"
            )
        if not measure.repeats(self._library, self._executor, self.case.inputs, self._outputs):
            raise WrongNumbers("they are numpy's at first, and others in a second run")
        return ""

    def module(self) -> Any:
        """The op in the dtype, made once."""
        if self._module is None:
            self._module = self.case.module(constant=False)
        return self._module

    @contextlib.contextmanager
    def context(self) -> Iterator[None]:
        """TVM's usual optimisation, each op a kernel of its own, and the open passes known."""
        import tvm

        passes = self.passes

        @tvm.instrument.pass_instrument
        class Open:
            def run_before_pass(self, _module: Any, info: Any) -> None:
                passes.append(str(info.name))

            def run_after_pass(self, _module: Any, info: Any) -> None:
                while passes and passes.pop() != str(info.name):
                    pass  # an error was caught inside TVM: that pass never ended

        config = {"relay.FuseOps.max_depth": 1}
        with tvm.transform.PassContext(opt_level=3, config=config, instruments=[Open()]):
            yield

    @contextlib.contextmanager
    def generating(self) -> Iterator[None]:
        """Announce `codegen` when TVM comes to generate the code of the module itself."""
        import tvm

        name = "target.build.llvm"
        original = tvm.get_global_func(name)

        def generate(module: Any, target: Any) -> Any:
            if not self.passes and "lower" not in self.said:  # else it folds a constant
                self.begin_codegen()
            return original(module, target)

        tvm.register_func(name, generate, override=True)
        try:
            yield
        finally:
            tvm.register_func(name, original, override=True)

    def begin_codegen(self) -> None:
        """`lower` went well; `codegen` begins."""
        self.end("lower", True, message="")
        announce("codegen")


class WrongNumbers(Exception):
    """It runs, and the values are not those that numpy computes."""


def described(error: Exception, seen: list[str], passes: list[str]) -> dict[str, Any]:
    """What a failed step says: the error's text, the open passes, where Python raised it."""
    if isinstance(error, WrongNumbers):
        return {"message": WRONG, "detail": str(error)}
    text = "\n".join(seen) or str(error) or f"{type(error).__name__} without a message"
    frames = traceback.extract_tb(error.__traceback__)
    raised = {"function": frames[-1].name, "file": frames[-1].filename, "line": frames[-1].lineno}
    return {"message": text[-_LONGEST:], "passes": list(passes), "raised": raised}


def announce(step: str) -> None:
    """Say that a step begins."""
    say({"step": step, "begins": True})


def say(line: dict[str, Any]) -> None:
    """One JSON line; on a line of its own even if TVM has left one unfinished."""
    sys.stdout.write("\n" + json.dumps(line) + "\n")
    sys.stdout.flush()
