"""Relax dialect adapter: what the recorder knows of how a Relax IRModule is built.

Works on TVM 0.25 to 0.27. Its op tables are those of instruments/relay/adapter.py, with these
peculiarities. An op's name is without its "relax.": nn.conv2d, matmul. A call of a kernel has that
of the op it was made from, without the number that tells two apart, and the attribute "kernel":
lineage finds its conv2d again. A call has "name", that of the variable it is bound to. A kernel
that is handed the buffer to write to has the type of that buffer. A shape is a row of kind "shape".
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import math
import re
import zlib
from typing import Any

import tvm
import tvm_ffi
from tvm import relax

from ...tvm_types import Attrs, Call, Function, IRModule, NDArray, QConfig
from ..compat import TENSOR
from .walk import (
    CallParts,
    Entry,
    Memo,
    address,
    entries,
    is_constant,
    is_function,
    is_primfunc,
    is_var,
    items,
    kernel_of,
    name_of,
    tensor_of,
    type_of,
)

STAGE_OF_PASS = {
    "QuantizeAnnotate": "annotate",
    "QuantizeCalibrate": "calibrate",
    "QuantizeRealize": "realize",
    "LegalizeOps": "lower",
}
"""Passes that open a stage of their own; the first three are instruments/relax/quantizer's."""

OPAQUE = ("QuantizeCalibrate",)
"""Passes that compile a model of their own to find something out: no snapshots of that."""

COUNTED = ("FoldConstant",)
"""Passes whose inner passes are counted, not written down one by one: constant folding runs the
whole lowering for each of its calls, 9,500 passes for the BatchNorms of a ResNet-18."""

_PLAIN = (int, str, bool, float, type(None))

_PREFIX = "relax."
_NUMBERED = re.compile(r"^(.*?[a-z_])(\d+)$")
_ENDS_IN_NUMBER = ("1d", "2d", "3d", "log2", "log10", "log1p", "atan2", "expm1")


class View:
    """A module with its functions by name, asked of TVM once: each look into it has its price."""

    def __init__(self, module: IRModule) -> None:
        self.module = module
        self.functions = {var.name_hint: f for var, f in module.functions.items()}

    @property
    def has_graph(self) -> bool:
        """Is any function a Relax one (and not only lowered PrimFuncs)?"""
        return any(is_function(f) for f in self.functions.values())

    @property
    def typed(self) -> bool:
        """Relax knows the type of everything at all times."""
        return True

    def same(self, after: View, deep: bool = True) -> bool:
        """Is `after` the same module, as far as an op table or TVM's text shows?

        Of Relax functions and kernels the cheap answers first: most passes hand back most functions
        as they were given. `deep=False` asks for those cheap answers only.
        """
        if self.functions.keys() != after.functions.keys():
            return False
        return all(_same(f, after.functions[name], deep) for name, f in self.functions.items())


def _same(one: Any, other: Any, deep: bool) -> bool:
    if one.same_as(other):
        return True
    if not deep or type(one) is not type(other):
        return False
    return _of_same_parts(one, other) or bool(
        tvm_ffi.structural_equal(one, other, map_free_vars=True, skip_tensor_content=True)
    )


def _of_same_parts(one: Any, other: Any) -> bool:
    """Has a pass only put the same body, parameters and attributes together anew? Half of those
    on kernels do, and comparing the bodies takes five times as long."""
    kind: Any = type(one)
    parts = [field.name for field in _fields(kind) if field.name != "span"]
    return all(_identical(getattr(one, part), getattr(other, part)) for part in parts)


def _identical(one: Any, other: Any) -> bool:
    if isinstance(one, tvm_ffi.Object):
        return isinstance(other, tvm_ffi.Object) and address(one) == address(other)
    return bool(one == other)


def has_graph(module: IRModule) -> bool:
    """Does the module hold any Relax function?"""
    return View(module).has_graph


def text(module: IRModule) -> str:
    """The module as TVMScript, weights elided (`metadata["ir.GenericConst"][3]`)."""
    return str(module.script(show_meta=False))


def primfuncs(view: View) -> list[dict[str, Any]]:
    """Name and parameter dtypes of every kernel: what a TIR snapshot keeps."""
    return [
        {"name": name, "params": [_parameter(function, p) for p in items(function.params)]}
        for name, function in view.functions.items()
        if is_primfunc(function)
    ]


def _parameter(function: Function, parameter: Any) -> str:
    if hasattr(function, "buffer_map"):
        return str(function.buffer_map.get(parameter, parameter).dtype)
    return str(getattr(type_of(parameter), "dtype", "handle"))  # buffers are types since 0.27


