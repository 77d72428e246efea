"""Parts of a Relay module, as modules of their own: what `reduce` cuts down, made real."""

from __future__ import annotations

from typing import Any, Sequence

import tvm
from tvm import relay

from .reduce import Part
from .relay import nodes_of

QUANTIZER_STEP = "relay.op.annotation.simulated_quantize"
"""Where one op's business ends and another's begins, after annotate."""


class Parts:
    """The calls of a typed module, by number in post order, and modules of some of them.

    What a part reads from outside, and every weight, becomes a parameter of its type; scalars stay,
    as realize wants to know its scales. Raises nothing of its own.
    """

    def __init__(self, module: Any) -> None:
        self.nodes = nodes_of(module)
        self.rows = [i for i, node in enumerate(self.nodes) if isinstance(node, relay.Call)]
        self.calls = [self.nodes[row] for row in self.rows]
        self._number = {hash(call): i for i, call in enumerate(self.calls)}

    def producers(self, call: int) -> Sequence[int]:
        """The calls whose results a call reads, through tuples."""
        found: list[int] = []
        waiting = list(self.calls[call].args)
        while waiting:
            node = waiting.pop(0)
            if isinstance(node, relay.Call):
                found.append(self._number[hash(node)])
            elif isinstance(node, relay.Tuple):
                waiting.extend(node.fields)
            elif isinstance(node, relay.TupleGetItem):
                waiting.append(node.tuple_value)
        return found

    def boundary(self, call: int) -> bool:
        """Is it a quantization step?"""
        operator = self.calls[call].op
        return isinstance(operator, tvm.ir.Op) and operator.name == QUANTIZER_STEP

    def module(self, part: Part) -> Any:
        """The part as a module."""
        maker = _Maker(self, part)
        for number in sorted(part.kept | part.bypassed):
            maker.make(number)
        body = maker.made[part.root]
        return tvm.IRModule.from_expr(relay.Function(relay.analysis.free_vars(body), body))


class _Maker:
    def __init__(self, parts: Parts, part: Part) -> None:
        self._parts = parts
        self._part = part
        self.made: dict[int, Any] = {}
        self._inputs: dict[int, Any] = {}

    def make(self, number: int) -> None:
        """Build one call; those it reads have smaller numbers and are built."""
        call = self._parts.calls[number]
        if number in self._part.bypassed:
            self.made[number] = self._use(call.args[0])
            return
        arguments = [self._use(argument) for argument in call.args]
        self.made[number] = relay.Call(call.op, arguments, call.attrs, call.type_args)

    def _use(self, node: Any) -> Any:
        if isinstance(node, relay.Call):
            made = self.made.get(self._parts._number[hash(node)])
            return made if made is not None else self._input(node)
        if isinstance(node, relay.Tuple):
            return relay.Tuple([self._use(item) for item in node.fields])
        if isinstance(node, relay.TupleGetItem):
            return relay.TupleGetItem(self._use(node.tuple_value), node.index)
        if isinstance(node, relay.Constant) and len(node.data.shape) > 0:
            return self._input(node)
        return node

    def _input(self, node: Any) -> Any:
        key = hash(node)
        if key not in self._inputs:
            name = f"x{len(self._inputs)}"
            self._inputs[key] = relay.Var(name, node._checked_type_)
        return self._inputs[key]
