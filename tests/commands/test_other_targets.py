"""Compiled for other machines, and held against the instructions that they have: the real TVM."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tvmq_diag.measurements.kernel_code import DOT, INTEGER, MULTIPLIES, SCALAR_MULTIPLY, WIDENING
from tvmq_diag.results import store
from tvmq_diag.results.run import Result, Role
from tvmq_diag.results.verdict import COMPILES, REJECTED, WORKS, Hazard
from tvmq_diag.toolchains.toolchain import Toolchain

Command = Callable[..., int]

INT8 = "int8/int8/int32"
UNUSED = "int8 instruction unused"
VNNI = "avx512_vnni" in Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")


def results(folder: Path) -> dict[str, Result]:
    found = store.load(folder).with_role(Role.REQUESTED)
    return {result.verdict.configuration: result for result in found}


def hazard(result: Result, name: str) -> Hazard | None:
    return next((each for each in result.verdict.hazards if each.name == name), None)


def used(result: Result, *classes: str) -> set[str]:
    """By which instructions the int8 kernels multiply."""
    assert result.code is not None and result.code.of_int8
    return {name for kernel in result.code.of_int8 for name in kernel.how.of(*classes)}


def test_the_host_uses_its_instruction_and_an_arm_core_does_not(
    trace_quantize: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--model", "tiny", "--dtype", INT8, "--target", "host;pi5,visionfive2"]
    words += ["--no-reference", "--out", str(tmp_path / "run")]
    assert trace_quantize(*words) == 1  # for what this TVM's code generator for RISC-V lacks
    found = results(tmp_path / "run")
    here, pi5, vision = found[INT8], found[f"{INT8}@pi5"], found[f"{INT8}@visionfive2"]
    assert here.verdict.outcome == WORKS and here.verdict.target is None
    if VNNI:
        assert used(here, DOT) == {"vpdpbusd"} and hazard(here, UNUSED) is None
    assert pi5.verdict.outcome == COMPILES and not pi5.ran and pi5.verdict.metrics is None
    assert pi5.verdict.latency_ms is None and "no device" in (pi5.verdict.message or "")
    assert used(pi5, *MULTIPLIES) == {"madd"} == used(pi5, SCALAR_MULTIPLY)
    idle = hazard(pi5, UNUSED)
    assert idle is not None and "Arm DotProd (sdot)" in idle.hazard
    assert "in its hot loop 9 madd; no vectors" in " ".join(idle.evidence)
    assert vision.verdict.outcome == REJECTED and vision.verdict.stage == "codegen"
    assert "code generator for RISC-V" in (vision.verdict.reason or "")
    said = capsys.readouterr().out
    assert "⚙ compiles Arm DotProd (sdot) in none of 2" in said
    assert "scalar multiply: 18 madd" in said
    page = (tmp_path / "run" / "index.html").read_text(encoding="utf-8")
    assert "Which precision compiles where" in page and "Raspberry Pi 5" in page


def test_nothing_is_downloaded_in_a_compile_for_another_machine(
    trace_quantize: Command, tmp_path: Path
) -> None:
    words = ["--model", "tiny", "--dtype", INT8, "--target", "host;pi4"]
    assert trace_quantize(*words, "--no-reference", "--out", str(tmp_path / "run")) == 0
    found = results(tmp_path / "run")
    there, here = found[f"{INT8}@pi4"].trace, found[INT8].trace
    assert there is not None and there.facts.tophub == "NONE" and there.facts.built
    assert here is not None and here.facts.tophub == "NONE" and not here.facts.built


def test_a_target_that_tvm_does_not_know_is_bad_usage(
    trace_quantize: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--model", "tiny", "--dtype", INT8, "--no-reference", "--out", str(tmp_path / "run")]
    assert trace_quantize(*words, "--target", "nonsense/board") == 2
    assert "TVM takes no target 'nonsense/board'" in capsys.readouterr().err
    assert trace_quantize(*words, "--target", "pi6") == 2


def test_relax_multiplies_by_whatever_llvm_finds(
    trace_quantize: Command, tmp_path: Path, relax: Toolchain
) -> None:
    dtype = f"{INT8}:pipeline=default"
    words = ["--tvm", "relax", "--model", "tiny", "--dtype", dtype, "--no-reference"]
    words += ["--target", "host,pi5,k230,visionfive2", "--out", str(tmp_path / "run")]
    assert trace_quantize(*words) == 0
    found = results(tmp_path / "run")
    if VNNI:  # the schedule multiplies vectors of int32, and the instruction is idle
        assert used(found[dtype], *MULTIPLIES) == {"vpmulld"} == used(found[dtype], INTEGER)
        assert hazard(found[dtype], UNUSED) is not None
    pi5 = found[f"{dtype}@pi5"]
    assert used(pi5, WIDENING) == {"smull", "smull2"} and hazard(pi5, UNUSED) is not None
    k230 = found[f"{dtype}@k230"]
    assert used(k230, WIDENING) == {"vwmacc.vv"} and hazard(k230, UNUSED) is None
    without = hazard(found[f"{dtype}@visionfive2"], "no int8 instruction")
    assert without is not None and "v" in " ".join(without.evidence)


def test_the_machine_code_is_kept_by_kernel(trace_quantize: Command, tmp_path: Path) -> None:
    words = ["--model", "tiny", "--dtype", INT8, "--target", "pi5", "--no-reference"]
    assert trace_quantize(*words, "--out", str(tmp_path / "run")) == 0
    (result,) = results(tmp_path / "run").values()
    assert result.trace is not None and result.trace.kernel_code is not None
    written = json.loads((result.trace.path / result.trace.kernel_code).read_text())
    assert written["architecture"] == "aarch64"
    assert not written["missing"] and not written["unattributed"]
    assert len(written["order"]) == sum(kernel["calls"] for kernel in written["kernels"])
    conv = next(kernel for kernel in written["kernels"] if "conv2d_add" in kernel["name"])
    assert conv["hot"]["depth"] == 4 and any("_parallel_lambda" in f for f in conv["functions"])
