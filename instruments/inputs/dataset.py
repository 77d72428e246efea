"""Data for a model: what it is calibrated on, and what its results are judged on.

natural:N   N seeded batches with the statistics of photographs, see synthetic
random:N    N seeded batches of white noise
digits      of the model `digits`: what it never saw, with labels; to calibrate, what it did
a folder    images (.png, .jpg) and arrays (.npy), subfolders too, chosen by the seed
FILE.npz    arrays by the names of the model's inputs, or one array for a model with one input

A batch is one run of the model: for a model with a batch size of 8 it takes 8 images. Data to judge
on may have labels: a folder's as in labels.of_folder, an archive's as the array `labels`. What is
done to an image is in images; an .npy is taken as it is: already what the model wants, with or
without the batch axis.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, Iterator

import numpy as np

from ..protocol.jobs import CHECK_ON, CompileJob, DataSource
from . import arrays, digits, images, labels, synthetic
from .errors import ModelError
from .images import DEFAULT, Preprocessing
from .models import Model

LABELS = "labels"
"""The array of an archive that says what is on the others."""

MOST = 256
"""Batches out of a folder to judge on, where nobody says how many."""

DIGITS = "digits"

CHECK, CALIBRATE = "check", "calibrate"
"""What data is for, see synthetic.STREAMS."""

Batch = Dict[str, np.ndarray]

Told = Callable[[int, int], None]
"""Called with how many batches have been handed out and how many there are."""


def nobody(done: int, total: int) -> None:
    """Told, and does nothing."""


class Batches:
    """Batches in memory. TVM goes through them once for every `calibrate_chunk_by` sites."""

    def __init__(self, batches: list[Batch], told: Told) -> None:
        self._batches = batches
        self._told = told

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[Batch]:
        for number, batch in enumerate(self._batches, 1):
            self._told(number, len(self._batches))
            yield batch


@dataclass(frozen=True)
class Samples:
    """Data that was read. `labels`: int64 [batches, batch size], labels.NONE where there is none;
    None where no sample has one."""

    batches: list[Batch]
    labels: np.ndarray | None = None


def to_check(job: CompileJob, model: Model) -> Samples:
    """What a job's results are judged on. Raises ModelError."""
    source = job.check or DataSource(CHECK_ON)
    return samples(source, model.inputs, job.model.seed, model.preprocessing)


def to_calibrate(job: CompileJob, default: str | None) -> DataSource | None:
    """What a job calibrates on; `default` is for a quantizer that cannot do without."""
    if job.dataset is not None or default is None:
        return job.dataset
    return DataSource(DIGITS if job.model.source == DIGITS else default)


def batches(
    source: DataSource,
    inputs: Batch,
    seed: int = 0,
    default: Preprocessing = DEFAULT,
    told: Told = nobody,
) -> Batches:
    """What `relay.quantize.quantize(…, dataset=…)` runs the model on. Raises ModelError."""
    for name in ("key", "value"):
        if name in inputs:  # TVM hands a batch to set_input(key=None, value=None, **batch)
            raise ModelError(f"TVM cannot calibrate a model with an input {name!r}: rename it")
    return Batches(samples(source, inputs, seed, default, CALIBRATE).batches, told)


def samples(
    source: DataSource,
    inputs: Batch,
    seed: int = 0,
    default: Preprocessing = DEFAULT,
    purpose: str = CHECK,
) -> Samples:
    """`source.samples` batches (None: all there are), each as `inputs` in shape and dtype.

    `default` is what the model's images go through where the source does not say. Raises ModelError
    with what to change.
    """
    kind, _, rest = source.source.partition(":")
    if source.samples is not None and source.samples < 1:
        raise ModelError(f"cannot {purpose} on {source.samples} samples: ask for at least 1")
    if kind in _DRAWS:
        return Samples(_drawn(kind, rest, inputs, source.samples, seed, purpose))
    if source.source == DIGITS:
        return _digits(inputs, source.samples, purpose)
    if Path(source.source).is_dir():
        how = images.parsed(source.preprocess, default) if source.preprocess else default
        return _folder(Path(source.source), inputs, source.samples, seed, purpose, how)
    if source.source.endswith(".npz"):
        return _archive(Path(source.source), inputs, source.samples)
    raise ModelError(
        f"no data {source.source!r}: give natural:N, random:N, digits, a folder of images, or "
        "FILE.npz"
    )


_DRAWS: dict[str, synthetic.Draw] = {"natural": synthetic.natural, "random": synthetic.noise}


def _drawn(
    kind: str, rest: str, inputs: Batch, count: int | None, seed: int, purpose: str
) -> list[Batch]:
    if rest and not (rest.isdigit() and int(rest)):
        raise ModelError(f"{kind}:{rest} is not {kind}:N with N at least 1")
    count = _enough(f"{kind}:{rest}", int(rest), count) if rest else count
    if count is None:
        raise ModelError(f"say how many batches: {kind}:8 for example")
    random = synthetic.generator(seed, purpose)
    draw = _DRAWS[kind]
    return [{name: draw(like, random) for name, like in inputs.items()} for _ in range(count)]


