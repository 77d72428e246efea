"""The cache of float models: found by content, and by nothing else."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from support.builders import tvm_identity

from tvmq_diag.driver import float_cache
from tvmq_diag.driver.float_cache import Kept
from tvmq_diag.instruments.protocol.jobs import CHECK_ON, DataSource, ModelSource
from tvmq_diag.toolchains.identity import Identity
from tvmq_diag.toolchains.toolchain import Toolchain

TVM = tvm_identity(newest_file_ns=9, newest_outside_quantizer_ns=5)
CHAIN = Toolchain("x", Path("/python"))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TVMQ_DIAG_CACHE", str(tmp_path / "cache"))


def kept(
    model: ModelSource, tvm: Identity = TVM, mcpu: str | None = None, check: str = CHECK_ON
) -> Kept:
    entry = float_cache.kept(model, DataSource(check), CHAIN, tvm, mcpu, 3)
    assert entry is not None
    return entry


def test_what_a_float_model_depends_on_names_it(tmp_path: Path) -> None:
    file = tmp_path / "net.onnx"
    file.write_bytes(b"one")
    model = ModelSource(f"onnx:{file}")
    first = kept(model)
    assert kept(model) == first
    assert kept(model, replace(TVM, newest_file_ns=10)) == first  # somebody edited the quantizer
    file.write_bytes(b"two")
    others = [
        kept(model),
        kept(replace(model, seed=1)),
        kept(model, replace(TVM, newest_outside_quantizer_ns=6)),
        kept(model, mcpu="none"),
        kept(model, check="random:2"),
    ]
    assert len({first.folder, *(other.folder for other in others)}) == 6


def test_a_function_of_somebodys_or_a_folder_is_never_kept(tmp_path: Path) -> None:
    check = DataSource(CHECK_ON)
    assert float_cache.kept(ModelSource("py:mine.py:net"), check, CHAIN, TVM, None, 3) is None
    folder = DataSource(str(tmp_path))
    assert float_cache.kept(ModelSource("tiny"), folder, CHAIN, TVM, None, 3) is None


def test_what_is_kept_comes_back_and_the_oldest_goes(tmp_path: Path) -> None:
    trace, artifact = tmp_path / "trace", tmp_path / "artifact"
    for folder in (trace, artifact):
        folder.mkdir()
        (folder / "file").write_text(folder.name)
    entries = [kept(ModelSource("tiny", seed=seed)) for seed in range(float_cache.KEPT + 2)]
    assert not entries[0].restore(tmp_path / "none")
    for age, entry in enumerate(entries):
        entry.keep(trace, artifact)
        os.utime(entry.folder, (1e9 + age, 1e9 + age))
    entries[-1].keep(trace, artifact)
    assert [entry.folder.exists() for entry in entries] == [False] * 2 + [True] * float_cache.KEPT
    assert entries[-1].restore(tmp_path / "back")
    assert (tmp_path / "back" / "file").read_text() == "trace"
    assert (entries[-1].artifact / "file").read_text() == "artifact"
