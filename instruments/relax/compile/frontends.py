"""TVM's importers, and which node of the original model each op comes from.

Relax ops can carry a span, but the importers give them none. Here each gets the name that the op's
node has in the original: the ONNX node's, or PyTorch's path of modules (layer1.0.conv1).
"""

from __future__ import annotations

import contextlib
import re
from typing import Any, Iterator

import tvm
from tvm import relax

from ...inputs.errors import ImportRejected
from ...tvm_types import Attrs, Call, Expr, IRModule
from ..ir import walk


def from_torch(exported: Any) -> Any:
    """The module of a torch.export'ed program, its weights inside. Its one output is no tuple.

    Raises ImportRejected.
    """
    from tvm.relax.frontend.torch import exported_program_translator as translator

    original = translator.ExportedProgramImporter

    class Importer(original):  # type: ignore[misc, valid-type]
        def create_convert_map(self) -> Any:
            converters = super().create_convert_map()
            return {name: self._naming(convert) for name, convert in converters.items()}

        def _naming(self, convert: Any) -> Any:
            def named(node: Any) -> Any:
                try:
                    with _named(_path(node)):
                        return convert(node)
                except ImportRejected:  # of a graph inside this node
                    raise
                except Exception as error:
                    raise ImportRejected("PyTorch", _path(node), str(node.target), error) from error

            return named

    translator.ExportedProgramImporter = Importer
    try:
        return translator.from_exported_program(exported, unwrap_unit_return_tuple=True)
    except (ImportRejected, KeyboardInterrupt):
        raise
    except Exception as error:
        raise ImportRejected("PyTorch", "", _unsupported(error), error) from error
    finally:
        translator.ExportedProgramImporter = original


def _path(node: Any) -> str:
    """Where in the net a node of PyTorch's graph stands: its innermost module, else its name."""
    stack = node.meta.get("nn_module_stack") or {}
    paths = [str(entry[0]) for entry in stack.values()]
    return (paths[-1] if paths else "") or str(node.name)


def _unsupported(error: Exception) -> str:
    """The first function that the importer says it has no converter for; else empty."""
    name = re.search(r"[Uu]nsupported function types? *[:\[']*\s*([\w.:]+)", str(error))
    return name[1] if name else ""


def from_tflite(model: Any, shapes: dict[str, list[int]]) -> Any:
    """The module of a TFLite model, its weights inside. Raises ImportRejected."""
    from tvm.relax.frontend import tflite

    try:
        module = tflite.from_tflite(model, shape_dict=shapes)
    except Exception as error:
        name = re.search(r"not supported[^:]*: *'?([\w.:]+)", str(error))
        raise ImportRejected("TFLite", "", name[1] if name else "", error) from error
    return module[0] if isinstance(module, tuple) else module


def from_onnx(graph: Any, shapes: dict[str, list[int]]) -> Any:
    """The module of an ONNX model, its weights inside. Raises ImportRejected."""
    from tvm.relax.frontend.onnx import onnx_frontend as frontend

    original = frontend.ONNXGraphImporter
    readers = {name: node for node in graph.graph.node for name in node.input}

    class Importer(original):  # type: ignore[misc, valid-type]
        def _parse_array(self, tensor: Any) -> Any:
            try:
                return super()._parse_array(tensor)
            except Exception as error:
                raise _rejected(readers.get(tensor.name), tensor.name, error) from error

        def _convert_operator(self, op_name: str, inputs: Any, attrs: Attrs, opset: int) -> Any:
            name = str(attrs.get("tvm_custom", {}).get("name") or op_name)
            try:
                with _named(name):
                    converted = super()._convert_operator(op_name, inputs, attrs, opset)
                    # Left inside the next op's arguments, it would lose its span there.
                    return self.bb.emit(converted) if _is_data(converted) else converted
            except ImportRejected:  # of a graph inside this node
                raise
            except Exception as error:
                raise ImportRejected("ONNX", name, op_name, error) from error

    frontend.ONNXGraphImporter = Importer
    try:
        return frontend.from_onnx(graph, shape_dict=shapes or None)
    except ImportRejected:
        raise
    except Exception as error:
        listed = re.search(r"not supported for frontend ONNX: *([\w.]+)", str(error))
        op = listed[1] if listed else ""
        node = next((node for node in graph.graph.node if node.op_type == op), None)
        name = node.name or next(iter(node.output), "") if node is not None else ""
        raise ImportRejected("ONNX", name, op, error) from error
    finally:
        frontend.ONNXGraphImporter = original


