"""The toolchains, against interpreters and a uv that are small scripts. No network, no TVM."""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import threading
from pathlib import Path

import pytest

from tvmq_diag import toolchain
from tvmq_diag.errors import SetupError, UsageError
from tvmq_diag.toolchain import RECIPES, Toolchain, cache_dir, resolve, toolchain_dir


def silent(line: str) -> None:
    raise AssertionError(f"nothing should have been said, not {line!r}")


def script(path: Path, body: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def python_with_tvm(directory: Path, files: dict[str, str]) -> Path:
    """A real interpreter whose `tvm` is made of the given files."""
    for name, text in files.items():
        file = directory / "site" / "tvm" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    command = f'PYTHONPATH="{directory}/site" exec "{sys.executable}" "$@"'
    return script(directory / "bin" / "python", command)


RELAY_TVM = {
    "__init__.py": "__version__ = '0.16.dev0'\nprint('noise on stdout')\n",
    "relay/__init__.py": "",
    "relay/quantize/__init__.py": "",
}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TVMQ_DIAG_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def setup_error(python: Path) -> str:
    with pytest.raises(SetupError) as caught:
        resolve(tvm_python=python, echo=silent)
    message = str(caught.value)
    assert "\n" not in message
    assert "leave --tvm-python out" in message
    return message


class TestAnInterpreterOfTheUser:
    def test_is_taken_when_it_has_the_quantizer(self, tmp_path: Path) -> None:
        python = python_with_tvm(tmp_path, RELAY_TVM)
        assert resolve(tvm_python=python, echo=silent) == Toolchain(str(python), python)

    def test_may_be_named_by_a_relative_path(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        python = python_with_tvm(tmp_path, RELAY_TVM)
        monkeypatch.chdir(tmp_path)
        found = resolve(tvm_python=Path("bin/python"), echo=silent)
        assert found == Toolchain("bin/python", python)

    def test_may_be_one_on_the_path(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        python = python_with_tvm(tmp_path, RELAY_TVM)
        python.rename(python.with_name("python-with-tvm"))
        monkeypatch.setenv("PATH", f"{python.parent}:{os.environ['PATH']}")
        found = resolve(tvm_python=Path("python-with-tvm"), echo=silent)
        assert found.python == python.with_name("python-with-tvm")

    def test_keeps_the_link_that_makes_a_venv(self, tmp_path: Path) -> None:
        link = tmp_path / "venv-python"
        link.symlink_to(python_with_tvm(tmp_path, RELAY_TVM))
        assert resolve(tvm_python=link, echo=silent).python == link

    def test_finds_a_tvm_on_pythonpath(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        python_with_tvm(tmp_path, RELAY_TVM)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
        assert resolve(tvm_python=Path(sys.executable), echo=silent).name == sys.executable

    def test_missing(self, tmp_path: Path) -> None:
        assert "no such file" in setup_error(tmp_path / "python")

    def test_not_executable(self, tmp_path: Path) -> None:
        (tmp_path / "python").write_text("")
        assert "not an executable file" in setup_error(tmp_path / "python")

    def test_a_directory(self, tmp_path: Path) -> None:
        assert "not an executable file" in setup_error(tmp_path)

    def test_not_a_program(self, tmp_path: Path) -> None:
        (tmp_path / "python").write_text("neither a script nor a binary")
        (tmp_path / "python").chmod(0o755)
        assert "cannot run" in setup_error(tmp_path / "python")

    @pytest.mark.parametrize("body", ["exit 0", "exit 1", "echo hello"])
    def test_not_a_python(self, tmp_path: Path, body: str) -> None:
        python = script(tmp_path / "python", body)
        assert "does not answer as a Python would" in setup_error(python)

    def test_without_tvm(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        # A checkout in the current directory is not an installation.
        (tmp_path / "tvm").mkdir()
        monkeypatch.chdir(tmp_path)
        message = setup_error(python_with_tvm(tmp_path / "other", {}))
        assert "cannot import tvm (No module named 'tvm')" in message

    def test_whose_tvm_does_not_load_says_the_last_line_why(self, tmp_path: Path) -> None:
        text = "raise OSError('while loading:\\n  libtvm.so: no such file\\n')"
        message = setup_error(python_with_tvm(tmp_path, {"__init__.py": text}))
        assert "cannot import tvm (libtvm.so: no such file)" in message

    def test_whose_quantizer_misses_a_package(self, tmp_path: Path) -> None:
        files = RELAY_TVM | {"relay/quantize/__init__.py": "import a_package_that_is_missing"}
        message = setup_error(python_with_tvm(tmp_path, files))
        assert "cannot import tvm.relay.quantize" in message
        assert "'a_package_that_is_missing'" in message

    def test_whose_tvm_has_no_relay(self, tmp_path: Path) -> None:
        python = python_with_tvm(tmp_path, {"__init__.py": "__version__ = '0.27.0'"})
        assert setup_error(python) == (
            f"TVM 0.27.0 at {python} has no relay.quantize: Relay left TVM in 0.20;"
            " use a TVM <= 0.19 or leave --tvm-python out"
        )

    def test_that_dies_importing_tvm(self, tmp_path: Path) -> None:
        text = "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)"
        python = python_with_tvm(tmp_path, {"__init__.py": text})
        assert "died importing tvm (SIGSEGV)" in setup_error(python)

    def test_that_hangs(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(toolchain, "PROBE_SECONDS", 1.0)
        python = python_with_tvm(tmp_path, {"__init__.py": "import time\ntime.sleep(60)"})
        assert "did not import tvm within 1 s" in setup_error(python)


class TestTheCache:
    def test_follows_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
        monkeypatch.setenv("HOME", "/home/me")
        monkeypatch.setenv("TVMQ_DIAG_CACHE", "/mine")
        assert cache_dir() == Path("/mine")
        monkeypatch.delenv("TVMQ_DIAG_CACHE")
        assert cache_dir() == Path("/xdg/tvmq_diag")
        monkeypatch.delenv("XDG_CACHE_HOME")
        assert cache_dir() == Path("/home/me/.cache/tvmq_diag")

    def test_key_changes_with_requirements_and_python(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(toolchain, "_REQUIREMENTS", tmp_path)
        (tmp_path / "relay.txt").write_text("a==1\n")
        first = toolchain_dir("relay")
        assert toolchain_dir("relay") == first
        (tmp_path / "relay.txt").write_text("a==2\n")
        second = toolchain_dir("relay")
        monkeypatch.setitem(RECIPES, "relay", toolchain.Recipe("x", "3.8", 1, 1))
        assert len({first, second, toolchain_dir("relay")}) == 3

    @pytest.mark.parametrize("name", sorted(RECIPES))
    def test_requirements_are_exact_and_name_no_place(self, name: str) -> None:
        path = Path(toolchain.__file__).parent / "toolchains" / f"{name}.txt"
        for line in path.read_text().splitlines():
            package, _, version = line.partition("==")
            assert package and version, line
            assert not set(line) & set("/:@ ;\\"), line


class FakeUv:
    """A uv that copies an interpreter, keeps its arguments, and does `during` while installing."""

    def __init__(self, directory: Path) -> None:
        self.calls = directory / "calls"
        self.program = directory / "uv"
        python_with_tvm(directory, RELAY_TVM)
        self.directory = directory
        self.on("true", "true")

    def on(self, venv: str, install: str) -> None:
        python = self.directory / "bin" / "python"
        script(
            self.program,
            f"""echo "$PYENV_VERSION|$PYTHONPATH|$*" >> "{self.calls}"
case $1 in
venv) for last; do :; done; {venv}; mkdir -p "$last/bin"; cp "{python}" "$last/bin/python" ;;
pip) echo "Resolved 45 packages" >&2; {install} ;;
esac""",
        )

    def said(self) -> list[str]:
        return self.calls.read_text().splitlines() if self.calls.exists() else []


@pytest.fixture
def uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeUv:
    (tmp_path / "uv").mkdir()
    fake = FakeUv(tmp_path / "uv")
    monkeypatch.setattr("uv.find_uv_bin", lambda: str(fake.program))
    return fake


class TestInstalling:
    def test_happens_once_and_says_so_first(
        self, uv: FakeUv, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("PYTHONPATH", "/somewhere/else")
        monkeypatch.setenv("PYENV_VERSION", "3.12")
        said: list[str] = []
        found = resolve(echo=said.append)
        directory = toolchain_dir("relay")
        assert found == Toolchain("relay", directory / "bin" / "python")
        assert "once" in said[0] and "3 GB" in said[0] and str(directory) in said[0]
        venv, install = uv.said()
        assert venv == f"3.10||venv --python 3.10 {directory}"
        assert install.startswith(f"3.10||pip install --python {found.python} -r ")
        assert "Resolved 45 packages" in capfd.readouterr().err
        assert resolve(echo=silent) == found
        assert len(uv.said()) == 2

    def test_is_done_again_when_its_python_is_gone(self, uv: FakeUv) -> None:
        found = resolve(echo=lambda line: None)
        found.python.unlink()
        resolve(echo=lambda line: None)
        assert len(uv.said()) == 4

    def test_half_done_is_done_again_from_nothing(self, uv: FakeUv) -> None:
        uv.on("true", "echo 'error: Request failed after 3 retries'; exit 1")
        with pytest.raises(SetupError):
            resolve(echo=lambda line: None)
        left_over = toolchain_dir("relay") / "left-over"
        left_over.write_text("")
        uv.on("true", "true")
        resolve(echo=lambda line: None)
        assert not left_over.exists()
        assert resolve(echo=silent).python.exists()

    def test_failure_names_the_cause_and_the_log(self, uv: FakeUv, cache: Path) -> None:
        uv.on(
            "true",
            "echo 'error: Request failed after 3 retries'; echo '  cause: Failed to fetch: x';"
            " echo '  cause: Connection refused (os error 111)'; echo; echo 'hint: no'; exit 1",
        )
        with pytest.raises(SetupError) as caught:
            resolve(echo=lambda line: None)
        message = str(caught.value)
        assert "Request failed after 3 retries: Connection refused (os error 111)" in message
        log = Path(message.rpartition(": ")[2])
        assert log.is_relative_to(cache)
        assert "Failed to fetch: x" in log.read_text()
        assert "\n" not in message

    @pytest.mark.parametrize(
        ("install", "cause"),
        [("echo Killed; echo; exit 1", "(Killed)"), ("exit 7", "(Resolved 45 packages)")],
    )
    def test_failure_in_no_known_words(self, uv: FakeUv, install: str, cause: str) -> None:
        uv.on("true", install)
        with pytest.raises(SetupError) as caught:
            resolve(echo=lambda line: None)
        assert cause in str(caught.value)

    def test_without_the_python_it_needs(self, uv: FakeUv) -> None:
        uv.on("echo 'error: No interpreter found for Python 3.10'; exit 2", "true")
        with pytest.raises(SetupError, match=r"no Python 3\.10 .*No interpreter found.*--tvm-py"):
            resolve(echo=lambda line: None)
        assert len(uv.said()) == 1

    def test_what_cannot_be_imported_is_not_complete(self, uv: FakeUv) -> None:
        python_with_tvm(uv.directory, {"__init__.py": "raise ImportError('libgomp is missing')"})
        with pytest.raises(SetupError, match=r"cannot import tvm \(libgomp is missing\)"):
            resolve(echo=lambda line: None)
        python_with_tvm(uv.directory, RELAY_TVM)
        resolve(echo=lambda line: None)
        assert len(uv.said()) == 4

    def test_stopped_by_ctrl_c_leaves_nothing_running_and_is_done_again(
        self, uv: FakeUv, tmp_path: Path
    ) -> None:
        pid = tmp_path / "pid"
        uv.on("true", f'echo $$ > "{pid}"; kill -INT $PPID; exec sleep 60')
        with pytest.raises(KeyboardInterrupt):
            resolve(echo=lambda line: None)
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid.read_text()), 0)
        uv.on("true", "true")
        resolve(echo=lambda line: None)
        assert len(uv.said()) == 4

    def test_needs_space(self, uv: FakeUv, monkeypatch: pytest.MonkeyPatch) -> None:
        usage = shutil.disk_usage("/")._replace(free=1_500_000_000)
        monkeypatch.setattr("shutil.disk_usage", lambda path: usage)
        with pytest.raises(SetupError, match=r"needs 8 GB .* has 1\.5 GB: free some"):
            resolve(echo=silent)
        assert uv.said() == []

    def test_needs_a_directory_it_can_write_to(self, uv: FakeUv, cache: Path) -> None:
        cache.write_text("a file where the directory should be")
        with pytest.raises(SetupError, match="set TVMQ_DIAG_CACHE to a directory"):
            resolve(echo=silent)

    def test_needs_uv(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def missing() -> str:
            raise FileNotFoundError

        monkeypatch.setattr("uv.find_uv_bin", missing)
        with pytest.raises(SetupError, match="reinstall it"):
            resolve(echo=lambda line: None)

    def test_of_an_unknown_name(self, uv: FakeUv) -> None:
        with pytest.raises(UsageError, match="unknown toolchain 'relya': choose one of relay"):
            resolve("relya", echo=silent)

    def test_waits_for_another_installation_and_takes_what_it_made(self, uv: FakeUv) -> None:
        directory = toolchain_dir("relay")
        python = directory / "bin" / "python"
        script(python, "exit 0")
        blocked = threading.Event()
        said: list[str] = []
        found: list[Toolchain] = []

        def echo(line: str) -> None:
            said.append(line)
            blocked.set()

        with directory.with_suffix(".lock").open("w") as other:
            fcntl.flock(other, fcntl.LOCK_EX)
            thread = threading.Thread(target=lambda: found.append(resolve(echo=echo)))
            thread.start()
            assert blocked.wait(10)
            (directory / ".complete").write_text("")
        thread.join(10)
        assert found == [Toolchain("relay", python)]
        assert said == ["waiting for another installation of the relay toolchain to finish"]
        assert uv.said() == []
