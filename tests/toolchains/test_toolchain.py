"""The toolchains, against interpreters and a uv that are small scripts. No network, no TVM."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tvmq_diag.errors import SetupError, UsageError
from tvmq_diag.toolchains import identity, probe, toolchain
from tvmq_diag.toolchains.toolchain import (
    RECIPES,
    Toolchain,
    cache_dir,
    of_run,
    resolve,
    toolchain_dir,
)


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
RELAX_TVM = {"__init__.py": "__version__ = '0.27.0'", "relax/__init__.py": ""}
BOTH_TVM = RELAX_TVM | RELAY_TVM


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TVMQ_DIAG_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def setup_error(python: Path, dialect: str | None = None) -> str:
    with pytest.raises(SetupError) as caught:
        resolve(tvm_python=python, dialect=dialect, echo=silent)
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

    @pytest.mark.parametrize(
        ("files", "asked", "found"),
        [
            (RELAY_TVM, None, "relay"),
            (RELAX_TVM, None, "relax"),
            (BOTH_TVM, None, "relay"),
            (BOTH_TVM, "relay", "relay"),
            (BOTH_TVM, "relax", "relax"),
        ],
    )
    def test_is_used_for_the_dialect_it_has(
        self, tmp_path: Path, files: dict[str, str], asked: str | None, found: str
    ) -> None:
        python = python_with_tvm(tmp_path, files)
        chain = resolve(tvm_python=python, dialect=asked, echo=silent)
        assert chain == Toolchain(str(python), python, found)

    @pytest.mark.parametrize(
        ("files", "asked", "said"),
        [
            (
                {"__init__.py": "__version__ = '0.8'"},
                None,
                "neither Relay's quantizer, which TVM <= 0.19 has, nor Relax, which TVM >= 0.16"
                " has; ",
            ),
            (RELAX_TVM, "relay", "no relay.quantize: Relay left TVM in 0.20; "),
            (RELAY_TVM, "relax", "no Relax: that is in TVM >= 0.16; "),
        ],
    )
    def test_whose_tvm_lacks_the_dialect(
        self, tmp_path: Path, files: dict[str, str], asked: str | None, said: str
    ) -> None:
        python = python_with_tvm(tmp_path, files)
        message = setup_error(python, asked)
        assert f"at {python} has {said}" in message
        assert message.startswith("TVM 0.")

    def test_whose_quantizer_is_broken_is_no_relax(self, tmp_path: Path) -> None:
        broken = {"relay/quantize/__init__.py": "import a_package_that_is_missing"}
        python = python_with_tvm(tmp_path, BOTH_TVM | broken)
        assert "cannot import tvm.relay.quantize" in setup_error(python)
        assert resolve(tvm_python=python, dialect="relax", echo=silent).dialect == "relax"

    def test_is_not_also_one_with_a_name(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match=r"--tvm relax and --tvm-python .* two TVMs: give"):
            resolve("relax", tmp_path, echo=silent)

    def test_that_dies_importing_tvm(self, tmp_path: Path) -> None:
        text = "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)"
        python = python_with_tvm(tmp_path, {"__init__.py": text})
        assert "died importing tvm (SIGSEGV)" in setup_error(python)

    def test_that_hangs(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(probe, "SECONDS", 1.0)
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
        monkeypatch.setitem(RECIPES, "relay", toolchain.Recipe("x", "relay", "3.8", 1, 1))
        assert len({first, second, toolchain_dir("relay")}) == 3

    @pytest.mark.parametrize("name", sorted(RECIPES))
    def test_requirements_are_exact_and_name_no_place(self, name: str) -> None:
        path = Path(toolchain.__file__).parent / "requirements" / f"{name}.txt"
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

    def test_keeps_a_log_and_a_lock_for_each(self, uv: FakeUv, cache: Path) -> None:
        python_with_tvm(uv.directory, RELAX_TVM)
        for name in ("relax-0.25", "relax-0.26"):
            resolve(name, echo=lambda line: None)
            for ending in ("log", "lock"):
                assert (cache / "toolchains" / f"{toolchain_dir(name).name}.{ending}").exists()

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

    @pytest.mark.parametrize("ask", [{"name": "relax"}, {"dialect": "relax"}])
    def test_of_the_other_dialect(self, uv: FakeUv, ask: dict[str, str]) -> None:
        python_with_tvm(uv.directory, RELAX_TVM)
        found = resolve(**ask, echo=lambda line: None)
        assert found == Toolchain("relax", toolchain_dir("relax") / "bin" / "python", "relax")
        assert of_run({"toolchain": "relax", "python": "gone"}, silent) == found

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


def test_names_are_of_recipes_and_each_once() -> None:
    assert toolchain.names(" relax,relay,,relax ") == ["relax", "relay"]
    with pytest.raises(UsageError, match="unknown toolchain 'relux'"):
        toolchain.names("relay,relux")


def test_of_run_is_the_same_interpreter_and_dialect(tmp_path: Path) -> None:
    python = python_with_tvm(tmp_path, BOTH_TVM)
    facts = {"toolchain": "bin/python", "python": str(python), "dialect": "relax"}
    assert of_run(facts, silent) == Toolchain(str(python), python, "relax")
    assert of_run(facts | {"dialect": None}, silent).dialect == "relay"


class TestIdentity:
    def test_changes_when_a_file_of_tvm_does(self, tmp_path: Path) -> None:
        chain = resolve(tvm_python=python_with_tvm(tmp_path, RELAX_TVM), echo=silent)
        first = identity.identify(chain)
        assert first["version"] == "0.27.0" and first["ffi"] is None
        file = tmp_path / "site" / "tvm" / "relax" / "__init__.py"
        os.utime(file, ns=(0, first["newest_file_ns"] + 1))
        assert identity.identify(chain)["newest_outside_quantizer_ns"] > first["newest_file_ns"]

    def test_of_no_tvm_says_why(self, tmp_path: Path) -> None:
        python = python_with_tvm(tmp_path, {"__init__.py": "raise OSError('no libtvm.so')"})
        with pytest.raises(SetupError, match=r"does not say which TVM it has: OSError: no libtvm"):
            identity.identify(Toolchain("mine", python))


@pytest.mark.slow
@pytest.mark.parametrize("name", list(RECIPES))
def test_the_real_ones_have_what_they_promise(
    name: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Installs what is not in the cache."""
    monkeypatch.undo()  # the real cache
    chain = resolve(name, echo=print)
    assert chain.dialect == RECIPES[name].dialect
    version = str(identity.identify(chain)["version"])
    assert ".".join(version.split(".")[:2]) in RECIPES[name].contents
    code = RELAX_WORKS if chain.dialect == "relax" else RELAY_WORKS
    done = subprocess.run(
        [str(chain.python), "-c", code], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]


RELAX_WORKS = """
import pickle
import numpy as np, onnx, onnxscript, torch, torchvision, tvm
from tvm import relax, rpc
from tvm.relax.frontend.onnx import from_onnx
from tvm.relax.frontend.torch import from_exported_program
net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3, padding=1), torch.nn.ReLU()).eval()
data = torch.randn(1, 3, 8, 8)
program = torch.export.export(net, (data,))
mod = from_exported_program(program, unwrap_unit_return_tuple=True)
# These three kill the process with an apache-tvm-ffi that does not go with the TVM.
tvm.ir.save_json(mod), mod.script(show_meta=True), pickle.dumps(mod)
vm = relax.VirtualMachine(tvm.compile(mod, target="llvm"), tvm.cpu())
ours = vm["main"](tvm.runtime.tensor(data.numpy())).numpy()
np.testing.assert_allclose(ours, net(data).detach().numpy(), rtol=1e-4, atol=1e-4)
"""

RELAY_WORKS = """
import onnx, torch, torchvision
from tvm import relay, rpc
relay.frontend.from_onnx, relay.frontend.from_pytorch, relay.quantize.quantize
"""
