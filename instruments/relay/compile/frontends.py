"""TVM's importers, as its own tutorials call them; what they refuse, with the node."""

from __future__ import annotations

import re
from types import FrameType
from typing import Any, Iterator, Mapping, Sequence

from tvm import relay

from ...inputs import files, torchscript
from ...inputs.errors import ImportRejected
from ...inputs.files import File
from ...recording import diagnostic_texts


def from_onnx(file: File, shapes: Mapping[str, Sequence[int]]) -> tuple[Any, dict[str, Any]]:
    """Import an ONNX model with its weights as constants (freeze_params, TVM's default): splits and
    shapes may come from initializers. Raises ImportRejected."""
    sizes = {name: tuple(shape) for name, shape in shapes.items()}
    try:
        with diagnostic_texts.spelled_out():
            module, params = relay.frontend.from_onnx(file.model, shape=sizes, freeze_params=True)
    except Exception as error:
        raise _onnx_rejected(file.model.graph, error) from error
    return module, params


def from_torch(
    net: Any, shapes: Mapping[str, Sequence[int]], dtypes: Mapping[str, str] | None = None
) -> tuple[Any, dict[str, Any]]:
    """Import TorchScript. Raises ImportRejected."""
    dtypes = dtypes or {}
    infos = [(name, (tuple(size), dtypes.get(name, "float32"))) for name, size in shapes.items()]
    try:
        with diagnostic_texts.spelled_out():
            module, params = relay.frontend.from_pytorch(net, infos)
    except Exception as error:
        raise _torch_rejected(error) from error
    return module, params


def from_torch_file(file: File, shapes: Mapping[str, Sequence[int]]) -> tuple[Any, dict[str, Any]]:
    """Import a PyTorch file: an exported program by its trace, TorchScript as it is, or, where TVM
    refuses that and PyTorch can export it, by the trace of that. Raises ImportRejected."""
    if files.is_exported(file):
        script = torchscript.traced(file.model.module(), shapes, file.dtypes)
        return from_torch(script, shapes, file.dtypes)
    try:
        return from_torch(file.model, shapes)
    except ImportRejected:
        program = torchscript.exported(file.model, shapes)
        if program is None:
            raise
    return from_torch(torchscript.traced(program.module(), shapes, {}), shapes)


def from_tflite(file: File, shapes: Mapping[str, Sequence[int]]) -> tuple[Any, dict[str, Any]]:
    """Import a TFLite model. Raises ImportRejected."""
    sizes = {name: tuple(shape) for name, shape in shapes.items()}
    try:
        with diagnostic_texts.spelled_out():
            module, params = relay.frontend.from_tflite(file.model, shape_dict=sizes)
    except Exception as error:
        op = _named(error) or _local(error, "op_code_str") or ""
        raise ImportRejected("TFLite", "", str(op), error) from error
    return module, params


def _onnx_rejected(graph: Any, error: Exception) -> ImportRejected:
    """With the node: the first of a kind that TVM has no converter for, else the one at work."""
    kind = _named(error)
    node = next((node for node in graph.node if node.op_type == kind), None)
    if node is None:
        node = _local(error, "node")
    if node is None or not hasattr(node, "op_type"):
        return ImportRejected("ONNX", "", kind or "", error)
    name = node.name or next(iter(node.output), "")
    return ImportRejected("ONNX", str(name), str(node.op_type), error)


def _torch_rejected(error: Exception) -> ImportRejected:
    node, kind = _local(error, "node_name"), _local(error, "op_node")
    op = _named(error) or (kind.kind() if hasattr(kind, "kind") else None)
    return ImportRejected("PyTorch", str(node or ""), str(op or ""), error)


def _named(error: Exception) -> str | None:
    """The first operator of those that a frontend says it has no converter for."""
    text = str(error)
    listed = re.search(r"operators are not (?:supported|implemented)[^:]*: *(.*)", text)
    name = re.search(r"[\w.:]+", listed[1]) if listed else None
    return name[0] if name else None


def _local(error: Exception, name: str) -> Any:
    """The variable of that name in the deepest frame of TVM's frontends that has it: what a
    converter was at. None if there is none."""
    value = None
    for frame in _frames(error):
        if "/frontend/" in frame.f_code.co_filename and name in frame.f_locals:
            value = frame.f_locals[name]
    return value


def _frames(error: Exception) -> Iterator[FrameType]:
    traceback = error.__traceback__
    while traceback is not None:
        yield traceback.tb_frame
        traceback = traceback.tb_next
