"""Folders of a run that is no more are removed by the next, and those of one that runs are not."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from support.paths import ROOT

from tvmq_diag.toolchains import scratch

HOLDING = """
import time
from tvmq_diag.toolchains import scratch
with scratch.folder() as folder:
    (folder / "imported").write_text("a model")
    print(folder, flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def test_a_folder_is_gone_at_the_end() -> None:
    with scratch.folder() as folder:
        (folder / "model").write_text("weights")
    assert not folder.exists()


def test_what_a_killed_run_left_goes_and_what_a_run_needs_stays() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDING], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as holding:
        assert holding.stdout is not None
        folder = Path(holding.stdout.readline().strip())
        scratch.sweep()
        assert (folder / "imported").exists()
        holding.kill()
    scratch.sweep()
    assert not folder.exists()


def test_a_folder_of_that_name_that_is_not_ours_stays(temporary: Path) -> None:
    (temporary / "tvmq-run-mine").mkdir()
    scratch.sweep()
    assert (temporary / "tvmq-run-mine").exists()


def test_uv_ends_with_the_tool(temporary: Path) -> None:
    """As the tool starts it: a program that would go on for a minute."""
    program = temporary / "uv"
    program.write_text("#!/bin/sh\necho $$\nexec sleep 60\n")
    program.chmod(0o755)
    code = (
        "import os, sys; from tvmq_diag.toolchains import uv_process\n"
        f"uv_process._program = lambda: {str(program)!r}\n"
        f"uv_process.run([], os.environ, *2 * [open({str(temporary / 'log')!r}, 'w')])\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stderr=subprocess.PIPE, text=True
    ) as tool:
        assert tool.stderr is not None
        uv = int(tool.stderr.readline())
        tool.kill()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{uv}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{uv}").exists()
