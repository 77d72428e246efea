"""Model sources: from what a person typed to a Relay module, its parameters and a seeded input.

tiny                  a built-in net that needs nothing but TVM: seconds instead of minutes
torchvision:NAME      seeded random weights by default, see `_settle_batch_norm`
onnx:FILE             an ONNX model
relay:FILE            a Relay module as text, or as JSON from tvm.ir.save_json
py:MODULE:FUNCTION    a function of yours (module or .py file) that returns (mod, params)
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable

import numpy as np
import tvm
from tvm import relay


class ModelError(Exception):
    """The model cannot be had as asked for; the message says what to change."""


@dataclass
class Model:
    """An imported model. `params` are NDArrays by name; `inputs` numpy arrays by name."""

    module: Any
    params: dict[str, Any]
    inputs: dict[str, np.ndarray]
    eager: Any | None = None
    """The PyTorch module it came from, if any: the benchmark times it beside TVM."""
    versions: dict[str, str] = field(default_factory=dict)

    def fresh(self) -> Any:
        """A copy of the module: `quantize()` writes the bound parameters into its input."""
        return tvm.IRModule(dict(self.module.functions.items()))


def load(
    source: str, shape: list[int] | None = None, seed: int = 0, weights: str | None = None
) -> Model:
    """Import `source`; `shape` replaces the input's shape where the source leaves it open.

    Raises ModelError when the source is not understood or not to be found.
    """
    kind, _, rest = source.partition(":")
    loaders = {
        "tiny": lambda: _tiny(shape, seed),
        "torchvision": lambda: _torchvision(rest, shape, seed, weights),
        "onnx": lambda: _onnx(_existing(rest), shape),
        "relay": lambda: _relay(_existing(rest)),
        "py": lambda: _python(rest),
    }
    if kind not in loaders:
        raise ModelError(f"unknown model source {source!r}: use one of {', '.join(loaders)}")
    model = loaders[kind]()
    if shape and kind in ("relay", "py"):
        raise ModelError(f"{kind}: models carry their own input shape; leave --input-shape out")
    model.inputs = _inputs(model, seed)
    return model


def remembered(folder: str | None, source: str, make: Callable[[], Model]) -> Model:
    """A model from `folder`, where an earlier process left it; else it is made, and left there.

    Without the PyTorch module. Importing a torchvision net takes 10 to 20 s, reading it back one.
    Only for sources that are the same each time and change nothing else: no function of somebody's.
    """
    if folder is None or source.partition(":")[0] not in ("torchvision", "onnx"):
        return make()
    place = Path(folder)
    facts = place / "model.json"
    if facts.exists():
        return _read(place, json.loads(facts.read_text(encoding="utf-8")))
    model = make()
    (place / "module.json").write_text(tvm.ir.save_json(model.module), encoding="utf-8")
    inputs = {name: tvm.nd.array(value) for name, value in model.inputs.items()}
    (place / "params.bin").write_bytes(relay.save_param_dict(model.params))
    (place / "inputs.bin").write_bytes(relay.save_param_dict(inputs))
    facts.write_text(json.dumps(model.versions), encoding="utf-8")  # last: it says all is there
    return model


def _read(place: Path, versions: dict[str, str]) -> Model:
    module = tvm.ir.load_json((place / "module.json").read_text(encoding="utf-8"))
    params = dict(relay.load_param_dict((place / "params.bin").read_bytes()))
    inputs = relay.load_param_dict((place / "inputs.bin").read_bytes())
    return Model(module, params, {k: v.numpy() for k, v in inputs.items()}, None, versions)


def _existing(name: str) -> Path:
    path = Path(name)
    if not path.is_file():
        raise ModelError(f"no model file {name!r}")
    return path


def _inputs(model: Model, seed: int) -> dict[str, np.ndarray]:
    """Seeded normal input for every parameter of main that is not a weight."""
    generator = np.random.default_rng(seed)
    inputs = {}
    for var in model.module["main"].params:
        if var.name_hint in model.params:
            continue
        annotation = var.type_annotation
        shape = [int(size) if hasattr(size, "value") else -1 for size in annotation.shape]
        if any(size < 1 for size in shape):
            raise ModelError(f"input {var.name_hint!r} has no fixed shape: give --input-shape")
        inputs[var.name_hint] = generator.standard_normal(shape).astype(annotation.dtype)
    return inputs


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


def _torchvision(name: str, shape: list[int] | None, seed: int, weights: str | None) -> Model:
    try:
        import torch
        import torchvision
    except ImportError as error:
        raise ModelError(
            f"torchvision:{name} needs torch and torchvision in the TVM's Python ({error}); "
            "install them there, or trace an onnx:FILE or relay:FILE"
        ) from error
    builder = getattr(torchvision.models, name, None) if name.islower() else None
    if not callable(builder):
        raise ModelError(f"torchvision has no model {name!r}; try torchvision:resnet50")
    size = shape or [1, 3, 224, 224]
    torch.manual_seed(seed)
    try:
        net = builder(weights="DEFAULT" if weights == "imagenet" else None)
    except Exception as error:
        raise ModelError(f"cannot get the weights of {name}: {error}") from error
    if weights is None:
        _settle_batch_norm(net, size)
    elif weights != "imagenet":
        net.load_state_dict(torch.load(_existing(weights), map_location="cpu"))
    net.eval()
    traced = torch.jit.trace(net, torch.zeros(size))
    module, params = relay.frontend.from_pytorch(traced, [("input", tuple(size))])
    versions = {"torch": torch.__version__, "torchvision": torchvision.__version__}
    return Model(module, params, {}, net, versions)


def _settle_batch_norm(net: Any, size: list[int]) -> None:
    """Give a net with random weights the BatchNorm statistics of data that went through it.

    Untrained statistics (mean 0, variance 1) fold to zero biases, with which another op is the
    first to be rejected than with any trained net.
    """
    import torch

    net.train()
    with torch.no_grad():
        for _ in range(2):
            net(torch.randn(4, *size[1:]))


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
    place, _, function = rest.rpartition(":")
    if not place or not function:
        raise ModelError(f"py:{rest} is not py:MODULE:FUNCTION")
    sys.path.insert(0, str(Path.cwd()))
    try:
        if place.endswith(".py"):
            specification = importlib.util.spec_from_file_location(_existing(place).stem, place)
            assert specification is not None and specification.loader is not None
            loaded = importlib.util.module_from_spec(specification)
            specification.loader.exec_module(loaded)
        else:
            loaded = importlib.import_module(place)
        made = getattr(loaded, function)()
    except (ImportError, AttributeError) as error:
        raise ModelError(f"cannot call {function} of {place}: {error}") from error
    if not (isinstance(made, tuple) and len(made) == 2):
        raise ModelError(f"{place}:{function} must return (mod, params)")
    module, params = made
    return Model(relay.transform.InferType()(module), dict(params or {}), {})
