"""One pass over the bindings of a module's `main`, in order.

What a rewrite puts in place of a binding is bound to the same variable, so that everything after it
still stands, and an op keeps its name through all passes. Every call of it gets the span of the one
it stands for: what the op is called in the model.
"""

from __future__ import annotations

from typing import Any, Callable

import tvm
from tvm import relax

from ...tvm_types import Expr, IRModule
from ..compat import Call, return_type, type_of, with_span


class Emitter:
    """Where a rewrite puts its bindings: those of one block."""

    def __init__(self, dataflow: bool) -> None:
        self.bindings: list[Any] = []
        self.span: Any = None
        """Of the binding at hand: what the calls that are put in its place get."""
        self._dataflow = dataflow
        self._builder = relax.BlockBuilder()

    def new(self, name: str, expression: Expr) -> Any:
        """Bind an expression to a variable that is seen in this block only; its variable."""
        expression = self._typed(expression)
        make = relax.DataflowVar if self._dataflow else relax.Var
        variable = make(name, type_of(expression))
        self.bindings.append(relax.VarBinding(variable, expression))
        return variable

    def bind(self, variable: Expr, expression: Expr) -> None:
        """Bind an expression to a variable of the function as it was: of the same type."""
        self.bindings.append(relax.VarBinding(variable, self._typed(expression)))

    def keep(self, binding: Expr) -> None:
        self.bindings.append(binding)

    def _typed(self, expression: Expr) -> Any:
        """The expression with its type. TVM refuses here what its type inference refuses."""
        return self._builder.normalize(with_span(expression, self.span))


Rewrite = Callable[[Emitter, Any], None]
"""Called with each binding of a block in turn; emits what stands in its place."""


def rewritten(module: IRModule, rewrite: Callable[[], Rewrite]) -> Any:
    """The module with its main rewritten. `rewrite` is called for each block, and what it returns
    for each binding of it: what is known of a variable does not outlive its block."""
    function = main_of(module)
    blocks = []
    for block in function.body.blocks:
        dataflow = isinstance(block, relax.DataflowBlock)
        emitter, one = Emitter(dataflow), rewrite()
        for binding in block.bindings:
            if isinstance(binding, relax.VarBinding):
                emitter.span = getattr(binding.value, "span", None)
                one(emitter, binding)
            else:
                emitter.keep(binding)
        make = relax.DataflowBlock if dataflow else relax.BindingBlock
        blocks.append(make(emitter.bindings))
    body = relax.BlockBuilder().normalize(relax.SeqExpr(blocks, function.body.body))
    function = relax.Function(
        function.params, body, return_type(function), function.is_pure, function.attrs
    )
    changed = tvm.IRModule(dict(module.functions.items()), attrs=module.attrs)
    changed["main"] = relax.analysis.remove_all_unused(function)
    return changed


def main_of(module: IRModule) -> Any:
    """Raises ValueError if there is none."""
    for variable, function in module.functions.items():
        if variable.name_hint == "main" and isinstance(function, relax.Function):
            return function
    raise ValueError("the quantizer works on a Relax function named main, and there is none")


def bindings_of(module: IRModule) -> list[Any]:
    return [
        binding
        for block in main_of(module).body.blocks
        for binding in block.bindings
        if isinstance(binding, relax.VarBinding)
    ]


def op_name(expression: Expr) -> str:
    """nn.conv2d for a call of relax.nn.conv2d; empty for what calls no op."""
    op = expression.op if isinstance(expression, Call) else None
    return str(op.name).replace("relax.", "", 1) if isinstance(op, tvm.ir.Op) else ""
