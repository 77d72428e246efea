"""Inputs that are broken, from the command line: bad usage, and what kills TVM's parser is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from support.paths import InTvm

Command = Callable[..., int]


@pytest.fixture
def files(in_tvm: InTvm, tmp_path: Path) -> None:
    """Those of broken_files, in the folder of the test."""
    code = "import os, sys, broken_files as files\nos.chdir(sys.argv[1])\n"
    writes = "files.write_models()\nfiles.write_onnx()\nfiles.write_arrays((8, 3, 32, 32))"
    done = in_tvm(code + writes, str(tmp_path))
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--model", "onnx:cut.onnx"], "cut.onnx is no ONNX model"),
        (["--model", "tiny", "--check-on", "claims.npz"], "claims.npz is cut off or damaged"),
        (["--tvm", "relax", "--model", "relax:noise.relay"], "is no module that TVM can read"),
        (["--tvm", "relax", "--model", "tiny", "--calibrate-on", "objects.npz"], "not unpickled"),
    ],
)
def test_is_bad_usage_and_one_line(
    trace_quantize: Command, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert trace_quantize("--dtype", "int4", *arguments, "--no-reference", "--out", "o") == 2
    told = capsys.readouterr()
    (line,) = [line for line in told.err.splitlines() if line.startswith("error:")]
    assert words in line and told.err.splitlines()[-1] == line
    assert "rejected" not in told.out and "Traceback" not in told.out + told.err


@pytest.mark.usefixtures("files")
def test_a_file_that_kills_the_parser_is_of_no_configuration(
    trace_quantize: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configurations = "int4,int8/int8/int32"
    assert (
        trace_quantize("--dtype", configurations, "--model", "relay:deep.relay", "--out", "o") == 1
    )
    (verdict,) = json.loads((tmp_path / "o" / "verdict.json").read_text())
    assert (verdict["outcome"], verdict["stage"]) == ("not imported", "import")
    assert verdict["message"] == "the process was ended by SIGSEGV, in TVM's importer or parser"
    assert verdict["knob"] is None and verdict["suggestion"] is None
    assert "the model is not imported" in capsys.readouterr().out
