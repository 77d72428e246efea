"""A pytest plugin: each test runs under QuantizeTrace, and the traces of those that fail are kept.

    PYTHONPATH=CHECKOUT python -m pytest -p instruments.pytest_recorder --tvmq-record DIR tests/…

It runs in the TVM's own interpreter, where there need be nothing of ours but this folder. What a
test comes to is what it comes to without it: exceptions are only looked at, and what is found out
about a failure is found out after the test, in a process of its own that may die or be late.
Under pytest-xdist each worker records its tests, and the process that started them keeps the list.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Generator, Iterator

import pytest

from .protocol.recorded_tests import RECORD, SESSION, TEST, TRACES
from .quantize_trace import QuantizeTrace

NAME = "tvmq-recorder"
_KEEP = ("failed", "all")
_REPORT_SECONDS = 600.0


def pytest_addoption(parser: Any) -> None:
    """Add where traces go, and which are kept."""
    group = parser.getgroup("tvmq_recorder", "tests of TVM under tvmq_diag's recorder")
    group.addoption(
        "--tvmq-record",
        metavar="DIR",
        help="run each test under the recorder; traces and the page over them go to this folder",
    )
    group.addoption(
        "--tvmq-keep", choices=_KEEP, default=_KEEP[0], help="which traces to keep (failed)"
    )


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist starts its workers, which get the options
def pytest_configure(config: Any) -> None:
    """Begin to record. Raises UsageError for a folder that holds something, and without a TVM."""
    given = config.getoption("tvmq_record")
    if given is None or config.pluginmanager.hasplugin(NAME):
        return
    folder = Path(given).absolute()
    config.option.tvmq_record = str(folder)
    worker = hasattr(config, "workerinput")
    if not worker:
        _check(folder)
        with _as_usage_error(folder):
            (folder / TRACES).mkdir(parents=True, exist_ok=True)
            config.pluginmanager.register(SessionRecord(folder, config), f"{NAME}-session")
    keep_all = config.getoption("tvmq_keep") == "all"
    config.pluginmanager.register(TestRecorder(folder / TRACES, keep_all), NAME)


def _check(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise pytest.UsageError(f"--tvmq-record {folder} is there already; give another folder")
    if importlib.util.find_spec("tvm") is None:
        raise pytest.UsageError(f"--tvmq-record: {sys.executable} has no TVM to record")


@contextlib.contextmanager
def _as_usage_error(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise pytest.UsageError(f"--tvmq-record {folder}: {error.strerror}") from error


def trace_name(test: str) -> str:
    """The folder of a test's trace: the end of its name, and enough to tell it from others."""
    readable = re.sub(r"[^\w.=-]+", "_", test.rpartition("/")[2], flags=re.ASCII)[-80:]
    return f"{readable}-{hashlib.sha1(test.encode('utf-8', 'replace')).hexdigest()[:8]}"


class TestRecorder:
    """Records the tests of this process, each into a folder of its own."""

    __test__ = False

    def __init__(self, folder: Path, keep_all: bool) -> None:
        self._folder = folder
        self._keep_all = keep_all
        self._trace: QuantizeTrace | None = None
        self._failed = False

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: Any) -> Iterator[None]:
        """A test, its fixtures included."""
        self._failed = False
        exits = contextlib.ExitStack()
        try:
            trace = QuantizeTrace(self._folder / trace_name(item.nodeid), apart=True)
            exits.enter_context(trace)
        except (
            ImportError,
            OSError,
        ) as error:  # no TVM after all, a full disk: the test still runs
            print(f"{item.nodeid} is not recorded: {error}", file=sys.stderr)
            yield
            return
        self._trace = trace
        trace.facts(test=item.nodeid)
        try:
            yield
        finally:
            self._trace = None
            exits.close()
            if not (self._failed or self._keep_all):
                shutil.rmtree(trace.path, ignore_errors=True)
        if trace.recorder.interrupted:
            raise KeyboardInterrupt  # TVM makes an ordinary error of it

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)  # sees what xfail makes of it
    def pytest_runtest_makereport(self, item: Any, call: Any) -> Generator[None, Any, None]:
        """What a phase of a test came to."""
        outcome = yield
        report = outcome.get_result()
        if self._trace is None or not report.failed:
            return
        if not self._failed and call.excinfo is not None:
            with contextlib.suppress(Exception):  # a fault of ours is none of the test
                self._trace.error(call.excinfo.value)
        self._failed = True


class SessionRecord:
    """Writes down what each test came to, whichever process it ran in."""

    def __init__(self, folder: Path, config: Any) -> None:
        self.folder = folder
        self._file = folder / RECORD
        self._reports: dict[str, list[Any]] = {}
        self._config = config
        self._line(
            kind=SESSION,
            command=list(sys.argv),
            created=time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            python=sys.executable,
            keep=config.getoption("tvmq_keep"),
        )

    def pytest_runtest_logreport(self, report: Any) -> None:
        """A phase of a test has ended, here or in a worker; or the worker did."""
        reports = self._reports.setdefault(report.nodeid, [])
        reports.append(report)
        if report.when in ("setup", "call"):
            return
        del self._reports[report.nodeid]
        failed = next((one for one in reports if one.failed), None)
        self._line(
            kind=TEST,
            test=report.nodeid,
            outcome=outcome_of(reports),
            seconds=round(sum(getattr(one, "duration", 0.0) for one in reports), 3),
            message=_message(failed),
            trace=f"{TRACES}/{trace_name(report.nodeid)}",
        )

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Write the page over all, if this interpreter has what that needs; else say how to."""
        folder = self.folder
        try:
            done = subprocess.run(
                [sys.executable, "-m", "tvmq_diag", "report", str(folder)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=_REPORT_SECONDS,
                check=False,
            )
            written = done.returncode == 0
        except (OSError, subprocess.SubprocessError):
            written = False
        page = f"report: {folder / 'index.html'}"
        how = f"traces: {folder}; `tvmq-diag report {folder}` writes the page over them"
        terminalreporter.write_line(page if written else how)

    def _line(self, **fields: Any) -> None:
        try:
            with self._file.open("a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(json.dumps(fields, default=str) + "\n")
        except OSError as error:
            print(f"cannot write {self._file}: {error}", file=sys.stderr)


def outcome_of(reports: list[Any]) -> str:
    """What a test came to by the reports of its phases, in pytest's words."""
    expected = any(hasattr(one, "wasxfail") for one in reports)
    for report in reports:
        if report.failed:
            return "error" if report.when in ("setup", "teardown") else "failed"
    if any(one.skipped for one in reports):
        return "xfailed" if expected else "skipped"
    return "xpassed" if expected else "passed"


def _message(report: Any) -> str | None:
    """The exception of a report in a line, as pytest shows it; None where there is none."""
    if report is None:
        return None
    crash = getattr(report.longrepr, "reprcrash", None)
    text = str(crash.message if crash is not None else report.longrepr or "")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[0][:300] if lines else None
