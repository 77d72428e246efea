"""The nodes of a Relax module in running order: what an op table numbers.

Relax names each intermediate result, `lv3 = R.add(lv1, lv2)`, so that the nodes are those of the
bindings and their arguments. A function that main calls comes before the call, as after FuseOps.
"""

from __future__ import annotations

from typing import Any, NamedTuple

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
_LITERALS = ("IntImm", "FloatImm", "StringImm", "DataTypeImm", "PrimValue")
_PRIMFUNC: Any = (getattr(tvm, "tirx", None) or tvm.tir).PrimFunc  # tirx since 0.26

_TIR_CALLS = ("relax.call_tir", "relax.call_tir_inplace", "relax.call_tir_with_grad")
_OUTSIDE_CALLS = (*_TIR_CALLS, "relax.call_dps_packed", "relax.call_pure_packed")


class Entry(NamedTuple):
    """A row of a module's op table.

    `inputs` are the rows it reads. `var` is the name it is bound to, if it is; `function` that of
    the function it stands in; `callee` the row of the Relax function it calls, if it calls one.
    """

    node: Any
    inputs: list[int]
    var: Any
    function: str
    callee: int | None = None


def items(array: Any) -> list[Any]:
    """What is in an array of TVM's: in a quarter of the time that iterating over it takes, of which
    a table does ten thousand."""
    return [_ITEM(array, place) for place in range(_SIZE(array))]


_ANSWERS: dict[Any, bool] = {}


def _is(node: Any, kind: Any) -> bool:
    """isinstance, asked once of each class: it takes long with the metaclass of TVM's."""
    question = type(node), kind
    answer = _ANSWERS.get(question)
    if answer is None:
        answer = _ANSWERS[question] = isinstance(node, kind)
    return answer


def entries(module: IRModule) -> list[Entry]:
    """The rows of main and of the Relax functions it calls; of all functions where there is no
    main."""
    return _Walk(module).entries


def is_constant(node: Expr) -> bool:
    """Is it a tensor that the module carries?"""
    # A GenericConst may hold something else too, as the dtype that a builtin is called with.
    return _is(node, _CONSTANTS) and hasattr(tensor_of(node), "numpy")


def tensor_of(constant: Expr) -> Any:
    """The tensor of a constant."""
    return constant.value if hasattr(constant, "value") else constant.data


def is_literal(node: Expr) -> bool:
    """Is it a number, a text or a dtype that a call is written with? Such have no row."""
    if _is(node, _CONSTANTS):
        return not is_constant(node)
    return type(node).__name__ in _LITERALS


def type_of(node: Expr) -> Any:
    """The type of an expression, None if it has none yet."""
    kind = getattr(node, "ty", None)  # since 0.27; struct_info before
    return getattr(node, "struct_info_", None) if kind is None else kind


def name_of(var: Expr) -> str:
    """The name of a variable."""
    return str(var.name_hint if hasattr(var, "name_hint") else var.name)  # name since 0.27


def is_function(node: Expr) -> bool:
    """Is it a Relax function?"""
    return _is(node, relax.Function)


def is_primfunc(node: Expr) -> bool:
    """Is it a function of loops, a kernel?"""
    return _is(node, _PRIMFUNC)


def is_call(node: Expr) -> bool:
    """Is it a call?"""
    return _is(node, relax.Call)


def kernel_of(call: Call) -> str | None:
    """The name of the kernel or packed function that a call hands its arguments to, if it does."""
    callee = call.op
    if _is(callee, tvm.ir.Op):
        if callee.name not in _OUTSIDE_CALLS:
            return None
        callee = call.args[0]
    if isinstance(callee, tvm.ir.GlobalVar):
        return str(callee.name_hint)
    if isinstance(callee, relax.ExternFunc):
        return str(callee.global_symbol)
    return None


def arguments(call: Call) -> list[Any]:
    """What a call computes with: the tensors of a call_tir, not the kernel's name."""
    given = [argument for argument in items(call.args) if not is_literal(argument)]
    callee = call.op
    if not _is(callee, tvm.ir.Op) or callee.name not in _OUTSIDE_CALLS:
        return given
    rest = given[1:]
    if callee.name != "relax.call_pure_packed" and rest and isinstance(rest[0], relax.Tuple):
        return [*items(rest[0].fields), *rest[1:]]
    return rest


class _Walk:
    def __init__(self, module: IRModule) -> None:
        self.entries: list[Entry] = []
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
        if not isinstance(body, relax.SeqExpr):
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
        inputs = [self._operand(argument, name) for argument in arguments(call)]
        callee = None
        op = call.op
        if _is(op, tvm.ir.GlobalVar):
            called = op.name_hint
            if is_function(self._functions.get(called)):
                callee = self._global(called)
        elif not _is(op, (tvm.ir.Op, relax.ExternFunc)):
            callee = self._rows.get(address(op))  # a function bound to a name
        return self._add(call, inputs, var, name, callee)

    def _operand(self, node: Expr, name: str, var: Expr = None) -> int:
        """The row of something read; a new one where it is met for the first time."""
        row = self._rows.get(address(node))
        if row is not None:
            return row
        inputs: list[int] = []
        if isinstance(node, relax.Tuple):
            inputs = [self._operand(field, name) for field in items(node.fields)]
        elif isinstance(node, relax.TupleGetItem):
            inputs = [self._operand(node.tuple_value, name)]
        elif isinstance(node, relax.SeqExpr):
            return self._body(node, name)
        elif is_call(node):  # not in normal form
            return self._call(node, name, var)
        return self._add(node, inputs, var, name)

    def _add(
        self, node: Expr, inputs: list[int], var: Expr, name: str, callee: int | None = None
    ) -> int:
        row = len(self.entries)
        self.entries.append(Entry(node, inputs, var, name, callee))
        self._rows[address(node)] = row
        return row
