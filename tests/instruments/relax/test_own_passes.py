"""Passes that somebody's own script runs on Relax: which one failed, and at which op."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from support.paths import ROOT, SCRIPTS

from tvmq_diag.analysis import recording
from tvmq_diag.toolchains.toolchain import Toolchain
from tvmq_diag.trace import reader


@pytest.fixture(scope="module")
def folder(relax: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("own")
    subprocess.run(
        [str(relax.python), str(SCRIPTS / "relax_passes_script.py"), str(where)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        timeout=300,
    )
    return where


@pytest.mark.parametrize(
    ("name", "headline"),
    [
        # The pass with its own options.
        ("convert", "ConvertLayout failed at nn.conv2d (op #1): "),
        # A pass that nobody but the script can make.
        ("mine", "Mine failed at nn.conv2d (op #1): no convolutions here"),
    ],
)
def test_the_pass_is_named_and_the_op_that_it_failed_at(
    folder: Path, name: str, headline: str
) -> None:
    assert recording.judged(reader.load(folder / name)).headline.startswith(headline)
