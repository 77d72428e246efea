"""Model files, read as far as that needs no TVM: what is in them, and the inputs they declare."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import onnx_names
from .errors import ModelError, line
from .shapes import Size

_AGAIN = "export it again, or copy all of it"


@dataclass
class File:
    """A model as its own package reads it; `inputs` are the shapes of its inputs by name, None for
    one of no known rank; `dtypes` theirs, where the file says."""

    model: Any
    inputs: dict[str, list[Size] | None]
    dtypes: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)


def existing(name: str, what: str = "model file") -> Path:
    """The path of a file that is there and can be read. Raises ModelError.

    What is no plain file is not opened: a pipe may wait forever, and a device never end.
    """
    path = Path(name)
    try:
        there = path.exists()
    except (OSError, ValueError) as error:  # a name that is too long, or has a zero in it
        raise ModelError(f"no {what} {name!r}: {error}") from error
    if not there:
        raise ModelError(f"no {what} {name!r}")
    if not path.is_file():
        kind = "a folder" if path.is_dir() else "a pipe or a device"
        raise ModelError(f"{name} is {kind}: give a {what}")
    if not os.access(path, os.R_OK):
        raise ModelError(f"{name} cannot be read: its permissions do not let you")
    return path


def onnx(path: Path) -> File:
    """An ONNX model (onnx.ModelProto). Raises ModelError."""
    package = package_onnx()
    try:
        model = package.load(str(path))
    except Exception as error:  # of protobuf, whose class changes with its version
        raise ModelError(f"{path} is no ONNX model: {line(error)}; {_AGAIN}") from error
    if not model.graph.node:
        raise ModelError(f"{path} is no ONNX model: it has no nodes; {_AGAIN}")
    onnx_names.check(path, model.graph)
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs: dict[str, list[Size] | None] = {}
    for value in model.graph.input:
        if value.name in weights:
            continue
        tensor = value.type.tensor_type
        known = tensor.HasField("shape")
        inputs[value.name] = [_dimension(d) for d in tensor.shape.dim] if known else None
    return File(model, inputs, versions={"onnx": str(package.__version__)})


def package_onnx() -> Any:
    """The package onnx. Raises ModelError."""
    try:
        import onnx as package
    except ImportError as error:
        raise ModelError(f"onnx models need onnx in the TVM's Python ({error})") from error
    return package


def _dimension(dimension: Any) -> Size:
    if dimension.HasField("dim_value") and dimension.dim_value > 0:
        return int(dimension.dim_value)
    return str(dimension.dim_param or "?")


def pytorch(path: Path) -> File:
    """A scripted (torch.jit.ScriptModule) or an exported model (ExportedProgram).

    Raises ModelError. A pickled module is not read: that would run what is in it.
    """
    try:
        import torch
    except ImportError as error:
        raise ModelError(f"torch: models need torch in the TVM's Python ({error})") from error
    versions = {"torch": str(torch.__version__)}
    try:
        script = torch.jit.load(str(path), map_location="cpu")
    except Exception:  # RuntimeError, or whatever a broken archive gives
        return _exported(path, torch, versions)
    script.eval()
    inputs: dict[str, list[Size] | None] = {}
    for value in list(script.graph.inputs())[1:]:
        sizes = getattr(value.type(), "sizes", lambda: None)()
        name = str(value.debugName()).partition(".")[0]
        inputs[name] = None if sizes is None else [size or "?" for size in sizes]
    return File(script, inputs, versions=versions)


def _exported(path: Path, torch: Any, versions: dict[str, str]) -> File:
    try:
        program = torch.export.load(str(path))
    except Exception as error:
        raise ModelError(
            f"{path} is neither TorchScript (torch.jit.save) nor an exported program "
            f"(torch.export.save): {line(error)}"
        ) from error
    wanted = set(program.graph_signature.user_inputs)
    inputs: dict[str, list[Size] | None] = {}
    dtypes = {}
    for node in program.graph.nodes:
        if node.op == "placeholder" and node.name in wanted:
            value = node.meta["val"]
            inputs[node.name] = [s if isinstance(s, int) else str(s) for s in value.shape]
            dtypes[node.name] = str(value.dtype).replace("torch.", "")
    return File(program, inputs, dtypes, versions)


def is_exported(file: File) -> bool:
    """Is it an exported program, and not TorchScript?"""
    return hasattr(file.model, "graph_signature")


def tflite(path: Path) -> File:
    """A TFLite model (tflite.Model). Raises ModelError."""
    try:
        import tflite as package
    except ImportError as error:
        raise ModelError(
            f"tflite: models need the package tflite in the TVM's Python ({error}): "
            "python -m pip install tflite"
        ) from error
    data = path.read_bytes()
    if data[4:8] != b"TFL3":
        raise ModelError(f"{path} is no TFLite model: it does not have the mark TFL3; {_AGAIN}")
    try:
        model = package.Model.GetRootAsModel(data, 0)
        graph = model.Subgraphs(0)
        tensors = [graph.Tensors(i) for i in graph.InputsAsNumpy()]
        inputs: dict[str, list[Size] | None] = {
            tensor.Name().decode(): _tflite_shape(tensor) for tensor in tensors
        }
    except Exception as error:  # whatever flatbuffers meets in a broken file
        raise ModelError(f"{path} is no TFLite model: {line(error)}; {_AGAIN}") from error
    return File(model, inputs)


def _tflite_shape(tensor: Any) -> list[Size]:
    """What changes from run to run is -1 in the signature."""
    signature = [tensor.ShapeSignature(i) for i in range(tensor.ShapeSignatureLength())]
    sizes = signature or [tensor.Shape(i) for i in range(tensor.ShapeLength())]
    return [int(size) if size > 0 else "?" for size in sizes]
