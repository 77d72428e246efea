"""How the command line ends when it cannot go on: one line, the right code, no traceback."""

from __future__ import annotations

import argparse
import errno
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from support.paths import ROOT
from support.runs import copied

from tvmq_diag.toolchains.toolchain import Toolchain

PROGRAM = [sys.executable, "-m", "tvmq_diag"]


def ended(
    *arguments: str, code: str | None = None, **options: object
) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own; or a program that has a command like it."""
    program = PROGRAM if code is None else [sys.executable, "-c", textwrap.dedent(code)]
    return subprocess.run(
        [*program, *arguments],
        cwd=ROOT,
        text=True,
        stderr=subprocess.PIPE,
        timeout=120,
        check=False,
        **options,  # type: ignore[call-overload]
    )


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return copied(tmp_path / "run")


def test_nobody_reads_on(run: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = ended("report", str(run), stdout=writing)
    assert done.returncode == 3
    assert done.stderr == "error: nobody reads what this prints any more\n"


def test_a_full_device_to_print_to(run: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = ended("report", str(run), stdout=full)
    assert (done.returncode, done.stderr.count("\n")) == (3, 1)
    assert done.stderr.startswith("error: No space left on device")


def test_a_terminal_that_knows_no_unicode(run: Path) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = ended("report", str(run), stdout=subprocess.PIPE, env=environment)
    assert done.returncode == 0 and "int4 rejected by QuantizeRealize" in done.stdout


def test_a_folder_that_cannot_be_written(run: Path) -> None:
    # Root may write anywhere but here.
    done = ended("report", "/proc/self", stdout=subprocess.PIPE)
    assert done.returncode == 2 and "no trace in" in done.stderr
    (run / "index.html").mkdir()
    done = ended("report", str(run), stdout=subprocess.PIPE)
    assert done.returncode == 3 and done.stderr.count("\n") == 1


HANGING = """
import argparse, sys, time
from types import ModuleType
from tvmq_diag.commands import cli

def run(options):
    try:
        print("begun", flush=True)
        time.sleep(60)
    finally:
        print("the page is written", flush=True)

command = ModuleType("hanging", "x")
command.add_arguments, command.run = lambda parser: None, run
sys.exit(cli.script(command, []))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_what_ends_it_ends_it_like_ctrl_c(number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HANGING],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == "begun\n"
        process.send_signal(number)
        output, errors = process.communicate(timeout=30)
    assert (output, errors) == ("the page is written\n", "interrupted\n")
    assert process.returncode == 128 + number


def test_nohup_is_heeded() -> None:
    with subprocess.Popen(
        ["nohup", sys.executable, "-c", HANGING],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == "begun\n"
        process.send_signal(signal.SIGHUP)
        time.sleep(0.3)
        assert process.poll() is None
        process.kill()


def test_what_a_message_holds_is_not_obeyed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from tvmq_diag.commands import cli, report
    from tvmq_diag.errors import UsageError

    def refuse(options: argparse.Namespace) -> int:
        raise UsageError("no \x1b[2J\u202emodel")

    monkeypatch.setattr(report, "run", refuse)
    assert cli.script(report, ["x"]) == 2
    assert capsys.readouterr().err == "error: no �[2J�model\n"


def test_what_to_do_about_a_full_disk(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from tvmq_diag.commands import cli, report

    def fill(options: argparse.Namespace) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "runs/x")

    monkeypatch.setattr(report, "run", fill)
    monkeypatch.setattr(cli.console, "give_up_output", lambda: None)
    assert cli.script(report, ["x"]) == 3
    said = capsys.readouterr().err
    assert said.startswith("error: No space left on device (runs/x): free some")


def test_a_trace_that_cannot_be_written_is_no_verdict_on_the_model(
    relay: Toolchain, small_disk: Path
) -> None:
    arguments = ["--model", "tiny", "--dtype", "int4", "--no-reference"]
    done = ended("trace", *arguments, "--out", str(small_disk / "run"), stdout=subprocess.PIPE)
    assert done.returncode == 3 and "rejected" not in done.stdout
    *_, last = done.stderr.splitlines()
    assert last.startswith("error: ") and "free some, or give --out" in last
    assert "Traceback" not in done.stderr