def _is_data(converted: Any) -> bool:
    """Is it a call that computes a tensor, and no shape? Importers look into those of shapes."""
    if not isinstance(converted, relax.Call):
        return False
    dtype = str(getattr(walk.type_of(converted), "dtype", None))
    return dtype.startswith("float") or dtype in ("int8", "uint8")


def _rejected(node: Any, tensor: str, error: BaseException) -> ImportRejected:
    """For a tensor that could not be read: the node it is for."""
    if node is None:
        return ImportRejected("ONNX", tensor, "initializer", error)
    place = f"{node.name or node.op_type}, initializer {tensor}"
    return ImportRejected("ONNX", place, node.op_type, error)


@contextlib.contextmanager
def _named(name: str) -> Iterator[None]:
    """Give the calls that are built inside the block this name as their span."""
    usual_emit = relax.BlockBuilder.emit
    usual_normalize = relax.BlockBuilder.normalize

    def emit(self: Any, expr: Expr, *args: Any, **kwargs: Any) -> Any:
        return usual_emit(self, _spanned(expr, name), *args, **kwargs)

    def normalize(self: Any, expr: Expr) -> Any:
        return usual_normalize(self, _spanned(expr, name))

    relax.BlockBuilder.emit, relax.BlockBuilder.normalize = emit, normalize
    try:
        yield
    finally:
        relax.BlockBuilder.emit, relax.BlockBuilder.normalize = usual_emit, usual_normalize


def _spanned(expr: Expr, name: str) -> Any:
    if not isinstance(expr, relax.Call) or expr.span is not None:
        return expr
    types = expr.ty_args if hasattr(expr, "ty_args") else expr.sinfo_args
    span = tvm.ir.Span(tvm.ir.SourceName(name), 0, 0, 0, 0)
    return relax.Call(expr.op, expr.args, expr.attrs, types, span)


def named_as(prepared: IRModule, module: IRModule) -> Any:
    """`prepared` with the names that its ops had in `module`, where folding BatchNorm lost them.

    The convolutions stay, in order, and a batch_norm is now the addition behind its convolution.
    """
    names = _folded_names(prepared, module)
    if not names:
        return prepared

    @relax.expr_functor.mutator
    class Naming(relax.PyExprMutator):
        def visit_call_(self, call: Call) -> Any:
            name = names.get(walk.address(call))
            changed = super().visit_call_(call)
            return changed if name is None else _spanned(changed, name)

    main = prepared.get_global_var("main")
    named = tvm.IRModule(dict(prepared.functions.items()), attrs=prepared.attrs)
    named[main] = Naming().visit_expr(prepared[main])
    return named


def _folded_names(prepared: IRModule, module: IRModule) -> dict[int, str]:
    """By address, the names of the calls in `prepared` that have none."""
    old, new = _convolutions(module), _convolutions(prepared)
    names: dict[int, str] = {}
    if len(old) != len(new):
        return names
    for (before, after_before), (now, after_now) in zip(old, new):
        if before.span is not None and now.span is None:
            names[walk.address(now)] = str(before.span.source_name.name)
        norm = _is_op(after_before, "relax.nn.batch_norm") and after_before.span
        if norm and _is_op(after_now, "relax.add") and after_now.span is None:
            names[walk.address(after_now)] = str(norm.source_name.name)
    return names


def _convolutions(module: IRModule) -> list[tuple[Any, Any]]:
    """Each convolution in order, and the first call that reads it."""
    entries = walk.entries(module)
    readers: dict[int, Any] = {}
    for entry in entries:
        for row in entry.inputs if walk.is_call(entry.node) else ():
            readers.setdefault(row, entry.node)
    return [
        (entry.node, readers.get(row))
        for row, entry in enumerate(entries)
        if _is_op(entry.node, "relax.nn.conv2d")
    ]


def _is_op(node: Any, name: str) -> bool:
    return walk.is_call(node) and isinstance(node.op, tvm.ir.Op) and node.op.name == name
