"""What TVM's C++ warns of is read off what its process printed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tvmq_diag.toolchains.toolchain import Toolchain
from tvmq_diag.trace import logged
from tvmq_diag.trace.layout import OUTPUT


@pytest.mark.parametrize("dialect", ["relay", "relax"])
def test_a_warning_of_each_tvm_is_read(
    request: pytest.FixtureRequest, tmp_path: Path, dialect: str
) -> None:
    toolchain: Toolchain = request.getfixturevalue(dialect)
    code = "import tvm; [tvm.target.Target('cuda') for _ in range(2)]"
    with (tmp_path / OUTPUT).open("wb") as output:
        subprocess.run([str(toolchain.python), "-c", code], stderr=output, check=True, timeout=120)
    (warning,) = logged.warnings(tmp_path)
    assert warning.text.startswith("Unable to detect CUDA version")
    assert warning.file.endswith("target_kind.cc") and warning.line > 0


def test_without_an_output_there_are_none(tmp_path: Path) -> None:
    assert logged.warnings(tmp_path / "gone") == []
    (tmp_path / OUTPUT).write_bytes(b"\xff[00:00:00] no warning\n")
    assert logged.warnings(tmp_path) == []
