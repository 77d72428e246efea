"""Installing named toolchains, with a uv that is a small script. No network, no TVM."""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import threading
from pathlib import Path

import pytest
from support.fake_tvm import RELAX_TVM, RELAY_TVM, python_with_tvm, script, silent
from support.fake_uv import FakeUv

from tvmq_diag.errors import SetupError, UsageError
from tvmq_diag.results.facts import RunFacts
from tvmq_diag.toolchains import packages
from tvmq_diag.toolchains.installation import toolchain_dir
from tvmq_diag.toolchains.recipes import RECIPES, Recipe
from tvmq_diag.toolchains.resolution import of_run, resolve
from tvmq_diag.toolchains.toolchain import Toolchain


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TVMQ_DIAG_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_key_changes_with_requirements_and_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "REQUIREMENTS", tmp_path)
    (tmp_path / "relay.txt").write_text("a==1\n")
    first = toolchain_dir("relay")
    assert toolchain_dir("relay") == first
    (tmp_path / "relay.txt").write_text("a==2\n")
    second = toolchain_dir("relay")
    monkeypatch.setitem(RECIPES, "relay", Recipe("x", "relay", "3.8", 1, 1))
    assert len({first, second, toolchain_dir("relay")}) == 3


@pytest.fixture
def uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeUv:
    return FakeUv.instead(tmp_path / "uv", monkeypatch)


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
        assert "once" in said[0] and "0.13 GB" in said[0] and str(directory) in said[0]
        venv, install = uv.said()
        assert venv == f"3.10||venv --python 3.10 {directory}"
        assert install.startswith(f"3.10||pip install --python {found.python} -c ")
        assert install.endswith("/relay.in")
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
        with pytest.raises(
            SetupError,
            match=r"no Python 3\.10 .*No interpreter.*python3\.10 is on.*INSTALL_MIRROR.*--tvm-py",
        ):
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
        # Not before Popen has returned: a real Ctrl-C in that moment reaches uv as well.
        uv.on("true", f'echo $$ > "{pid}"; sleep 0.5; kill -INT $PPID; exec sleep 60')
        with pytest.raises(KeyboardInterrupt):
            resolve(echo=lambda line: None)
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid.read_text()), 0)
        uv.on("true", "true")
        resolve(echo=lambda line: None)
        assert len(uv.said()) == 4

    def test_keeps_a_log_and_a_lock_for_each(self, uv: FakeUv, cache: Path) -> None:
        python_with_tvm(uv.directory, RELAX_TVM)
        for name in ("relax-0.25", "relax-0.26"):
            resolve(name, echo=lambda line: None)
            for ending in ("log", "lock"):
                assert (cache / "toolchains" / f"{toolchain_dir(name).name}.{ending}").exists()

    def test_needs_space(self, uv: FakeUv, monkeypatch: pytest.MonkeyPatch) -> None:
        usage = shutil.disk_usage("/")._replace(free=500_000_000)
        monkeypatch.setattr("shutil.disk_usage", lambda path: usage)
        with pytest.raises(SetupError, match=r"needs 0\.6 GB .* has 0\.5 GB: free some"):
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

    def test_without_uv_says_what_to_install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "uv", None)
        with pytest.raises(SetupError, match=r"'tvmq_diag\[run\]', or name a TVM"):
            resolve(echo=lambda line: None)

    @pytest.mark.parametrize("ask", [{"name": "relax"}, {"dialect": "relax"}])
    def test_of_the_other_dialect(self, uv: FakeUv, ask: dict[str, str]) -> None:
        python_with_tvm(uv.directory, RELAX_TVM)
        found = resolve(**ask, echo=lambda line: None)
        assert found == Toolchain("relax", toolchain_dir("relax") / "bin" / "python", "relax")
        assert of_run(RunFacts(toolchain="relax", python="gone"), silent) == found

    def test_of_a_tvm_without_the_recipes_dialect_is_not_complete(self, uv: FakeUv) -> None:
        with pytest.raises(SetupError, match="has no Relax"):
            resolve("relax", echo=lambda line: None)
        assert not (toolchain_dir("relax") / ".complete").exists()

    def test_of_an_unknown_name(self, uv: FakeUv) -> None:
        with pytest.raises(UsageError, match="unknown toolchain 'relya': choose one of relay, re"):
            resolve("relya", echo=silent)

    def test_of_a_name_that_is_for_the_other_dialect(self, uv: FakeUv) -> None:
        with pytest.raises(UsageError, match="the relay toolchain is for relay, not for relax"):
            resolve("relay", dialect="relax", echo=silent)

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
