"""Model sources: from what a person typed to a Relax module, its weights inside, and an input.

digits                  the trained net that Relay's `digits` is
tiny                    the net that Relay's `tiny` is, with the same weights and input
torchvision:NAME        through torch.export; seeded random weights, see torchvision_nets
torchvision-onnx:NAME   the same net through torch.onnx.export, which folds BatchNorm
torch:FILE              PyTorch's, from torch.export.save
onnx:FILE               an ONNX model
tflite:FILE             a TFLite model
relax:FILE              a Relax module as TVMScript, or as JSON from tvm.ir.save_json
py:MODULE:FUNCTION      a function of yours (module or .py file) that returns (mod, params)
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import tvm
import tvm_ffi
from tvm import relax

from ...inputs import files, models, shapes, torchscript, torchvision_nets
from ...inputs.errors import ModelError, line
from ...inputs.files import File, existing
from ...inputs.models import Model
from ...kept.imported import Told, imported
from ...protocol.jobs import ModelSource
from ...tvm_types import IRModule
from ..ir import walk
from . import frontends, nets


def load(source: ModelSource) -> Model:
    """Import a model; the source's `shapes` are those of its inputs where it leaves them open.

    Raises ModelError when the source is not understood or not to be found, ImportRejected when TVM
    does not take it.
    """
    rest = _name(source)
    loaders = {
        "digits": lambda: nets.digits(source),
        "tiny": lambda: nets.tiny(source),
        "torchvision": lambda: _torchvision(source),
        "torchvision-onnx": lambda: _through_onnx(source),
        "torch": lambda: _torch(files.pytorch(existing(rest)), source),
        "onnx": lambda: _onnx(files.onnx(existing(rest)), source),
        "tflite": lambda: _tflite(files.tflite(existing(rest)), source),
        "relax": lambda: _relax(existing(rest), source),
        "py": lambda: _python(rest, source),
    }
    model = models.load(loaders, source)
    model.inputs = _inputs(model.module, source.seed)
    return model


def remembered(kept: str | None, source: ModelSource, told: Told = lambda **fields: None) -> Model:
    """A model as `load` imports it, or, below the folder `kept`, as another process has kept it:
    see instruments.kept.imported, also for `told`."""
    place = kept if can_save() else None
    return imported(place, source, lambda: load(source), _read, _save, told)


def _save(model: Model, place: Path) -> None:
    (place / "module.json").write_text(tvm.ir.save_json(model.module), encoding="utf-8")
    named: Any = model.inputs
    np.savez(place / "inputs.npz", **named)
    (place / "model.json").write_text(json.dumps(models.facts_of(model)), encoding="utf-8")


def _read(place: Path) -> Model:
    module = tvm.ir.load_json((place / "module.json").read_text(encoding="utf-8"))
    with np.load(place / "inputs.npz") as inputs:
        arrays = dict(inputs)
    known = models.of_facts(json.loads((place / "model.json").read_text(encoding="utf-8")))
    return Model(module, {}, arrays, **known)


def can_save() -> bool:
    """Writing any module as JSON kills the process of TVM 0.27 with a tvm-ffi newer than 0.1.14."""
    numbers = str(getattr(tvm_ffi, "__version__", "0.1.14")).split(".")[:3]
    return not tvm.__version__.startswith("0.27") or numbers <= ["0", "1", "14"]


def _inputs(module: IRModule, seed: int) -> dict[str, np.ndarray]:
    """A seeded value for every parameter of main."""
    wanted = {
        name: (
            [size if isinstance(size, int) else -1 for size in ([-1] if sizes is None else sizes)],
            dtype,
        )
        for name, (sizes, dtype) in _declared(module).items()
    }
    return models.seeded(wanted, seed)


def _name(source: ModelSource) -> str:
    return source.source.partition(":")[2]


def _torchvision(source: ModelSource) -> Model:
    net = torchvision_nets.net(_name(source), source)
    import torch

    exported = torch.export.export(net.module, (torch.zeros(net.shape),))
    module = frontends.from_torch(exported)
    return Model(module, {}, {}, net.module, net.versions, net.preprocessing)


def _through_onnx(source: ModelSource) -> Model:
    net = torchvision_nets.net(_name(source), source)
    onnx = files.package_onnx()
    import torch

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        try:
            torch.onnx.export(
                net.module,
                (torch.zeros(net.shape),),
                str(file),
                input_names=["input"],
                external_data=False,
            )
        except ImportError as error:
            raise ModelError(f"PyTorch cannot write ONNX here: {error}") from error
        graph = onnx.load(str(file))
    versions = {**net.versions, "onnx": onnx.__version__}
    module = frontends.from_onnx(graph, {})
    return Model(module, {}, {}, net.module, versions, net.preprocessing)


def _torch(file: File, source: ModelSource) -> Model:
    program = file.model
    if not files.is_exported(file):
        program = torchscript.exported(program, shapes.resolved(source.shapes, file.inputs))
        if program is None:
            raise ModelError(
                f"{_name(source)} is TorchScript that PyTorch cannot export, and Relax imports "
                "exported programs: torch.export.save(torch.export.export(net, inputs), FILE)"
            )
        return Model(frontends.from_torch(program), {}, {}, versions=file.versions)
    module = _with_shapes(frontends.from_torch(program), source)
    return Model(module, {}, {}, versions=file.versions)


def _onnx(file: File, source: ModelSource) -> Model:
    sizes = shapes.resolved(source.shapes, file.inputs, replace=True)
    return Model(frontends.from_onnx(file.model, sizes), {}, {}, versions=file.versions)


def _tflite(file: File, source: ModelSource) -> Model:
    sizes = shapes.resolved(source.shapes, file.inputs)
    return Model(frontends.from_tflite(file.model, sizes), {}, {}, versions=file.versions)


def _relax(path: Path, source: ModelSource) -> Model:
    try:
        text = path.read_text(encoding="utf-8")
        json_text = text.lstrip().startswith("{")
        module = tvm.ir.load_json(text) if json_text else _of_script(text)
    except Exception as error:
        raise ModelError(
            f"{path} is no module that TVM can read: {line(error)}; "
            "give its script, mod.script(), or what tvm.ir.save_json(mod) gives"
        ) from error
    if not isinstance(module, tvm.IRModule):
        raise ModelError(f"{path} holds no module: {models.of_class(module)}")
    return Model(_with_shapes(module, source), {}, {})


def _of_script(text: str) -> Any:
    """A module from its text, which may begin with imports that the parser does not read."""
    from tvm.script import from_source

    module = from_source(text)
    return module if isinstance(module, tvm.IRModule) else tvm.IRModule.from_expr(module)


def _python(rest: str, source: ModelSource) -> Model:
    module, params = models.of_python(rest, tvm.IRModule)
    try:
        if params:
            module = relax.transform.BindParams("main", params)(module)
        module["main"]
    except Exception as error:
        raise ModelError(f"py:{rest} gave no Relax module: {line(error)}") from error
    return Model(_with_shapes(module, source), {}, {})


def _with_shapes(module: IRModule, source: ModelSource) -> IRModule:
    """The module with what it leaves open as asked for, all of it. Raises ModelError."""
    try:
        models.check_main(module, source)
        own = {name: sizes for name, (sizes, _) in _declared(module).items()}
    except ModelError:
        raise
    except Exception as error:  # JSON may hold nodes without what every node has
        raise ModelError(f"{source.source} is no Relax module: {line(error)}") from error
    sizes = shapes.resolved(source.shapes, own)
    symbols: dict[str, int] = {}
    for name, shape in sizes.items():
        for size, mine in zip(shape, own[name] or ()):
            if isinstance(mine, str) and symbols.setdefault(mine, size) != size:
                raise ModelError(f"--input-shape: {mine} is {symbols[mine]} and {size} at once")
    if not symbols:
        return module
    try:
        return relax.transform.BindSymbolicVars(symbols)(module)
    except Exception as error:
        raise ModelError(
            f"{source.source} cannot have the sizes of --input-shape: {line(error)}"
        ) from error


def _declared(module: IRModule) -> dict[str, tuple[list[shapes.Size] | None, str]]:
    """The shape and the dtype of each input; None for one of no known rank. Raises ModelError."""
    declared: dict[str, tuple[list[shapes.Size] | None, str]] = {}
    for var in module["main"].params:
        kind = walk.type_of(var)
        if not hasattr(kind, "shape") or not hasattr(kind, "dtype"):
            raise ModelError(f"input {walk.name_of(var)!r} is no tensor: {models.ONLY_TENSORS}")
        sizes = getattr(kind.shape, "values", None)
        own = None if sizes is None else [_size(size) for size in sizes]
        declared[walk.name_of(var)] = (own, str(kind.dtype))
    return declared


def _size(size: Any) -> shapes.Size:
    return int(size.value) if hasattr(size, "value") else str(size)
