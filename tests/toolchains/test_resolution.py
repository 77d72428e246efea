"""Which toolchain is meant, against interpreters that are small scripts. No network, no TVM."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from support.fake_tvm import BOTH_TVM, RELAX_TVM, RELAY_TVM, python_with_tvm, script, silent

from tvmq_diag.errors import SetupError, UsageError
from tvmq_diag.results.facts import RunFacts
from tvmq_diag.toolchains import probe
from tvmq_diag.toolchains.resolution import of_run, resolve
from tvmq_diag.toolchains.toolchain import Toolchain


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


def test_of_run_is_the_same_interpreter_and_dialect(tmp_path: Path) -> None:
    python = python_with_tvm(tmp_path, BOTH_TVM)
    facts = RunFacts(toolchain="bin/python", python=str(python), dialect="relax")
    assert of_run(facts, silent) == Toolchain(str(python), python, "relax")
    facts.dialect = None
    assert of_run(facts, silent).dialect == "relay"
