"""What `pip install` puts into an environment, and that it reads a finished run there.

The wheel is built from a copy of the checkout, as a release is: by way of the sdist.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.paths import ROOT, is_link
from support.runs import TINY

from tvmq_diag import __version__
from tvmq_diag.toolchains.toolchain import Toolchain

pytestmark = pytest.mark.slow

SHIPPED = ("tvmq_diag", "instruments", "reports")
NOT_SHIPPED = (".pyc",)


@dataclass(frozen=True)
class Built:
    """The sdist, the wheel of it, and the wheel of the checkout."""

    sdist: Path
    wheel: Path
    direct: Path


@dataclass(frozen=True)
class Environment:
    """A virtual environment, outside of any checkout."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def packages(self) -> Path:
        (folder,) = self.folder.glob("lib/python*/site-packages")
        return folder

    def pip(self, *arguments: str) -> None:
        self.run("-m", "pip", *arguments).check_returncode()

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run its Python in a folder without anything of ours; with no PYTHONPATH."""
        inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        return subprocess.run(
            [str(self.python), *arguments],
            cwd=self.folder,
            env={**inherited, **environment},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def says(self, code: str) -> str:
        """What a script prints."""
        done = self.run("-c", code)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


def environment(folder: Path) -> Environment:
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, capture_output=True)
    return Environment(folder)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("built")
    source = folder / "source"
    ignored = shutil.ignore_patterns(".*", "*.egg-info", "build", "dist", "runs", "__pycache__")
    shutil.copytree(ROOT, source, symlinks=True, ignore=ignored)
    builder = environment(folder / "builder")
    builder.pip("install", "-q", "build")
    builder.run("-m", "build", "-o", str(folder / "dist"), str(source)).check_returncode()
    builder.pip("wheel", "-q", "--no-deps", "-w", str(folder / "direct"), str(source))
    (wheel,) = (folder / "dist").glob("*.whl")
    (direct,) = (folder / "direct").glob("*.whl")
    (sdist,) = (folder / "dist").glob("*.tar.gz")
    return Built(sdist, wheel, direct)


@pytest.fixture(scope="module")
def clean(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """The wheel and what it needs, without its extras."""
    fresh = environment(tmp_path_factory.mktemp("clean") / "environment")
    fresh.pip("install", "-q", "-c", str(ROOT / "constraints.txt"), str(built.wheel))
    yield fresh


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("finished") / "tiny"
    shutil.copytree(TINY, folder)
    return folder


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        assert all(info.external_attr >> 28 == 0o10 for info in archive.infolist())  # files
        return {name: archive.read(name) for name in archive.namelist()}


def in_the_checkout() -> set[str]:
    """Every file of the three folders, under the name that it has in the wheel."""
    names = set()
    for top in SHIPPED:
        prefix = Path("" if top == "tvmq_diag" else "tvmq_diag")
        for path in (ROOT / top).rglob("*"):
            linked = is_link(path.relative_to(ROOT))
            if path.is_file() and not linked and not path.name.endswith(NOT_SHIPPED):
                names.add((prefix / path.relative_to(ROOT)).as_posix())
    return names


READING = """
import sys
import tvmq_diag as td
run = td.load({run!r})
trace, works = run["int4"].trace, run["int8/int8/int32"].trace
print(run["int4"].verdict.headline)
print(trace.failing_op.name, len(trace.dtype_timeline().rows), round(works.coverage().share, 2))
print(td.compare(run, {run!r}).headline)
print(td.compare(works, trace).regressions())
print([name for name in ("uv", "matplotlib", "pygraphviz", "networkx") if name in sys.modules])
"""


def test_one_package_with_all_that_is_in_the_checkout(built: Built) -> None:
    names = set(contents(built.wheel))
    assert {name.partition("/")[0] for name in names} == {
        "tvmq_diag",
        f"tvmq_diag-{__version__}.dist-info",
    }
    assert {name for name in names if name.startswith("tvmq_diag/")} == in_the_checkout()
    assert "tvmq_diag/py.typed" in names and "tvmq_diag/reports/templates/page.css" in names


def test_the_wheel_of_the_sdist_is_that_of_the_checkout(built: Built) -> None:
    assert contents(built.wheel) == contents(built.direct)


def test_the_sdist_has_all_that_its_tests_read(built: Built, tmp_path: Path) -> None:
    shutil.unpack_archive(built.sdist, tmp_path)
    (source,) = tmp_path.iterdir()
    tracked = (path.relative_to(ROOT) for path in (ROOT / "tests").rglob("*") if path.is_file())
    missing = [path for path in tracked if not (source / path).exists()]
    assert not [path for path in missing if path.suffix != ".pyc"]
    quick = ("tests/trace", "tests/test_layers.py", "tests/test_vocabulary.py")  # without a TVM
    options = ("-q", "-n0", "-m", "not slow", "-p", "no:cacheprovider")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *quick],
        cwd=source,
        env={**os.environ, "PYTHONPATH": str(source)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]


def test_a_finished_run_is_read_without_the_extras_for_running(
    clean: Environment, finished: Path
) -> None:
    assert not clean.says("import importlib.util as u; print(u.find_spec('uv') or '')")
    assert clean.says(READING.format(run=str(finished))).splitlines() == [
        "int4 rejected by QuantizeRealize at add (op #11): unknown data type int4",
        "add 13 0.84",
        "no difference",
        "['int8/int8/int32 -> int4: regressed']",
        "[]",
    ]
    page = clean.says(f"import tvmq_diag as td; print(td.load({str(finished)!r}).write_html())")
    assert "int4 rejected by QuantizeRealize" in Path(page).read_text(encoding="utf-8")
    assert len(list((finished / "graphs").iterdir())) == 5  # around, change, and each model


def test_installing_a_toolchain_says_which_extra_it_needs(
    clean: Environment, tmp_path: Path
) -> None:
    command = ("-m", "tvmq_diag", "trace", "--dtype", "int4", "--model", "tiny")
    done = clean.run(*command, TVMQ_DIAG_CACHE=str(tmp_path))
    assert done.returncode == 3 and "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("error: installing a toolchain needs uv: pip install 'tvmq_diag[run]'")


def test_it_runs_a_tvm_from_where_it_is_installed(
    clean: Environment, relay: Toolchain, tmp_path: Path
) -> None:
    options = ("--model", "tiny", "--dtype", "int4", "--no-reference", "--out", str(tmp_path / "r"))
    done = clean.run("-m", "tvmq_diag", "trace", *options, "--tvm-python", str(relay.python))
    assert done.returncode == 1, done.stderr
    assert "int4 rejected by QuantizeRealize" in done.stdout.splitlines()[0]


def test_its_instruments_record_in_a_tvm_of_somebody_elses(
    built: Built, relay: Toolchain, tmp_path: Path
) -> None:
    with zipfile.ZipFile(built.wheel) as archive:
        archive.extractall(tmp_path / "site")
    code = (
        "from tvmq_diag.instruments import QuantizeTrace\n"
        "import tvm\n"
        "with QuantizeTrace('recorded') as trace:\n"
        "    tvm.relay.transform.InferType()(tvm.IRModule())\n"
        "print(trace.dialect.name, (trace.path / 'journal.jsonl').exists())\n"
    )
    done = subprocess.run(
        [str(relay.python), "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.stdout.split() == ["relay", "True"], done.stderr


class TestBesideOthers:
    def test_the_plugin_in_a_project_with_reports_of_its_own(
        self, clean: Environment, tmp_path: Path
    ) -> None:
        clean.pip("install", "-q", "-c", str(ROOT / "constraints.txt"), "pytest")
        (tmp_path / "reports").mkdir()
        (tmp_path / "reports" / "__init__.py").write_text("MINE = True\n")
        (tmp_path / "test_mine.py").write_text(
            "from reports import MINE\n\ndef test_mine(): assert MINE\n"
        )
        (tmp_path / "q.tvmq.toml").write_text(
            'model = "tiny"\n[configuration.int4]\noutcome = "rejected"\n'
        )
        tests = ("--rootdir", str(tmp_path), str(tmp_path), "--tvmq-python", "/nowhere/python")
        done = clean.run("-m", "pytest", *tests, PYTHONPATH=str(tmp_path))
        assert "1 failed, 1 passed" in done.stdout, done.stdout
        assert "--tvm-python /nowhere/python: no such file" in done.stdout

    @pytest.mark.parametrize("order", ["theirs second", "theirs first"])
    def test_the_other_project_called_reports(
        self, clean: Environment, built: Built, finished: Path, order: str
    ) -> None:
        clean.pip("install", "-q", "reports", "setuptools<81")  # it imports pkg_resources
        if order == "theirs first":
            clean.pip("uninstall", "-q", "-y", "tvmq_diag")
            clean.pip("install", "-q", "--no-deps", str(built.wheel))
        theirs = "import reports; print(reports.Report.__module__, reports.__file__)"
        assert clean.says(theirs).split() == [
            "reports.report",
            str(clean.packages / "reports" / "__init__.py"),
        ]
        ours = "from tvmq_diag.reports.pages import run; print(run.__file__)"
        assert clean.says(ours) == str(clean.packages / "tvmq_diag/reports/pages/run.py")
        assert clean.says(READING.format(run=str(finished))).startswith("int4 rejected")
        clean.run("-m", "pip", "check").check_returncode()
