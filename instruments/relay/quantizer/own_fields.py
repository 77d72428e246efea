"""Fields of a configuration that are this project's own: TVM's QConfig has none of them."""

from __future__ import annotations

import contextlib
from typing import Any, ContextManager, Iterator, Mapping, NamedTuple

import tvm
from tvm import relay

from ...tvm_types import IRModule
from . import bitserial
from .behind_calibrate import behind_calibrate
from .weight_bits import assign


class OwnFields(NamedTuple):
    """`weight_bits`, and `realize`, which is "bitserial": see there; None leaves all to TVM."""

    weight_bits: str | None = None
    realize: str | None = None

    def simulating(self) -> list[Any]:
        """Passes behind calibrate that set what is simulated, in order."""
        return [assign(self.weight_bits)] if self.weight_bits else []

    def realizing(self, report: bitserial.Report | None) -> list[Any]:
        """Passes behind those that do what TVM's realize would."""
        return [bitserial.realize(report)] if self.realize else []

    def applied(self, module: IRModule) -> Any:
        """A calibrated module, set to what it has to simulate. Raises as the passes do."""
        passes = self.simulating()
        return tvm.transform.Sequential(passes)(module) if passes else module

    def around_quantize(self, report: bitserial.Report | None) -> ContextManager[None]:
        """Every quantize() inside the block runs them."""
        return behind_calibrate(*self.simulating(), *self.realizing(report))


@contextlib.contextmanager
def configured(
    qconfig: Mapping[str, Any], report: bitserial.Report | None = None
) -> Iterator[OwnFields]:
    """Every quantize() inside the block is under these fields, TVM's and this project's own."""
    own = own_of(qconfig)
    fields = {name: value for name, value in qconfig.items() if name not in own._fields}
    with relay.quantize.qconfig(**fields), own.around_quantize(report):
        yield own


def own_of(qconfig: Mapping[str, Any]) -> OwnFields:
    """Those of a configuration's fields that are this project's."""
    return OwnFields(**{name: qconfig[name] for name in OwnFields._fields if name in qconfig})
