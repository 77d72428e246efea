"""Parts of a Relax module, as modules of their own: what `reduce` cuts down, made real."""

from __future__ import annotations

from typing import Any, Callable, Iterable, Sequence

import numpy as np
import tvm
from tvm import relax

from ...diagnosis.reduction import NotSliceable, Part
from ...protocol.ops import STEP
from ...protocol.schema import RELAX
from ...tvm_types import Call, Expr, Function, IRModule
from ..compat import TENSOR
from . import calls as ops
from .walk import (
    address,
    arguments,
    entries,
    is_call,
    is_constant,
    is_function,
    is_literal,
    kernel_of,
    tensor_of,
    type_of,
)

QUANTIZER_STEP = STEP[RELAX]
"""Where one op's business ends and another's begins, after annotate."""

_MEMORY = ("relax.builtin.", "relax.memory.", "relax.vm.")
_TUPLE_TYPE: Any = getattr(relax, "TupleStructInfo", None) or relax.TupleType


class Parts:
    """The calls of a module's main, by number in running order, and modules of some of them.

    What a part reads from outside becomes a parameter of its type; so does every weight, or it is
    replaced by ones (`Part.ones`). Scalars stay, and so do the scales of quantization steps.
    """

    steps_need_weights = True
    """Does a quantization step on a weight need its values, and not only its type?"""
    steps_are_harmless = False
    """Does a step fail only for what comes before it?"""

    def __init__(self, module: IRModule) -> None:
        self.source = module
        self.nodes = entries(module)
        names = [entry.function for entry in self.nodes]
        self.function = "main" if "main" in names else (names[-1] if names else "")
        self.rows = [
            row
            for row, entry in enumerate(self.nodes)
            if is_call(entry.node) and entry.function == self.function
        ]
        self.calls = [self.nodes[row].node for row in self.rows]
        self._number = {address(call): i for i, call in enumerate(self.calls)}
        self._values = _values(_function(module, self.function))
        self._optional: dict[int, list[str]] = {}

    def number(self, call: Call) -> int | None:
        """Which call of main it is; None if it is none."""
        return self._number.get(address(call))

    def producers(self, call: int) -> Sequence[int]:
        """The calls whose results a call reads, through tuples."""
        result: list[int] = []
        waiting = list(arguments(self.calls[call]))
        while waiting:
            node = self.value(waiting.pop(0))
            number = self.number(node) if is_call(node) else None
            if number is not None:
                result.append(number)
            elif isinstance(node, relax.Tuple):
                waiting.extend(node.fields)
            elif isinstance(node, relax.TupleGetItem):
                waiting.append(node.tuple_value)
        return result

    def value(self, node: Expr) -> Any:
        """What a name stands for; the node itself if that is not known."""
        while isinstance(node, relax.Var) and address(node) in self._values:
            node = self._values[address(node)]
        return node

    def is_step(self, call: int) -> bool:
        """Is it a quantization step?"""
        operator = self.calls[call].op
        return isinstance(operator, tvm.ir.Op) and operator.name == QUANTIZER_STEP

    @property
    def has_steps(self) -> bool:
        """Are there quantization steps to slice at?"""
        return any(self.is_step(call) for call in range(len(self.calls)))

    @property
    def has_weights(self) -> bool:
        """Are there constants that are not scalars?"""
        return any(_is_weight(entry.node) for entry in self.nodes)

    @property
    def in_order_only(self) -> bool:
        """Do calls write to buffers, so that what they read does not say what they depend on?"""
        return any(_writes(call) for call in self.calls)

    def foldable(self) -> set[int]:
        """The calls that depend on constants alone."""
        result: set[int] = set()
        for number, call in enumerate(self.calls):
            if all(self._constant(argument, result) for argument in arguments(call)):
                result.add(number)
        return result

    def module(self, part: Part) -> Any:
        """The part as a module. Raises NotSliceable."""
        maker = _Maker(self, part)
        return maker.module([maker.result(part.root)])

    def prefix(self, count: int) -> Any:
        """The first `count` calls as a module, with the weights; its results are those that nobody
        among them reads."""
        kept = frozenset(range(count))
        maker = _Maker(self, Part(count - 1, kept), weights=True)
        read = {number for call in kept for number in self.producers(call)}
        return maker.module([maker.result(number) for number in sorted(kept - read)])

    def sizes(self, part: Part) -> set[int]:
        """The sizes of the dimensions of a part's inputs and weights; none if kernels fix them."""
        if any(kernel_of(self.calls[number]) for number in part.kept):
            return set()
        maker = _Maker(self, part)
        maker.result(part.root)
        return {size for kind in maker.outside for size in _sizes(kind)}

    def attributes(self, part: Part) -> list[tuple[int, str]]:
        """The attributes of a part's ops that are not at their default, and have one."""
        result = []
        for number in sorted(part.kept):
            if number not in self._optional:
                self._optional[number] = ops.optional(self.calls[number])
            result += [(number, name) for name in self._optional[number]]
        return result

    def _constant(self, node: Expr, constants: set[int]) -> bool:
        node = self.value(node)
        if isinstance(node, relax.Tuple):
            return all(self._constant(field, constants) for field in node.fields)
        if isinstance(node, relax.TupleGetItem):
            return self._constant(node.tuple_value, constants)
        if is_call(node):
            return self.number(node) in constants
        return is_constant(node) or is_literal(node) or isinstance(node, relax.ShapeExpr)


