"""Parts of a Relay module, as modules of their own: what `reduce` cuts down, made real."""

from __future__ import annotations

from typing import Any, Callable, Sequence

import numpy as np
import tvm
from tvm import relay

from ...diagnosis.reduction import NotSliceable, Part
from ...protocol.ops import STEP
from ...protocol.schema import RELAY
from ...tvm_types import Expr, IRModule, Type
from . import attributes
from .op_table import nodes_of

QUANTIZER_STEP = STEP[RELAY]
"""Where one op's business ends and another's begins, after annotate."""


class Parts:
    """The calls of a typed module, by number in post order, and modules of some of them.

    What a part reads from outside becomes a parameter of its type; so does every weight, or it is
    replaced by ones (`Part.ones`). Scalars stay, as realize wants to know its scales.
    """

    steps_need_weights = False
    """Does a quantization step on a weight need its values, and not only its type?"""
    steps_are_harmless = True
    """Does a step fail only for what comes before it?"""

    def __init__(self, module: IRModule) -> None:
        self.nodes = nodes_of(module)
        self.rows = [i for i, node in enumerate(self.nodes) if isinstance(node, relay.Call)]
        self.calls = [self.nodes[row] for row in self.rows]
        self._number = {hash(call): i for i, call in enumerate(self.calls)}
        self._optional: dict[int, list[str]] = {}

    def producers(self, call: int) -> Sequence[int]:
        """The calls whose results a call reads, through tuples."""
        result: list[int] = []
        waiting = list(self.calls[call].args)
        while waiting:
            node = waiting.pop(0)
            if isinstance(node, relay.Call):
                result.append(self._number[hash(node)])
            elif isinstance(node, relay.Tuple):
                waiting.extend(node.fields)
            elif isinstance(node, relay.TupleGetItem):
                waiting.append(node.tuple_value)
        return result

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
        return any(_is_weight(node) for node in self.nodes)

    def foldable(self) -> set[int]:
        """The calls that depend on constants alone."""
        constant: set[int] = set()
        for node in self.nodes:
            if isinstance(node, relay.Constant) or (
                isinstance(node, (relay.Call, relay.Tuple, relay.TupleGetItem))
                and all(hash(read) in constant for read in _reads(node))
            ):
                constant.add(hash(node))
        return {number for call, number in self._number.items() if call in constant}

    def fused(self) -> list[list[int]]:
        """For each fused function, the calls inside it."""
        result = []
        for call in self.calls:
            if isinstance(call.op, relay.Function):
                inner: list[Any] = []
                relay.analysis.post_order_visit(call.op.body, inner.append)
                result.append([self._number[hash(n)] for n in inner if isinstance(n, relay.Call)])
        return [calls for calls in result if calls]

    def module(self, part: Part) -> Any:
        """The part as a module. Raises NotSliceable."""
        maker = _Maker(self, part)
        body = maker.body()
        return tvm.IRModule.from_expr(relay.Function(relay.analysis.free_vars(body), body))

    def sizes(self, part: Part) -> set[int]:
        """The sizes of the dimensions of a part's inputs and weights."""
        result: set[int] = set()
        maker = _Maker(self, part)
        maker.body()
        for checked in maker.outside:
            result.update(_sizes(checked))
        return result

    def attributes(self, part: Part) -> list[tuple[int, str]]:
        """The attributes of a part's ops that are not at their default, and have one."""
        result = []
        for number in sorted(part.kept):
            attrs = self.calls[number].attrs
            if attrs is None or self.is_step(number):
                continue
            if number not in self._optional:
                self._optional[number] = attributes.optional(attrs)
            result += [(number, name) for name in self._optional[number]]
        return result


class _Maker:
    def __init__(self, parts: Parts, part: Part) -> None:
        self._parts = parts
        self._part = part
        self._sizes = dict(part.sizes)
        self._copies: dict[int, Any] = {}
        self._inputs: dict[int, Any] = {}
        self.outside: list[Any] = []
        """The types of what stands for something outside the part, with their old sizes."""

    def body(self) -> Any:
        """Build the calls; those that one reads have smaller numbers and are built before it."""
        for number in sorted(self._part.kept | self._part.bypassed):
            self._copies[number] = self._call(number)
        return self._copies[self._part.root]

    def _call(self, number: int) -> Any:
        call = self._parts.calls[number]
        if number in self._part.bypassed:
            return self._use(call.args[0])
        arguments = [self._use(argument) for argument in call.args]
        attrs = call.attrs
        dropped = {name for op, name in self._part.dropped if op == number}
        if dropped or self._sizes:
            attrs = attributes.changed(attrs, dropped, self._sizes)
        return relay.Call(call.op, arguments, attrs)

    def _use(self, node: Expr) -> Any:
        if isinstance(node, relay.Call):
            result = self._copies.get(self._parts._number[hash(node)])
            return result if result is not None else self._once(node, self._input)
        if isinstance(node, relay.Tuple):
            return relay.Tuple([self._use(item) for item in node.fields])
        if isinstance(node, relay.TupleGetItem):
            return relay.TupleGetItem(self._use(node.tuple_value), node.index)
        if _is_weight(node):
            return self._once(node, self._ones if self._part.ones else self._input)
        if isinstance(node, relay.Var):
            return self._once(node, self._input)  # its name may be no name in Python
        return node

    def _once(self, node: Expr, make: Callable[[Any], Any]) -> Any:
        key = hash(node)
        if key not in self._inputs:
            self.outside.append(node._checked_type_)
            self._inputs[key] = make(node._checked_type_)
        return self._inputs[key]

    def _input(self, checked: Type) -> Any:
        return relay.Var(f"x{len(self._inputs)}", _resized(checked, self._sizes))

    def _ones(self, checked: Type) -> Any:
        shape = [int(size) for size in _resized(checked, self._sizes).shape]
        if is_numpy(checked.dtype):
            return relay.const(np.ones(shape, checked.dtype))
        # Not a cast of ones: folding would trip over the cast, and not over what reads it.
        return relay.Constant(tvm.nd.empty(shape, checked.dtype))


def is_numpy(dtype: str) -> bool:
    """Has numpy itself such a dtype? It has none below a byte, though ml_dtypes adds some."""
    try:
        return np.dtype(dtype).isbuiltin == 1
    except TypeError:
        return False


def _is_weight(node: Expr) -> bool:
    return isinstance(node, relay.Constant) and len(node.data.shape) > 0


def _reads(node: Expr) -> list[Any]:
    if isinstance(node, relay.Call):
        return list(node.args)
    return list(node.fields) if isinstance(node, relay.Tuple) else [node.tuple_value]


def _sizes(checked: Type) -> list[int]:
    if isinstance(checked, relay.TupleType):
        return [size for field in checked.fields for size in _sizes(field)]
    shape = getattr(checked, "shape", ())
    return [int(size) for size in shape if isinstance(size, (int, tvm.tir.IntImm))]


def _resized(checked: Type, sizes: dict[int, int]) -> Any:
    """The type with other sizes. Raises NotSliceable for what has none."""
    if not sizes and checked is not None:
        return checked
    if isinstance(checked, relay.TupleType):
        return relay.TupleType([_resized(field, sizes) for field in checked.fields])
    if not isinstance(checked, relay.TensorType):
        raise NotSliceable(f"an input of type {checked}")
    shape = [sizes.get(int(s), s) if isinstance(s, tvm.tir.IntImm) else s for s in checked.shape]
    return relay.TensorType(shape, checked.dtype)