def _digits(inputs: Batch, count: int | None, purpose: str) -> Samples:
    like = next(iter(inputs.values()))
    if len(inputs) != 1 or like.shape[1:] != digits.SHAPE[1:] or like.dtype != np.float32:
        raise ModelError(f"digits are float32 images of [N, 1, 8, 8], and not for {_types(inputs)}")
    if purpose == CALIBRATE:
        pictures, classes = digits.calibration(), None
    else:
        pictures, classes = digits.held_out()
    return _in_rows(inputs, {next(iter(inputs)): pictures}, classes, DIGITS, count)


def _types(inputs: Batch) -> str:
    return ", ".join(f"{name}: {v.dtype}{list(v.shape)}" for name, v in inputs.items())


def _enough(source: str, there: int, count: int | None) -> int:
    """How many to take."""
    if count is not None and count > there:
        raise ModelError(f"{source} has {there} batches and {count} are asked for: ask for fewer")
    return count if count is not None else there


def _archive(path: Path, inputs: Batch, count: int | None) -> Samples:
    saved = arrays.archive(path)
    classes = saved.pop(LABELS, None) if LABELS not in inputs else None
    if len(saved) == 1 and len(inputs) == 1:
        saved = dict(zip(inputs, saved.values()))
    if set(saved) != set(inputs):
        raise ModelError(
            f"{path} has the arrays {sorted(saved)} and the model the inputs {sorted(inputs)}: "
            "name them alike"
        )
    return _in_rows(inputs, saved, classes, str(path), count)


def _in_rows(
    inputs: Batch,
    arrays: Batch,
    classes: np.ndarray | None,
    where: str,
    count: int | None,
) -> Samples:
    """Batches from arrays that hold many; `classes` of all samples in their order."""
    split = {name: _split(where, name, arrays[name], value) for name, value in inputs.items()}
    counts = {name: len(pieces) for name, pieces in split.items()}
    if len(set(counts.values())) > 1:
        raise ModelError(f"{where} has not as many samples for each input: {counts}")
    there = next(iter(counts.values()))
    number = _enough(where, there, count)
    cut = [{name: pieces[i] for name, pieces in split.items()} for i in range(number)]
    return Samples(cut, None if classes is None else _classes(where, classes, cut, there))


def _classes(where: str, classes: np.ndarray, cut: list[Batch], there: int) -> np.ndarray:
    """Labels as [batches, batch size]."""
    first = next(iter(cut[0].values()))
    size = first.shape[0] if first.ndim else 1
    if classes.dtype.kind not in "iu" or classes.size < there * size:
        raise ModelError(
            f"{LABELS} in {where} is {classes.dtype}{list(classes.shape)}: give an integer for "
            f"each of the {there * size} samples"
        )
    flat = classes.reshape(-1)[: len(cut) * size]
    return flat.reshape(len(cut), size).astype(np.int64)


def _split(where: str, name: str, array: np.ndarray, like: np.ndarray) -> list[np.ndarray]:
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
            f"{name!r} in {where} is {list(array.shape)} and the model's is {list(like.shape)}: "
            f"give [N, {', '.join(str(n) for n in like.shape[1:])}]"
        )
    if not pieces:
        raise ModelError(f"{name!r} in {where} is not enough for one batch of {list(like.shape)}")
    return [_as(where, piece, like) for piece in pieces]


def _as(where: object, array: np.ndarray, like: np.ndarray) -> np.ndarray:
    """In the model's dtype, and nothing in it that would spoil a scale."""
    if not np.can_cast(array.dtype, like.dtype, "same_kind"):
        raise ModelError(f"{where} is {array.dtype} and the model wants {like.dtype}: convert it")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ModelError(f"{where} has NaN or infinite values: take them out")
    return np.asarray(array, like.dtype, order="C")


def _folder(
    folder: Path,
    inputs: Batch,
    count: int | None,
    seed: int,
    purpose: str,
    how: Preprocessing,
) -> Samples:
    if len(inputs) != 1:
        raise ModelError(
            f"a folder fits a model with one input, and this has {sorted(inputs)}: use an .npz"
        )
    name, like = next(iter(inputs.items()))
    files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in (*images.ENDINGS, ".npy"))
    if not files:
        raise ModelError(f"no .png, .jpg or .npy file in {folder}")
    size = like.shape[0] if like.ndim else 1
    if len(files) < size:
        raise ModelError(f"{folder} has {len(files)} files and one batch takes {size}: add some")
    there = len(files) // size
    if count is None and purpose == CHECK:
        count = min(there, MOST)
    count = _enough(str(folder), there, count)
    # Folders are often sorted by class: the first ones would be all of one.
    order = synthetic.generator(seed, purpose).permutation(len(files))
    chosen = sorted(order[: count * size])
    read = [_sample(files[i], like, how) for i in chosen]
    cut = [{name: np.stack(read[i : i + size])} for i in range(0, len(read), size)]
    if purpose != CHECK:
        return Samples(cut)
    classes = np.array(labels.of_folder(folder, files), np.int64)[chosen].reshape(count, size)
    return Samples(cut, None if (classes == labels.NONE).all() else classes)


def _sample(path: Path, like: np.ndarray, how: Preprocessing) -> np.ndarray:
    """One sample, without the batch axis."""
    if path.suffix.lower() != ".npy":
        return images.read(path, like, how)
    array = arrays.single(path)
    wanted = like.shape[1:]
    if array.shape == (1, *wanted):
        array = array[0]
    if array.shape != wanted:
        raise ModelError(f"{path} is {list(array.shape)} and one sample is {list(wanted)}")
    return _as(path, array, like)
