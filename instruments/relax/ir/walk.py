"""The nodes of a Relax module in running order: what an op table numbers.

Relax names each intermediate result, `lv3 = R.add(lv1, lv2)`, so that the nodes are those of the
bindings and their arguments. A function that main calls comes before the call, as after FuseOps.
"""

from __future__ import annotations

from typing import Any, Callable, NamedTuple

import tvm
import tvm_ffi
from tvm import relax

from ...tvm_types import Call, Expr, Function, IRModule

address = tvm.runtime.Object.__hash__
"""Which object a handle stands for: a pointer. Called like this because expressions and types
compare by value, or not at all."""

_ITEM = tvm_ffi.get_global_func("ffi.ArrayGetItem")
_SIZE = tvm_ffi.get_global_func("ffi.ArraySize")

_CONSTANTS = tuple(
    found
    for found in (
        getattr(tvm.ir, "GenericConst", None),  # since 0.27
        getattr(relax, "Constant", None),
    )
    if found is not None
)
_NAME = "name_hint" if hasattr(relax.Var, "name_hint") else "name"
"""Of a variable: `name` since 0.26."""

_LITERALS = ("IntImm", "FloatImm", "StringImm", "DataTypeImm", "PrimValue")
_PRIMFUNC: Any = (getattr(tvm, "tirx", None) or tvm.tir).PrimFunc  # tirx since 0.26

_TIR_CALLS = ("relax.call_tir", "relax.call_tir_inplace", "relax.call_tir_with_grad")
_OUTSIDE_CALLS = (*_TIR_CALLS, "relax.call_dps_packed", "relax.call_pure_packed")


class CallParts(NamedTuple):
    """A call taken apart: what it computes with, what it is written with, and what it calls.

    `kernel` is the name of the kernel or packed function that it hands its arguments to. `function`
    is what it calls where that is neither an op nor outside of the module, else None.
    """

    arguments: list[Any]
    literals: list[Any]
    kernel: str | None
    function: Any


class Memo:
    """What was worked out of an object, for as long as successive modules share it."""

    def __init__(self) -> None:
        # Each pair keeps the object alive, so that its address cannot be reused by another.
        self._pairs: dict[int, tuple[Any, Any]] = {}
        self._before: dict[int, tuple[Any, Any]] = {}

    def turn(self) -> None:
        """Another module begins: what only older ones have is let go."""
        self._before, self._pairs = self._pairs, {}

    def of(self, node: Any, work_out: Callable[[Any], Any]) -> Any:
        """What `work_out` makes of the object, or has made of it."""
        key = address(node)
        pair = self._pairs.get(key)
        if pair is None:
            pair = self._pairs[key] = self._before.get(key) or (node, work_out(node))
        return pair[1]


class Entry(NamedTuple):
    """A row of a module's op table.

    `inputs` are the rows it reads. `var` is the name it is bound to, if it is; `function` that of
    the function it stands in; `callee` the row of the Relax function it calls, if it calls one;
    `parts` those of a call.
    """

    node: Any
    inputs: list[int]
    var: Any
    function: str
    callee: int | None = None
    parts: CallParts | None = None


def items(array: Any) -> list[Any]:
    """What is in an array of TVM's: in a quarter of the time that iterating over it takes, of which
    a table does ten thousand."""
    return [_ITEM(array, place) for place in range(_SIZE(array))]


def _being(kind: Any) -> Callable[[Any], bool]:
    """isinstance, asked once of each class: it takes long with the metaclass of TVM's."""
    answers: dict[Any, bool] = {}

    def being(node: Any) -> bool:
        own = type(node)
        answer = answers.get(own)
        if answer is None:
            answer = answers[own] = isinstance(node, kind)
        return answer

    return being


_holds_constant = _being(_CONSTANTS)
_is_op = _being(tvm.ir.Op)
_is_global = _being(tvm.ir.GlobalVar)
_is_outside = _being(relax.ExternFunc)
_is_tuple = _being(relax.Tuple)
_is_item = _being(relax.TupleGetItem)
_is_sequence = _being(relax.SeqExpr)
is_var = _being(relax.Var)
"""Is it a variable?"""
is_call = _being(relax.Call)
"""Is it a call?"""
is_function = _being(relax.Function)
"""Is it a Relax function?"""
is_primfunc = _being(_PRIMFUNC)
"""Is it a function of loops, a kernel?"""


def entries(module: IRModule, memo: Memo | None = None) -> list[Entry]:
    """The rows of main and of the Relax functions it calls; of all functions where there is no
    main. `memo` has the parts of calls that a module before had too."""
    return _Walk(module, memo or Memo()).entries


def is_constant(node: Expr) -> bool:
    """Is it a tensor that the module carries?"""
    # A GenericConst may hold something else too, as the dtype that a builtin is called with.
    return _holds_constant(node) and hasattr(tensor_of(node), "numpy")


def tensor_of(constant: Expr) -> Any:
    """The tensor of a constant."""
    return constant.value if hasattr(constant, "value") else constant.data


