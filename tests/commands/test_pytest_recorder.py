"""`pytest --tvmq-record` in the interpreter of a real TVM, which has pytest and nothing of ours."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import uv
from support.paths import ROOT, SCRIPTS

from tvmq_diag.commands import cli, report
from tvmq_diag.errors import UsageError
from tvmq_diag.results import test_session
from tvmq_diag.toolchains.toolchain import Toolchain, isolated_environment

WORSE = {"test_layout[NHWC3]", "test_mine", "TestOld::test_unittest", "test_fixture"}
"""The tests of the suite that do not do as they should."""


@pytest.fixture(scope="module")
def python(relay: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter with that TVM, pytest and pytest-xdist."""
    folder = tmp_path_factory.mktemp("env") / "env"
    for words in (
        ["venv", "-q", "--python", str(relay.python), str(folder)],
        ["pip", "install", "-q", "--python", str(folder / "bin" / "python"), "pytest",
         "pytest-xdist"],
    ):  # fmt: skip
        subprocess.run([uv.find_uv_bin(), *words], check=True, cwd=folder.parent, timeout=300)
    (packages,) = (folder / "lib").glob("python*/site-packages")
    (theirs,) = relay.python.parent.parent.glob("lib/python*/site-packages")
    (packages / "tvm.pth").write_text(str(theirs))
    return folder / "bin" / "python"


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("suite")
    shutil.copy(SCRIPTS / "recorded_suite.py", folder / "test_suite.py")
    shutil.copy(SCRIPTS / "own_script.py", folder)
    return folder


def run(python: Path, suite: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**isolated_environment(), "PYTHONPATH": str(ROOT)}
    if "instruments.pytest_recorder" not in words:
        del environment["PYTHONPATH"]
    environment = {k: v for k, v in environment.items() if not k.startswith("PYTEST_")}
    return subprocess.run(
        [str(python), "-m", "pytest", "-p", "no:cacheprovider", "-rA", *words],
        cwd=suite,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def outcomes(done: subprocess.CompletedProcess[str]) -> list[str]:
    """The lines of pytest's own summary, with what it says of each exception."""
    lines = done.stdout.partition("short test summary info")[2].splitlines()[1:-1]
    assert len(lines) > 8, done.stdout + done.stderr
    return sorted(line for line in lines if "report" not in line)


@pytest.fixture(scope="module")
def recorded(python: Path, suite: Path) -> tuple[Path, subprocess.CompletedProcess[str]]:
    done = run(python, suite, "-p", "instruments.pytest_recorder", "--tvmq-record", "out")
    return suite / "out", done


@pytest.fixture(scope="module")
def without(python: Path, suite: Path) -> subprocess.CompletedProcess[str]:
    return run(python, suite)


@pytest.mark.parametrize("workers", [0, 2])
def test_outcomes_are_those_without_it(
    python: Path,
    suite: Path,
    without: subprocess.CompletedProcess[str],
    recorded: tuple[Path, subprocess.CompletedProcess[str]],
    workers: int,
) -> None:
    folder, done = recorded
    if workers:
        words = ("-n", "2", "-p", "instruments.pytest_recorder", "--tvmq-record", "out-n")
        folder, done = suite / "out-n", run(python, suite, *words, "--tvmq-keep", "all")
    assert outcomes(done) == outcomes(without) and done.returncode == without.returncode == 1
    session = test_session.load(folder)
    assert {test.test.partition("::")[2] for test in session.bad} == WORSE
    assert len(session.tests) == 9 and not session.unended and not session.problems
    kept = {
        test.test.partition("::")[2]
        for test in session.tests
        if (folder / str(test.trace)).is_dir()
    }
    assert kept == WORSE if not workers else len(kept) == 9


def test_one_page_over_them_names_pass_and_op(
    recorded: tuple[Path, subprocess.CompletedProcess[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, done = recorded
    assert "tvmq-diag report" in done.stdout  # that interpreter cannot write the page
    assert cli.script(report, [str(folder)]) == 0
    page = (folder / "index.html").read_text()
    assert "4 of 9 tests failed: 3 in ConvertLayout, 1 in no pass of TVM" in page
    assert page.count("nn.conv2d #1") == 3
    links = re.findall(r'href="(traces/[^"]+)"', page)
    assert len(links) == 4 and all((folder / link).is_file() for link in links)
    (own,) = (link for link in links if "mine" in link)
    assert "the script failed: RuntimeError: mine" in (folder / own).read_text()


def test_a_test_whose_process_dies_is_on_the_page(python: Path, tmp_path: Path) -> None:
    shutil.copy(SCRIPTS / "own_script.py", tmp_path)
    (tmp_path / "test_deadly.py").write_text(
        "import own_script\n"
        "def test_fine(): own_script.convert('NHWC')\n"
        "def test_deadly(): own_script.deadly(own_script.convolution())\n"
    )
    run(python, tmp_path, "-p", "instruments.pytest_recorder", "--tvmq-record", "out")
    assert cli.script(report, [str(tmp_path / "out")]) == 0
    page = (tmp_path / "out" / "index.html").read_text()
    assert "1 of 2 tests failed: 1 in Deadly" in page
    assert "test_deadly.py::test_deadly" in page


def test_a_folder_that_holds_something_and_no_tvm_are_one_line(
    python: Path, suite: Path, recorded: tuple[Path, object]
) -> None:
    again = run(python, suite, "-p", "instruments.pytest_recorder", "--tvmq-record", "out")
    assert again.returncode == 4 and "out is there already" in again.stderr
    assert "Traceback" not in again.stderr


def test_where_the_tool_is_installed_its_plugin_offers_it(tmp_path: Path) -> None:
    import sys

    (tmp_path / "test_x.py").write_text("def test_x(): pass\n")
    words = [sys.executable, "-m", "pytest", "-p", "tvmq_diag.commands.pytest_plugin"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        [*words, "--tvmq-record", "out", "test_x.py"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 4 and "has no TVM to record" in done.stderr


def test_what_cannot_be_read_of_a_session_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"tests\.jsonl"):
        test_session.load(tmp_path)
    (tmp_path / "tests.jsonl").write_text('{"kind": "test", "test": "a", "outcome": "passed"}\n{"k')
    session = test_session.load(tmp_path)
    assert [test.test for test in session.tests] == ["a"]
    assert session.problems == ["line 2 of tests.jsonl is damaged"]
