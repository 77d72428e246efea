"""The tool, or the compile it watches, killed at any moment of a run."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

from support.paths import ROOT

from tvmq_diag.analysis import recovery
from tvmq_diag.instruments.protocol.schema import JOURNAL
from tvmq_diag.reports.pages import run as page
from tvmq_diag.trace.layout import FACTS, TRACES

from .campaign import Campaign, expect

LONGEST_S = 12
"""The run takes about that long: a kill comes anywhere in it."""

POLITE = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)

CAUGHT = {0: "it was over before", 1: "nothing works", 2: "bad usage", 3: "it cannot be set up"}


def tool(random: Random, folder: Path) -> None:
    """Kill the tool: nothing goes on without it, and what it had found is found again."""
    number = random.choice((signal.SIGKILL, *POLITE))
    output = _killed(random, folder, number)
    expect("Traceback" not in output, output)
    deadline = time.monotonic() + 30
    while (left := _marked(folder)) and time.monotonic() < deadline:
        time.sleep(0.1)
    expect(not left, f"killed by {number.name}, {left} go on")
    run = folder / "run"
    if not (run / FACTS).exists():
        return  # it came before there was a run
    loaded = recovery.load(run)
    begun = sorted(path.parent.name for path in (run / TRACES).glob(f"*/{JOURNAL}"))
    known = {result.trace.path.name for result in loaded.results if result.trace is not None}
    expect(set(begun) <= known, f"traces of {begun}, and the run knows of {sorted(known)}")
    for result in loaded.results:
        failed = result.trace is not None and result.trace.failure is not None
        expect(
            not failed or result.verdict.outcome in ("rejected", "crashed"),
            f"the failure is on record, and the verdict is {result.verdict.outcome}",
        )
    if number in POLITE and loaded.results:
        expect((run / "index.html").exists(), f"ended by {number.name} without a page")
    page.write(loaded)


def compile_(random: Random, folder: Path) -> None:
    """Kill TVM's process: the tool says so, and goes on to its end."""
    process = _started(folder)
    with process:
        time.sleep(random.uniform(0.5, LONGEST_S * 0.7))
        children = [pid for pid in _marked(folder) if pid != process.pid]
        for pid in children[-1:]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, random.choice((signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT)))
        output, _ = process.communicate(timeout=300)
    expect("Traceback (most recent call last)" not in output, output)
    expect(process.returncode in CAUGHT, f"exit code {process.returncode}: {output[-300:]}")
    if (folder / "run" / FACTS).exists():
        expect((folder / "run" / "index.html").exists(), f"there is no page: {output[-300:]}")


def _killed(random: Random, folder: Path, number: signal.Signals) -> str:
    process = _started(folder)
    with process:
        try:
            process.wait(random.uniform(0.3, LONGEST_S))
        except subprocess.TimeoutExpired:
            process.send_signal(number)
        try:
            output, _ = process.communicate(timeout=180)
        except subprocess.TimeoutExpired:
            process.kill()
            return "Traceback: it did not end in three minutes"
    allowed = {*CAUGHT, 128 + number, -number}
    expect(process.returncode in allowed, f"{number.name}: exit code {process.returncode}")
    return output


def _started(folder: Path) -> subprocess.Popen[str]:
    arguments = ["trace", "--model", "tiny", "--dtype", "int4,int8/int8/int32", "--no-reference"]
    return subprocess.Popen(
        [sys.executable, "-m", "tvmq_diag", *arguments, "--out", str(folder / "run")],
        cwd=ROOT,
        env={**os.environ, _MARK: str(folder)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


_MARK = "TORTURE"


def _marked(folder: Path) -> list[int]:
    """The processes of this trial that live, oldest first."""
    wanted = f"{_MARK}={folder}".encode()
    living = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            environment = (process / "environ").read_bytes().split(b"\0")
            if wanted in environment and "(zombie)" not in (process / "status").read_text():
                living.append(int(process.name))
    return sorted(living)


CAMPAIGNS = (
    Campaign("tool-kills", "no orphan; all that was on record is found", tool, share=2),
    Campaign("tvm-kills", "told as such, with a page; no traceback", compile_, share=2),
)
