"""Model files of every kind, imported into Relay."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.paths import InTvm

BEGIN = """
import model_files as files  # PyTorch, before TVM
import os
from pathlib import Path
from import_checks import Checks
from instruments.relay.compile import models
os.chdir(sys.argv[1])
check = Checks(models.load)
"""

ONNX = """
files.write_onnx(Path())
model = check.gives("onnx:symbolic.onnx", {"": [2, 16, 8, 8]}, {"data": [2, 16, 8, 8]})
assert not model.params, "weights are constants"
two = {"data": [1, 8, 8, 8], "mask": [1, 16, 1, 1]}
check.gives("onnx:two.onnx", {name: two[name] for name in ("mask", "data")}, two)
check.unusable("onnx:two.onnx", "--input-shape 'data=1,8,1,1;mask=1,16,1,1'")
check.unusable("onnx:two.onnx", "fits one input", {"": [1, 8, 8, 8]})
check.unusable("onnx:two.onnx", "no input 'x'; its inputs: data, mask", {"x": [1], **two})
check.unusable("onnx:two.onnx", "has 4 dimensions", {**two, "data": [1]})
check.unusable("onnx:cut.onnx", "cut.onnx is no ONNX model")
check.unusable("onnx:empty.onnx", "empty.onnx is no ONNX model: it has no nodes")
check.refused("onnx:strange.onnx", "strange", "NoSuchThing", "not supported")
check.refused("onnx:wrong.onnx", "wrong", "Reshape", "ONNX node wrong (Reshape): ")
"""

TORCH = """
files.write_torch(Path())
two = {"data": [1, 3, 16, 16], "mask": [1, 10]}
check.gives("torch:trace.pt", two, two)
check.gives("torch:dynamic.pt2", two, two)
model = check.gives("torch:script.pt", {"": [1, 3, 16, 16]}, {"data": [1, 3, 16, 16]})
main = str(model.module["main"])
assert "nn.conv2d" in main and "concatenate" in main and "if (" not in main
check.unusable("torch:trace.pt", "no known rank")
check.unusable("torch:dynamic.pt2", "5 is not 3", {**two, "data": [1, 5, 16, 16]})
check.unusable("torch:weights.pt", "neither TorchScript (torch.jit.save) nor an exported")
bessel = "aten::special_bessel_j0"
check.refused("torch:bessel.pt2", "", bessel, bessel)
"""

TFLITE = """
files.write_tflite(Path())
check.gives("tflite:net.tflite", None, {"data": [1, 8, 8, 3]})
check.gives("tflite:dynamic.tflite", {"": [2, 8, 8, 3]}, {"data": [2, 8, 8, 3]})
check.unusable("tflite:dynamic.tflite", "--input-shape 'data=1,8,8,3'")
for name in ("cut", "text"):
    check.unusable(f"tflite:{name}.tflite", "is no TFLite model")
check.refused("tflite:strange.tflite", "", "CONCAT_EMBEDDINGS", "TFLite node CONCAT_EMBEDDINGS: ")
"""

PYTHON = """
Path("mine.py").write_text('''
import sys
import tvm
from tvm import relay
def dynamic():
    x = relay.var("x", shape=(relay.Any(), 3, relay.Any(), 8))
    return tvm.IRModule.from_expr(relay.Function([x], relay.nn.relu(x))), {}
def raises(): return [1][7]
def leaves(): sys.exit("not today")
def number(): return 7, {}
''')
model = check.gives("py:mine.py:dynamic", {"": [2, 3, 4, 8]}, {"x": [2, 3, 4, 8]})
assert "?" not in str(model.module)
check.unusable("py:mine.py:dynamic", "input 'x' is [?, 3, ?, 8]")
check.unusable("py:mine.py:raises", "IndexError: list index out of range (")
check.unusable("py:mine.py:raises", "mine.py:8)")
check.unusable("py:mine.py:leaves", "SystemExit: not today")
check.unusable("py:mine.py:number", "its mod is of class int, not IRModule")
Path("half.relay").write_text("def @main(%x: Tensor[(1, 3)")
check.unusable("relay:half.relay", "half.relay is no module that TVM can read: expected a `,`")
"""


@pytest.mark.parametrize("code", [ONNX, TORCH, TFLITE, PYTHON])
def test_what_imports_come_to(in_tvm: InTvm, tmp_path: Path, code: str) -> None:
    done = in_tvm(BEGIN + code, str(tmp_path))
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]


def test_a_remembered_model_has_its_inputs_in_order(in_tvm: InTvm, tmp_path: Path) -> None:
    """Seeded data is drawn for one after the other: in another order it is other data."""
    done = in_tvm(
        BEGIN
        + """
from instruments.protocol.jobs import ModelSource
files.write_onnx(Path())
source = ModelSource("onnx:two.onnx", {"data": [1, 8, 8, 8], "mask": [1, 16, 1, 1]})
first, again = models.remembered(".", source), models.remembered(".", source)
assert first is not again and list(first.inputs) == list(again.inputs), list(again.inputs)
""",
        str(tmp_path),
    )
    assert done.returncode == 0, done.stderr[-3000:]
