"""Data from everywhere it may come, on the real TVM's interpreter."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.paths import InTvm

SCRIPT = """
import numpy as np
from pathlib import Path
from instruments.inputs import dataset
from instruments.relay.compile import models
from instruments.inputs.errors import ModelError
from instruments.inputs.images import DEFAULT
from instruments.protocol.jobs import DataSource, ModelSource

folder = Path(sys.argv[1])
RGB = {"input": np.zeros((1, 3, 224, 224), "float32")}
SMALL = {"input": np.zeros((1, 3, 8, 8), "float32")}

def batches(source, inputs, samples=None, seed=0, **more):
    return dataset.batches(DataSource(source, samples), inputs, seed, **more)

def fails(text, *arguments):
    try: batches(*arguments)
    except ModelError as error: assert text in str(error) and "\\n" not in str(error), error
    else: raise SystemExit("no error: " + text)
"""


def check(in_tvm: InTvm, folder: Path, code: str) -> None:
    done = in_tvm(SCRIPT + code, str(folder))
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def test_random_batches_are_seeded_and_not_the_input(in_tvm: InTvm, tmp_path: Path) -> None:
    check(
        in_tvm,
        tmp_path,
        """
model = models.load(ModelSource("tiny"))
one = list(batches("random:3", model.inputs, seed=0))
two = list(batches("random", model.inputs, 3, 0))
assert [b["input"].shape for b in one] == [(1, 3, 32, 32)] * 3 and one[0]["input"].dtype == "f4"
assert all(np.array_equal(a["input"], b["input"]) for a, b in zip(one, two))
assert not np.array_equal(one[0]["input"], one[1]["input"])
assert not any(np.array_equal(b["input"], model.inputs["input"]) for b in one)
other = batches("random:3", model.inputs, 2, 1)
assert len(other) == 2 and not np.array_equal(next(iter(other))["input"], one[0]["input"])
""",
    )


def test_each_batch_handed_out_is_told_each_time(in_tvm: InTvm, tmp_path: Path) -> None:
    check(
        in_tvm,
        tmp_path,
        """
said = []
made = batches("random:2", SMALL, told=lambda *numbers: said.append(numbers))
assert said == []
list(made), list(made)
assert said == [(1, 2), (2, 2)] * 2
""",
    )


def test_arrays_by_name_of_one_or_many_batches(in_tvm: InTvm, tmp_path: Path) -> None:
    check(
        in_tvm,
        tmp_path,
        """
path = str(folder / "a.npz")
inputs = {"x": np.zeros((2, 4), "float32"), "ids": np.zeros((2,), "int64")}
np.savez(path, x=np.arange(24.0).reshape(6, 4), ids=np.arange(6, dtype="int32"))
found = list(batches(path, inputs))
assert len(found) == 3 and found[1]["x"].dtype == "float32" and found[1]["ids"].dtype == "int64"
assert found[1]["x"].tolist() == [[8, 9, 10, 11], [12, 13, 14, 15]]
assert found[2]["ids"].tolist() == [4, 5]
np.savez(path, anything=np.zeros((5, 1, 3, 8, 8)))
assert len(batches(path, SMALL)) == 5
np.savez(path, np.zeros((1, 3, 8, 8)))
assert len(batches(path, SMALL)) == 1
""",
    )


def test_images_of_all_kinds_become_what_the_model_wants(in_tvm: InTvm, tmp_path: Path) -> None:
    check(
        in_tvm,
        tmp_path,
        """
