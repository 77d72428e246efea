"""What a dialect does for instruments.bisection.bisection: the passes, the builds, the parts."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple, Sequence

import numpy as np

from ..numerics import op_errors
from ..numerics.measurement import Probe
from .capture import Left
from .search import Ran


class Op(NamedTuple):
    """A call of a module, as its op table names it."""

    name: str
    span: str | None


class Suspect(op_errors.Steps):
    """What a dialect does for a job. What it raises is an experiment that cannot be made."""

    stages: ClassVar[dict[str, str]]
    """Of passes that open a stage of their own."""

    def followed(self, model: Any, host: Any, batches: Any) -> list[Left]:
        """The passes of quantize() that change the model, in order, from the module with its
        weights on. Raises what quantize() raises."""
        raise NotImplementedError

    def floating(self, module: Any) -> Any:
        """What can be built of a module between annotate and realize."""
        raise NotImplementedError

    def plain(self, module: Any, host: Any, inputs: dict[str, np.ndarray]) -> Ran:
        """Built with nothing optimised, and run on those of `inputs` that it has."""
        raise NotImplementedError

    def real(self, module: Any, host: Any, inputs: dict[str, np.ndarray], only: Any) -> Ran:
        """Built as the job says under an instrument, or None, and run."""
        raise NotImplementedError

    def may_be_left_out(self, info: Any) -> bool:
        """A pass of the build."""
        raise NotImplementedError

    def again(self, passes: Sequence[str], module: Any, host: Any) -> Any:
        """These passes of quantize() on a part of the model."""
        raise NotImplementedError

    def calls(self, module: Any) -> list[Op]:
        """In running order."""
        raise NotImplementedError

    def anchors(self, module: Any) -> list[int]:
        """Which of its calls a probe has as anchors."""
        raise NotImplementedError

    def prefix(self, module: Any, count: int) -> Any:
        """Its first calls; the results are those that nobody among them reads."""
        raise NotImplementedError

    def probed(self, module: Any) -> Probe:
        """The probe of a calibrated module."""
        raise NotImplementedError