def qconfig() -> Any:
    """The quantizer's configuration in force; None outside of it."""
    from .. import quantizer

    return quantizer.current()


def settings(config: QConfig) -> dict[str, Any]:
    """All fields of a QConfig as plain values."""
    from .. import quantizer

    return {} if config is None else dict(quantizer.settings(config))


def changed(config: QConfig) -> list[str]:
    """The names of the fields that are not as by default."""
    own = {} if config is None else settings(type(config)())
    return [name for name, value in settings(config).items() if value != own[name]]


def nodes_of(module: IRModule) -> list[Any]:
    """The nodes of the module in the order of its op table; see walk.entries for more of each."""
    return [entry.node for entry in entries(module)]


class Tables:
    """Makes op tables, remembering what successive modules share (calls, weights, types)."""

    def __init__(self) -> None:
        self._parts, self._calls = Memo(), Memo()
        self._attrs, self._types, self._weights = Memo(), Memo(), Memo()

    def rows(self, module: IRModule) -> list[dict[str, Any]]:
        """The op table of a module's Relax functions."""
        for memo in (self._parts, self._calls, self._attrs, self._types, self._weights):
            memo.turn()
        return [self._row(entry) for entry in entries(module, self._parts)]

    def _row(self, entry: Entry) -> dict[str, Any]:
        node = entry.node
        if entry.parts is not None:
            return self._call(entry, entry.parts)
        if is_constant(node):
            return dict(self._weights.of(tensor_of(node), _digest))
        if is_var(node):
            row: dict[str, Any] = {"kind": "var", "name": name_of(node)}
        elif isinstance(node, relax.Tuple):
            row = {"kind": "tuple", "inputs": entry.inputs}
        elif isinstance(node, relax.TupleGetItem):
            row = {"kind": "get", "inputs": entry.inputs, "attrs": {"index": int(node.index)}}
        elif is_function(node):
            return {"kind": "function", "name": entry.function, "inputs": entry.inputs}
        elif isinstance(node, relax.ShapeExpr):
            return {"kind": "shape", "attrs": {"values": plain(node.values)}}
        else:
            row = {"kind": type(node).__name__.lower(), "inputs": entry.inputs}
        return {**row, **self._type(type_of(node))}

    def _call(self, entry: Entry, parts: CallParts) -> dict[str, Any]:
        call = entry.node
        row: dict[str, Any] = {"kind": "call", "inputs": entry.inputs}
        if entry.var is not None:
            row["name"] = name_of(entry.var)
        if parts.function is None:
            row.update(self._calls.of(call, lambda call: self._described(call, parts)))
        else:
            row.update(self._described(call, parts, entry.callee))
        # A call's type is asked anew each time: TVM may have filled it in meanwhile.
        row.update(self._written_to(call, entry, parts) or self._type(type_of(call)))
        return row

    def _described(self, call: Call, parts: CallParts, callee: int | None = None) -> dict[str, Any]:
        """What the row of a call has wherever the call stands; `callee` is the row of the function
        that it calls, which is another one in each table."""
        row: dict[str, Any] = {"op": _operator(call.op, parts.kernel)}
        if callee is not None:
            row["callee"] = callee
        attributes, span = call.attrs, call.span
        own = {} if attributes is None else dict(self._attrs.of(attributes, attribute_values))
        if parts.kernel is not None and callee is None:
            own["kernel"] = parts.kernel
        if parts.literals:
            own["literals"] = [plain(getattr(one, "value", one)) for one in parts.literals]
        if own:
            row["attrs"] = own
        if span is not None:
            row["span"] = _span(span)
        return row

    def _written_to(self, call: Call, entry: Entry, parts: CallParts) -> dict[str, Any]:
        """The type of the buffer that a kernel is handed to write to; none of other calls."""
        handed = parts.kernel is not None and parts.function is not None and entry.callee is None
        return self._type(type_of(call.args[-1])) if handed and call.args else {}

    def _type(self, kind: Any) -> dict[str, Any]:
        return {} if kind is None else self._types.of(kind, _tensor_type)


def operator_of(call: Call) -> str:
    """The name of what a call calls, as the op table has it."""
    return _operator(call.op, kernel_of(call))


def _operator(callee: Any, kernel: str | None) -> str:
    if kernel is None:
        return _unprefixed(str(callee.name)) if isinstance(callee, tvm.ir.Op) else "function"
    if isinstance(callee, relax.ExternFunc) or "." in kernel:
        return kernel  # vm.builtin.…
    return unnumbered(kernel)


