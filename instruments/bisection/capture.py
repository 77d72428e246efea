"""What each pass of the quantizer leaves behind, kept to be looked at when the pipeline is over."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any, Iterator

import tvm

from ..protocol.schema import SEQUENCE, WRAPPERS
from ..recording.ambient import ambient
from ..tvm_types import IRModule, PassInfo


@dataclass
class CapturedPass:
    """A pass that ran in no other pass but a list of passes, and the modules around it."""

    name: str
    before: Any
    after: Any


@contextlib.contextmanager
def capturing() -> Iterator[list[CapturedPass]]:
    """Collects what each pass inside the block leaves; what only infers types is left out."""
    passes: list[CapturedPass] = []
    opened: list[tuple[str, Any]] = []

    @tvm.instrument.pass_instrument
    class Follow:
        def run_before_pass(self, module: IRModule, info: PassInfo) -> None:
            opened.append((str(info.name), module))

        def run_after_pass(self, module: IRModule, info: PassInfo) -> None:
            name, before = opened.pop()
            outermost = all(outer == SEQUENCE for outer, _ in opened)
            if outermost and name not in WRAPPERS:
                passes.append(CapturedPass(name, before, module))

    with ambient(Follow()):
        yield passes


def only(allowed: Any) -> Any:
    """An instrument: of the passes that TVM may leave out, those for which `allowed` (of PassInfo)
    says True are run. TVM does not ask about those that a context requires (PassContext::
    InstrumentBeforePass, src/ir/transform.cc)."""

    @tvm.instrument.pass_instrument
    class Only:
        def should_run(self, _module: IRModule, info: PassInfo) -> bool:
            return bool(allowed(info))

    return Only()