def is_literal(node: Expr) -> bool:
    """Is it a number, a text or a dtype that a call is written with? Such have no row."""
    if _holds_constant(node):
        return not is_constant(node)
    return type(node).__name__ in _LITERALS


def type_of(node: Expr) -> Any:
    """The type of an expression, None if it has none yet."""
    kind = getattr(node, "ty", None)  # since 0.27; struct_info before
    return getattr(node, "struct_info_", None) if kind is None else kind


def name_of(var: Expr) -> str:
    """The name of a variable."""
    return str(getattr(var, _NAME))


def kernel_of(call: Call) -> str | None:
    """The name of the kernel or packed function that a call hands its arguments to, if it does."""
    return taken_apart(call).kernel


def arguments(call: Call) -> list[Any]:
    """What a call computes with: the tensors of a call_tir, not the kernel's name."""
    return taken_apart(call).arguments


def taken_apart(call: Call) -> CallParts:
    """The parts of a call."""
    callee, given = call.op, items(call.args)
    literals = [argument for argument in given if is_literal(argument)]
    computed = [argument for argument in given if not is_literal(argument)] if literals else given
    if not _is_op(callee):
        function = None if _is_outside(callee) else callee
        return CallParts(computed, literals, _name(callee), function)
    name = str(callee.name)
    if name not in _OUTSIDE_CALLS:
        return CallParts(computed, literals, None, None)
    rest = computed[1:]
    if name != "relax.call_pure_packed" and rest and _is_tuple(rest[0]):
        rest = [*items(rest[0].fields), *rest[1:]]
    return CallParts(rest, literals, _name(given[0]), None)


def _name(callee: Any) -> str | None:
    """The name of a kernel or of a packed function; None of a function that is bound to a name."""
    if _is_global(callee):
        return str(callee.name_hint)
    return str(callee.global_symbol) if _is_outside(callee) else None


class _Walk:
    def __init__(self, module: IRModule, memo: Memo) -> None:
        self.entries: list[Entry] = []
        self._memo = memo
        self._functions = {var.name_hint: f for var, f in module.functions.items()}
        self._rows: dict[int, int] = {}
        self._walked: dict[str, int] = {}
        self._under_way: set[str] = set()
        names = ["main"] if is_function(self._functions.get("main")) else list(self._functions)
        for name in names:
            if is_function(self._functions[name]):
                self._global(name)

    def _global(self, name: str) -> int | None:
        """The row of a function of the module; None of one that calls itself."""
        if name in self._walked:
            return self._walked[name]
        if name in self._under_way:
            return None
        self._under_way.add(name)
        self._walked[name] = self._function(self._functions[name], name, None)
        return self._walked[name]

    def _function(self, function: Function, name: str, var: Expr) -> int:
        for parameter in items(function.params):
            self._add(parameter, [], None, name)
        result = self._body(function.body, name)
        return self._add(function, [result], var, name)

    def _body(self, body: Expr, name: str) -> int:
        """Walk a sequence of bindings; the row of its result."""
        if not _is_sequence(body):
            return self._operand(body, name)
        for block in items(body.blocks):
            for binding in items(block.bindings):
                var = binding.var
                self._rows[address(var)] = self._bound(binding.value, name, var)
        return self._operand(body.body, name)

    def _bound(self, value: Any, name: str, var: Expr) -> int:
        if is_call(value):
            return self._call(value, name, var)
        if is_function(value):
            return self._function(value, name, var)
        if isinstance(value, relax.If):
            inputs = [self._operand(value.cond, name)]
            inputs.append(self._body(value.true_branch, name))
            inputs.append(self._body(value.false_branch, name))
            return self._add(value, inputs, var, name)
        return self._operand(value, name, var)

    def _call(self, call: Call, name: str, var: Expr) -> int:
        parts = self._memo.of(call, taken_apart)
        inputs = [self._operand(argument, name) for argument in parts.arguments]
        callee = None
        if _is_global(parts.function):
            called = parts.function.name_hint
            if is_function(self._functions.get(called)):
                callee = self._global(called)
        elif parts.function is not None:
            callee = self._rows.get(address(parts.function))  # a function bound to a name
        return self._add(call, inputs, var, name, callee, parts)

    def _operand(self, node: Expr, name: str, var: Expr = None) -> int:
        """The row of something read; a new one where it is met for the first time."""
        row = self._rows.get(address(node))
        if row is not None:
            return row
        inputs: list[int] = []
        if _is_tuple(node):
            inputs = [self._operand(field, name) for field in items(node.fields)]
        elif _is_item(node):
            inputs = [self._operand(node.tuple_value, name)]
        elif _is_sequence(node):
            return self._body(node, name)
        elif is_call(node):  # not in normal form
            return self._call(node, name, var)
        return self._add(node, inputs, var, name)

    def _add(
        self,
        node: Expr,
        inputs: list[int],
        var: Expr,
        name: str,
        callee: int | None = None,
        parts: CallParts | None = None,
    ) -> int:
        row = len(self.entries)
        self.entries.append(Entry(node, inputs, var, name, callee, parts))
        self._rows[address(node)] = row
        return row