class _Maker:
    def __init__(self, parts: Parts, part: Part, weights: bool = False) -> None:
        self._parts = parts
        self._part = part
        self._weights = weights
        self._sizes = dict(part.sizes)
        self._builder = relax.BlockBuilder()
        self._bindings: list[Any] = []
        self._results: dict[int, Any] = {}
        self._inputs: dict[int, Any] = {}
        self.outside: list[Any] = []
        """The types of what stands for something outside the part, with their old sizes."""

    def result(self, root: int) -> Any:
        """The variable of a call; those that one reads have smaller numbers, and come before it."""
        for number in sorted(self._part.kept | self._part.bypassed):
            if number not in self._results:
                self._results[number] = self._call(number)
        return self._results[root]

    def module(self, results: list[Any]) -> Any:
        """All that was made, as a module."""
        body = results[0] if len(results) == 1 else relax.Tuple(results)
        ordered = any(_writes(binding.value) for binding in self._bindings)
        block = relax.BindingBlock if ordered else relax.DataflowBlock
        body = self._builder.normalize(relax.SeqExpr([block(self._bindings)], body))
        parameters = [
            variable for variable in self._inputs.values() if isinstance(variable, relax.Var)
        ]
        old = _function(self._parts.source, self._parts.function)
        function = relax.Function(parameters, body, type_of(body), not ordered, old.attrs)
        kept = _reached(self._parts.source, [binding.value for binding in self._bindings])
        variable = tvm.IRModule(kept, attrs=self._parts.source.attrs)
        variable["main"] = function.with_attr("global_symbol", "main")
        return variable

    def _call(self, number: int) -> Any:
        call = self._parts.calls[number]
        if number in self._part.bypassed:
            return self._use(arguments(call)[0])
        if self._parts.is_step(number):  # its scale, and all that says how, are part of it
            given = [self._use(call.args[0]), self._scale(call.args[1]), *call.args[2:]]
        else:
            given = [self._use(argument) for argument in call.args]
        dropped = {name for op, name in self._part.dropped if op == number}
        copy = ops.without(call, given, dropped) if dropped else ops.with_arguments(call, given)
        return self._bound(copy)

    def _bound(self, expression: Expr) -> Any:
        """A name for an expression. All are visible outside of the block, to be results."""
        try:
            typed = self._builder.normalize(expression)
        except Exception as error:
            raise NotSliceable(f"ill-typed on its own: {_first_line(error)}") from error
        if self._sizes and any(size < 1 for size in _sizes(type_of(typed))):
            raise NotSliceable("nothing is left of it at that size")
        variable = relax.Var(f"v{len(self._bindings)}", type_of(typed))
        self._bindings.append(relax.VarBinding(variable, typed))
        return variable

    def _use(self, node: Expr) -> Any:
        node = self._parts.value(node)
        number = self._parts.number(node) if is_call(node) else None
        if number is not None:
            result = self._results.get(number)
            return result if result is not None else self._once(node, self._input)
        if isinstance(node, relax.Tuple):
            return relax.Tuple([self._use(field) for field in node.fields])
        if isinstance(node, relax.TupleGetItem):
            whole = self._use(node.tuple_value)
            if isinstance(whole, relax.Tuple):
                return whole.fields[int(node.index)]
            return self._bound(relax.TupleGetItem(whole, int(node.index)))
        if _is_weight(node) and not self._weights:
            return self._once(node, self._ones if self._part.ones else self._input)
        if isinstance(node, relax.ShapeExpr) and self._sizes:
            return relax.ShapeExpr([self._sizes.get(_plain(s), s) for s in node.values])
        if isinstance(node, relax.Var):
            return self._once(node, self._input)
        if isinstance(node, (relax.If, relax.Function, relax.SeqExpr)):
            raise NotSliceable(f"what it reads comes from a {type(node).__name__}")
        return node

    def _once(self, node: Expr, make: Callable[[Any], Any]) -> Any:
        key = address(node)
        if key not in self._inputs:
            self.outside.append(type_of(node))
            self._inputs[key] = make(type_of(node))
        return self._inputs[key]

    def _input(self, kind: Any) -> Any:
        return relax.Var(f"x{len(self._inputs)}", _resized(kind, self._sizes))

    def _ones(self, kind: Any) -> Any:
        shape = [int(size) for size in _resized(kind, self._sizes).shape.values]
        dtype = str(kind.dtype)
        if is_numpy(dtype):
            return relax.const(np.ones(shape, dtype))
        return relax.const(tvm.runtime.empty(shape, dtype))

    def _scale(self, scale: Any) -> Any:
        values = tensor_of(scale).numpy()
        if not values.shape or not self._sizes:
            return scale
        size = self._sizes.get(values.shape[0], values.shape[0])
        return relax.const(np.full((size,), values.flat[0], values.dtype))


