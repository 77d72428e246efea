"""A toolchain is plain data: naming one needs nothing that installs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.paths import ROOT

from tvmq_diag.toolchains.toolchain import Toolchain

WITHOUT_UV = """
import sys
sys.modules["uv"] = None
from tvmq_diag.toolchains import resolution
from tvmq_diag.toolchains.toolchain import Toolchain
"""


def test_one_of_ours_keeps_the_users_packages_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/theirs")
    monkeypatch.setenv("VIRTUAL_ENV", "/their/venv")
    ours = Toolchain("relay", Path("/p")).environment
    assert "PYTHONPATH" not in ours and "VIRTUAL_ENV" not in ours
    own = Toolchain("/my/python", Path("/my/python")).environment
    assert own["PYTHONPATH"] == "/theirs"


def test_an_overlay_goes_before_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/theirs")
    over = Path("/overlay")
    assert Toolchain("relay", Path("/p"), overlay=over).environment["PYTHONPATH"] == "/overlay"
    own = Toolchain("/my/python", Path("/my/python"), overlay=over).environment
    assert own["PYTHONPATH"] == f"/overlay{os.pathsep}/theirs"


def test_finding_one_needs_no_uv() -> None:
    subprocess.run([sys.executable, "-c", WITHOUT_UV], check=True, cwd=ROOT)
