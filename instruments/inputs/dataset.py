"""Samples for calibration: what `relay.quantize.quantize(…, dataset=…)` runs the model on.

random:N    N seeded batches of normal noise, none of them the input that the model is run on
a folder    images (.png, .jpg) and arrays (.npy), subfolders too, chosen by the seed
FILE.npz    arrays by the names of the model's inputs, or one array for a model with one input

An image is made what torchvision's classifiers are trained on: RGB, shorter side to 256/224 of the
model's (256 for 224, 342 for 299), centre crop, 0 to 1, minus ImageNet's mean, over its standard
deviation. Transparent pixels become white. A model with one colour channel gets luminance. An .npy
is taken as it is: already what the model wants, with or without the batch axis.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any, Callable, Iterator

import numpy as np

from .models import ModelError

IMAGES = (".png", ".jpg", ".jpeg")
MEAN = (0.485, 0.456, 0.406)
SPREAD = (0.229, 0.224, 0.225)

Told = Callable[[int, int], None]
"""Called with how many batches have been handed out and how many there are."""


def nobody(done: int, total: int) -> None:
    """Told, and does nothing."""


class Batches:
    """Batches in memory. TVM goes through them once for every `calibrate_chunk_by` sites."""

    def __init__(self, batches: list[dict[str, np.ndarray]], told: Told) -> None:
        self._batches = batches
        self._told = told

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[dict[str, np.ndarray]]:
        for number, batch in enumerate(self._batches, 1):
            self._told(number, len(self._batches))
            yield batch


def batches(
    source: str,
    inputs: dict[str, np.ndarray],
    samples: int | None = None,
    seed: int = 0,
    told: Told = nobody,
) -> Batches:
    """`samples` batches from `source` (None: all there are), each as `inputs` in shape and dtype.

    A batch is one run of the model: for a model with a batch size of 8 it takes 8 images. Raises
    ModelError with what to change.
    """
    if samples is not None and samples < 1:
        raise ModelError(f"cannot calibrate on {samples} samples: ask for at least 1")
    for name in ("key", "value"):
        if name in inputs:  # TVM hands a batch to set_input(key=None, value=None, **batch)
            raise ModelError(f"TVM cannot calibrate a model with an input {name!r}: rename it")
    kind, _, rest = source.partition(":")
    if kind == "random":
        samples_read = _random(rest, inputs, samples, seed)
    elif Path(source).is_dir():
        samples_read = _folder(Path(source), inputs, samples, seed)
    elif source.endswith(".npz"):
        samples_read = _archive(Path(source), inputs, samples)
    else:
        raise ModelError(
            f"no calibration data {source!r}: give random:N, a folder of images, or FILE.npz"
        )
    return Batches(samples_read, told)


def _random(
    rest: str, inputs: dict[str, np.ndarray], samples: int | None, seed: int
) -> list[dict[str, np.ndarray]]:
    if rest and not (rest.isdigit() and int(rest)):
        raise ModelError(f"random:{rest} is not random:N with N at least 1")
    count = _enough("random:" + rest, int(rest), samples) if rest else samples
    if count is None:
        raise ModelError("say how many random batches: random:8 for example")
    # Another stream than that of the model's input (models._inputs), which is the test.
    generator = np.random.default_rng([seed, 1])
    return [
        {
            name: generator.standard_normal(value.shape).astype(value.dtype)
            for name, value in inputs.items()
        }
        for _ in range(count)
    ]


def _enough(source: str, there: int, samples: int | None) -> int:
    """How many to take."""
    if samples is not None and samples > there:
        raise ModelError(f"{source} has {there} batches and {samples} are asked for: ask for fewer")
    return samples if samples is not None else there


def _archive(
    path: Path, inputs: dict[str, np.ndarray], samples: int | None
) -> list[dict[str, np.ndarray]]:
    try:
        with np.load(str(path), allow_pickle=False) as saved:
            arrays = {name: saved[name] for name in saved.files}
    except FileNotFoundError:
        raise ModelError(f"no calibration file {str(path)!r}") from None
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise ModelError(f"{path} cannot be read as .npz: {error}") from error
    if len(arrays) == 1 and len(inputs) == 1:
        arrays = dict(zip(inputs, arrays.values()))
    if set(arrays) != set(inputs):
        raise ModelError(
            f"{path} has the arrays {sorted(arrays)} and the model the inputs {sorted(inputs)}: "
            "name them alike"
        )
    split = {name: _split(path, name, arrays[name], value) for name, value in inputs.items()}
    counts = {name: len(pieces) for name, pieces in split.items()}
    if len(set(counts.values())) > 1:
        raise ModelError(f"{path} has not as many samples for each input: {counts}")
    count = _enough(str(path), next(iter(counts.values())), samples)
    return [{name: pieces[i] for name, pieces in split.items()} for i in range(count)]


def _split(path: Path, name: str, array: np.ndarray, like: np.ndarray) -> list[np.ndarray]:
    """Batches of the model's shape from an array of one, of many, or of samples in a row."""
    if array.shape == like.shape:
        pieces = [array]
    elif array.shape[1:] == like.shape:
        pieces = list(array)
    elif like.ndim and array.ndim == like.ndim and array.shape[1:] == like.shape[1:]:
        size = like.shape[0]
        pieces = [array[i : i + size] for i in range(0, len(array) - size + 1, size)]
    else:
        raise ModelError(
            f"{name!r} in {path} is {list(array.shape)} and the model's is {list(like.shape)}: "
            f"give [N, {', '.join(str(n) for n in like.shape[1:])}]"
        )
    if not pieces:
        raise ModelError(f"{name!r} in {path} is not enough for one batch of {list(like.shape)}")
    return [_as(path, piece, like) for piece in pieces]