def is_numpy(dtype: str) -> bool:
    """Has numpy itself such a dtype? It has none below a byte, though ml_dtypes adds some."""
    try:
        return np.dtype(dtype).isbuiltin == 1
    except TypeError:
        return False


def _function(module: IRModule, name: str) -> Any:
    return next(f for var, f in module.functions.items() if var.name_hint == name)


def _values(function: Function) -> dict[int, Any]:
    """What each name is bound to, by address. The nodes are alive as long as the module is."""
    if not isinstance(function.body, relax.SeqExpr):
        return {}
    bindings = [binding for block in function.body.blocks for binding in block.bindings]
    return {address(binding.var): binding.value for binding in bindings}


def _reached(module: IRModule, expressions: Iterable[Any]) -> dict[Any, Any]:
    """The functions of a module that expressions use, and those that these use."""
    by_name = {var.name_hint: function for var, function in module.functions.items()}
    reached: dict[Any, Any] = {}
    waiting = list(expressions)
    while waiting:
        seen: list[Any] = []
        relax.analysis.post_order_visit(waiting.pop(), seen.append)
        for node in seen:
            if not isinstance(node, tvm.ir.GlobalVar) or node in reached:
                continue
            if node.name_hint in by_name:
                reached[node] = by_name[node.name_hint]
                if is_function(reached[node]):
                    waiting.append(reached[node])
    return reached


def _writes(call: Call) -> bool:
    if not is_call(call):
        return False
    if isinstance(call.op, tvm.ir.Op):
        return str(call.op.name).startswith(_MEMORY)
    return isinstance(call.op, relax.ExternFunc)


def _is_weight(node: Expr) -> bool:
    return is_constant(node) and len(tensor_of(node).shape) > 0


def _sizes(kind: Any) -> list[int]:
    if isinstance(kind, _TUPLE_TYPE):
        return [size for field in kind.fields for size in _sizes(field)]
    values = getattr(getattr(kind, "shape", None), "values", ())
    return [size for size in map(_plain, values) if isinstance(size, int)]


def _resized(kind: Any, sizes: dict[int, int]) -> Any:
    """The type with other sizes. Raises NotSliceable for what has none."""
    if not sizes and kind is not None:
        return kind
    if isinstance(kind, _TUPLE_TYPE):
        return _TUPLE_TYPE([_resized(field, sizes) for field in kind.fields])
    values = getattr(getattr(kind, "shape", None), "values", None)
    if not isinstance(kind, TENSOR) or values is None:
        raise NotSliceable(f"an input of type {kind}")
    shape = [sizes.get(_plain(size), size) for size in values]
    return TENSOR(shape, str(kind.dtype))


def _plain(size: Any) -> Any:
    value = getattr(size, "value", size)
    return value if isinstance(value, int) else size


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
