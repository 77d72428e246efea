"""Passes between QuantizeCalibrate and QuantizeRealize, in any quantize() of a block."""

from __future__ import annotations

import contextlib
import functools
import sys
from typing import Any, Iterator

import tvm
from tvm import relay
from tvm.relay.dataflow_pattern import DFPatternCallback, rewrite

from ...tvm_types import IRModule


def rewritten(module: IRModule, callback: DFPatternCallback) -> Any:
    """The module with its main rewritten. By pattern and not by ExprMutator, which recurses as deep
    as the model is."""
    main = module["main"]
    changed = tvm.IRModule(dict(module.functions.items()), module.type_definitions)
    changed["main"] = relay.Function(main.params, rewrite(callback, main.body))
    return changed


@contextlib.contextmanager
def behind_calibrate(*passes: Any) -> Iterator[None]:
    """Every quantize() inside the block runs these behind calibrate; without any it is TVM's own.

    quantize() (python/tvm/relay/quantize/quantize.py) takes no passes, but looks up `realize`, the
    function that makes its last pass, when it runs; with do_simulation it runs none of them.
    """
    quantizer: Any = sys.modules["tvm.relay.quantize.quantize"]
    own = quantizer.realize
    if not passes:
        yield
        return

    @functools.wraps(own)  # inspect.unwrap gives TVM's back
    def realize() -> Any:
        return tvm.transform.Sequential([*passes, relay.transform.InferType(), own()])

    quantizer.realize = realize
    try:
        yield
    finally:
        quantizer.realize = own