def _as(path: Path, array: np.ndarray, like: np.ndarray) -> np.ndarray:
    """In the model's dtype, and nothing in it that would spoil a scale."""
    if not np.can_cast(array.dtype, like.dtype, "same_kind"):
        raise ModelError(f"{path} is {array.dtype} and the model wants {like.dtype}: convert it")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ModelError(f"{path} has NaN or infinite values: take them out")
    return np.ascontiguousarray(array, like.dtype)


def _folder(
    folder: Path, inputs: dict[str, np.ndarray], samples: int | None, seed: int
) -> list[dict[str, np.ndarray]]:
    if len(inputs) != 1:
        raise ModelError(
            f"a folder fits a model with one input, and this has {sorted(inputs)}: use an .npz"
        )
    name, like = next(iter(inputs.items()))
    files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in (*IMAGES, ".npy"))
    if not files:
        raise ModelError(f"no .png, .jpg or .npy file in {folder}")
    size = like.shape[0] if like.ndim else 1
    if len(files) < size:
        raise ModelError(f"{folder} has {len(files)} files and one batch takes {size}: add some")
    count = _enough(str(folder), len(files) // size, samples)
    # Folders are often sorted by class: the first ones would be all of one.
    order = np.random.default_rng([seed, 1]).permutation(len(files))[: count * size]
    chosen = [files[i] for i in sorted(order)]
    read = [_sample(path, like) for path in chosen]
    return [{name: np.stack(read[i : i + size])} for i in range(0, len(read), size)]


def _sample(path: Path, like: np.ndarray) -> np.ndarray:
    """One sample, without the batch axis."""
    if path.suffix.lower() != ".npy":
        return _image(path, like)
    try:
        array: np.ndarray = np.load(str(path), allow_pickle=False)
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read as .npy: {error}") from error
    wanted = like.shape[1:]
    if array.shape == (1, *wanted):
        array = array[0]
    if array.shape != wanted:
        raise ModelError(f"{path} is {list(array.shape)} and one sample is {list(wanted)}")
    return _as(path, array, like)


def _image(path: Path, like: np.ndarray) -> np.ndarray:
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
        with Image.open(str(path)) as opened:
            picture = _plain(Image, opened)
    except OSError as error:
        raise ModelError(f"{path} cannot be read as an image: {error}") from error
    picture = _cropped(Image, picture, height, width)
    pixels = np.asarray(picture.convert("L" if channels == 1 else "RGB"), np.float32) / 255
    mean, spread = np.array(MEAN, np.float32), np.array(SPREAD, np.float32)
    if channels == 1:
        pixels, mean, spread = pixels[:, :, None], mean.mean(), spread.mean()
    pixels = (pixels - mean) / spread
    placed = pixels.transpose(2, 0, 1) if layout[0] == 1 else pixels
    return np.ascontiguousarray(placed, like.dtype)


def _layout(like: np.ndarray) -> tuple[int, int, int] | None:
    """The axes of channels, height and width; None if this is no image."""
    if like.ndim != 4 or like.dtype.kind != "f":
        return None
    if like.shape[1] in (1, 3):
        return 1, 2, 3
    return (3, 1, 2) if like.shape[3] in (1, 3) else None


def _plain(image: Any, opened: Any) -> Any:
    """As RGB; transparent pixels on white, 16-bit grey by its upper byte."""
    if opened.mode.startswith("I"):
        values = np.asarray(opened).astype(np.int64) >> 8
        return image.fromarray(np.clip(values, 0, 255).astype(np.uint8)).convert("RGB")
    if "A" in opened.mode or "transparency" in opened.info:
        white = image.new("RGBA", opened.size, (255, 255, 255, 255))
        return image.alpha_composite(white, opened.convert("RGBA")).convert("RGB")
    return opened.convert("RGB")


def _cropped(image: Any, picture: Any, height: int, width: int) -> Any:
    """Shorter side to 256/224 of what the model takes, then the centre."""
    factor = max(height / picture.height, width / picture.width) * 256 / 224
    size = (round(picture.width * factor), round(picture.height * factor))
    scaled = picture.resize(size, getattr(image, "Resampling", image).BILINEAR)
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    return scaled.crop((left, top, left + width, top + height))
