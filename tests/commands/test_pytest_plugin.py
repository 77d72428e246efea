"""Baselines as tests of a suite, in a pytest of their own."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tvmq_diag.toolchains.toolchain import Toolchain

BASELINE = """
model = "tiny"
[configuration.int4]
outcome = "rejected"
op = "simulated_quantize #8"
[configuration.int2]
outcome = "works"
[configuration."int8/int8/int32"]
outcome = "works"
"""


def suite(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_each_configuration_is_a_test_on_the_real_tvm(tmp_path: Path, relay: Toolchain) -> None:
    (tmp_path / "q.tvmq.toml").write_text(BASELINE)
    (tmp_path / "other.toml").write_text("not = 'ours'")
    done = suite(tmp_path, "-k", "int4 or int2", "--junitxml", "j.xml")
    assert done.returncode == 1 and "1 failed, 1 passed, 1 deselected" in done.stdout
    assert "outcome: rejected, not works" in done.stdout and "Traceback" not in done.stdout
    report = Path(done.stdout.partition("report: ")[2].splitlines()[0])
    assert "int4" in report.read_text() and report.is_relative_to(tmp_path)
    # What was not selected was not compiled.
    assert sorted(path.name for path in (report.parent / "traces").iterdir()) == ["int2", "int4"]
    cases = ET.parse(tmp_path / "j.xml").getroot().iter("testcase")
    assert {case.get("name"): case.find("failure") is not None for case in cases} == {
        "int4": False,
        "int2": True,
    }


def test_a_file_that_is_no_baseline_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "q.tvmq.toml").write_text(BASELINE.replace("op =", "opp ="))
    done = suite(tmp_path)
    assert done.returncode == 2 and "opp of int4 is none of outcome" in done.stdout
    assert "Traceback" not in done.stdout


def test_a_tvm_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "q.tvmq.toml").write_text(BASELINE)
    done = suite(tmp_path, "--tvmq-python", "/nowhere/python", "-k", "int4")
    assert done.returncode == 1 and "--tvm-python /nowhere/python: no such file" in done.stdout
    assert "Traceback" not in done.stdout


@pytest.mark.parametrize("option", ["--tvmq-tvm", "--tvmq-python", "--tvmq-timeout"])
def test_the_options_are_in_the_help(tmp_path: Path, option: str) -> None:
    assert option in suite(tmp_path, "--help").stdout
