"""Layers on a toolchain, with a uv that is a small script: what is asked of it, and said before."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import pytest
from support.fake_tvm import silent
from support.fake_uv import FakeUv

from tvmq_diag.commands import trace
from tvmq_diag.commands.plans import plan_of
from tvmq_diag.errors import SetupError, UsageError
from tvmq_diag.results.facts import RunFacts
from tvmq_diag.toolchains import packages, usage
from tvmq_diag.toolchains.installation import toolchain_dir
from tvmq_diag.toolchains.recipes import EVERY, ONNX, PICTURES, TFLITE, TORCH, parse_layered
from tvmq_diag.toolchains.resolution import equip, of_run, resolve

PILLOW = "echo Would download 1 package; echo Would install 1 package; echo ' + pillow==12.3.0'"
PYTORCH = (
    "echo Would download 2 packages; echo Would install 2 packages; echo ' + torch==2.14.1';"
    " echo ' + pillow==12.3.0'"
)


def quiet(line: str) -> None:
    pass


@pytest.fixture
def uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeUv:
    monkeypatch.setenv("TVMQ_DIAG_CACHE", str(tmp_path / "cache"))
    fake = FakeUv.instead(tmp_path / "uv", monkeypatch)
    for name in ("torch", "torchvision", "PIL", "onnx"):
        (fake.directory / "site" / f"{name}.py").write_text("")
    resolve(echo=quiet)  # the base
    fake.calls.unlink()
    return fake


def add(*layers: str) -> list[str]:
    said: list[str] = []
    equip(resolve(echo=silent), frozenset(layers), said.append)
    return said


def metadata(name: str) -> Path:
    """What uv takes a package to be there by, before all of it is."""
    folder = toolchain_dir("relay") / "lib" / "python3.10" / "site-packages" / f"{name}.dist-info"
    folder.mkdir(parents=True)
    return folder


def complete(layer: str) -> bool:
    return packages.marker(toolchain_dir("relay"), layer).is_file()


def test_a_layer_is_installed_once_and_said_before(uv: FakeUv) -> None:
    uv.on("true", "true", PILLOW)
    said = add(PICTURES)
    assert "adding Pillow to the relay toolchain, once: about 0.01 GB to download" in said[0]
    assert uv.installs() == ["-r pictures.in"]
    assert complete(PICTURES) and not complete(TORCH)
    assert add(PICTURES) == []
    assert len(uv.installs()) == 1


def test_the_pins_hold_for_a_layer(uv: FakeUv) -> None:
    uv.on("true", "true", PILLOW)
    add(PICTURES)
    assert all("/relay.txt -r " in call for call in uv.said())


def test_what_is_there_already_is_marked_and_nothing_said(uv: FakeUv) -> None:
    """A toolchain of a time when all came together."""
    uv.on("true", "exit 1", "echo Would make no changes")
    assert add(PICTURES, TORCH) == []
    assert complete(PICTURES) and complete(TORCH) and uv.installs() == []


def test_of_what_uv_has_in_its_cache_no_download_is_announced(uv: FakeUv) -> None:
    uv.on("true", "true", PILLOW.replace("echo Would download 1 package;", ""))
    assert "nothing is downloaded" in add(PICTURES)[0]


def test_a_layer_that_the_toolchain_does_not_have_is_in_its_base(uv: FakeUv) -> None:
    assert add(TFLITE) == [] and uv.said() == []


@pytest.mark.parametrize(
    ("model", "installs"),
    [
        ("digits", []),
        ("onnx:net.onnx", ["-r onnx-relay.in"]),
        ("torchvision:resnet18", ["-r torch.in --torch-backend cpu"]),
    ],
)
def test_a_plan_adds_what_its_model_needs_and_so_does_going_back_to_its_run(
    uv: FakeUv,
    model: str,
    installs: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before any process of TVM's starts."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.onnx").touch()
    uv.on("true", "true", PYTORCH)
    parser = argparse.ArgumentParser()
    trace.add_arguments(parser)
    plan_of(parser.parse_args(["--dtype", "int4", "--model", model]), quiet)
    assert uv.installs() == installs
    for layer in (ONNX, TORCH):
        packages.marker(toolchain_dir("relay"), layer).unlink(missing_ok=True)
    of_run(RunFacts(toolchain="relay", dialect="relay", model=model), quiet)
    assert uv.installs() == installs * 2


def test_data_in_pictures_needs_what_reads_them(uv: FakeUv, tmp_path: Path) -> None:
    uv.on("true", "true", PILLOW)
    parser = argparse.ArgumentParser()
    trace.add_arguments(parser)
    words = ["--dtype", "int4", "--model", "digits", "--check-on", str(tmp_path)]
    plan_of(parser.parse_args(words), quiet)
    assert uv.installs() == ["-r pictures.in"]


class TestPyTorch:
    def test_is_the_build_for_processors_where_there_is_one(self, uv: FakeUv) -> None:
        uv.on("true", "true", PYTORCH)
        assert "the build for processors alone" in add(TORCH)[0]
        assert uv.installs() == ["-r torch.in --torch-backend cpu"]

    def test_is_the_ordinary_one_where_there_is_not(self, uv: FakeUv) -> None:
        refuses = f'case "$*" in *--torch-backend*) echo error: no index; exit 2 ;; esac; {PYTORCH}'
        uv.on("true", "true", refuses)
        assert "about 3 GB to download, 5.4 GB on disk" in add(TORCH)[0]
        assert uv.installs() == ["-r torch.in"]

    def test_is_not_asked_for_where_the_ordinary_one_is_in_the_cache(self, uv: FakeUv) -> None:
        uv.on("true", "true", PYTORCH.replace("echo Would download 2 packages;", ""))
        add(TORCH)
        assert uv.installs() == ["-r torch.in"]
        assert not any("--torch-backend" in call for call in uv.said())

    def test_needs_space(self, uv: FakeUv, monkeypatch: pytest.MonkeyPatch) -> None:
        usage = shutil.disk_usage("/")._replace(free=2_000_000_000)
        monkeypatch.setattr("shutil.disk_usage", lambda path: usage)
        uv.on("true", "true", PYTORCH)
        with pytest.raises(SetupError, match=r"PyTorch.* needs 7\.6 GB .* has 2\.0 GB: free some"):
            add(TORCH)
        assert uv.installs() == []


class TestWhatWasCutOff:
    def test_is_installed_anew(self, uv: FakeUv) -> None:
        uv.on("true", "exit 9", PYTORCH)
        with pytest.raises(SetupError, match="installing PyTorch, torchvision for the relay"):
            add(TORCH)
        assert not complete(TORCH)
        half, whole = metadata("torch-2.14.1"), metadata("nvidia_nccl_cu13-2.30.7")
        uv.on("true", "true", PYTORCH)
        add(TORCH)
        assert not half.exists() and whole.exists()
        assert uv.installs()[-1] == "-r torch.in --torch-backend cpu"
        assert complete(TORCH)
        half = metadata("torch-2.14.1")
        uv.on("true", "true", "echo Would install 1 package; echo ' + onnx==1.16.2'")
        add(ONNX)
        assert uv.installs()[-1] == "-r onnx-relay.in"
        assert half.exists()

    def test_is_installed_anew_by_another_layer_that_has_it(self, uv: FakeUv) -> None:
        uv.on("true", "exit 9", PYTORCH)
        with pytest.raises(SetupError):
            add(TORCH)
        uv.on("true", "true", PILLOW)
        half = metadata("Pillow-12.3.0")
        add(PICTURES)
        assert not half.exists()
        whole, half = metadata("pillow-12.3.0"), metadata("torch-2.14.1")
        uv.on("true", "true", PYTORCH.replace("echo ' + pillow==12.3.0'", "true"))
        add(TORCH)
        assert whole.exists() and not half.exists()

    def test_leaves_the_base_usable(self, uv: FakeUv) -> None:
        uv.on("true", "exit 9", PYTORCH)
        with pytest.raises(SetupError):
            add(TORCH)
        assert resolve(echo=silent).python.is_file()


def test_what_cannot_be_imported_is_not_complete(uv: FakeUv) -> None:
    uv.on("true", "true", PILLOW)
    (uv.directory / "site" / "PIL.py").write_text("raise ImportError('libjpeg is missing')")
    with pytest.raises(SetupError, match=r"does not import Pillow \(ImportError: libjpeg"):
        add(PICTURES)
    assert not complete(PICTURES)


def test_a_toolchain_in_use_is_nobodys_to_remove(uv: FakeUv) -> None:
    directory = toolchain_dir("relay")
    with pytest.raises(UsageError, match="in use"), usage.alone(directory):
        pass
    with usage.alone(toolchain_dir("relax")):
        pass


def test_layers_are_named_behind_a_toolchain() -> None:
    assert parse_layered("relay") == ("relay", frozenset())
    assert parse_layered("relax+onnx+torch") == ("relax", frozenset({ONNX, TORCH}))
    assert parse_layered("relax+all") == ("relax", EVERY)
    with pytest.raises(UsageError, match="no layer 'onx': choose from torch, onnx, pictures, all"):
        parse_layered("relay+onx")
