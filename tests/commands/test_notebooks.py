"""The notebooks in docs/notebooks run from top to bottom, and what they print is so.

Each runs in a kernel of this interpreter, in an empty folder, as a reader's does.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import nbclient
import nbformat
import pytest
from support.paths import ROOT

from tvmq_diag.toolchains.toolchain import Toolchain

FOLDER = ROOT / "docs" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
LONGEST_S = 600  # of a cell: machines are shared


def printed(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """What all cells of a notebook print and show, as text."""
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path for path in paths if path))
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    nbclient.NotebookClient(
        notebook, timeout=LONGEST_S, resources={"metadata": {"path": str(folder)}}
    ).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    texts = [
        output.get("text") or output.get("data", {}).get("text/plain", "") for output in outputs
    ]
    return "\n".join(texts)


def test_own_script(relay: Toolchain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = printed("your_own_script", tmp_path, monkeypatch)
    assert "exit code 1" in said
    assert "int4 rejected by QuantizeRealize at" in said
    assert "field: dtype_activation" in said
    assert "src/relay/transforms/pattern_utils.h" in said
    assert "<Step QuantizeRealize (realize)" in said
    (tmp_path / "runs" / "mine" / "journal.jsonl").read_text()


def test_patched_quantizer(
    relay: Toolchain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = printed("patched_quantizer", tmp_path, monkeypatch)
    assert "QuantizeCalibrate: all 3 simulated_quantize(weight): scale" in said
    before, after = (
        float(line.partition("cosine ")[2].partition(",")[0])
        for line in said.splitlines()
        if line.startswith(("before  ", "after   "))
    )
    assert "exit code 1 " in said and after < before - 0.001
    assert "<Step QuantizeCalibrate (calibrate)" in said


def test_relax_quantizer(relax: Toolchain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = printed("relax_quantizer", tmp_path, monkeypatch)
    lines = {line.partition(":")[0]: line for line in said.splitlines()}
    assert lines["float"] == "float: nn.conv2d, nn.relu, nn.conv2d, nn.relu"
    assert "simulated_quantize" in lines["QuantizeAnnotate"]
    assert "astype" in lines["QuantizeRealize"] and "simulated" not in lines["QuantizeRealize"]
    cosines = [float(line.split()[-1]) for line in said.splitlines() if " bits  " in line]
    assert len(cosines) == 4 and cosines == sorted(cosines, reverse=True) and cosines[0] > 0.999


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_is_committed_has_no_outputs_and_names_no_folder(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert not any(cell.get("outputs") for cell in notebook.cells)
    places = (tempfile.gettempdir(), str(Path.home()))
    assert not any(f"{place}/" in path.read_text() for place in places)


def test_each_is_run_here() -> None:
    tests = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    names = {path.stem for path in NOTEBOOKS}
    assert len(names) == 3
    assert {name.removeprefix("your_") for name in names} <= tests
