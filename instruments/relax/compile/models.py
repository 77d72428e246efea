"""Model sources: from what a person typed to a Relax module, its weights inside, and an input.

digits                  the trained net that Relay's `digits` is
tiny                    the net that Relay's `tiny` is, with the same weights and input
torchvision:NAME        through torch.export; seeded random weights, see torchvision_nets
torchvision-onnx:NAME   the same net through torch.onnx.export, which folds BatchNorm
onnx:FILE               an ONNX model
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

from ...inputs import digits, models, torchvision_nets
from ...inputs.errors import ModelError
from ...inputs.models import Model, existing
from ...protocol.jobs import ModelSource
from ...tvm_types import Expr, IRModule
from ..ir import walk
from . import frontends

_REMEMBERED = ("torchvision", "torchvision-onnx", "onnx")


def load(source: ModelSource) -> Model:
    """Import a model; the source's `shape` replaces the input's where the model leaves it open.

    Raises ModelError when the source is not understood or not to be found, ImportRejected when TVM
    does not take it.
    """
    rest, shape = source.source.partition(":")[2], source.shape
    loaders = {
        "digits": lambda: _digits(shape),
        "tiny": lambda: _tiny(shape, source.seed),
        "torchvision": lambda: _torchvision(rest, source),
        "torchvision-onnx": lambda: _through_onnx(rest, source),
        "onnx": lambda: _onnx(existing(rest), shape),
        "relax": lambda: _relax(existing(rest)),
        "py": lambda: _python(rest),
    }
    model = models.load(loaders, source)
    model.inputs = _inputs(model.module, source.seed)
    return model


def remembered(folder: str | None, source: ModelSource) -> Model:
    """A model from `folder`, where an earlier process left it; else it is loaded, and left there.

    Without the PyTorch module. Only for sources that are the same each time and change nothing
    else: no function of somebody's.
    """
    kind = source.source.partition(":")[0]
    if folder is None or kind not in _REMEMBERED or not can_save():
        return load(source)
    place = Path(folder)
    facts = place / "model.json"
    if facts.exists():
        module = tvm.ir.load_json((place / "module.json").read_text(encoding="utf-8"))
        with np.load(place / "inputs.npz") as inputs:
            arrays = dict(inputs)
        known = models.of_facts(json.loads(facts.read_text(encoding="utf-8")))
        return Model(module, {}, arrays, **known)
    model = load(source)
    (place / "module.json").write_text(tvm.ir.save_json(model.module), encoding="utf-8")
    named: Any = model.inputs
    np.savez(place / "inputs.npz", **named)
    # Last: it says that all is there.
    facts.write_text(json.dumps(models.facts_of(model)), encoding="utf-8")
    return model


def can_save() -> bool:
    """Writing any module as JSON kills the process of TVM 0.27 with a tvm-ffi newer than 0.1.14."""
    numbers = str(getattr(tvm_ffi, "__version__", "0.1.14")).split(".")[:3]
    return not tvm.__version__.startswith("0.27") or numbers <= ["0", "1", "14"]


def _inputs(module: IRModule, seed: int) -> dict[str, np.ndarray]:
    """A seeded value for every parameter of main."""
    wanted = {}
    for var in module["main"].params:
        kind = walk.type_of(var)
        sizes = getattr(kind.shape, "values", None)
        shape = [-1] if sizes is None else [int(getattr(size, "value", -1)) for size in sizes]
        wanted[walk.name_of(var)] = (shape, str(kind.dtype))
    return models.seeded(wanted, seed)


def _tiny(shape: list[int] | None, seed: int) -> Model:
    """Four convolutions with bias, a residual add, both poolings and a dense layer."""
    generator = np.random.default_rng(seed)
    builder = relax.BlockBuilder()
    emit = builder.emit

    def weight(*size: int) -> np.ndarray:
        spread = np.sqrt(2.0 / max(1, int(np.prod(size[1:]))))
        return generator.normal(0, spread, size).astype("float32")

    def conv(x: Any, inputs: int, outputs: int) -> Any:
        kernel, bias = weight(outputs, inputs, 3, 3), weight(outputs)
        x = emit(relax.op.nn.conv2d(x, relax.const(kernel), padding=(1, 1)))
        return emit(relax.op.add(x, relax.const(bias.reshape(1, outputs, 1, 1))))

    def relu(x: Any) -> Any:
        return emit(relax.op.nn.relu(x))

    size = shape or [1, 3, 32, 32]
    if len(size) != 4:
        raise ModelError("tiny takes an input shape of four numbers: N,C,H,W")
    tensor: Any = getattr(relax, "TensorStructInfo", None) or relax.TensorType
    data = relax.Var("input", tensor(size, "float32"))
    with builder.function("main", [data]):
        with builder.dataflow():
            x = relu(conv(data, size[1], 16))
            x = emit(relax.op.nn.max_pool2d(x, pool_size=(2, 2), strides=(2, 2)))
            y = relu(conv(x, 16, 16))
            x = relu(emit(relax.op.add(x, conv(y, 16, 16))))
            x = relu(conv(x, 16, 32))
            x = emit(relax.op.nn.adaptive_avg_pool2d(x, (1, 1)))
            x = emit(relax.op.reshape(x, (size[0], 32)))
            dense = np.ascontiguousarray(weight(10, 32).T)
            x = emit(relax.op.matmul(x, relax.const(dense)))
            x = builder.emit_output(relax.op.add(x, relax.const(weight(10))))
        builder.emit_func_output(x)
    return Model(builder.get(), {}, {})


class _Layers:
    """See digits.Layers. The weights are constants."""

    def __init__(self, builder: relax.BlockBuilder, weights: dict[str, np.ndarray]) -> None:
        self._emit = builder.emit
        self._weights = weights

    def convolution(self, x: Expr, name: str) -> Expr:
        kernel = relax.const(self._weights[f"{name}.conv.weight"])
        x = self._emit(relax.op.nn.conv2d(x, kernel, padding=(1, 1)))
        norms = ("weight", "bias", "running_mean", "running_var")
        norm = [relax.const(self._weights[f"{name}.norm.{part}"]) for part in norms]
        whole = self._emit(
            relax.op.nn.batch_norm(x, *norm, axis=1, epsilon=digits.EPSILON, training=False)
        )
        return self._emit(relax.TupleGetItem(whole, 0))

    def relu(self, x: Expr) -> Expr:
        return self._emit(relax.op.nn.relu(x))

    def add(self, x: Expr, y: Expr) -> Expr:
        return self._emit(relax.op.add(x, y))

    def max_pool(self, x: Expr) -> Expr:
        return self._emit(relax.op.nn.max_pool2d(x, pool_size=(2, 2), strides=(2, 2)))

    def mean(self, x: Expr) -> Expr:
        return self._emit(relax.op.mean(x, axis=[2, 3]))

    def dense(self, x: Expr, name: str) -> Expr:
        weight = np.ascontiguousarray(self._weights[f"{name}.weight"].T)
        x = self._emit(relax.op.matmul(x, relax.const(weight)))
        return self._emit(relax.op.add(x, relax.const(self._weights[f"{name}.bias"])))


def _digits(shape: list[int] | None) -> Model:
    builder = relax.BlockBuilder()
    layers = _Layers(builder, digits.weights())
    tensor: Any = getattr(relax, "TensorStructInfo", None) or relax.TensorType
    data = relax.Var(digits.INPUT, tensor(digits.shape(shape), "float32"))
    with builder.function("main", [data]):
        with builder.dataflow():
            scores = builder.emit_output(digits.net(layers, data))
        builder.emit_func_output(scores)
    return Model(builder.get(), {}, {}, preprocessing=digits.PREPROCESSING)


def _torchvision(name: str, source: ModelSource) -> Model:
    net = torchvision_nets.net(name, source)
    import torch

    exported = torch.export.export(net.module, (torch.zeros(net.shape),))
    module = frontends.from_torch(exported)
    return Model(module, {}, {}, net.module, net.versions, net.preprocessing)


def _through_onnx(name: str, source: ModelSource) -> Model:
    net = torchvision_nets.net(name, source)
    onnx = _package()
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
    module = frontends.from_onnx(graph, None)
    return Model(module, {}, {}, net.module, versions, net.preprocessing)


def _onnx(path: Path, shape: list[int] | None) -> Model:
    onnx = _package()
    graph = onnx.load(str(path))
    weights = {tensor.name for tensor in graph.graph.initializer}
    names = [value.name for value in graph.graph.input if value.name not in weights]
    if shape and len(names) != 1:
        raise ModelError(f"--input-shape fits one input, and this model has {len(names)}: {names}")
    shapes = {names[0]: list(shape)} if shape else None
    return Model(frontends.from_onnx(graph, shapes), {}, {}, versions={"onnx": onnx.__version__})


def _package() -> Any:
    try:
        import onnx
    except ImportError as error:
        raise ModelError(f"onnx models need onnx in the TVM's Python ({error})") from error
    return onnx


def _relax(path: Path) -> Model:
    text = path.read_text(encoding="utf-8")
    try:
        if text.lstrip().startswith("{"):
            return Model(tvm.ir.load_json(text), {}, {})
        return Model(_of_script(text), {}, {})
    except Exception as error:
        raise ModelError(f"{path} is no module that TVM can read: {error}") from error


def _of_script(text: str) -> Any:
    """A module from its text, which may begin with imports that the parser does not read."""
    from tvm.script import from_source

    module = from_source(text)
    return module if isinstance(module, tvm.IRModule) else tvm.IRModule.from_expr(module)


def _python(rest: str) -> Model:
    module, params = models.of_python(rest)
    if params:
        module = relax.transform.BindParams("main", params)(module)
    return Model(module, {}, {})
