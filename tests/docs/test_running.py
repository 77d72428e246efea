"""The commands and the Python of the documentation, run on the real TVM: page by page, as a reader
would, each page in a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.pages_of_docs import DOCS, Block, blocks, differs, pages
from support.paths import ROOT, InTvm

from tvmq_diag.toolchains.toolchain import Toolchain

TINY_MODEL = """\
from tvm import relay
from instruments.relay.compile import models
from instruments.protocol.jobs import ModelSource
model = models.load(ModelSource("tiny")); mod, params = model.module, model.params
"""
"""What `in tvm: mod, params = tiny` stands for."""

BY_DOCTEST = "front-door.md"
"""tests/test_front_door.py runs it."""


def runnable(page: Path, slow: bool) -> list[Block]:
    """The blocks to run: of the slow ones also those that are quick, which they build on."""
    own = [block for block in blocks(page) if "not run" not in block.notes]
    own = [block for block in own if not block.text.startswith(">>>")]
    if slow:
        return own if any("slow" in block.notes for block in own) else []
    return [block for block in own if "slow" not in block.notes]


def having(slow: bool) -> list[str]:
    names = [page for page in pages() if runnable(page, slow)]
    return [page.relative_to(DOCS).as_posix() for page in names if page.name != BY_DOCTEST]


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A `tvmq-diag` on the PATH that is this checkout's."""
    programs = tmp_path / "bin"
    programs.mkdir()
    command = programs / "tvmq-diag"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tvmq_diag "$@"\n')
    command.chmod(0o755)
    yield {
        **os.environ,
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "COLUMNS": "80",  # of what the pages show
    }


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """Where the reader of a page works."""
    folder = tmp_path / "desk"
    folder.mkdir()
    return folder


def follow(steps: list[Block], desk: Path, environment: dict[str, str], in_tvm: InTvm) -> None:
    """Run the blocks in turn; each has to end as its page says."""
    printed = ""
    for block in steps:
        if "printed" in block.notes:
            assert differs(block.text, printed) is None, printed
            continue
        if "in tvm" in block.notes:
            code = f"import os; os.chdir({str(desk)!r})\n{TINY_MODEL}{block.text}"
            done = in_tvm(code)
        else:
            with_python = [sys.executable, "-c", block.text]
            with_bash = ["bash", "-euo", "pipefail", "-c", block.text]
            done = subprocess.run(
                with_python if block.language == "python" else with_bash,
                cwd=desk,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
        printed = done.stdout
        told = f"{block.page}:{block.line}\n{block.text}\n{printed}{done.stderr[-2000:]}"
        assert done.returncode == block.exit_code, told


@pytest.mark.parametrize("name", having(slow=False))
def test_a_page_does_what_it_says(
    name: str, desk: Path, environment: dict[str, str], in_tvm: InTvm, relay: Toolchain
) -> None:
    follow(runnable(DOCS / name, slow=False), desk, environment, in_tvm)


@pytest.mark.slow
@pytest.mark.parametrize("name", having(slow=True))
def test_a_page_does_what_it_says_at_length(
    name: str, desk: Path, environment: dict[str, str], in_tvm: InTvm, relay: Toolchain
) -> None:
    follow(runnable(DOCS / name, slow=True), desk, environment, in_tvm)