from PIL import Image
(folder / "cats").mkdir()
red = Image.new("RGB", (300, 500), (255, 0, 0))
red.save(folder / "cats" / "red.png"); red.save(folder / "red.JPG", "JPEG", quality=95)
Image.new("L", (400, 300), 255).save(folder / "grey.png")
Image.new("RGBA", (64, 64), (255, 0, 0, 0)).save(folder / "clear.png")
Image.fromarray(np.full((300, 300), 65535, np.uint16)).save(folder / "deep.png")
np.save(folder / "raw.npy", np.full((3, 224, 224), 0.5))
(folder / "notes.txt").write_text("no image")
found = [b["input"] for b in batches(str(folder), RGB)]
assert [f.shape for f in found] == [(1, 3, 224, 224)] * 6 and found[0].dtype == "float32"
files = [p for p in sorted(folder.rglob("*.*")) if p.suffix != ".txt"]
at = {p.name: f[0, :, 112, 112] for p, f in zip(files, found)}
red = (np.array([1, 0, 0]) - np.array(DEFAULT.mean)) / DEFAULT.std
white = (1 - np.array(DEFAULT.mean)) / DEFAULT.std
assert np.allclose(at["red.png"], red, atol=1e-5) and np.allclose(at["red.JPG"], red, atol=0.05)
for name in ("grey.png", "clear.png", "deep.png"):
    assert np.allclose(at[name], white, atol=1e-5), name
assert np.allclose(at["raw.npy"], 0.5)
(folder / "raw.npy").unlink()
for shape, count in (((2, 32, 32, 3), 2), ((1, 1, 28, 28), 5)):
    found = list(batches(str(folder), {"input": np.zeros(shape, "float32")}))
    assert [f["input"].shape for f in found] == [shape] * count
""",
    )


def test_the_crop_is_the_centre_of_the_picture(in_tvm: InTvm, tmp_path: Path) -> None:
    check(
        in_tvm,
        tmp_path,
        """
from PIL import Image
pixels = np.zeros((256, 512, 3), np.uint8)
pixels[:, 256:] = 255
Image.fromarray(pixels).save(folder / "half.png")
found = next(iter(batches(str(folder), RGB)))["input"][0, 0]
black, white = (np.array([0, 1]) - DEFAULT.mean[0]) / DEFAULT.std[0]
assert np.allclose(found[:, :112], black) and np.allclose(found[:, 112:], white)
""",
    )


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("'random:none', SMALL", "random:N"),
        ("'random', SMALL", "say how many"),
        ("'random:2', SMALL, 3", "has 2 batches and 3 are asked for"),
        ("'random:2', SMALL, 0", "at least 1"),
        ("'random:2', {'value': np.zeros(1)}", "rename it"),
        ("'nowhere', SMALL", "random:N, digits, a folder of images, or FILE.npz"),
        ("'nowhere.npz', SMALL", "no data file"),
        ("str(folder / 'text.npz'), SMALL", "cannot be read as .npz"),
        ("str(folder / 'shape.npz'), SMALL", "give [N, 3, 8, 8]"),
        ("str(folder / 'nan.npz'), SMALL", "NaN"),
        ("str(folder / 'complex.npz'), SMALL", "convert it"),
        ("str(folder / 'shape.npz'), {'a': np.zeros(1), 'b': np.zeros(1)}", "name them alike"),
        ("str(folder / 'empty'), SMALL", "no .png, .jpg or .npy file"),
        ("str(folder / 'bad'), SMALL", "cannot be read as an image"),
        ("str(folder / 'bad'), {'a': np.zeros((1, 7))}", "does not fit"),
        ("str(folder / 'bad'), {'a': np.zeros(1), 'b': np.zeros(1)}", "use an .npz"),
        ("str(folder / 'bad'), {'a': np.zeros((4, 3, 8, 8))}", "one batch takes 4"),
        ("str(folder / 'arrays'), SMALL", "one sample is [3, 8, 8]"),
    ],
)
def test_bad_data_says_what_to_change(in_tvm: InTvm, tmp_path: Path, code: str, text: str) -> None:
    check(
        in_tvm,
        tmp_path,
        f"""
(folder / "text.npz").write_text("hello")
np.savez(folder / "shape.npz", np.zeros((5, 3, 9, 9)))
np.savez(folder / "nan.npz", np.full((5, 3, 8, 8), np.nan))
np.savez(folder / "complex.npz", np.zeros((5, 3, 8, 8), "complex64"))
for name in ("empty", "bad", "arrays"): (folder / name).mkdir()
(folder / "bad" / "x.png").write_text("hello")
np.save(folder / "arrays" / "x.npy", np.zeros((4, 4)))
fails({text!r}, {code})
""",
    )


def test_images_have_the_statistics_of_photographs(in_tvm: InTvm, tmp_path: Path) -> None:
    check(
        in_tvm,
        tmp_path,
        """
