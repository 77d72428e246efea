"""Relay dialect adapter: the only module that knows how a Relay IRModule is built.

Works on TVM 0.9 to 0.19. A module's op table is a list of rows in post order (inputs before
users), one per distinct node:

    {"kind": "var",      "name": "input", "dtype": "float32", "shape": [1, 3, 224, 224]}
    {"kind": "constant", "hash": "9f2c…", "dtype": ..., "shape": ...}   plus "value" for a scalar
    {"kind": "call",     "op": "nn.conv2d", "inputs": [0, 1], "attrs": {...}, "span": ..., ...}
    {"kind": "tuple" | "get" | "function" | …, "inputs": [...]}

`inputs` are row numbers. A row whose type is not a tensor has "type" (text) instead of dtype and
shape. Weights enter by hash, never by value.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import operator
import re
import zlib
from typing import Any

import tvm
from tvm import relay, tir

from ...tvm_types import Attrs, Expr, Function, IRModule, QConfig, Type

_TENSOR = re.compile(r"^Tensor\[\(([^)]*)\), ([\w@.]+)\]$")

address_of = tvm.runtime.Object.__hash__
"""Which object a handle stands for: the pointer, had faster than by `.handle.value`. Called like
this because types are compared by value and so refuse hash()."""

STAGE_OF_PASS = {
    "QuantizePartition": "partition",
    "QuantizeAnnotate": "annotate",
    "QuantizeCalibrate": "calibrate",
    "RealizeBitserial": "realize",
    "QuantizeRealize": "realize",
}
"""Passes that open a stage of their own (python/tvm/relay/quantize/quantize.py, quantize(), and
this project's instruments/relay/quantizer/bitserial.py)."""

OPAQUE: tuple[str, ...] = ()
COUNTED: tuple[str, ...] = ()


class View:
    """A module with its functions by name, asked of TVM once: each look into it has its price."""

    def __init__(self, module: IRModule) -> None:
        self.module = module
        self.functions = {var.name_hint: f for var, f in module.functions.items()}

    @property
    def has_graph(self) -> bool:
        """Is any function a Relay one (and not only lowered PrimFuncs)?"""
        return any(isinstance(f, relay.Function) for f in self.functions.values())

    @property
    def typed(self) -> bool:
        """Have the types of the Relay functions been inferred?"""
        return all(_typed(f) for f in self.functions.values() if isinstance(f, relay.Function))

    def same(self, after: View, deep: bool = True) -> bool:
        """Is `after` the same module? Lost types do not count: InferType reads as equal.

        Function by function, as comparing modules raises while building (their attribute
        `relay.backend.FunctionInfo` has no comparison). The cheap answers come first: of the 2,000
        passes of a ResNet-50 build most hand back the very body they were given. `deep=False`
        asks for those cheap answers only.
        """
        if self.functions.keys() != after.functions.keys():
            return False
        return all(_same(f, after.functions[name], deep) for name, f in self.functions.items())


def _same(one: Any, other: Any, deep: bool) -> bool:
    if one.same_as(other):
        return True
    if type(one) is not type(other):
        return False
    if one.body.same_as(other.body):
        return bool(tvm.ir.structural_equal(one.attrs, other.attrs))
    if not deep:
        return False
    # structural_equal ignores types, but types found are worth a snapshot, types lost are not.
    if isinstance(one, relay.Function) and _typed(other) and not _typed(one):
        return False
    return bool(tvm.ir.structural_equal(one, other, map_free_vars=True))


def _typed(function: Function) -> bool:
    return function.body._checked_type_ is not None


def has_graph(module: IRModule) -> bool:
    """Does the module hold any Relay function?"""
    return View(module).has_graph


def text(module: IRModule) -> str:
    """The module as text, weights elided (`meta[relay.Constant][3]`)."""
    if has_graph(module):
        return str(module.astext(show_meta_data=False))
    return str(module)


def primfuncs(view: View) -> list[dict[str, Any]]:
    """Name and parameter dtypes of every lowered function: what a TIR snapshot keeps."""
    return [
        {
            "name": name,
            "params": [
                str(function.buffer_map[p].dtype) if p in function.buffer_map else str(p.dtype)
                for p in function.params
            ],
        }
        for name, function in view.functions.items()
        if isinstance(function, tir.PrimFunc)
    ]


def qconfig() -> Any:
    """The quantizer's configuration in force."""
    return relay.quantize.current_qconfig()


def settings(config: QConfig) -> dict[str, Any]:
    """All fields of a QConfig as plain values."""
    return {name: plain(getattr(config, name)) for name in config._node_defaults}


def changed(config: QConfig) -> list[str]:
    """The names of the fields that are not as by default."""
    defaults = config._node_defaults
    return [name for name, value in settings(config).items() if value != plain(defaults[name])]


class Tables:
    """Makes op tables, remembering what successive modules share (attributes, weights, types)."""

    def __init__(self) -> None:
        self._attrs: dict[int, tuple[Any, dict[str, Any]]] = {}
        self._ops: dict[int, str] = {}
        self._types: dict[str, dict[str, Any]] = {}
        self._types_here: dict[int, tuple[Any, dict[str, Any]]] = {}
        self._weights: dict[int, tuple[Any, dict[str, Any]]] = {}

    def rows(self, module: IRModule) -> list[dict[str, Any]]:
        """The op table of a module's Relay functions."""
        nodes = nodes_of(module)
        number = {address_of(node): index for index, node in enumerate(nodes)}
        fresh_weights: dict[int, tuple[Any, dict[str, Any]]] = {}
        rows = [self._row(node, number, fresh_weights) for node in nodes]
        # Only the newest module's weights are kept alive, not those of every pass.
        self._weights = fresh_weights
        self._types_here.clear()
        return rows

    def _row(self, node: Expr, number: dict[int, int], weights: dict[int, Any]) -> dict[str, Any]:
        if isinstance(node, relay.Call):
            row = self._call(node, number)
        elif isinstance(node, relay.Constant):
            row = self._constant(node, weights)
        elif isinstance(node, relay.Var):
            row = {"kind": "var", "name": node.name_hint}
        elif isinstance(node, relay.Tuple):
            row = {"kind": "tuple", "inputs": [number[address_of(f)] for f in node.fields]}
        elif isinstance(node, relay.TupleGetItem):
            source = number[address_of(node.tuple_value)]
            row = {"kind": "get", "inputs": [source], "attrs": {"index": int(node.index)}}
        elif isinstance(node, relay.Function):
            return {
                "kind": "function",
                "params": [number[address_of(p)] for p in node.params],
                "inputs": [number[address_of(node.body)]],
            }
        elif isinstance(node, tvm.ir.GlobalVar):
            row = {"kind": "globalvar", "name": str(node.name_hint)}
        else:
            row = {"kind": type(node).__name__.lower()}
        row.update(self._type(node._checked_type_))
        return row

    def _call(self, node: Expr, number: dict[int, int]) -> dict[str, Any]:
        # Each field of a node is a call into TVM: asked for once.
        callee, attrs, span = node.op, node.attrs, node.span
        row: dict[str, Any] = {"kind": "call", "inputs": [number[address_of(a)] for a in node.args]}
        address = address_of(callee)
        row["op"] = self._ops.get(address) or self._callee(callee, address)
        if address in number:
            row["callee"] = number[address]
        if attrs is not None:
            row["attrs"] = self._attributes(attrs)
        if span is not None:
            row["span"] = _span(span)
        return row

    def _callee(self, callee: Function, address: int) -> str:
        if isinstance(callee, tvm.ir.Op):  # operators live as long as TVM does
            name = self._ops[address] = str(callee.name)
            return name
        if isinstance(callee, relay.Function):
            attrs = callee.attrs
            primitive = attrs is not None and "Primitive" in attrs.keys()  # noqa: SIM118
            return "fused" if primitive else "function"
        if isinstance(callee, tvm.ir.GlobalVar):
            return "@" + str(callee.name_hint)
        return type(callee).__name__.lower()

    def _type(self, checked: Type) -> dict[str, Any]:
        if checked is None:
            return {}
        # Half of a module's nodes share their type object with a neighbour, and asking TVM for
        # the text of a type is the dearest thing here.
        address = address_of(checked)
        here = self._types_here.get(address)
        if here is None:
            text = str(checked)
            cached = self._types.get(text)
            if cached is None:
                cached = self._types[text] = _parse_type(text)
            here = self._types_here[address] = (checked, cached)
        return here[1]

    def _attributes(self, attrs: Attrs) -> dict[str, Any]:
        key = address_of(attrs)
        cached = self._attrs.get(key)
        if cached is None:
            # The pair keeps the node alive, so that its address cannot be reused by another.
            cached = self._attrs[key] = (attrs, attribute_values(attrs))
        return cached[1]

    def _constant(self, node: Expr, weights: dict[int, Any]) -> dict[str, Any]:
        array = node.data
        address = array.handle.contents.data
        cached = self._weights.get(address)
        if cached is None:
            # The pair keeps the tensor alive, so that its address cannot be reused by another.
            cached = (array, _digest(array))
        weights[address] = cached
        return dict(cached[1])


def nodes_of(module: IRModule) -> list[Any]:
    """Distinct nodes of main, and of the Relay functions it calls, in post order; no operators.

    Functions that main does not reach are left out: from_pytorch brings the whole Prelude along.
    """
    functions = {var.name_hint: function for var, function in module.functions.items()}
    waiting = ["main"] if "main" in functions else list(functions)
    seen = set(waiting)
    nodes: list[Any] = []
    while waiting:
        function = functions.get(waiting.pop(0))
        if not isinstance(function, relay.Function):  # post_order_visit raises on a PrimFunc
            continue
        first = len(nodes)
        relay.analysis.post_order_visit(function, nodes.append)
        called = {n.name_hint for n in nodes[first:] if isinstance(n, tvm.ir.GlobalVar)}
        waiting += sorted(called - seen)
        seen |= called
    return [node for node in nodes if not isinstance(node, tvm.ir.Op)]


def attribute_values(attrs: Attrs) -> dict[str, Any]:
    """An operator's attributes as plain values."""
    if not hasattr(attrs, "keys"):
        return {}
    return {str(key): plain(attrs[key]) for key in attrs.keys()}  # noqa: SIM118 (not a dict)


def _digest(array: Any) -> dict[str, Any]:
    """What a table keeps of a tensor: its hash, and the value only if it is a scalar."""
    row = {"kind": "constant", "dtype": array.dtype, "shape": list(array.shape)}
    if len(array.shape) == 0:
        value = array.numpy()
        return {**row, "hash": _hash(value), "value": value.item()}
    bits = tvm.runtime.DataType(array.dtype).bits
    size = (functools.reduce(operator.mul, array.shape) * bits + 7) // 8
    data = (ctypes.c_ubyte * size).from_address(array.handle.contents.data)  # no copy
    return {**row, "hash": _hash(data)}


def _hash(data: Any) -> str:
    """Names a tensor by all of its bytes (CRC-32: at memory speed) and its first 4 KiB (SHA-256).

    Collisions are no danger here as nobody plans them, and a compile hashes its weights five times.
    """
    view = memoryview(data).cast("B")
    return f"{zlib.crc32(view):08x}{hashlib.sha256(view[:4096]).hexdigest()[:8]}"


def _span(span: Any) -> str:
    name = getattr(getattr(span, "source_name", None), "name", None)
    return str(name) if name else str(span)


def _parse_type(text: str) -> dict[str, Any]:
    match = _TENSOR.match(text)
    if match is None:
        # TVM prints the type of a scalar as its dtype alone.
        return {"dtype": text, "shape": []} if text.isalnum() else {"type": text}
    shape = [part.strip() for part in match.group(1).split(",") if part.strip()]
    sizes = [int(part) if part.lstrip("-").isdigit() else part for part in shape]
    return {"dtype": match.group(2), "shape": sizes}


def plain(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (tvm.ir.Array, list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (tir.IntImm, tir.FloatImm)):
        return value.value
    return str(value)
