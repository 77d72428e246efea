"""Baselines as tests of somebody's own suite: each configuration of each *.tvmq.toml is one.

    pytest quantizer.tvmq.toml --tvmq-python ~/my-tvm/bin/python --junitxml check.xml

What of a file is selected (-k int4) is compiled in one run, as `tvmq-diag check` does it, when its
first test begins; where its report is stands below each failure.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:  # it is imported whenever pytest starts: the rest waits until there is a baseline
    from ..comparison.baseline import Baseline, Check

SUFFIX = ".tvmq.toml"


RECORDER = "tvmq_diag.instruments.pytest_recorder"
_RECORDERS = (RECORDER, "instruments.pytest_recorder")


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Add which TVM the baselines are tried on, and, from its plugin, the recorder of tests."""
    if not any(pluginmanager.hasplugin(name) for name in _RECORDERS):
        pluginmanager.import_plugin(RECORDER)
    group = parser.getgroup("tvmq_diag", "baselines of TVM's quantizer (*.tvmq.toml)")
    group.addoption("--tvmq-tvm", metavar="NAME", help="a toolchain: relay, relax, …")
    group.addoption("--tvmq-python", metavar="PATH", help="the Python of a TVM of your own")
    group.addoption("--tvmq-timeout", metavar="S", help="per process (1800)")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """The collector of a file whose name ends in SUFFIX; None for any other."""
    if not file_path.name.endswith(SUFFIX):
        return None
    collector: pytest.Collector = BaselineFile.from_parent(parent, path=file_path)
    return collector


class BrokenPromise(Exception):
    """A promise that is not kept; `check` says how, `report` is where to look."""

    def __init__(self, check: Check, report: Path) -> None:
        super().__init__(check.configuration)
        self.check = check
        self.report = report


class BaselineFile(pytest.File):
    """A baseline: its configurations, and what one run of them came to."""

    _checks: dict[str, Check] | None = None
    _report = Path()

    def collect(self) -> Iterator[pytest.Item]:
        """A test for each configuration."""
        for configuration in self._read().promises:
            yield PromiseItem.from_parent(self, name=configuration)

    def check(self, configuration: str) -> Check:
        """The check of a configuration. The first call runs all that are selected."""
        if self._checks is None:
            self._checks = self._run()
        return self._checks[configuration]

    @property
    def report(self) -> Path:
        """The page of the run."""
        return self._report

    def _read(self) -> Baseline:
        from ..comparison import baseline
        from ..errors import DiagError

        try:
            return baseline.read(self.path)
        except DiagError as error:
            raise self.CollectError(str(error)) from error

    def _run(self) -> dict[str, Check]:
        from ..comparison import baseline
        from ..comparison.baseline import Baseline
        from ..reports.pages import run as run_page
        from ..reports.text import console
        from . import check

        whole = self._read()
        selected = {item.name for item in self.session.items if item.parent is self}
        promises = {name: one for name, one in whole.promises.items() if name in selected}
        promised = Baseline(whole.model, promises)
        done = check.try_again(promised, self._options(), console.progress())
        self._report = done.directory.absolute() / run_page.NAME
        return {one.configuration: one for one in baseline.check(promised, done)}

    def _options(self) -> argparse.Namespace:
        """Those of `tvmq-diag check`."""
        from . import check

        parser = argparse.ArgumentParser()
        check.add_arguments(parser)
        given = [str(self.path)]
        for name, option in (("tvm", "tvm"), ("python", "tvm-python"), ("timeout", "timeout")):
            value = self.config.getoption(f"--tvmq-{name}")
            given += [f"--{option}", value] if value else []
        return parser.parse_args(given)


class PromiseItem(pytest.Item):
    """The test that what a baseline promises of a configuration is so."""

    parent: BaselineFile

    def runtest(self) -> None:
        """Raises BrokenPromise if it is not."""
        check = self.parent.check(self.name)
        if check.broken:
            raise BrokenPromise(check, self.parent.report)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """What is broken, without a traceback: that would be of the tool's code, not the user's."""
        from ..errors import DiagError
        from ..reports.text import baseline

        error = excinfo.value
        if isinstance(error, BrokenPromise):
            return "\n".join([*baseline.lines(error.check), f"  report: {error.report}"])
        if isinstance(error, DiagError):
            return f"error: {error}"
        return super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, None, str]:
        """Where it is, and what it is called."""
        return self.path, None, f"{self.path.name}: {self.name}"