images = [b["input"][0, 0] for b in batches("natural:8", RGB)]
assert not np.array_equal(images[0], images[1])
power = np.mean([np.abs(np.fft.fft2(image)) ** 2 for image in images], 0)
def at(frequency): return power[frequency - 1:frequency + 2, 0].mean()
assert 30 < at(8) / at(64) < 130, at(8) / at(64)  # the square of 8
assert 0.4 < np.std(images) < 1.5 and abs(np.mean(images)) < 1
flat = next(iter(batches("natural:1", {"x": np.zeros((1, 77), "float32")})))["x"]
assert 0.5 < flat.std() < 1.5
ids = next(iter(batches("natural:1", {"ids": np.zeros((1, 64), "int64")})))["ids"]
assert set(ids.ravel()) == {0, 1}
pixels = next(iter(batches("random:1", {"x": np.zeros((1, 3, 64, 64), "uint8")})))["x"]
assert pixels.min() == 0 and pixels.max() == 255
""",
    )


def test_what_results_are_judged_on_may_have_labels(in_tvm: InTvm, tmp_path: Path) -> None:
    check(
        in_tvm,
        tmp_path,
        """
from PIL import Image
def samples(source, inputs, count=None, **more):
    return dataset.samples(DataSource(source, count, **more), inputs)
for name, shade in (("b/one.png", 0), ("b/two.png", 0), ("a/three.png", 255)):
    (folder / name).parent.mkdir(exist_ok=True)
    Image.new("RGB", (16, 16), (shade,) * 3).save(folder / name)
read = samples(str(folder), SMALL)
shades = [b["input"].mean() > 0 for b in read.batches]
assert read.labels.tolist() == [[0 if shade else 1] for shade in shades], read.labels
(folder / "labels.csv").write_text("file,class\\na/three.png,7\\nb/one.png,3\\n")
assert sorted(samples(str(folder), SMALL).labels.ravel()) == [-1, 3, 7]
(folder / "labels.csv").write_text("file,class\\na/three.png,seven\\n")
try: samples(str(folder), SMALL)
except ModelError as error: assert "line 2" in str(error)
else: raise SystemExit("no error")
np.savez(folder / "a.npz", x=np.zeros((4, 3, 8, 8)), labels=[1, 2, 3, 4])
pair = {"x": np.zeros((2, 3, 8, 8), "float32")}
assert samples(str(folder / "a.npz"), pair).labels.tolist() == [[1, 2], [3, 4]]
digit = {"input": np.zeros((1, 1, 8, 8), "float32")}
held = samples("digits", digit)
assert len(held.batches) == 599 and held.labels.shape == (599, 1)
learnt = next(iter(dataset.batches(DataSource("digits"), digit)))["input"]
assert not any(np.array_equal(learnt, b["input"]) for b in held.batches)
try: samples("digits", SMALL)
except ModelError as error: assert "8, 8" in str(error)
else: raise SystemExit("no error")
""",
    )


def test_pictures_go_through_what_is_asked_for(in_tvm: InTvm, tmp_path: Path) -> None:
    check(
        in_tvm,
        tmp_path,
        """
from PIL import Image
from instruments.inputs import images
Image.new("RGB", (40, 20), (51, 102, 255)).save(folder / "x.png")
def first(how):
    read = dataset.samples(DataSource(str(folder), None, how), SMALL)
    return read.batches[0]["input"][0, :, 4, 4]
assert first("raw").tolist() == [51, 102, 255]
assert np.allclose(first("mean=0,std=1"), [0.2, 0.4, 1])
assert np.allclose(first("raw,mean=51/102/255,std=2"), 0)
default = images.parsed("resize=9,interpolation=bicubic", DEFAULT)
assert (default.resize, default.interpolation, default.mean) == (9, "bicubic", DEFAULT.mean)
for bad in ("mean=x", "std=0", "size=3", "resize=0", "interpolation=best"):
    try: images.parsed(bad, DEFAULT)
    except ModelError as error: assert "--preprocess" in str(error)
    else: raise SystemExit(bad)
""",
    )
