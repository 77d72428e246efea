"""Seeded inputs for a model: images that look natural to a net, noise, and numbers that are valid.

The power of a photograph falls with the square of frequency (D. J. Field, 1987, "Relations between
the statistics of natural images and the response properties of cortical cells"), and its colours
go together. Convolutions answer that very differently from white noise.
"""

from __future__ import annotations

from typing import Callable

import numpy as np

Generator = np.random.Generator
Draw = Callable[[np.ndarray, Generator], np.ndarray]
"""A value of the shape and dtype of the array given."""

STREAMS = {"check": 2, "calibrate": 1}
"""What a seed is for: data to calibrate on is other than data to judge on."""


def generator(seed: int, purpose: str) -> Generator:
    """The random numbers of a seed for one of STREAMS."""
    return np.random.default_rng([seed, STREAMS[purpose]])


def natural(like: np.ndarray, random: Generator) -> np.ndarray:
    """An image as a net gets it, normalised: mean about 0, spread about 1. Of what is no image in
    float, normal noise; of integers, see noise."""
    axes = image_axes(like.shape)
    if axes is None or like.dtype.kind != "f":
        return noise(like, random)
    channel, height, width = axes
    count, channels = like.shape[0], like.shape[channel]
    size = like.shape[height], like.shape[width]
    grey = _fields(random, count, 1, size)
    own = _fields(random, count, channels, size)
    image = 0.95 * grey + 0.3 * own
    contrast = random.uniform(0.5, 1.2, (count, 1, 1, 1))
    brightness = random.normal(0, 0.4, (count, 1, 1, 1))
    image = image * contrast + brightness
    placed = image if channel == 1 else image.transpose(0, 2, 3, 1)
    return np.asarray(placed, like.dtype, order="C")


def noise(like: np.ndarray, random: Generator) -> np.ndarray:
    """White noise of spread 1. 8-bit integers take all their values (a quantized image); of others
    0 and 1, which are valid as an index, a class and a mask."""
    kind, shape = like.dtype.kind, like.shape
    if kind in "iu" and like.dtype.itemsize == 1:
        limits = np.iinfo(like.dtype)
        return random.integers(limits.min, int(limits.max) + 1, shape).astype(like.dtype)
    if kind in "iub":
        return random.integers(0, 2, shape).astype(like.dtype)
    return random.standard_normal(shape).astype(like.dtype)


def image_axes(shape: tuple[int, ...]) -> tuple[int, int, int] | None:
    """The axes of channels, height and width of a batch of images or feature maps; None of others.

    [N, C, H, W], unless only the last axis can be the colours.
    """
    if len(shape) != 4:
        return None
    axes = (3, 1, 2) if shape[3] in (1, 3) and shape[1] not in (1, 3) else (1, 2, 3)
    return axes if min(shape[axes[1]], shape[axes[2]]) > 1 else None


def _fields(random: Generator, count: int, channels: int, size: tuple[int, int]) -> np.ndarray:
    """Noise with an amplitude of 1/frequency, each of mean 0 and spread 1: [N, C, H, W]."""
    height, width = size
    down, across = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :]
    frequency = np.hypot(down, across)
    frequency[0, 0] = np.inf
    spectrum = np.fft.rfft2(random.standard_normal((count, channels, height, width)))
    fields = np.fft.irfft2(spectrum / frequency, s=size)
    spread = fields.std((2, 3), keepdims=True)
    result: np.ndarray = fields / np.where(spread > 0, spread, 1)
    return result
