"""How an operator of this project's own is made known to TVM."""

from __future__ import annotations

from typing import Any, Callable

import tvm
import tvm_ffi
from tvm.relax.transform.legalize_ops.common import register_legalize

from ..compat import INFER_TYPE

Infer = Callable[[Any, Any], Any]
"""The type of a call; called with it and a builder."""
Legalize = Callable[[Any, Any], Any]
"""What LegalizeOps puts in place of a call; called with a builder and it."""


def registered(name: str, about: str, operands: int, infer: Infer, legalize: Legalize) -> Any:
    """The op of that name, registered on first use: before that TVM reads no module from JSON that
    has it. All parameters are arguments and not attributes, because no TVM prints the attributes of
    an op that was registered in Python."""
    try:
        return tvm.ir.Op.get(name)
    except Exception:  # AttributeError or TVMError, whichever this TVM has for an unknown op
        pass
    tvm_ffi.get_global_func("ir.RegisterOp")(name, about)
    op = tvm.ir.Op.get(name)
    op.set_num_inputs(operands)
    op.set_attr(INFER_TYPE, infer)
    op.set_attr("FPurity", True)
    op.set_attr("TScriptPrinterName", name)
    # LegalizeOps else leaves an op alone that takes a string: that has no shape.
    op.set_attr("RequiresArgumentShapes", False)
    register_legalize(name, legalize)
    return op


def number(value: Any) -> int:
    """The value of an integer that an op is called with."""
    # Before 0.26 it may be a PrimValue around an IntImm.
    inner = getattr(value, "value", value)
    return int(getattr(inner, "value", inner))
