"""A trained net that is always there: handwritten digits of 8x8, 10 classes, 37,000 weights.

scripts/train_digits.py trains it and writes digits.npz: its weights, the third of scikit-learn's
digits that it never saw, and some that it did, to calibrate on.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np

from .errors import ModelError
from .images import Preprocessing

FILE = Path(__file__).parent / "digits.npz"
SHAPE = (1, 1, 8, 8)
INPUT = "input"
EPSILON = 1e-5
"""Of its BatchNorm."""


class Layers(Protocol):
    """What a dialect builds the net of. Weights are float32, named as in the file."""

    def convolution(self, x: Any, name: str) -> Any:
        """3x3, padding 1, then BatchNorm: `name`.conv.weight [O, I, 3, 3], `name`.norm.weight,
        .bias, .running_mean, .running_var [O]."""

    def relu(self, x: Any) -> Any:
        """The positive part."""

    def add(self, x: Any, y: Any) -> Any:
        """Elementwise."""

    def max_pool(self, x: Any) -> Any:
        """2x2, stride 2."""

    def mean(self, x: Any) -> Any:
        """Over height and width: [N, C]."""

    def dense(self, x: Any, name: str) -> Any:
        """`name`.weight [O, I], `name`.bias [O]."""


def net(layers: Layers, x: Any) -> Any:
    """The scores [N, 10] of images x [N, 1, 8, 8], float32, 0 to 1."""
    x = layers.relu(layers.convolution(x, "first"))
    x = layers.relu(layers.convolution(x, "second"))
    inner = layers.relu(layers.convolution(x, "inner"))
    x = layers.relu(layers.add(x, layers.convolution(inner, "outer")))
    x = layers.max_pool(x)
    x = layers.relu(layers.convolution(x, "last"))
    return layers.dense(layers.mean(x), "scores")


PREPROCESSING = Preprocessing(mean=(0.0,), std=(1.0,))
"""Pictures from 0 to 1; white ink on black, as the digits are."""


def shape(requested: list[int]) -> tuple[int, ...]:
    """The shape of its input: any batch of them. Raises ModelError."""
    if tuple(requested[1:]) != SHAPE[1:]:
        raise ModelError("digits takes an input shape of N,1,8,8")
    return tuple(requested)


def weights() -> dict[str, np.ndarray]:
    """The trained weights by name, float32."""
    with np.load(str(FILE)) as saved:
        return {name: saved[name] for name in saved.files if "." in name}


def held_out() -> tuple[np.ndarray, np.ndarray]:
    """The images that were not trained on, float32 [599, 1, 8, 8], and their labels [599]."""
    with np.load(str(FILE)) as saved:
        return _scaled(saved["held_images"]), saved["held_labels"].astype(np.int64)


def calibration() -> np.ndarray:
    """Images of the trained part, float32 [128, 1, 8, 8]."""
    with np.load(str(FILE)) as saved:
        return _scaled(saved["calibration_images"])


def _scaled(images: np.ndarray) -> np.ndarray:
    return (images[:, None] / np.float32(16)).astype(np.float32)
