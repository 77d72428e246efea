"""Model files of every kind, imported into Relax."""

from __future__ import annotations

import subprocess
import textwrap
from pathlib import Path

import pytest
from support.paths import ROOT, SCRIPTS

from tvmq_diag.toolchains.toolchain import Toolchain

BEGIN = f"""
import sys
sys.path[:0] = {[str(ROOT), str(SCRIPTS)]!r}
import model_files as files
import os
from pathlib import Path
from import_checks import Checks
from instruments.relax.compile import models
os.chdir(sys.argv[1])
check = Checks(models.load)
"""

ONNX = """
files.write_onnx(Path())
two = {"data": [1, 8, 8, 8], "mask": [1, 16, 1, 1]}
check.gives("onnx:symbolic.onnx", {"": [2, 16, 8, 8]}, {"data": [2, 16, 8, 8]})
check.gives("onnx:two.onnx", two, two)
check.unusable("onnx:two.onnx", "--input-shape 'data=1,8,1,1;mask=1,16,1,1'")
check.unusable("onnx:cut.onnx", "cut.onnx is no ONNX model")
check.refused("onnx:wrong.onnx", "wrong", "Reshape", "ONNX node wrong (Reshape): ")
"""

TORCH = """
files.write_torch(Path())
two = {"data": [2, 3, 16, 16], "mask": [2, 10]}
check.gives("torch:dynamic.pt2", two, two)
check.gives("torch:trace.pt", two, two)
check.gives("torch:script.pt", {"": [1, 3, 16, 16]}, {"data": [1, 3, 16, 16]})
check.unusable("torch:dynamic.pt2", "fix it with --input-shape 'data=1,3,16,16;mask=1,10'")
check.unusable("torch:weights.pt", "neither TorchScript (torch.jit.save) nor an exported")
bessel = "special_bessel_j0.default"
check.refused("torch:bessel.pt2", "", bessel, bessel)
"""

TFLITE = """
files.write_tflite(Path())
check.gives("tflite:net.tflite", None, {"data": [1, 8, 8, 3]})
check.gives("tflite:dynamic.tflite", {"": [2, 8, 8, 3]}, {"data": [2, 8, 8, 3]})
check.unusable("tflite:cut.tflite", "is no TFLite model")
check.refused("tflite:strange.tflite", "", "CONCAT_EMBEDDINGS", "TFLite node CONCAT_EMBEDDINGS: ")
"""

PYTHON = '''
Path("mine.py").write_text("""
from tvm import relax, tirx
def dynamic():
    n = tirx.Var("n", "int64")
    x = relax.Var("x", relax.TensorType((n, 3, 8), "float32"))
    builder = relax.BlockBuilder()
    with builder.function("main", [x]):
        builder.emit_func_output(builder.emit(relax.op.nn.relu(x)))
    return builder.get(), {}
def number(): return 7, {}
""")
check.gives("py:mine.py:dynamic", {"": [2, 3, 8]}, {"x": [2, 3, 8]})
check.unusable("py:mine.py:dynamic", "input 'x' is [n, 3, 8]")
check.unusable("py:mine.py:number", "its mod is of class int, not IRModule")
Path("half.py").write_text("@I.ir_module")
check.unusable("relax:half.py", "half.py is no module that TVM can read")
'''


@pytest.mark.parametrize("code", [ONNX, TORCH, TFLITE, PYTHON])
def test_what_imports_come_to(relax: Toolchain, tmp_path: Path, code: str) -> None:
    done = subprocess.run(
        [str(relax.python), "-c", textwrap.dedent(BEGIN + code), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
