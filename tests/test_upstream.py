"""docs/upstream: each reproducer shows its fault in the TVMs that are named, and in no other."""

from __future__ import annotations

import re
import signal
import subprocess
from pathlib import Path

import pytest
from support.paths import ROOT

from tvmq_diag.toolchains import resolution

REPORTS = ROOT / "docs" / "upstream"
FAULTS = {path.stem for path in REPORTS.glob("*.py")}
ALONE = {"save_json_newer_ffi"}
"""Needs an environment that no toolchain is."""

TODAY = ("relax-0.25", "relax-0.26", "relax")
BOTH_RELAYS = ("relay-0.9", "relay")
KILLED = {-signal.SIGABRT, -signal.SIGSEGV, -signal.SIGBUS}
VNNI = "avx512_vnni" in Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")

Done = subprocess.CompletedProcess[str]


def run(fault: str, tvm: str) -> Done:
    python = resolution.resolve(tvm, echo=print).python
    return subprocess.run(
        [str(python), str(REPORTS / f"{fault}.py")],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def printed(fault: str, tvm: str) -> str:
    """What it prints behind TVM's version. It ended well."""
    done = run(fault, tvm)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.partition(" ")[2] if fault != "dequantize_float8" else done.stdout


def numbers(text: str) -> list[float]:
    return [float(word) for word in re.findall(r"\d+\.?\d*", text)]


@pytest.mark.parametrize("tvm", TODAY)
def test_folding_int4_breaks_the_heap(tvm: str) -> None:
    done = run("fold_constant_packed", tvm)
    assert done.returncode in KILLED, (done.returncode, done.stderr[-2000:])
    assert done.stdout.count("\n") == 1  # dead before it has folded 100 times


@pytest.mark.parametrize(
    ("tvm", "right"), [("relax-0.25", True), ("relax-0.26", False), ("relax", False)]
)
def test_float8_is_dequantized_by_way_of_integers(tvm: str, right: bool) -> None:
    _, cast, dequantized = printed("dequantize_float8", tvm).splitlines()
    assert numbers(cast) == [0.40625, 1.25, 3.5, 20]
    assert numbers(dequantized) == (numbers(cast) if right else [0, 1, 3, 20])


@pytest.mark.parametrize("tvm", TODAY)
def test_the_error_of_dequantize_names_the_result(tvm: str) -> None:
    text = printed("dequantize_error_dtype", tvm)
    assert text == "Unsupported input datatype for operation: float32\n"


@pytest.mark.parametrize("tvm", TODAY)
def test_pass_timing_does_not_recover_from_an_error(tvm: str) -> None:
    before, *after = printed("pass_timing_after_error", tvm).splitlines()
    assert before == "Works:"
    assert len(after) == 2 and all("while still in a pass!" in line for line in after)


@pytest.mark.skipif(not VNNI, reason="its schedules are for AVX-512 VNNI")
@pytest.mark.parametrize(("tvm", "right"), [("relay-0.9", True), ("relay", False)])
def test_schedules_of_seven_columns(tvm: str, right: bool) -> None:
    _, *lines = printed("conv2d_int8_tile_ow", tvm).splitlines()
    sevens = [line.startswith("right") for line in lines if "('tile_ow', [-1, 7])" in line]
    others = [line.startswith("right") for line in lines if "('tile_ow', [-1, 7])" not in line]
    assert len(sevens) == len(others) == 12
    assert all(others) and set(sevens) == {right}


@pytest.mark.parametrize("tvm", BOTH_RELAYS)
def test_bitserial_reads_past_its_data(tvm: str) -> None:
    text = printed("bitserial_stride", tvm).partition("\n")[2]
    values = numbers(text)
    assert len(values) == 16 and set(values[:4]) == {8}
    assert set(values) != {8}, text


@pytest.mark.parametrize("tvm", BOTH_RELAYS)
def test_bitserial_forgets_padding(tvm: str) -> None:
    text = printed("bitserial_padding", tvm).partition("\n")[2]
    assert len(numbers(text)) == 16 and numbers(text)[0] == 32, text  # 8 is right


def test_a_cast_for_risc_v() -> None:
    assert run("riscv_int8_cast", "relay-0.9").returncode == 0
    done = run("riscv_int8_cast", "relay")
    assert done.returncode == 1
    assert "Unsupport data type transform from int8x8 to int32x8" in done.stderr


def test_each_report_has_its_reproducer_and_is_listed() -> None:
    listed = re.findall(r"^\| \[(\w+)\]\((\w+)\.md\)", (REPORTS / "README.md").read_text(), re.M)
    assert {name for name, _ in listed} == {name for _, name in listed} == FAULTS
    tested = set(re.findall(r'(?:run|printed)\("(\w+)"', Path(__file__).read_text()))
    assert tested == FAULTS - ALONE
    for fault in FAULTS:
        code = (REPORTS / f"{fault}.py").read_text()
        assert (
            f"**Reproducer** ({fault}.py):\n\n```python\n{code}```"
            in (REPORTS / f"{fault}.md").read_text()
        )
        imported = set(re.findall(r"^(?:import|from) (\w+)", code, re.M))
        assert imported <= {"tvm", "numpy", "contextlib", "importlib", "signal"}
