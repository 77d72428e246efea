"""Nets of torchvision: with the weights that were asked for, or with seeded ones.

Seeded ones make a net of it: two inputs give two outputs, and scales and biases are of the size
that trained nets have.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..protocol.jobs import ModelSource
from . import synthetic
from .errors import ModelError
from .files import existing
from .images import DEFAULT, INTERPOLATIONS, Preprocessing
from .models import only_shape

SETTLING = 8
"""Images that BatchNorm gets its statistics from."""


@dataclass
class Net:
    """A net in eval mode: a torch.nn.Module, the shape of its input, what its pictures go through,
    and the versions it came with."""

    module: Any
    shape: list[int]
    preprocessing: Preprocessing
    versions: dict[str, str] = field(default_factory=dict)


def net(name: str, source: ModelSource) -> Net:
    """A net by its name in torchvision.models. Raises ModelError."""
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
    shape = only_shape(source, [1, 3, 224, 224])
    weights = source.weights
    torch.manual_seed(source.seed)
    try:
        module = builder(weights="DEFAULT" if weights == "imagenet" else None)
    except Exception as error:
        raise ModelError(f"cannot get the weights of {name}: {error}") from error
    if weights is None:
        _seed(module, shape, source.seed)
    elif weights != "imagenet":
        module.load_state_dict(torch.load(existing(weights), map_location="cpu"))
    module.eval()
    versions = {"torch": torch.__version__, "torchvision": torchvision.__version__}
    return Net(module, shape, _preprocessing(torchvision, name), versions)


def _seed(net: Any, shape: list[int], seed: int) -> None:
    """Weights that make a net of one that was never trained.

    Untrained BatchNorm (mean 0, variance 1, beta 0) folds to zero biases, with which another op is
    the first to be rejected than with any trained net; statistics that have not settled make the
    outputs of two images the same to seven digits. So gamma and beta are drawn, and the statistics
    are exactly those of images that go through. What torchvision sets to zero (the last layer of
    its transformers) is drawn as well.
    """
    import torch

    generator = torch.Generator().manual_seed(seed)
    norms = [m for m in net.modules() if isinstance(m, torch.nn.modules.batchnorm._BatchNorm)]
    weighted = (torch.nn.Linear, torch.nn.Conv2d)
    with torch.no_grad():
        for layer in net.modules():
            if isinstance(layer, weighted) and not layer.weight.any():
                spread = layer.weight[0].numel() ** -0.5
                layer.weight.normal_(0, spread, generator=generator)
        for norm in norms:
            norm.momentum = 1.0  # the statistics are those of the last batch alone
            norm.weight.uniform_(0.5, 1.5, generator=generator)
            norm.bias.normal_(0, 0.3, generator=generator)
        if norms:
            like = np.zeros([SETTLING, *shape[1:]], np.float32)
            images = synthetic.natural(like, synthetic.generator(seed, "calibrate"))
            net.eval()  # no branch is dropped
            for norm in norms:
                norm.train()
            net(torch.from_numpy(images))


def _preprocessing(torchvision: Any, name: str) -> Preprocessing:
    """What the net's own weights want (torchvision.transforms._presets.ImageClassification); that
    of most classifiers where it is not known."""
    try:
        wanted = torchvision.models.get_model_weights(name).DEFAULT.transforms()
        interpolation = str(wanted.interpolation.value)
        return Preprocessing(
            resize=int(wanted.resize_size[0]),
            interpolation=interpolation if interpolation in INTERPOLATIONS else "bilinear",
            mean=tuple(wanted.mean),
            std=tuple(wanted.std),
        )
    except (AttributeError, ValueError, IndexError, TypeError):  # an old one, or no classifier
        return DEFAULT
