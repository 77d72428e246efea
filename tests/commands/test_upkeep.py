"""What lies about on disk, looked at and removed: doctor, toolchains, runs, cache."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.fake_tvm import RELAX_TVM, python_with_tvm
from support.fake_uv import FakeUv
from support.paths import ROOT
from support.runs import TINY

from tvmq_diag.commands import cli, folders
from tvmq_diag.toolchains import inventory, packages
from tvmq_diag.toolchains.installation import toolchain_dir
from tvmq_diag.toolchains.recipes import RECIPES
from tvmq_diag.toolchains.toolchain import Toolchain

Ask = Callable[..., "tuple[int, dict[str, Any]]"]


@pytest.fixture(autouse=True)
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, and a cache with nothing in it."""
    monkeypatch.setenv("TVMQ_DIAG_CACHE", str(tmp_path / "cache"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Ask:
    """A command's exit code, and its JSON."""

    def run(*words: str) -> tuple[int, dict[str, Any]]:
        code = cli.main([*words, "--json"])
        return code, json.loads(capsys.readouterr().out)

    return run


def put_toolchain(name: str, *layers: str) -> Path:
    """One that looks complete."""
    return put_folder(toolchain_dir(name), *layers)


def put_folder(directory: Path, *layers: str) -> Path:
    site = directory / "lib" / "python3.10" / "site-packages"
    (site / "hhb_tvm-3.2.3.dist-info").mkdir(parents=True)
    (site / "big").write_bytes(b"x" * 100_000)
    (directory / "bin").mkdir()
    packages.python_in(directory).symlink_to(sys.executable)
    for layer in (None, *layers):
        packages.marker(directory, layer).write_text("")
    return directory


class TestDoctor:
    def findings(self, ask: Ask, *words: str) -> dict[str, dict[str, str]]:
        _, record = ask("doctor", *words)
        return {finding["what"]: finding for finding in record["findings"]}

    def test_with_nothing_installed_says_what_to_do(self, ask: Ask) -> None:
        code, record = ask("doctor")
        findings = {finding["what"]: finding for finding in record["findings"]}
        assert code == 0
        for name in RECIPES:
            assert "not installed" in findings[name]["found"]
            assert f"toolchains install {name}" in findings[name]["remedy"]
        assert "not tried" in findings["smoke compile"]["found"]
        assert {"uv", "index", "processor", "disk", "cache", "Chromium"} <= set(findings)
        assert "tests and screenshots" in findings["Chromium"]["found"]

    def test_of_toolchains_says_what_is_whole(self, ask: Ask) -> None:
        put_toolchain("relay", "torch")
        torn = put_toolchain("relax-0.25")
        packages.marker(torn).unlink()
        gone = put_toolchain("relax-0.26")
        packages.python_in(gone).unlink()
        put_folder(toolchain_dir("relay").with_name("relay-0123456789ab"))
        code, record = ask("doctor", "--no-smoke")
        findings = {finding["what"]: finding for finding in record["findings"]}
        assert code == 1
        assert findings["relay"]["state"] == "ok"
        assert "TVM, torch, 0.10 MB; onnx, pictures when" in findings["relay"]["found"]
        assert "wheel 3.2.3" in findings["relay"]["found"]
        assert findings["relax-0.25"]["state"] == findings["relax-0.26"]["state"] == "mend"
        assert "cut off" in findings["relax-0.25"]["found"]
        assert "uninstalled" in findings["relax-0.26"]["found"]
        assert "1 of another version" in findings["toolchains"]["found"]
        assert "smoke compile" not in findings

    def test_without_uv_says_how_to_get_it(self, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
        from importlib import metadata

        really = metadata.version

        def without_uv(name: str) -> str:
            if name == "uv":
                raise metadata.PackageNotFoundError(name)
            return really(name)

        monkeypatch.setattr(metadata, "version", without_uv)
        finding = self.findings(ask, "--no-smoke")["uv"]
        assert finding["state"] == "mend" and "tvmq_diag[run]" in finding["remedy"]

    def test_shows_the_file_of_defaults_and_keys_nobody_knows(self, ask: Ask, empty: Path) -> None:
        assert "none" in self.findings(ask, "--no-smoke")["defaults"]["found"]
        file = empty / "tvmq.toml"
        file.write_text("dtype = 'int4'\n[trace]\nmin-cosine = 0.9\n")
        finding = self.findings(ask, "--no-smoke")["defaults"]
        assert finding["state"] == "ok" and str(file) in finding["found"]
        file.write_text("dtpye = 'int4'\n[trace]\nmin-cosin = 0.9\n[tarce]\nfresh = true\n")
        finding = self.findings(ask, "--no-smoke")["defaults"]
        assert finding["found"].endswith("no command knows dtpye, trace.min-cosin, [tarce]")
        file.write_text("dtype = ")
        assert self.findings(ask, "--no-smoke")["defaults"]["state"] == "mend"

    def test_shows_no_password_of_an_index(self, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("UV_DEFAULT_INDEX", "https://me:secret@mirror.example/simple")
        finding = self.findings(ask, "--no-smoke")["index"]
        assert "mirror.example" in finding["found"] and "secret" not in finding["found"]

    def test_compiles_in_a_real_one(
        self, ask: Ask, relay: Toolchain, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TVMQ_DIAG_CACHE", str(relay.python.parents[3]))
        finding = self.findings(ask)["smoke compile"]
        assert finding["state"] == "ok", finding
        assert "tiny at int8/int8/int32 in relay" in finding["found"]


class TestToolchains:
    def test_are_listed(self, ask: Ask) -> None:
        put_toolchain("relay", "onnx")
        _, record = ask("toolchains", "list")
        (found,) = record["toolchains"]
        assert found["name"] == "relay" and found["layers"] == ["onnx"] and found["complete"]
        assert found["bytes"] >= 100_000 and found["tvm"] == "3.2.3"

    def test_are_installed_with_their_layers(
        self, ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fake = FakeUv.instead(tmp_path / "uv", monkeypatch)
        python_with_tvm(fake.directory, RELAX_TVM)
        (fake.directory / "site" / "tflite.py").write_text("")
        fake.on("true", "true", "echo ' + tflite==2.18.0'")
        code, record = ask("toolchains", "install", "relax+tflite")
        assert code == 0 and list(record["pythons"]) == ["relax"]
        assert fake.installs() == ["-r relax.in", "-r tflite.in"]

    def test_none_begins_where_a_name_is_wrong(self, ask: Ask) -> None:
        code, record = ask("toolchains", "install", "relay", "relux")
        assert code == 2 and "unknown toolchain 'relux'" in record["error"]
        assert not toolchain_dir("relay").exists()

    def test_are_removed_when_confirmed(self, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
        relay, relax = put_toolchain("relay"), put_toolchain("relax")
        code, record = ask("toolchains", "remove", "relay")
        assert code == 2 and "--yes" in record["error"] and relay.exists()
        monkeypatch.setattr("sys.stdin", Terminal("n\n"))
        assert ask("toolchains", "remove", "relay")[0] == 1 and relay.exists()
        monkeypatch.setattr("sys.stdin", Terminal("y\n"))
        assert ask("toolchains", "remove", "relay")[0] == 0
        assert not relay.exists() and relax.exists()
        assert not list(relay.parent.glob(f"{relay.name}*"))

    def test_old_ones_are_removed_alone(self, ask: Ask) -> None:
        relay = put_toolchain("relay")
        old = put_folder(relay.with_name("relay-0123456789ab"))
        assert ask("toolchains", "remove", "old", "--yes")[0] == 0
        assert relay.exists() and not old.exists()
        assert ask("toolchains", "remove", "old", "--yes")[1] == {"exit_code": 0, "removed": []}

    def test_one_in_use_stays(self, ask: Ask) -> None:
        relay = put_toolchain("relay")
        code = (
            "from tvmq_diag.toolchains.resolution import resolve\n"
            "resolve('relay', echo=print); print('here', flush=True); input()"
        )
        with subprocess.Popen(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as user:
            assert user.stdout is not None and user.stdout.readline() == "here\n"
            done, record = ask("toolchains", "remove", "relay", "--yes")
            assert done == 2 and "in use" in record["error"] and relay.exists()
            user.kill()
        assert ask("toolchains", "remove", "relay", "--yes")[0] == 0 and not relay.exists()

    def test_a_link_to_elsewhere_is_not_followed(self, ask: Ask, tmp_path: Path) -> None:
        elsewhere = put_folder(tmp_path / "elsewhere")
        toolchain_dir("relay").parent.mkdir(parents=True)
        toolchain_dir("relay").symlink_to(elsewhere)
        code, record = ask("toolchains", "remove", "relay", "--yes")
        assert code == 2 and "link" in record["error"] and packages.marker(elsewhere).exists()

    def test_a_name_that_is_a_path_means_nothing(self, ask: Ask, tmp_path: Path) -> None:
        put_toolchain("relay")
        for name in ("..", "/", str(tmp_path), "relay-0.9"):
            assert ask("toolchains", "remove", name, "--yes")[0] == 2
        assert toolchain_dir("relay").exists()


class Terminal:
    """Somebody who answers."""

    def __init__(self, answer: str) -> None:
        self.answer = answer

    def isatty(self) -> bool:
        return True

    def readline(self) -> str:
        return self.answer


class TestCache:
    @pytest.fixture
    def cache(self, tmp_path: Path) -> Path:
        for name in ("models", "tuning", "toolchains", "somebody's"):
            (tmp_path / "cache" / name).mkdir(parents=True)
            (tmp_path / "cache" / name / "file").write_bytes(b"x" * 10_000)
        return tmp_path / "cache"

    def test_is_listed(self, ask: Ask, cache: Path) -> None:
        _, record = ask("cache", "list")
        assert set(record["bytes"]) == {"models", "tuning"}

    @pytest.mark.parametrize(
        ("words", "left"),
        [
            ([], {"tuning"}),
            (["tuning"], {"models"}),
            (["all"], set()),
            (["zoo"], {"models", "tuning"}),
        ],
    )
    def test_is_cleared_of_what_is_asked(
        self, ask: Ask, cache: Path, words: list[str], left: set[str]
    ) -> None:
        assert ask("cache", "clear", *words, "--yes")[0] == 0
        assert {path.name for path in cache.iterdir()} == left | {"toolchains", "somebody's"}

    def test_of_nothing_else(self, ask: Ask, cache: Path) -> None:
        for name in ("toolchains", "../work", "somebody's"):
            assert ask("cache", "clear", name, "--yes")[0] == 2
        assert ask("cache", "clear")[0] == 2  # nobody to ask
        assert (cache / "models" / "file").exists()

    def test_a_link_to_elsewhere_is_not_followed(
        self, ask: Ask, cache: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "records").mkdir()
        (cache / "zoo").symlink_to(tmp_path / "records")
        assert ask("cache", "clear", "zoo", "--yes")[0] == 2
        assert (tmp_path / "records").is_dir()


class TestRuns:
    @pytest.fixture
    def run(self, empty: Path) -> Path:
        (empty / "runs" / "notes").mkdir(parents=True)
        return Path(shutil.copytree(TINY, empty / "runs" / "mine"))

    def test_are_listed(self, ask: Ask, run: Path) -> None:
        _, record = ask("runs", "list")
        (listed,) = record["runs"]
        assert listed["run"] == "runs/mine" and "int4 rejected" in listed["outcome"]
        assert listed["bytes"] == inventory.size(run)
        assert ask("runs", "list", "--in", "nowhere")[1]["runs"] == []

    def test_are_removed(self, ask: Ask, run: Path) -> None:
        assert ask("runs", "remove", "mine")[0] == 2 and run.exists()  # nobody to ask
        code, record = ask("runs", "remove", "mine", "--yes")
        assert code == 0 and record["removed"] == ["runs/mine"] and not run.exists()
        assert "mine" not in (run.parent / "index.html").read_text()

    def test_by_their_age(self, ask: Ask, run: Path) -> None:
        assert ask("runs", "remove", "--older-than", "36500", "--yes")[1]["removed"] == []
        assert ask("runs", "remove", "--older-than", "0.001", "--yes")[1]["removed"] == [
            "runs/mine"
        ]

    def test_what_is_no_run_there_stays(self, ask: Ask, run: Path) -> None:
        for name in ("notes", "..", ".", "../runs/mine", "mine/traces", str(run)):
            assert ask("runs", "remove", name, "--yes")[0] == 2, name
        assert ask("runs", "remove", "--yes")[0] == 2
        assert run.is_dir() and (run.parent / "notes").is_dir()

    def test_a_link_to_elsewhere_is_not_followed(self, ask: Ask, run: Path, tmp_path: Path) -> None:
        elsewhere = run.rename(tmp_path / "elsewhere")
        run.symlink_to(elsewhere)
        assert ask("runs", "remove", "mine", "--yes")[0] == 2
        assert elsewhere.is_dir()

    @pytest.mark.parametrize("where", [".", "traces"])
    def test_one_that_goes_on_stays(self, ask: Ask, run: Path, where: str) -> None:
        with folders.held(run / where):
            code, record = ask("runs", "remove", "mine", "--yes")
        assert code == 2 and "goes on" in record["error"] and run.exists()
        assert ask("runs", "remove", "mine", "--yes")[0] == 0
