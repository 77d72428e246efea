"""Model sources: from what a person typed to a Relay module, its parameters and a seeded input.

digits                a trained net for handwritten digits, see instruments.inputs.digits
tiny                  a built-in net that needs nothing but TVM: seconds instead of minutes
torchvision:NAME      seeded random weights by default, see torchvision_nets
onnx:FILE             an ONNX model
relay:FILE            a Relay module as text, or as JSON from tvm.ir.save_json
py:MODULE:FUNCTION    a function of yours (module or .py file) that returns (mod, params)
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import tvm
from tvm import relay

from ...inputs import digits, models, torchvision_nets
from ...inputs.errors import ModelError
from ...inputs.models import Model, existing
from ...protocol.jobs import ModelSource
from ...tvm_types import Expr


def load(source: ModelSource) -> Model:
    """Import a model; the source's `shape` replaces the input's where the model leaves it open.

    Raises ModelError when the source is not understood or not to be found.
    """
    rest, shape = source.source.partition(":")[2], source.shape
    loaders = {
        "digits": lambda: _digits(shape),
        "tiny": lambda: _tiny(shape, source.seed),
        "torchvision": lambda: _torchvision(rest, source),
        "onnx": lambda: _onnx(existing(rest), shape),
        "relay": lambda: _relay(existing(rest)),
        "py": lambda: _python(rest),
    }
    model = models.load(loaders, source)
    model.inputs = _inputs(model, source.seed)
    return model


def remembered(folder: str | None, source: ModelSource) -> Model:
    """A model from `folder`, where an earlier process left it; else it is loaded, and left there.

    Without the PyTorch module. Importing a torchvision net takes 10 to 20 s, reading it back one.
    Only for sources that are the same each time and change nothing else: no function of somebody's.
    """
    if folder is None or source.source.partition(":")[0] not in ("torchvision", "onnx"):
        return load(source)
    place = Path(folder)
    facts = place / "model.json"
    if facts.exists():
        return _read(place, json.loads(facts.read_text(encoding="utf-8")))
    model = load(source)
    (place / "module.json").write_text(tvm.ir.save_json(model.module), encoding="utf-8")
    inputs = {name: tvm.nd.array(value) for name, value in model.inputs.items()}
    (place / "params.bin").write_bytes(relay.save_param_dict(model.params))
    (place / "inputs.bin").write_bytes(relay.save_param_dict(inputs))
    # Last: it says that all is there.
    facts.write_text(json.dumps(models.facts_of(model)), encoding="utf-8")
    return model


def _read(place: Path, facts: dict[str, Any]) -> Model:
    module = tvm.ir.load_json((place / "module.json").read_text(encoding="utf-8"))
    params = dict(relay.load_param_dict((place / "params.bin").read_bytes()))
    inputs = relay.load_param_dict((place / "inputs.bin").read_bytes())
    arrays = {name: value.numpy() for name, value in inputs.items()}
    return Model(module, params, arrays, **models.of_facts(facts))


def _inputs(model: Model, seed: int) -> dict[str, np.ndarray]:
    """A seeded value for every parameter of main that is not a weight."""
    wanted = {}
    for var in model.module["main"].params:
        if var.name_hint not in model.params:
            annotation = var.type_annotation
            shape = [int(size) if hasattr(size, "value") else -1 for size in annotation.shape]
            wanted[var.name_hint] = (shape, str(annotation.dtype))
    return models.seeded(wanted, seed)


def _tiny(shape: list[int] | None, seed: int) -> Model:
    """Four convolutions with bias, a residual add, both poolings and a dense layer."""
    generator = np.random.default_rng(seed)
    params: dict[str, Any] = {}

    def weight(name: str, *size: int) -> Any:
        spread = np.sqrt(2.0 / max(1, int(np.prod(size[1:]))))
        values = generator.normal(0, spread, size)
        params[name] = tvm.nd.array(values.astype("float32"))
        return relay.var(name, shape=size)

    def conv(x: Any, name: str, inputs: int, outputs: int) -> Any:
        kernel = weight(f"{name}.weight", outputs, inputs, 3, 3)
        bias = weight(f"{name}.bias", outputs)
        x = relay.nn.conv2d(x, kernel, padding=(1, 1), channels=outputs, kernel_size=(3, 3))
        return relay.nn.bias_add(x, bias)

    size = shape or [1, 3, 32, 32]
    if len(size) != 4:
        raise ModelError("tiny takes an input shape of four numbers: N,C,H,W")
    data = relay.var("input", shape=tuple(size))
    x = relay.nn.relu(conv(data, "conv0", size[1], 16))
    x = relay.nn.max_pool2d(x, pool_size=(2, 2), strides=(2, 2))
    y = relay.nn.relu(conv(x, "conv1", 16, 16))
    y = conv(y, "conv2", 16, 16)
    x = relay.nn.relu(relay.add(x, y))
    x = relay.nn.relu(conv(x, "conv3", 16, 32))
    x = relay.nn.batch_flatten(relay.nn.global_avg_pool2d(x))
    x = relay.nn.dense(x, weight("fc.weight", 10, 32))
    x = relay.nn.bias_add(x, weight("fc.bias", 10))
    main = relay.Function([data, *relay.analysis.free_vars(x)[1:]], x)
    return Model(relay.transform.InferType()(tvm.IRModule.from_expr(main)), params, {})


class _Layers:
    """See digits.Layers. The weights become parameters, as a frontend leaves them."""

    def __init__(self, weights: dict[str, np.ndarray]) -> None:
        self._weights = weights
        self.params: dict[str, Any] = {}

    def convolution(self, x: Expr, name: str) -> Expr:
        kernel = self._parameter(f"{name}.conv.weight")
        norms = ("weight", "bias", "running_mean", "running_var")
        norm = [self._parameter(f"{name}.norm.{part}") for part in norms]
        channels = self._weights[f"{name}.conv.weight"].shape[0]
        x = relay.nn.conv2d(x, kernel, padding=(1, 1), channels=channels, kernel_size=(3, 3))
        return relay.nn.batch_norm(x, *norm, epsilon=digits.EPSILON)[0]

    def relu(self, x: Expr) -> Expr:
        return relay.nn.relu(x)

    def add(self, x: Expr, y: Expr) -> Expr:
        return relay.add(x, y)

    def max_pool(self, x: Expr) -> Expr:
        return relay.nn.max_pool2d(x, pool_size=(2, 2), strides=(2, 2))

    def mean(self, x: Expr) -> Expr:
        return relay.nn.batch_flatten(relay.nn.global_avg_pool2d(x))

    def dense(self, x: Expr, name: str) -> Expr:
        x = relay.nn.dense(x, self._parameter(f"{name}.weight"))
        return relay.nn.bias_add(x, self._parameter(f"{name}.bias"))

    def _parameter(self, name: str) -> Expr:
        value = self._weights[name]
        self.params[name] = tvm.nd.array(value)
        return relay.var(name, shape=value.shape)


def _digits(shape: list[int] | None) -> Model:
    layers = _Layers(digits.weights())
    data = relay.var(digits.INPUT, shape=digits.shape(shape))
    scores = digits.net(layers, data)
    main = relay.Function(relay.analysis.free_vars(scores), scores)
    module = relay.transform.InferType()(tvm.IRModule.from_expr(main))
    return Model(module, layers.params, {}, preprocessing=digits.PREPROCESSING)


def _torchvision(name: str, source: ModelSource) -> Model:
    net = torchvision_nets.net(name, source)
    import torch

    traced = torch.jit.trace(net.module, torch.zeros(net.shape))
    module, params = relay.frontend.from_pytorch(traced, [("input", tuple(net.shape))])
    return Model(module, params, {}, net.module, net.versions, net.preprocessing)


def _onnx(path: Path, shape: list[int] | None) -> Model:
    try:
        import onnx
    except ImportError as error:
        raise ModelError(f"onnx: models need onnx in the TVM's Python ({error})") from error
    graph = onnx.load(str(path))
    weights = {tensor.name for tensor in graph.graph.initializer}
    names = [value.name for value in graph.graph.input if value.name not in weights]
    if shape and len(names) != 1:
        raise ModelError(f"--input-shape fits one input, and this model has {len(names)}: {names}")
    shapes = {names[0]: tuple(shape)} if shape else None
    module, params = relay.frontend.from_onnx(graph, shape=shapes, freeze_params=False)
    return Model(module, params, {}, versions={"onnx": onnx.__version__})


def _relay(path: Path) -> Model:
    text = path.read_text(encoding="utf-8")
    if text.lstrip().startswith("{"):
        return Model(tvm.ir.load_json(text), {}, {})
    parse = getattr(tvm, "parser", relay).fromtext  # tvm.parser until 0.10, relay since
    if not text.lstrip().startswith("#["):
        text = '#[version = "0.0.5"]\n' + text
    return Model(relay.transform.InferType()(parse(text)), {}, {})


def _python(rest: str) -> Model:
    module, params = models.of_python(rest)
    return Model(relay.transform.InferType()(module), params, {})
