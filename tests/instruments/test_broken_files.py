"""Files that are broken, or made to do harm: each is told in one line that says what it is."""

from __future__ import annotations

from pathlib import Path

from support.paths import InTvm

BEGIN = """
import os
import numpy as np
from pathlib import Path
import broken_files as files
from import_checks import Checks
from instruments.inputs import dataset
from instruments.inputs.errors import ModelError
from instruments.protocol.jobs import DataSource
from instruments.relay.compile import models
os.chdir(sys.argv[1])
check = Checks(models.load)
"""

MODELS = """
files.write_models()
files.write_onnx()
assert list(check.gives("onnx:whole.onnx", None, {"data": [1, 4]}).inputs) == ["data"]
for kind in ("text", "cut", "zero"):
    check.unusable(f"onnx:{kind}.onnx", f"{kind}.onnx is no ONNX model: ")
reads = "is no valid ONNX model: node 'second' reads 'a', which no input, weight or node before it"
check.unusable("onnx:circle.onnx", f"circle.onnx {reads}")
check.unusable("onnx:missing.onnx", f"missing.onnx {reads}")
check.unusable("onnx:unmade.onnx", "no node gives its output 'y'")
check.unusable("onnx:negative.onnx", "weight 'w' is [-7]")
check.unusable("onnx:folder.onnx", "folder.onnx is a folder: give a model file")
for name in ("pipe.onnx", "/dev/zero"):
    check.unusable(f"onnx:{name}", f"{name} is a pipe or a device: give a model file")
check.unusable("onnx:" + "x" * 5000, "no model file ")
for kind in ("text", "noise"):
    check.unusable(f"tflite:{kind}.tflite", f"{kind}.tflite is no TFLite model: ")
    check.unusable(f"relay:{kind}.relay", f"{kind}.relay is no module that TVM can read: ")
for kind in ("cut", "other"):
    check.unusable(f"relay:{kind}.json", f"{kind}.json is no module that TVM can read: ")
check.unusable("relay:list.json", "list.json holds no module: it is of class Array")
check.unusable("relay:zero.relay", "zero.relay has no function main, the one that is compiled")
check.unusable("relay:nomain.relay", "it has other")
check.unusable("relay:tuple.relay", "input 'x' is no tensor: ")
check.unusable("relay:strange.relay", "input 'x' is float33, of which numpy has no arrays")
check.unusable("relay:huge.relay", "float32[1000000, 1000000], takes 3,725.3 GiB of memory")
check.unusable("relay:open.relay", "cannot have the sizes of --input-shape: ",
               {"x": [7, 3], "y": [2, 3]})
"""

DATA = """
import resource
resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))  # what is taken in vain is noticed
SMALL = {"input": np.zeros((1, 3, 32, 32), "float32")}
WIDE = {"input": np.zeros((1, 3, 224, 224), "float32")}

def unusable(source, words, inputs=SMALL):
    for purpose in ("check", "calibrate"):
        try: dataset.samples(DataSource(source), inputs, purpose=purpose)
        except ModelError as error: text = str(error)
        else: raise SystemExit(f"{source} was read")
        assert words in text and "\\n" not in text, text
        assert source.partition(":")[0] in text, text

files.write_arrays((8, 3, 32, 32))
assert len(dataset.samples(DataSource("whole.npz"), SMALL).batches) == 8
for kind in ("zero", "cut", "flipped", "pickle", "inner", "header", "third", "locked"):
    unusable(f"{kind}.npz", f"{kind}.npz cannot be read as .npz: ")
unusable("objects.npz", "'input' in objects.npz holds Python objects, which are not unpickled")
for kind in ("claims", "more", "minus"):
    unusable(f"{kind}.npz", f"'input' in {kind}.npz is cut off or damaged: its header claims")
unusable("nothing.npz", "has the arrays []")
unusable("notes.npz", "holds 'notes.txt', which is no array")
os.mkfifo("pipe.npz")
unusable("pipe.npz", "pipe.npz is a pipe or a device: give a data file")
unusable("gone.npz", "no data file 'gone.npz'")
for kind in ("zero", "text", "pickle"):
    unusable(f"npy_{kind}", f"npy_{kind}/a.npy cannot be read as .npy: ")
for kind in ("claims", "cut"):
    unusable(f"npy_{kind}", f"npy_{kind}/a.npy is cut off or damaged: its header claims float32[")
files.write_bomb()
unusable("bomb.npz", "bomb.npz comes to more than 4 GiB when it is unpacked")
unusable("random:1000000000", "random:1000000000 takes ")
files.write_pictures()
for kind in ("bomb", "text", "zero", "cut", "noise"):
    unusable(f"png_{kind}", f"png_{kind}/a.png cannot be read as an image: ")
unusable("png_strip", "png_strip/a.png is 1x2000000, which would be scaled to", WIDE)
unusable("odd", "no .png, .jpg or .npy file in odd")
for name in ("labelled", "squared"):
    try: dataset.samples(DataSource(name), SMALL)
    except ModelError as error: assert "line 2: not NAME,CLASS" in str(error), error
    else: raise SystemExit(name)
assert dataset.samples(DataSource("numbers"), SMALL).labels.tolist() == [[0], [1]]
assert not Path("ran").exists(), "a pickle was read"
"""


def test_models_that_are_broken(in_tvm: InTvm, tmp_path: Path) -> None:
    done = in_tvm(BEGIN + MODELS, str(tmp_path))
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]


def test_data_that_is_broken(in_tvm: InTvm, tmp_path: Path) -> None:
    done = in_tvm(BEGIN + DATA, str(tmp_path))
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
