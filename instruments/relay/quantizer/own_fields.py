"""Fields of a configuration that are this project's own: TVM's QConfig has none of them."""

from __future__ import annotations

import contextlib
from typing import Any, ContextManager, Iterator, Mapping, NamedTuple

import tvm
from tvm import relay

from ...tvm_types import IRModule
from .behind_calibrate import behind_calibrate
from .weight_bits import assign


class OwnFields(NamedTuple):
    """`weight_bits`: see there; None leaves all to TVM."""

    weight_bits: str | None = None

    def passes(self) -> list[Any]:
        """What they ask for behind calibrate, in order."""
        return [assign(self.weight_bits)] if self.weight_bits else []

    def applied(self, module: IRModule) -> Any:
        """A calibrated module as these passes leave it. Raises as they do."""
        return tvm.transform.Sequential(self.passes())(module) if self.passes() else module

    def around_quantize(self) -> ContextManager[None]:
        """Every quantize() inside the block runs them."""
        return behind_calibrate(*self.passes())


@contextlib.contextmanager
def configured(qconfig: Mapping[str, Any]) -> Iterator[OwnFields]:
    """Every quantize() inside the block is under these fields, TVM's and this project's own."""
    own = own_of(qconfig)
    fields = {name: value for name, value in qconfig.items() if name not in own._fields}
    with relay.quantize.qconfig(**fields), own.around_quantize():
        yield own


def own_of(qconfig: Mapping[str, Any]) -> OwnFields:
    """Those of a configuration's fields that are this project's."""
    return OwnFields(**{name: qconfig[name] for name in OwnFields._fields if name in qconfig})
