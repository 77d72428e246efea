"""What a job needs of a toolchain, from its model, its data and the imports of somebody's code."""

from __future__ import annotations

from pathlib import Path

import pytest

from tvmq_diag.toolchains import needs
from tvmq_diag.toolchains.recipes import ONNX, PICTURES, TFLITE, TORCH


@pytest.mark.parametrize(
    ("source", "layers"),
    [
        ("tiny", set()),
        ("digits", set()),
        ("torchvision:resnet18", {TORCH}),
        ("torchvision-onnx:resnet18", {TORCH, ONNX}),
        ("torch:net.pt", {TORCH}),
        ("onnx:net.onnx", {ONNX}),
        ("tflite:net.tflite", {TFLITE}),
        ("relay:net.txt", set()),
        ("py:no_such_module:function", set()),
        ("py:no_such_file.py:function", set()),
    ],
)
def test_of_a_kind_of_model(source: str, layers: set[str]) -> None:
    assert needs.of_model(source) == layers


@pytest.mark.parametrize("source", ["torchvision:resnet18", "torch:net.pt", "py:m:f", "own:net"])
def test_pytorch_is_not_taken_from_what_may_want_it(source: str) -> None:
    assert needs.unneeded(source) == [] and needs.unneeded("onnx:net.onnx") == ["torch"]


def test_of_data(tmp_path: Path) -> None:
    assert needs.of_data(None, "digits", "natural:4", "data.npz") == set()
    assert needs.of_data("random:4", str(tmp_path)) == {PICTURES}


def written(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / f"{name.replace('__of__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / "main.py"


@pytest.mark.parametrize(
    ("text", "layers"),
    [
        ("import tvm, numpy", set()),
        ("import torch", {TORCH}),
        ("def f():\n    from torchvision.models import resnet18", {TORCH}),
        ("try:\n    import onnx.helper as h\nexcept ImportError:\n    pass", {ONNX}),
        ("import importlib\nimportlib.import_module('tflite.Model')", {TFLITE}),
        ("__import__('PIL')", {PICTURES}),
        ("# import torch\ntext = 'import onnx'", set()),
        ("import torch (", set()),
        ("import torchless", set()),
    ],
)
def test_of_a_scripts_imports(tmp_path: Path, text: str, layers: set[str]) -> None:
    assert needs.of_script(written(tmp_path, main=text)) == layers


def test_of_what_lies_beside_it(tmp_path: Path) -> None:
    script = written(
        tmp_path,
        main="import nets\nfrom tools import reading",
        nets="from helpers import *",
        helpers="import main, torch",  # in a circle
        tools__of____init__="",
        tools__of__reading="from . import files\nfrom .deep.one import x",
        tools__of__files="import onnx",
        tools__of__deep__of__one="from ..more import y",
        tools__of__more="import PIL",
        unrelated="import tflite",
    )
    assert needs.of_script(script) == {TORCH, ONNX, PICTURES}


def test_of_a_function(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, mine="import net_of_mine", net_of_mine="import torch")
    monkeypatch.chdir(tmp_path)
    assert needs.of_model("py:mine:model") == {TORCH}
    assert needs.of_model(f"py:{tmp_path / 'mine.py'}:model") == {TORCH}
    monkeypatch.chdir("/")
    assert needs.of_model(f"py:{tmp_path / 'mine.py'}:model") == {TORCH}
