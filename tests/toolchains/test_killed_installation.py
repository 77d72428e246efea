"""An installation whose tool is killed: nothing of it goes on, and one other begins it anew."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.fake_tvm import RELAY_TVM, python_with_tvm, script
from support.paths import ROOT

from tvmq_diag.toolchains import installation

TOOL = """
import sys
import uv
uv.find_uv_bin = lambda: sys.argv[1]
from tvmq_diag.toolchains.resolution import resolve
print(resolve("relay", echo=lambda line: print(line, flush=True)).python, flush=True)
"""

UV = """
case $1 in
venv)
  for last; do :; done
  mkdir -p "$last/bin" && cp "{python}" "$last/bin/python" ;;
pip)
  echo $$ >> "{folder}/pids"
  tree=$(dirname "$(dirname "$4")")
  touch "$tree/half"
  if mkdir "{folder}/first" 2> /dev/null; then
    # What a build backend is to uv: it is not told that anybody died, and goes on writing.
    (
      trap "" TERM HUP
      while :; do touch "$tree/written" "{folder}/alive"; sleep 0.02; done
    ) &
    echo $! >> "{folder}/pids"
    exec sleep 600
  fi
  sleep 0.5
  [ -e "$tree/written" ] && touch "{folder}/disturbed"
  exit 0 ;;
esac
"""


@pytest.fixture
def tool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Starts a tool that installs Relay's toolchain; its first uv never comes to an end."""
    monkeypatch.setenv("TVMQ_DIAG_CACHE", str(tmp_path / "cache"))
    python = python_with_tvm(tmp_path, RELAY_TVM)
    program = script(
        tmp_path / "uv", UV.replace("{python}", str(python)).replace("{folder}", str(tmp_path))
    )
    started: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        command = [sys.executable, "-c", TOOL, str(program)]
        own = os.environ | {"PYTHONPATH": str(ROOT)}
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=own))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def until(holds: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    """A zombie, whose parent has not asked for it yet, is not."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_uv_and_what_it_started_end_with_the_tool(
    tool: Callable[[], subprocess.Popen[str]], tmp_path: Path, how: signal.Signals
) -> None:
    first = tool()
    until((tmp_path / "alive").exists)
    first.send_signal(how)
    first.wait(30)
    pids = [int(line) for line in (tmp_path / "pids").read_text().split()]
    assert len(pids) == 2
    until(lambda: not any(map(is_running, pids)))
    (tmp_path / "alive").unlink()
    time.sleep(0.2)
    assert not (tmp_path / "alive").exists()


def test_of_two_that_wait_one_begins_it_anew(
    tool: Callable[[], subprocess.Popen[str]], tmp_path: Path
) -> None:
    first = tool()
    until((tmp_path / "alive").exists)
    directory = installation.toolchain_dir("relay")
    assert (directory / "half").exists() and not (directory / ".complete").exists()
    waiting = [tool(), tool()]
    for other in waiting:
        assert other.stdout is not None
        assert other.stdout.readline().startswith("waiting for another installation")
    first.kill()
    said = [other.communicate(timeout=60)[0].splitlines() for other in waiting]
    assert [other.returncode for other in waiting] == [0, 0]
    assert [lines[-1] for lines in said] == [str(directory / "bin" / "python")] * 2
    began = [line for lines in said for line in lines if line.startswith("installing the relay")]
    assert len(began) == 1, said
    assert len((tmp_path / "pids").read_text().split()) == 3, "uv of the first, its child, the next"
    assert not (tmp_path / "disturbed").exists() and not (directory / "written").exists()
    assert (directory / ".complete").exists()


def test_one_is_killed_between_its_parts_and_the_next_begins_from_nothing(
    tool: Callable[[], subprocess.Popen[str]], tmp_path: Path
) -> None:
    """Before anything is complete: whatever is there is of no use."""
    first = tool()
    until((tmp_path / "alive").exists)
    first.kill()
    first.wait()
    left = installation.toolchain_dir("relay") / "left-over"
    left.write_text("")
    (again,) = [tool()]
    assert again.wait(60) == 0
    assert not left.exists()
