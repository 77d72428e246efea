"""Pictures as a model wants them: resized, cropped, normalised as torchvision's weights are."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .errors import ModelError, line
from .files import existing
from .synthetic import image_axes

ENDINGS = (".png", ".jpg", ".jpeg")

INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos")

_MOST_PIXELS = 200_000_000
"""Of a picture once it is scaled; Pillow itself reads none of more than 179 million."""


@dataclass(frozen=True)
class Preprocessing:
    """What is done to a picture, in this order.

    Its shorter side is made `resize` pixels (None: 256/224 of what the model takes, which is 256
    for 224), the centre of the model's size is cut out, values are divided by `scale`, then minus
    `mean` over `std`, one value a channel or one for all.
    """

    resize: int | None = None
    interpolation: str = "bilinear"
    scale: float = 255.0
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    std: tuple[float, ...] = (0.229, 0.224, 0.225)


DEFAULT = Preprocessing()
"""What most of torchvision's classifiers are trained on."""

RAW = Preprocessing(scale=1.0, mean=(0.0,), std=(1.0,))
"""Pixels from 0 to 255."""


def parsed(text: str, default: Preprocessing) -> Preprocessing:
    """`resize=232,interpolation=bicubic,mean=0.5/0.5/0.5,std=0.5,scale=255`, or raw.

    What it does not name is as in `default`. Raises ModelError.
    """
    words = [word.strip() for word in text.split(",") if word.strip()]
    if words and words[0] == "raw":
        default, words = RAW, words[1:]
    changes: dict[str, Any] = {}
    for word in words:
        name, _, value = word.partition("=")
        try:
            changes[name] = _PARSERS[name](value)
        except (KeyError, ValueError):
            raise ModelError(
                f"--preprocess {word!r}: give raw, or some of resize=N, scale=N, mean=A/B/C, "
                f"std=A/B/C, interpolation={'|'.join(INTERPOLATIONS)}, with commas between"
            ) from None
    return dataclasses.replace(default, **changes)


def read(path: Path, like: np.ndarray, how: Preprocessing) -> np.ndarray:
    """A picture as one sample of `like`, without the batch axis, in its dtype.

    Transparent pixels become white; one colour channel gets luminance. Raises ModelError.
    """
    layout = _layout(like)
    if layout is None:
        raise ModelError(
            f"an image does not fit the model's input {like.dtype}{list(like.shape)}: use .npy"
        )
    channels, height, width = (like.shape[axis] for axis in layout)
    try:
        from PIL import Image
    except ImportError as error:
        raise ModelError(f"images need Pillow in the TVM's Python ({error})") from error
    try:
        with Image.open(str(existing(str(path), "picture"))) as opened:
            picture = _plain(Image, opened)
    except Exception as error:  # of Pillow's plugins, which meet what they meet
        raise ModelError(f"{path} cannot be read as an image: {line(error)}") from error
    _check_scaled(path, picture, height, width, how)
    picture = _cropped(Image, picture, height, width, how)
    pixels = np.asarray(picture.convert("L" if channels == 1 else "RGB"), np.float32)
    pixels = (pixels.reshape(height, width, channels) / how.scale - _each(how.mean, channels)) / (
        _each(how.std, channels)
    )
    placed = pixels.transpose(2, 0, 1) if layout[0] == 1 else pixels
    return np.ascontiguousarray(placed, like.dtype)


def _each(values: tuple[float, ...], channels: int) -> Any:
    """One value a channel; their mean for luminance."""
    array = np.array(values, np.float32)
    return array if len(array) in (1, channels) else array.mean()


def _numbers(text: str) -> tuple[float, ...]:
    values = tuple(float(part) for part in text.split("/"))
    if len(values) not in (1, 3) or not np.isfinite(values).all():
        raise ValueError(text)
    return values


def _spread(text: str) -> tuple[float, ...]:
    values = _numbers(text)
    if min(values) <= 0:
        raise ValueError(text)
    return values


def _pixels(text: str) -> int:
    if int(text) < 1:
        raise ValueError(text)
    return int(text)


def _interpolation(text: str) -> str:
    if text not in INTERPOLATIONS:
        raise ValueError(text)
    return text


_PARSERS = {
    "resize": _pixels,
    "interpolation": _interpolation,
    "scale": lambda text: _spread(text)[0],
    "mean": _numbers,
    "std": _spread,
}


def _layout(like: np.ndarray) -> tuple[int, int, int] | None:
    """The axes of channels, height and width; None if it takes no picture."""
    axes = image_axes(like.shape) if like.dtype.kind == "f" else None
    return axes if axes is not None and like.shape[axes[0]] in (1, 3) else None


def _plain(image: Any, opened: Any) -> Any:
    """As RGB; transparent pixels on white, 16-bit grey by its upper byte."""
    if opened.mode.startswith("I"):
        values = np.asarray(opened).astype(np.int64) >> 8
        return image.fromarray(np.clip(values, 0, 255).astype(np.uint8)).convert("RGB")
    if "A" in opened.mode or "transparency" in opened.info:
        white = image.new("RGBA", opened.size, (255, 255, 255, 255))
        return image.alpha_composite(white, opened.convert("RGBA")).convert("RGB")
    return opened.convert("RGB")


def _cropped(image: Any, picture: Any, height: int, width: int, how: Preprocessing) -> Any:
    """The shorter side as it is wanted, at least what the model takes, then the centre."""
    size = _scaled_size(picture, height, width, how)
    method = getattr(getattr(image, "Resampling", image), how.interpolation.upper())
    scaled = picture.resize(size, method)
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    return scaled.crop((left, top, left + width, top + height))


def _check_scaled(path: Path, picture: Any, height: int, width: int, how: Preprocessing) -> None:
    """Raises ModelError for a strip whose shorter side cannot be made what the model takes: of one
    pixel by a million that makes gigabytes."""
    size = _scaled_size(picture, height, width, how)
    if size[0] * size[1] > _MOST_PIXELS:
        raise ModelError(
            f"{path} is {picture.width}x{picture.height}, which would be scaled to "
            f"{size[0]}x{size[1]}: crop it"
        )


def _scaled_size(picture: Any, height: int, width: int, how: Preprocessing) -> tuple[int, int]:
    """Width and height."""
    least = max(height / picture.height, width / picture.width)
    factor = least * 256 / 224
    if how.resize is not None:
        factor = max(how.resize / min(picture.height, picture.width), least)
    return (
        max(round(picture.width * factor), width),
        max(round(picture.height * factor), height),
    )
