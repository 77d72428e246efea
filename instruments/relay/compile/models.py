"""Model sources: from what a person typed to a Relay module, its parameters and a seeded input.

digits                a trained net for handwritten digits, see instruments.inputs.digits
tiny                  a built-in net that needs nothing but TVM: seconds instead of minutes
torchvision:NAME      seeded random weights by default, see torchvision_nets
torch:FILE            PyTorch's, from torch.jit.save or torch.export.save
onnx:FILE             an ONNX model
tflite:FILE           a TFLite model
relay:FILE            a Relay module as text, or as JSON from tvm.ir.save_json
py:MODULE:FUNCTION    a function of yours (module or .py file) that returns (mod, params)
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Mapping, Sequence

import numpy as np
import tvm
from tvm import relay

from ...inputs import files, models, shapes, torchscript, torchvision_nets
from ...inputs.errors import ModelError, line
from ...inputs.files import File, existing
from ...inputs.models import Model
from ...kept.imported import Told, imported
from ...protocol.jobs import ModelSource
from ...recording import diagnostic_texts
from ...tvm_types import IRModule
from . import frontends, nets


def load(source: ModelSource) -> Model:
    """Import a model; the source's `shapes` are those of its inputs where it leaves them open.

    Raises ModelError when the source is not understood or not to be found, ImportRejected when TVM
    does not take it.
    """
    rest = source.source.partition(":")[2]
    loaders = {
        "digits": lambda: nets.digits(source),
        "tiny": lambda: nets.tiny(source),
        "torchvision": lambda: _torchvision(source),
        "torch": lambda: _torch(files.pytorch(existing(rest)), source),
        "onnx": lambda: _onnx(files.onnx(existing(rest)), source),
        "tflite": lambda: _tflite(files.tflite(existing(rest)), source),
        "relay": lambda: _relay(existing(rest), source),
        "py": lambda: _python(rest, source),
    }
    model = models.load(loaders, source)
    model.inputs = _inputs(model, source.seed)
    return model


def remembered(kept: str | None, source: ModelSource, told: Told = lambda **fields: None) -> Model:
    """A model as `load` imports it, or, below the folder `kept`, as another process has kept it:
    see instruments.kept.imported, also for `told`."""
    return imported(kept, source, lambda: load(source), _read, _save, told)


def _save(model: Model, place: Path) -> None:
    (place / "module.json").write_text(tvm.ir.save_json(model.module), encoding="utf-8")
    inputs = {name: tvm.nd.array(value) for name, value in model.inputs.items()}
    (place / "params.bin").write_bytes(relay.save_param_dict(model.params))
    (place / "inputs.bin").write_bytes(relay.save_param_dict(inputs))
    (place / "model.json").write_text(json.dumps(models.facts_of(model)), encoding="utf-8")


def _read(place: Path) -> Model:
    facts = json.loads((place / "model.json").read_text(encoding="utf-8"))
    module = tvm.ir.load_json((place / "module.json").read_text(encoding="utf-8"))
    params = dict(relay.load_param_dict((place / "params.bin").read_bytes()))
    inputs = relay.load_param_dict((place / "inputs.bin").read_bytes())
    # A map of TVM's has no order, and seeded data is drawn for one input after the other.
    names = [var.name_hint for var in module["main"].params if var.name_hint in inputs]
    arrays = {name: inputs[name].numpy() for name in names}
    return Model(module, params, arrays, **models.of_facts(facts))


def _inputs(model: Model, seed: int) -> dict[str, np.ndarray]:
    """A seeded value for every parameter of main that is not a weight."""
    wanted = {}
    for var in model.module["main"].params:
        if var.name_hint not in model.params:
            annotation = var.type_annotation
            if not isinstance(annotation, relay.TensorType):
                raise ModelError(f"input {var.name_hint!r} is no tensor: {models.ONLY_TENSORS}")
            shape = [int(size) if hasattr(size, "value") else -1 for size in annotation.shape]
            wanted[var.name_hint] = (shape, str(annotation.dtype))
    return models.seeded(wanted, seed)


def _torchvision(source: ModelSource) -> Model:
    net = torchvision_nets.net(source.source.partition(":")[2], source)
    shapes = {models.INPUT: net.shape}
    script = torchscript.traced(net.module, shapes, {})
    module, params = frontends.from_torch(script, shapes)
    return Model(module, params, {}, net.module, net.versions, net.preprocessing)


def _onnx(file: File, source: ModelSource) -> Model:
    sizes = shapes.resolved(source.shapes, file.inputs, replace=True)
    module, params = frontends.from_onnx(file, sizes)
    return Model(module, params, {}, versions=file.versions)


def _torch(file: File, source: ModelSource) -> Model:
    sizes = shapes.resolved(source.shapes, file.inputs)
    module, params = frontends.from_torch_file(file, sizes)
    return Model(module, params, {}, versions=file.versions)


def _tflite(file: File, source: ModelSource) -> Model:
    sizes = shapes.resolved(source.shapes, file.inputs)
    module, params = frontends.from_tflite(file, sizes)
    return Model(module, params, {}, versions=file.versions)


def _relay(path: Path, source: ModelSource) -> Model:
    try:
        with diagnostic_texts.spelled_out():
            module = _read_text(path.read_text(encoding="utf-8"))
    except Exception as error:
        raise ModelError(
            f"{path} is no module that TVM can read: {line(error)}; "
            "give its text, str(mod), or what tvm.ir.save_json(mod) gives"
        ) from error
    if not isinstance(module, tvm.IRModule):
        raise ModelError(f"{path} holds no module: {models.of_class(module)}")
    return Model(_with_shapes(module, {}, source), {}, {})


def _read_text(text: str) -> IRModule:
    if text.lstrip().startswith("{"):
        return tvm.ir.load_json(text)
    parse = getattr(tvm, "parser", relay).fromtext  # tvm.parser until 0.10, relay since
    if not text.lstrip().startswith("#["):
        text = '#[version = "0.0.5"]\n' + text
    return parse(text)


def _python(rest: str, source: ModelSource) -> Model:
    with diagnostic_texts.spelled_out():
        module, params = models.of_python(rest, tvm.IRModule)
    return Model(_with_shapes(module, params, source), params, {})


def _with_shapes(module: IRModule, params: Mapping[str, Any], source: ModelSource) -> IRModule:
    """A typed module whose open sizes are those asked for, all of them. Raises ModelError."""
    try:
        models.check_main(module, source)
        with diagnostic_texts.spelled_out():
            typed = relay.transform.InferType()(module)
        own = _declared(typed, params)
    except ModelError:
        raise
    except Exception as error:  # JSON may hold nodes without what every node has
        raise ModelError(f"{source.source} is no Relay module: {line(error)}") from error
    sizes = shapes.resolved(source.shapes, own)
    if all(own[name] == size for name, size in sizes.items()):
        return typed
    try:
        with diagnostic_texts.spelled_out():
            return _fixed(typed["main"], sizes)
    except Exception as error:
        raise ModelError(
            f"{source.source} cannot have the sizes of --input-shape: {line(error)}"
        ) from error


def _declared(typed: IRModule, params: Mapping[str, Any]) -> dict[str, list[shapes.Size] | None]:
    """The shapes of the inputs that are tensors."""
    return {
        var.name_hint: [int(n) if hasattr(n, "value") else "?" for n in var.checked_type.shape]
        for var in typed["main"].params
        if var.name_hint not in params and isinstance(var.checked_type, relay.TensorType)
    }


def _fixed(main: Any, sizes: Mapping[str, Sequence[int]]) -> IRModule:
    """A module of the function whose inputs have these sizes. Raises what type inference raises."""
    fixed = {
        var: relay.var(var.name_hint, shape=sizes[var.name_hint], dtype=var.checked_type.dtype)
        for var in main.params
        if var.name_hint in sizes
    }
    body = relay.bind(main.body, fixed)
    main = relay.Function([fixed.get(var, var) for var in main.params], body)
    typed = relay.transform.InferType()(tvm.IRModule.from_expr(main))
    return relay.transform.DynamicToStatic()(typed)
