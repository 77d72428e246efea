"""What a dialect does for instruments.bisection.bisection: the passes, the builds, the parts."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple, Sequence

from ..numerics import op_errors
from ..numerics.op_errors import Inputs
from ..numerics.probe import Probe
from ..tvm_types import IRModule, PassInfo, Target
from .capture import CapturedPass
from .search import Ran


class Op(NamedTuple):
    """A call of a module, as its op table names it."""

    name: str
    span: str | None


class Lowered(NamedTuple):
    """A module as the passes of a build left it, with no layout of the target's in it, and the
    implementations that TVM chose for its ops: operator and name, in the order it met them."""

    module: IRModule
    chosen: list[tuple[str, str]]


class Suspect(op_errors.NumericsSide):
    """What a dialect does for a job. What it raises is an experiment that cannot be made."""

    dialect: ClassVar[str]
    stages: ClassVar[dict[str, str]]
    """Of passes that open a stage of their own."""

    def captured(self, model: Any, host: Target, batches: Any) -> list[CapturedPass]:
        """The passes of quantize() that change the model, in order, from the module with its
        weights on. Raises what quantize() raises."""
        raise NotImplementedError

    def floating(self, module: IRModule) -> Any:
        """What can be built of a module between annotate and realize."""
        raise NotImplementedError

    def plain(self, module: IRModule, host: Target, inputs: list[Inputs]) -> Ran:
        """Built with nothing optimised, and run on what it has of each of `inputs`."""
        raise NotImplementedError

    def real(self, module: IRModule, host: Target, inputs: list[Inputs], only: Any) -> Ran:
        """Built as the job says under an instrument, or None, and run."""
        raise NotImplementedError

    def lowered(self, module: IRModule, host: Target) -> Lowered:
        """Built as the job says."""
        raise NotImplementedError

    def may_be_left_out(self, info: PassInfo) -> bool:
        """A pass of the build."""
        raise NotImplementedError

    def again(self, passes: Sequence[str], module: IRModule, host: Target) -> Any:
        """These passes of quantize() on a part of the model."""
        raise NotImplementedError

    def calls(self, module: IRModule) -> list[Op]:
        """In running order."""
        raise NotImplementedError

    def anchors(self, module: IRModule) -> list[int]:
        """Which of its calls a probe has as anchors."""
        raise NotImplementedError

    def prefix(self, module: IRModule, count: int) -> Any:
        """Its first calls; the results are those that nobody among them reads."""
        raise NotImplementedError

    def probed(self, module: IRModule) -> Probe:
        """The probe of a calibrated module."""
        raise NotImplementedError
