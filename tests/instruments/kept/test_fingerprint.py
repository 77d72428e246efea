"""What a kept module depends on: an edit that may matter changes it, any other does not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tvmq_diag.instruments.kept import fingerprint
from tvmq_diag.instruments.kept.fingerprint import Closure
from tvmq_diag.instruments.protocol.jobs import ModelSource

QUANTIZER = """
TABLE = {"conv2d": 1}

def prepare(mod):
    return helper(mod)

def helper(mod):
    return mod + LIMIT

LIMIT = 3

def register(name, level=10):
    return lambda function: TABLE.setdefault(name, function)

@register("add")
def add_rewrite(call):
    return call
"""


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str], str]:
    def closure(source: str) -> str:
        (tmp_path / "quantize.py").write_text(source)
        return str(Closure(tmp_path, "prepare"))

    return closure


@pytest.mark.parametrize(
    ("old", "new", "matters"),
    [
        ("    return call", "    return None", False),
        ("helper(mod)\n\n", "helper(mod) or mod\n\n", True),
        ("mod + LIMIT", "mod", True),
        ("LIMIT = 3", "LIMIT = 4", True),
        ('"conv2d": 1', '"conv2d": 2', True),
        ('@register("add")', '@register("add", 11)', True),
        ("TABLE.setdefault(name, function)", "TABLE.pop(name)", True),
        ("def add_rewrite(call)", "def another(call)", False),
    ],
)
def test_an_edit_of_what_preparing_may_come_to_changes_it(
    written: Callable[[str], str], old: str, new: str, matters: bool
) -> None:
    assert old in QUANTIZER
    before = written(QUANTIZER)
    assert (written(QUANTIZER.replace(old, new)) != before) is matters


def test_a_function_defined_twice_counts_twice(written: Callable[[str], str]) -> None:
    before = written(QUANTIZER)
    assert written(QUANTIZER + "\ndef helper(mod):\n    return None\n") != before


def test_a_model_is_its_contents(tmp_path: Path) -> None:
    file = tmp_path / "net.onnx"
    file.write_bytes(b"one")
    source = ModelSource(f"onnx:{file}")
    before = fingerprint.of_model(source)
    file.write_bytes(b"two")
    assert before is not None and fingerprint.of_model(source) != before
    assert fingerprint.of_model(ModelSource("torchvision:resnet18")) == []


def test_a_function_of_somebodys_and_weights_beside_a_file_say_nothing(tmp_path: Path) -> None:
    file = tmp_path / "net.onnx"
    file.write_bytes(b"one")
    (tmp_path / "net.onnx.data").write_bytes(b"weights")
    assert fingerprint.of_model(ModelSource(f"onnx:{file}")) is None
    assert fingerprint.of_model(ModelSource("py:mine.py:net")) is None


def test_the_quantizers_of_this_project_do_not_count() -> None:
    ours = list(fingerprint._files(Path(fingerprint.__file__).parent.parent))
    assert any(line.startswith("relax/compile/compilation.py ") for line in ours)
    assert not any("quantizer/" in line for line in ours)