@functools.lru_cache(maxsize=None)
def _unprefixed(name: str) -> str:
    return name[len(_PREFIX) :] if name.startswith(_PREFIX) else name


@functools.lru_cache(maxsize=None)
def unnumbered(name: str) -> str:
    """A kernel's name without the number that makes it unique: conv2d3 was made from a conv2d."""
    match = _NUMBERED.match(name)
    if match is None or name.endswith(_ENDS_IN_NUMBER):
        return name
    return match.group(1)


def attribute_values(attrs: Attrs) -> dict[str, Any]:
    """An operator's attributes as plain values."""
    if hasattr(attrs, "keys"):
        return {str(key): plain(attrs[key]) for key in attrs.keys()}  # noqa: SIM118 (not a dict)
    kind: Any = type(attrs)
    names = [field.name for field in _fields(kind)]
    return {name: plain(getattr(attrs, name)) for name in names if name != "span"}


@functools.lru_cache(maxsize=None)
def _fields(kind: Any) -> list[Any]:
    """The fields that a class of TVM and its bases declare."""
    fields: list[Any] = []
    for base in reversed(kind.__mro__):
        info = vars(base).get("__tvm_ffi_type_info__")
        fields += list(info.fields) if info is not None else []
    return fields


def _digest(tensor: NDArray) -> dict[str, Any]:
    """What a table keeps of a tensor: its hash, and the value only if it is a scalar."""
    dtype, shape = str(tensor.dtype), [int(size) for size in tensor.shape]
    row: dict[str, Any] = {"kind": "constant", "dtype": dtype, "shape": shape}
    bits = tvm.DataType(dtype).bits
    data = _bytes(tensor, (math.prod(shape) * bits + 7) // 8)
    row["hash"] = f"{zlib.crc32(data):08x}{hashlib.sha256(data[:4096]).hexdigest()[:8]}"
    if not shape and bits >= 8:
        row["value"] = tensor.numpy().item()
    return row


def _bytes(tensor: NDArray, size: int) -> memoryview:
    """The bytes of a tensor, not copied: a sub-byte one cannot be had as an array."""
    if not size:
        return memoryview(b"")
    return memoryview((ctypes.c_ubyte * size).from_address(_place(tensor))).cast("B")


def _place(tensor: NDArray) -> int:
    """The address of a tensor's bytes."""
    place = getattr(tensor, "data_ptr", None)
    if place is not None:
        return int(place() if callable(place) else place)
    # TVM 0.25 says so only to other frameworks: a DLTensor begins with it (dlpack.h).
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    capsule = tensor.__dlpack__()
    return int(ctypes.c_void_p.from_address(pointer(capsule, b"dltensor")).value or 0)


def _span(span: Any) -> str:
    name = getattr(getattr(span, "source_name", None), "name", None)
    return str(name) if name else str(span)


def _tensor_type(kind: Any) -> dict[str, Any]:
    """A type as a row has it: dtype and shape of a tensor, else its text."""
    if isinstance(kind, TENSOR):
        row: dict[str, Any] = {"dtype": str(kind.dtype)}
        values = getattr(kind.shape, "values", None)
        if values is not None:
            row["shape"] = [plain(size) for size in items(values)]
        elif kind.ndim >= 0:
            row["shape"] = ["?"] * int(kind.ndim)
        return row
    return {"type": type_text(kind)}


def type_text(kind: Any) -> str:
    """A type as Relay would print it: tuples of Tensor[(1, 64), float32]."""
    fields = getattr(kind, "fields", None)
    if fields is not None:
        return f"({', '.join(type_text(field) for field in fields)})"
    tensor = _tensor_type(kind) if hasattr(kind, "ndim") and hasattr(kind, "dtype") else {}
    if tensor.get("dtype") is not None:
        return f"Tensor[({', '.join(map(str, tensor.get('shape', '?')))}), {tensor['dtype']}]"
    return str(kind)


def plain(value: Any) -> Any:
    """A value of TVM's as JSON has it; what it has no form for as text."""
    if type(value) in _PLAIN:
        return value
    kind = type(value).__name__  # the frequent first: isinstance takes long with TVM's classes
    if kind in ("IntImm", "FloatImm"):
        return value.value
    if kind in ("StringImm", "DataTypeImm"):
        return str(value.value)
    if isinstance(value, tvm_ffi.Array):
        return [plain(item) for item in items(value)]
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value if isinstance(value, (bool, int, float, str)) else str(value)
