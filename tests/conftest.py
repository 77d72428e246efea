"""The real TVM for all tests that make a claim about it: installed once, kept in the cache."""

from __future__ import annotations

import signal
import subprocess
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest
from support.pages import browser as browser
from support.paths import ROOT, SCRIPTS, InTvm

from tvmq_diag.toolchains import resolution
from tvmq_diag.toolchains.recipes import EVERY
from tvmq_diag.toolchains.toolchain import Toolchain

hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")  # machines are shared: a slow example is no failure


@pytest.fixture(scope="session", autouse=True)
def ctrl_c_works() -> None:
    """A shell starts background jobs with SIGINT ignored, and their children inherit that."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def relay() -> Toolchain:
    """The toolchain that the tool itself uses."""
    return resolution.resolve(echo=print, layers=EVERY)


@pytest.fixture(scope="session")
def relax() -> Toolchain:
    """Today's TVM."""
    return resolution.resolve("relax", echo=print, layers=EVERY)


@pytest.fixture(scope="session")
def in_tvm(relay: Toolchain) -> InTvm:
    """Run a script in the TVM's interpreter, as somebody does who uses QuantizeTrace there."""

    def run(code: str, *arguments: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        prelude = f"import sys; sys.path[:0] = {[str(ROOT), str(SCRIPTS)]!r}\n"
        return subprocess.run(
            [str(relay.python), "-c", prelude + textwrap.dedent(code), *arguments],
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    return run


@pytest.fixture(scope="module")
def small_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder on a disk of 64 KB."""
    folder = tmp_path_factory.mktemp("disk")
    small = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if subprocess.run(small, stderr=subprocess.DEVNULL, check=False).returncode:
        pytest.skip("only root may mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def trace_quantize(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, relay: Toolchain
) -> Callable[..., int]:
    """Run trace_quantize.py in an empty folder; returns its exit code."""
    from tvmq_diag.commands import cli
    from tvmq_diag.commands import trace as trace_command

    monkeypatch.chdir(tmp_path)
    return lambda *arguments: cli.script(trace_command, list(arguments))
