"""The runner on fake TVM processes: scripts that write events, and end in every way there is."""

from __future__ import annotations

import importlib
import os
import runpy
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tvmq_diag.errors import SetupError
from tvmq_diag.instruments.protocol.jobs import CompileJob, ModelSource
from tvmq_diag.instruments.protocol.schema import HIDDEN, PARENT
from tvmq_diag.toolchains import process
from tvmq_diag.toolchains.follower import Progress
from tvmq_diag.toolchains.limits import Limits
from tvmq_diag.toolchains.toolchain import Toolchain
from tvmq_diag.trace import reader
from tvmq_diag.trace.ending import Ending, How
from tvmq_diag.trace.layout import OUTPUT

TOOLCHAIN = Toolchain("fake", Path(sys.executable))
PLENTY = Limits(timeout=60, memory=2**40)

FAKE = """
import json, os, pathlib, signal, sys, time
folder = pathlib.Path(json.load(open(sys.argv[-1]))["trace"])
journal = open(folder / "journal.jsonl", "w", buffering=1)
def event(kind, **fields): journal.write(json.dumps(dict(kind=kind, t=1.0, **fields)) + "\\n")
event("start", schema=1, time="", pid=1, dialect="relay", command=[], versions={})
event("enter", id=1, parent=None, name="sequential", stage="prepare", snapshot=None)
event("enter", id=2, parent=1, name="QuantizeRealize", stage="realize", snapshot=None)
print("the last words", flush=True)
"""


def run(
    tmp_path: Path,
    ending: str,
    limits: Limits = PLENTY,
    chain: Toolchain = TOOLCHAIN,
    source: str = "tiny",
    **options: Any,
) -> Ending:
    job = CompileJob(str(tmp_path / "t"), "relay", ModelSource(source))
    return process.run(chain, job, limits, command=[sys.executable, "-c", FAKE + ending], **options)


def innermost(tmp_path: Path) -> str:
    return reader.load(tmp_path / "t").failing_path[-1].name


def test_a_signal(tmp_path: Path) -> None:
    ending = run(tmp_path, "os.kill(os.getpid(), signal.SIGSEGV)")
    assert (ending.how, ending.signal_name) == (How.SIGNAL, "SIGSEGV")
    assert innermost(tmp_path) == "QuantizeRealize"
    assert "the last words" in ending.tail


def test_a_hang_is_ended_with_all_it_started(tmp_path: Path) -> None:
    code = (
        "import subprocess\n"
        "p = subprocess.Popen(['sleep', '1000'])\n"
        "(folder / 'pid').write_text(str(p.pid))\n"
        "p.wait()"
    )
    ending = run(tmp_path, code, Limits(timeout=1.0, memory=2**40))
    assert ending.how == How.TIMED_OUT
    assert innermost(tmp_path) == "QuantizeRealize"
    pid = int((tmp_path / "t" / "pid").read_text())
    for _ in range(50):
        if not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text():
            return
        time.sleep(0.1)
    pytest.fail("the child's own child lives on")


def test_too_much_memory(tmp_path: Path) -> None:
    ending = run(
        tmp_path, "x = b'x' * 400_000_000; time.sleep(60)", Limits(timeout=60, memory=200_000_000)
    )
    assert ending.how == How.OUT_OF_MEMORY
    assert ending.peak_bytes > 200_000_000


def test_a_clean_end_and_its_exit_code(tmp_path: Path) -> None:
    ending = run(tmp_path, "sys.exit(1)")
    assert (ending.how, ending.code) == (How.FINISHED, 1)


def test_ctrl_c_is_an_ending_with_a_trace(tmp_path: Path) -> None:
    threading.Timer(1.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    assert run(tmp_path, "time.sleep(60)").how == How.INTERRUPTED
    assert innermost(tmp_path) == "QuantizeRealize"


def test_progress_names_stage_and_pass(tmp_path: Path) -> None:
    seen: list[Progress] = []
    run(tmp_path, "time.sleep(0.5)", watch=seen.append)
    assert seen[-1] == Progress("realize", "QuantizeRealize", 2)


def test_an_interpreter_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="cannot start"):
        job = CompileJob(str(tmp_path / "t"), "relay", ModelSource("tiny"))
        process.run(Toolchain("x", tmp_path / "none"), job, PLENTY)


@pytest.mark.parametrize("how", ["start_new_session=True", "preexec_fn=os.setpgrp"])
def test_what_a_child_started_in_the_background_ends_with_it(tmp_path: Path, how: str) -> None:
    code = (
        "import subprocess\n"
        f"p = subprocess.Popen(['sleep', '1000'], {how})\n"
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(p.pid))\n"
    )
    ending = run(tmp_path, code)
    assert (ending.how, ending.code) == (How.FINISHED, 0)
    _gone(int((tmp_path / "pid").read_text()))


@pytest.mark.parametrize(
    ("chain", "source", "hidden"),
    [
        (replace(TOOLCHAIN, name="relax"), "tiny", "torch"),
        (replace(TOOLCHAIN, name="relax"), "torchvision:resnet18", None),
        (replace(TOOLCHAIN, name="relax"), "py:nets:net", None),
        (replace(TOOLCHAIN, name="relax", overlay=Path("patched")), "tiny", None),
        (TOOLCHAIN, "tiny", None),
    ],
)
def test_what_a_model_has_no_use_for_is_hidden_in_toolchains_of_ours(
    tmp_path: Path, chain: Toolchain, source: str, hidden: str | None
) -> None:
    run(tmp_path, f"print(repr(os.environ.get({HIDDEN!r})))", chain=chain, source=source)
    assert (tmp_path / "t" / OUTPUT).read_text().splitlines()[-1] == repr(hidden)


def test_what_is_hidden_cannot_be_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("hidden_one", "seen_one"):
        (tmp_path / f"{name}.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    runpy.run_path(str(process.INSTRUMENTS / "__main__.py"))["_hide"]("hidden_one")
    importlib.import_module("seen_one")
    with pytest.raises(ImportError):
        importlib.import_module("hidden_one")


def test_what_a_child_left_in_the_temporary_folder_goes_with_it(tmp_path: Path) -> None:
    code = (
        "import tempfile\n"
        f"open({str(tmp_path / 'place')!r}, 'w').write(tempfile.mkdtemp(prefix='tvmdbg_'))\n"
    )
    run(tmp_path, code)
    assert not Path((tmp_path / "place").read_text()).exists()


def _gone(pid: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        state = Path(f"/proc/{pid}/stat")
        if not state.exists() or ") Z " in state.read_text():  # a zombie has ended
            return
        time.sleep(0.05)
    raise AssertionError(f"process {pid} goes on")


def test_a_child_whose_parent_is_gone_before_it_looks_does_nothing(tmp_path: Path) -> None:
    job = tmp_path / "job.json"
    job.write_text("{}")  # of no task: what reads it fails, with a traceback
    program = [sys.executable, str(process.INSTRUMENTS), str(job)]
    for parent, code in ((str(os.getpid()), 1), ("1", 1)):
        environment = {**os.environ, PARENT: parent}
        done = subprocess.run(program, env=environment, capture_output=True, text=True, check=False)
        assert (done.returncode, "Traceback" in done.stderr) == (code, parent != "1")
