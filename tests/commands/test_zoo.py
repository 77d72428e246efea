"""`tvmq-diag zoo` on the real TVM: here, on a cluster that loses a worker, against a baseline."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from support.paths import ROOT

from tvmq_diag.commands import cli
from tvmq_diag.commands import zoo as command
from tvmq_diag.driver.zoo.shelf import Shelf
from tvmq_diag.results import store, zoo
from tvmq_diag.results.zoo import Zoo
from tvmq_diag.toolchains import overlay
from tvmq_diag.toolchains.toolchain import Toolchain

PATCHES = ROOT / "tests" / "patches"

CONFIGURATIONS = "int8/int8/int32,int4"

RESIDUAL = """def @main(%x: Tensor[(1, 3, 16, 16), float32], %w: Tensor[(8, 3, 3, 3), float32],
    %u: Tensor[(8, 8, 3, 3), float32]) {
  %0 = nn.conv2d(%x, %w, padding=[1, 1, 1, 1], channels=8, kernel_size=[3, 3]);
  %1 = nn.relu(%0);
  %2 = nn.conv2d(%1, %u, padding=[1, 1, 1, 1], channels=8, kernel_size=[3, 3]);
  %3 = add(%2, %1);
  nn.relu(%3)
}
"""


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Two built-in nets and one in a file; what is kept is kept in this test's folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "Shelf", lambda: Shelf(tmp_path / "shelf"))
    Path("residual.relay").write_text(RESIDUAL)
    return "tiny,digits,relay:*.relay"


def run(*arguments: str) -> int:
    return cli.script(command, list(arguments))


def outcomes(work: Zoo) -> dict[tuple[str, str, str], Any]:
    """What became of each cell, exactly: each is there once."""
    assert len({one.key for one in work.cells}) == len(work.cells)
    return {one.key: (one.entries, one.problem) for one in work.cells}


@pytest.mark.slow
def test_here_and_on_a_cluster_that_loses_a_worker_the_results_are_the_same(
    models: str, tmp_path: Path
) -> None:
    distributed = pytest.importorskip("distributed")
    asked = ("--models", models, "--dtype", CONFIGURATIONS, "--check-on", "natural:4")
    assert run(*asked, "--out", "here") == 0
    here = zoo.load(Path("here"))
    assert len(here.cells) == 6 and not any(one.problem for one in here.cells)

    with distributed.LocalCluster(
        n_workers=3, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster:
        killer = Killer(cluster)
        killer.start()
        at = ("--scheduler", cluster.scheduler_address)
        code = run(*asked, *at, "--fresh", "--out", "there", "--against", "here")
        killer.join(60)
    assert len(killer.lost) == 1 and killer.orphans == []
    assert code == 0
    assert outcomes(zoo.load(Path("there"))) == outcomes(here)


class Killer(threading.Thread):
    """Kills the first worker of a cluster that is in a cell, a second into it."""

    def __init__(self, cluster: Any) -> None:
        super().__init__(daemon=True)
        self._cluster = cluster
        self.lost: list[int] = []
        """The processes of cells that the worker was in."""
        self.orphans: list[int] = []
        """Those of them that went on without it."""

    def run(self) -> None:
        while not self.lost:
            time.sleep(0.1)
            for worker in list(self._cluster.workers.values()):
                if worker.pid and (found := cells_of(worker.pid)):
                    pid, self.lost = worker.pid, found
        time.sleep(1)
        os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + 20
        while any(map(alive, self.lost)) and time.monotonic() < deadline:
            time.sleep(0.1)
        self.orphans = [child for child in self.lost if alive(child)]


def cells_of(worker: int) -> list[int]:
    return [child for child in children(worker) if b"\0trace\0" in command_line(child)]


def children(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(stat.parent.name))
    return found


def command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.mark.slow
def test_what_was_done_is_kept_also_after_it_was_ended_and_is_not_run_again(
    models: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    ended = end_after_the_first_cell(tmp_path, models)
    first = zoo.load(Path("first"))
    assert ended == 143 and 0 < len(first.cells) < 6
    monkeypatch.setattr(command, "Shelf", lambda: Shelf(tmp_path / "cache" / "zoo"))
    asked = ("--models", models, "--dtype", CONFIGURATIONS, "--check-on", "natural:4")
    assert run(*asked, "--out", "first") == 0  # it goes on where it was
    second = zoo.load(Path("first"))
    kept = {one.key for one in second.cells if one.kept}
    assert kept == {one.key for one in first.cells} and len(second.cells) == 6
    assert {one.key: one.entries for one in first.cells}.items() <= {
        one.key: one.entries for one in second.cells
    }.items()
    for one in second.cells:
        page = one.entries[0].page or ""
        assert Path("first", page.partition("#")[0]).is_file()
        (verdict,) = store.read(Path("first", page).parent).verdicts
        assert verdict.outcome == one.entries[0].outcome
    assert run(*asked, "--out", "first") == 2  # it is whole


def end_after_the_first_cell(folder: Path, models: str) -> int:
    """Run it in a process of its own, its shelf in `folder`/cache, and end that as TERM does."""
    code = (
        "import sys; from pathlib import Path; from tvmq_diag.commands import cli, zoo;"
        "from tvmq_diag.driver.zoo.shelf import Shelf;"
        f"zoo.Shelf = lambda: Shelf(Path({str(folder / 'cache' / 'zoo')!r}));"
        "sys.exit(cli.script(zoo))"
    )
    asked = ["--models", models, "--dtype", CONFIGURATIONS, "--check-on", "natural:4"]
    process = subprocess.Popen(
        [sys.executable, "-c", code, *asked, "--out", "first", "--jobs", "1"],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("1 of 6"):
            break
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=120)
    return process.returncode


def test_a_quantizer_that_became_worse_is_told_from_the_one_before_and_ends_with_1(
    models: str,
    relay: Toolchain,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = ("--models", "tiny", "--dtype", "int8/int8/int32,int4")
    assert run(*asked, "--out", "before") == 0
    changed = overlay.patched(relay, PATCHES / "clips_swapped.diff", tmp_path / "overlay")
    monkeypatch.setenv("PYTHONPATH", f"{changed.overlay}:{ROOT}")
    own = ("--tvm-python", str(relay.python), "--against", "before")
    capsys.readouterr()
    assert run(*asked, *own, "--out", "after") == 1
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "against the baseline: 1 worse, of 2 compared"
    assert "tiny in int8/int8/int32" in said[1] and "works → wrong" in said[1]
    assert f"  {relay.python} is held against relay of the baseline" in said
    before, after = zoo.load(Path("before")), zoo.load(Path("after"))
    assert before.tvms[0].fingerprint != after.tvms[0].fingerprint
    assert not any(one.kept for one in after.cells)
    assert "1 worse, of 2 compared" in Path("after", "index.html").read_text()


def test_what_cannot_be_tried_is_no_outcome_and_ends_with_3(models: str) -> None:
    Path("broken.relay").write_text("def @main( {")
    asked = ("--models", "relay:broken.relay", "--dtype", "int4")
    assert run(*asked, "--out", "broken") == 3
    (one,) = zoo.load(Path("broken")).cells
    assert one.entries == [] and "no module that TVM can read" in str(one.problem)


def test_without_a_tvm_there_is_no_zoo(models: str, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("--models", "tiny", "--tvm-python", "nowhere/bin/python", "--out", "none")
    assert run(*asked) == 3
    assert "nowhere/bin/python: " in capsys.readouterr().err
    assert not Path("none").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--models", "nets/*.onnx,onnx:nets/*.onnx"), "no file fits"),
        (("--models", "tiny", "--tvm", "relay-9"), "unknown toolchain"),
        (("--models", "tiny", "--jobs", "2", "--scheduler", "tcp://x:1"), "--jobs is for this"),
        (("--models", "tiny", "--against", "nowhere"), "is no zoo"),
    ],
)
def test_bad_usage_is_said_before_anything_runs(
    arguments: tuple[str, ...], said: str, models: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*arguments) == 2
    assert said in capsys.readouterr().err
    assert not Path("runs").exists()


def test_a_scheduler_that_is_not_there_is_said_in_a_line(
    models: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr("tvmq_diag.driver.zoo.cluster._CONNECT_S", 1)
    assert run("--models", "tiny", "--scheduler", "tcp://127.0.0.1:9") == 3
    assert "--scheduler tcp://127.0.0.1:9: no Dask there" in capsys.readouterr().err
