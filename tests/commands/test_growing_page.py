"""When the page of a run that goes on is written, and that it ends as it should."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
import webbrowser
from pathlib import Path

import pytest
from rich.console import Console
from support.paths import ROOT
from support.runs import copied

from tvmq_diag.commands import browser, growing_page
from tvmq_diag.commands.growing_page import GrowingPage
from tvmq_diag.driver.plan import Turn
from tvmq_diag.results import store
from tvmq_diag.results.run import Role, Run
from tvmq_diag.toolchains.toolchain import Toolchain

TURN = Turn("what works instead", ("benchmark", "each op's error"), timed=False)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return store.load(copied(tmp_path / "run"))


def page_of(run: Run) -> str:
    file = run.directory / "index.html"
    return file.read_text(encoding="utf-8") if file.exists() else ""


def test_it_appears_with_the_first_verdict_on_what_was_asked_for(run: Run) -> None:
    shown: list[Path] = []
    page = GrowingPage(run, shown.append)
    results, run.results = run.results, run.with_role(Role.FLOAT)
    page.turn(TURN)
    page.begin("int4")
    assert not page_of(run) and not shown
    run.results = results
    page.begin("int8/int8/int32:nbit=6")
    assert shown == [run.directory / "index.html"]
    assert "Running: what works instead: int8/int8/int32:nbit=6<" in page_of(run)
    assert "Still to come: benchmark; each op&#39;s error" in page_of(run)
    page.finish()
    assert len(shown) == 1 and 'id="under-way"' not in page_of(run)


def test_what_a_step_of_one_process_is_called(run: Run) -> None:
    page = GrowingPage(run)
    for turn, what in (("benchmark", "benchmark: all models in turn"), ("int8, to…", "int8")):
        page.turn(Turn(turn, (), timed=False))
        page.begin(what)
        assert f"Running: {max(turn, what, key=len)}<" in page_of(run)


def test_it_costs_a_small_share_of_the_run(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = 1000.0
    whole: list[float] = []
    write = growing_page.run_page.write

    def slow(*arguments: object, **options: object) -> Path:
        nonlocal clock
        clock += 3.0
        whole.append(clock)
        return write(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(growing_page.time, "monotonic", lambda: clock)
    monkeypatch.setattr(growing_page.run_page, "write", slow)
    page = GrowingPage(run)
    for step in range(30):
        clock += 10.0
        page.turn(Turn(f"step {step}", (), timed=False))
        page.begin(f"step {step}")
        assert f"Running: step {step}<" in page_of(run)
    assert whole[0] == 1013.0 and 2 < 3.0 * len(whole) / (clock - 1000.0) * 100 <= 5


def test_a_page_that_cannot_be_written_yet_does_not_end_the_run(run: Run) -> None:
    (run.directory / "index.html").mkdir()
    page = GrowingPage(run)
    page.turn(TURN)
    page.begin("int4")
    (run.directory / "index.html").rmdir()
    page.begin("int4")
    assert "Running: " in page_of(run)


def test_a_run_that_was_killed_says_that_it_ran_and_a_report_ends_its_page(
    tmp_path: Path, relay: Toolchain
) -> None:
    out = tmp_path / "run"
    command = [sys.executable, "-m", "tvmq_diag"]
    with subprocess.Popen(
        [*command, "trace", "--model", "tiny", "--dtype", "int4", "--out", str(out)],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        end = time.monotonic() + 240
        while not (out / "index.html").exists():
            assert process.poll() is None and time.monotonic() < end
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        printed = process.communicate(timeout=60)[1]
    assert "int4 rejected by QuantizeRealize" in printed
    page = (out / "index.html").read_text(encoding="utf-8")
    assert "Running: int8/int8/int32, to compare with<" in page and "float32 (the model" in page
    assert f"scripts/make_report.py {out}<" in page and "int4 rejected by" in page
    subprocess.run([*command, "report", str(out)], cwd=ROOT, check=True, capture_output=True)
    page = (out / "index.html").read_text(encoding="utf-8")
    assert 'id="under-way"' not in page and "int4 rejected by" in page


def test_the_page_is_opened_or_a_line_says_why_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[str] = []

    def show(uri: str) -> bool:
        opened.append(uri)
        return True

    monkeypatch.setattr(webbrowser, "open", show)
    monkeypatch.setenv("DISPLAY", ":7")
    page = tmp_path / "a page.html"
    browser.opening(True, Console())(page)
    browser.opening(False, Console())(page)
    assert opened == [page.as_uri()] and capsys.readouterr().out == ""
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    browser.opening(True, Console())(page)
    assert len(opened) == 1
    assert capsys.readouterr().out == f"no browser is found here; the page is {page}\n"
