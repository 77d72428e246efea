"""What the machine code shows: an idle instruction planted and removed, a target without any."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tvmq_diag.analysis import hazards
from tvmq_diag.analysis.hazards import Case
from tvmq_diag.configuration import parse
from tvmq_diag.measurements.benchmark import FLOAT, Benchmark, Kernel
from tvmq_diag.measurements.kernel_code import DOT, WIDENING, HotLoop, KernelCode, ModelCode
from tvmq_diag.results.verdict import Hazard
from tvmq_diag.trace.facts import TraceFacts
from tvmq_diag.trace.trace import Trace

SIDE = "int8/int8/int32"
CONV, OTHER = "fused_conv2d", "fused_conv2d_1"
DOTS = {DOT: {"sdot": 16}}
WIDE = {WIDENING: {"smull": 25, "smull2": 23}}


def kernel(name: str, used: dict[str, dict[str, int]], dtype: str = "int8") -> KernelCode:
    hot = HotLoop(instructions=used, bits=128, function=name, depth=3)
    return KernelCode(
        instructions=used, bits=128, name=name, hot=hot, dtypes=(dtype, dtype, "int32")
    )


def case(*kernels: KernelCode, features: dict[str, bool], ms: tuple[float, ...] = ()) -> Case:
    facts = TraceFacts(built=not ms, target="llvm", target_features=features)
    profiled = [Kernel(i, kernels[i].name, each, "") for i, each in enumerate(ms)]
    measured = Benchmark(kernels={FLOAT: [], SIDE: profiled})
    code = ModelCode("aarch64", list(kernels))
    return Case(parse(SIDE), Trace(Path("x"), facts=facts), measured, None, SIDE, code)


def found(name: str, one: Case) -> list[Hazard]:
    return [hazard for hazard in hazards.find(one) if hazard.name == name]


HAS: dict[str, Any] = {"features": {"i8mm": False, "dotprod": True, "neon": True}}


def test_the_target_has_it_and_the_schedule_did_not_use_it() -> None:
    (idle,) = found("int8 instruction unused", case(kernel(CONV, WIDE), **HAS))
    assert "Arm DotProd (sdot)" in idle.hazard
    assert "1 of 1 kernels that multiply int8 values have no dot product in their code" in (
        idle.evidence
    )
    assert f"{CONV.removeprefix('fused_')}: in its hot loop 25 smull, 23 smull2; 128 bits" in (
        idle.evidence
    )


def test_a_schedule_that_uses_it_is_none() -> None:
    assert not found("int8 instruction unused", case(kernel(CONV, DOTS), **HAS))


def test_nothing_is_said_of_float_kernels_or_without_code() -> None:
    floats = case(kernel(CONV, WIDE, "float32"), **HAS)
    assert not found("int8 instruction unused", floats)
    floats.code = None
    assert not found("int8 instruction unused", floats)


def test_an_idle_kernel_that_takes_no_time_is_not_worth_a_word() -> None:
    both = (kernel(CONV, DOTS), kernel(OTHER, WIDE))
    assert not found("int8 instruction unused", case(*both, ms=(99.0, 1.0), **HAS))
    assert found("int8 instruction unused", case(*both, ms=(90.0, 10.0), **HAS))


def test_a_target_without_any() -> None:
    without = {"i8mm": False, "dotprod": False, "neon": False}
    (none,) = found("no int8 instruction", case(kernel(CONV, {}), features=without))
    assert "i8mm, dotprod, neon" in " ".join(none.evidence)
    assert not found("no int8 instruction", case(kernel(CONV, WIDE), **HAS))
    assert not found("no int8 instruction", case(kernel(CONV, {}), features={}))
