"""Cells of the support matrix on the real TVM with Relax: one of them kills its process."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.builders import tvm_identity

from tvmq_diag.driver import support_matrix as matrix_driver
from tvmq_diag.driver.support_matrix import Setup
from tvmq_diag.instruments.relax import cases
from tvmq_diag.results import support_matrix
from tvmq_diag.results.support_matrix import Cell, CellStep, Matrix
from tvmq_diag.toolchains import identity, resolution
from tvmq_diag.toolchains.limits import Limits
from tvmq_diag.toolchains.toolchain import Toolchain


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Cell]:
    """Four cells, run one after the other as the command does."""
    chain = resolution.resolve("relax", echo=print)
    assert chain.dialect == "relax"
    asked = Matrix(["max_pool2d", "add"], ["int4", "int8", "bool", "int1"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TVMQ_DIAG_CACHE", str(tmp_path_factory.mktemp("cache")))
        matrix_driver.run(asked, Setup(chain, identity.identify(chain), Limits(120, 2**40)))
    return {(cell.op, cell.dtype): cell for cell in asked.cells}


def step(cell: Cell, name: str) -> CellStep:
    return next(step for step in cell.steps if step.name == name)


def test_a_cell_that_kills_its_process_and_the_matrix_goes_on(
    cells: dict[tuple[str, str], Cell],
) -> None:
    """FoldConstant writes a byte for each 4-bit value, past the end of what holds them."""
    for op in ("max_pool2d", "add"):
        cell = cells[op, "int4"]
        dead = step(cell, "fold")
        assert dead.ok is False and dead.message.startswith("the process died (SIG")
        assert step(cell, "type inference").ok and step(cell, "codegen").ok
        room = step(cell, "allocation")
        assert room.message == "Check failed: dtype.bits % 8 == 0 (4 vs. 0)"
        assert room.where.endswith("src/runtime/memory/memory_manager.cc:54")
        assert step(cell, "run") == CellStep("run", None, "not tried: it needs allocation")
        refused = step(cell, "realize")
        assert "Unsupported output datatype attribute for operation: 'int4" in refused.message
        assert refused.where.startswith("QuantizeRealize, tvm::relax::InferTypeQuantize, ")
    assert len(cells) == 8


def test_int8_works(cells: dict[tuple[str, str], Cell]) -> None:
    for op in ("max_pool2d", "add"):
        assert cells[op, "int8"].blockers == []
        assert [s.ok for s in cells[op, "int8"].steps] == [True] * len(support_matrix.STEPS)


def test_one_bit_fails_elsewhere(cells: dict[tuple[str, str], Cell]) -> None:
    pooled = step(cells["max_pool2d", "int1"], "lower")
    assert "-1 exceeds range of int1" in pooled.message and "LegalizeOps" in pooled.where
    assert "Cannot decide min_value" in step(cells["max_pool2d", "bool"], "lower").message
    added = step(cells["add", "bool"], "codegen")
    assert added.ok is False and "CreateAdd" in added.where
    assert step(cells["add", "bool"], "lower").ok


def test_the_names_are_those_of_relax() -> None:
    assert all(cases.case(op, "int8") for op in support_matrix.OPS["relax"])
    assert "matmul" in support_matrix.OPS["relax"] and "dense" in support_matrix.OPS["relay"]
    weight = cases.case("matmul", "int8").inputs["second"]
    assert weight.shape == (16, 8)


def test_the_cells_of_the_two_dialects_are_kept_apart(tmp_path: Path) -> None:
    files = {
        matrix_driver._cache_file(
            "add",
            "int4",
            Setup(Toolchain("x", tmp_path, dialect), tvm_identity(), Limits(1, 1)),
        )
        for dialect in ("relay", "relax")
    }
    assert len(files) == 2
