"""The instructions of kernels on a page: what is shown, and what nobody's assembly can do to it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from support.pages import EVIL, Outline
from support.runs import copied

from tvmq_diag.measurements.kernel_code import DOT, WIDENING
from tvmq_diag.reports.pages import run as page
from tvmq_diag.reports.views import kernel_code
from tvmq_diag.results import store
from tvmq_diag.results.run import Result, Role

SLUG = "int8_int8_int32"


def kernel(name: str, used: dict[str, Any], lines: list[list[str]]) -> dict[str, Any]:
    hot = {"function": name, "depth": 2, "instructions": used, "bits": 128, "lines": lines}
    shapes = "int8[1, 16], int8[16, 16], int32[1, 16]"
    return {"name": name, "shapes": shapes, "calls": 2, "functions": [name],
            "instructions": used, "bits": 128, "hot": {**hot, "left_out": 3}}  # fmt: skip


def recorded(folder: Path, *kernels: dict[str, Any], **more: Any) -> Path:
    """A run whose trace says what its kernels consist of."""
    trace = copied(folder) / "traces" / SLUG
    code = {"architecture": "aarch64", "kernels": list(kernels), **more}
    (trace / "kernels.json").write_text(json.dumps(code), encoding="utf-8")
    with (trace / "journal.jsonl").open("a", encoding="utf-8") as journal:
        journal.write(json.dumps({"kind": "kernel_code", "t": 1e6, "file": "kernels.json"}) + "\n")
    return folder


def told(folder: Path) -> Result:
    (result,) = [r for r in store.load(folder).with_role(Role.REQUESTED) if SLUG in str(r.trace)]
    return result


def test_the_hot_loop_can_be_read_with_its_instructions_marked(tmp_path: Path) -> None:
    lines = [[".LBB0_1:", ""], ["sdot v0.4s, v1.16b, v2.16b", DOT], ["ret", "scalar"]]
    dots = kernel("fused_nn_conv2d", {DOT: {"sdot": 1}}, lines)
    wide = kernel("fused_nn_conv2d_1", {WIDENING: {"smull": 7}}, [])
    folder = recorded(tmp_path / "run", dots, wide, missing=["gone"], unattributed=["loose"])
    code = told(folder).code
    assert code is not None and [k.short for k in code.of_int8] == ["nn_conv2d", "nn_conv2d_1"]
    said = " ".join(kernel_code.said(code))
    assert "1 of the 2 different kernels that multiply int8 values have dot product" in said
    assert "(sdot)" in said and "was not found: gone" in said and "loose" in said
    text = page.write(store.load(folder)).read_text(encoding="utf-8")
    assert '<mark class="dot">sdot v0.4s, v1.16b, v2.16b<i>  dot product</i></mark>' in text
    assert "and 3 more lines" in text and "7 smull" in text and "Nothing was timed" in text


def test_assembly_of_somebody_elses_is_text(tmp_path: Path) -> None:
    evil = kernel(f"conv2d{EVIL}", {EVIL: {EVIL: 1}, DOT: {EVIL: 2}}, [[EVIL, DOT], [EVIL, EVIL]])
    folder = recorded(tmp_path / "run", evil, missing=[EVIL], unattributed=[EVIL], order=[EVIL])
    text = page.write(store.load(folder)).read_text(encoding="utf-8")
    assert EVIL not in text and "By which instructions" in text
    outline = Outline(text)
    assert not outline.open and not outline.count("img")


def test_what_is_damaged_is_said_and_costs_nothing_else(tmp_path: Path) -> None:
    folder = recorded(tmp_path / "run", {"name": 3, "calls": "many"})
    result = told(folder)
    assert result.code is None and result.trace is not None
    assert any("kernels.json cannot be read" in problem for problem in result.trace.problems)
    assert "cannot be read" in page.write(store.load(folder)).read_text(encoding="utf-8")
