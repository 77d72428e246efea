"""Models, whatever the dialect they are imported into: the sources that need no TVM."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable

import numpy as np

from ..protocol.jobs import ModelSource


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
        import tvm

        return tvm.IRModule(dict(self.module.functions.items()))


def load(loaders: dict[str, Callable[[], Model]], source: ModelSource) -> Model:
    """Import `source` with the loader of its kind.

    Raises ModelError when the source is not understood or not to be found.
    """
    kind = source.source.partition(":")[0]
    if kind not in loaders:
        raise ModelError(f"unknown model source {source.source!r}: use one of {', '.join(loaders)}")
    model = loaders[kind]()
    if source.shape and kind in ("relay", "relax", "py"):
        raise ModelError(f"{kind}: models carry their own input shape; leave --input-shape out")
    return model


def seeded(inputs: dict[str, tuple[list[int], str]], seed: int) -> dict[str, np.ndarray]:
    """Normal noise for each input (shape, dtype), in order. Raises ModelError for an open shape."""
    generator = np.random.default_rng(seed)
    arrays = {}
    for name, (shape, dtype) in inputs.items():
        if any(size < 1 for size in shape):
            raise ModelError(f"input {name!r} has no fixed shape: give --input-shape")
        arrays[name] = generator.standard_normal(shape).astype(dtype)
    return arrays


def existing(name: str) -> Path:
    path = Path(name)
    if not path.is_file():
        raise ModelError(f"no model file {name!r}")
    return path


def torchvision_net(name: str, source: ModelSource) -> tuple[Any, list[int], dict[str, str]]:
    """A net of torchvision in eval mode, its input's shape and the versions it came with.

    Random weights get settled BatchNorm statistics. Raises ModelError.
    """
    try:
        import torch
        import torchvision
    except ImportError as error:
        raise ModelError(
            f"torchvision:{name} needs torch and torchvision in the TVM's Python ({error}); "
            "install them there, or trace an onnx:FILE"
        ) from error
    builder = getattr(torchvision.models, name, None) if name.islower() else None
    if not callable(builder):
        raise ModelError(f"torchvision has no model {name!r}; try torchvision:resnet50")
    size = source.shape or [1, 3, 224, 224]
    weights = source.weights
    torch.manual_seed(source.seed)
    try:
        net = builder(weights="DEFAULT" if weights == "imagenet" else None)
    except Exception as error:
        raise ModelError(f"cannot get the weights of {name}: {error}") from error
    if weights is None:
        _settle_batch_norm(net, size)
    elif weights != "imagenet":
        net.load_state_dict(torch.load(existing(weights), map_location="cpu"))
    net.eval()
    versions = {"torch": torch.__version__, "torchvision": torchvision.__version__}
    return net, size, versions


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


def of_python(rest: str) -> tuple[Any, dict[str, Any]]:
    """What MODULE:FUNCTION returns: a module and its parameters. Raises ModelError."""
    place, _, function = rest.rpartition(":")
    if not place or not function:
        raise ModelError(f"py:{rest} is not py:MODULE:FUNCTION")
    sys.path.insert(0, str(Path.cwd()))
    try:
        if place.endswith(".py"):
            specification = importlib.util.spec_from_file_location(existing(place).stem, place)
            assert specification is not None and specification.loader is not None
            loaded = importlib.util.module_from_spec(specification)
            specification.loader.exec_module(loaded)
        else:
            loaded = importlib.import_module(place)
        returned = getattr(loaded, function)()
    except (ImportError, AttributeError) as error:
        raise ModelError(f"cannot call {function} of {place}: {error}") from error
    if not (isinstance(returned, tuple) and len(returned) == 2):
        raise ModelError(f"{place}:{function} must return (mod, params)")
    module, params = returned
    return module, dict(params or {})
