"""A compile as a story: its steps, the lines of its ops, its rows, on a recorded compile."""

from __future__ import annotations

import pytest
from support.runs import CRASHED, TINY

from tvmq_diag.history import lineage, steps
from tvmq_diag.history.lineage import Lineage
from tvmq_diag.history.rows import Row, Rows
from tvmq_diag.history.steps import Step
from tvmq_diag.trace import reader
from tvmq_diag.trace.trace import Trace


@pytest.fixture(scope="module")
def trace() -> Trace:
    return reader.load(TINY / "traces" / "int8_int8_int32")


@pytest.fixture(scope="module")
def passed(trace: Trace) -> list[Step]:
    return steps.steps(trace)


@pytest.fixture(scope="module")
def followed(trace: Trace, passed: list[Step]) -> Lineage:
    return lineage.lineage(trace, passed)


def rows(trace: Trace, followed: Lineage, step: int) -> list[Row]:
    module = followed.at(step)
    assert module is not None
    made = Rows(trace.facts.qconfig)
    numbers = made.of(module)
    known = list(made.numbers)
    return [known[number] for number in numbers]


def step(passed: list[Step], name: str) -> int:
    return next(i for i, one in enumerate(passed) if one.name == name)


def test_the_model_comes_first_and_the_quantizers_passes_in_order(passed: list[Step]) -> None:
    names = [one.name for one in passed if one.changed]
    assert names[0] == steps.MODEL
    quantizer = [name for name in names if name.startswith("Quantize")]
    assert quantizer == [
        "QuantizePartition",
        "QuantizeAnnotate",
        "QuantizeCalibrate",
        "QuantizeRealize",
    ]


def test_what_only_its_passes_changed_a_pass_did_not(passed: list[Step]) -> None:
    assert any(one.changed for one in passed if one.name == "ForwardFoldScaleAxis")
    assert not any(one.changed for one in passed if one.name == "FoldScaleAxis")


def test_passes_on_lowered_functions_are_one_step_for_each_name(
    trace: Trace, passed: list[Step]
) -> None:
    (vectorize,) = [one for one in passed if one.name == "tir.VectorizeLoop"]
    functions = vectorize.lowered(trace)
    assert len(vectorize.runs) == len(functions) == 15
    assert vectorize.module is None and 0 < sum(changed for _, changed in functions) < 15


def test_a_pass_on_several_functions_at_once_names_none(trace: Trace, passed: list[Step]) -> None:
    for one in passed:
        runs = [run for run in one.runs if run.changed]
        several = any(len(trace.tables[run.after or 0].primfuncs) > 1 for run in runs)
        if one.module is None and one.changed and several:
            assert not one.rewritten(trace)
    (vectorize,) = [one for one in passed if one.name == "tir.VectorizeLoop"]
    changed = [function for function, changed in vectorize.lowered(trace) if changed]
    assert vectorize.rewritten(trace) == changed


def test_the_pass_that_failed_is_the_last_with_the_module_it_was_given() -> None:
    rejected = reader.load(TINY / "traces" / "int4")
    *_, last = steps.steps(rejected)
    failing = rejected.failing_snapshot()
    assert last.failed and last.name == "QuantizeRealize" and last.ms is None
    assert failing is not None and last.module == failing.number


def test_an_op_keeps_its_line_until_it_is_lowered(passed: list[Step], followed: Lineage) -> None:
    first, last = followed.modules[0], followed.at(step(passed, "LabelOps"))
    assert last is not None
    names = {line: op.name for line, op in first.ops}
    convolutions = [line for line, name in names.items() if name == "nn.conv2d"]
    later = {line: op.name for line, op in last.ops}
    assert len(convolutions) == 4
    assert {later[line] for line in convolutions} == {"nn.contrib_conv2d_NCHWc"}


def test_what_was_rewritten_is_known_by_what_stands_for_it(
    passed: list[Step], followed: Lineage
) -> None:
    realized = followed.at(step(passed, "QuantizeRealize"))
    calibrated = followed.at(step(passed, "QuantizeCalibrate"))
    assert realized is not None and calibrated is not None
    before = {line: op.name for line, op in calibrated.ops}
    rounds = [line for line, op in realized.ops if op.name == "round"]
    for line in rounds:
        parents = followed.come_from[line]
        assert any("simulated_quantize" in before[parent] for parent in parents)


def test_each_lowered_function_comes_from_the_ops_fused_into_it(
    passed: list[Step], followed: Lineage
) -> None:
    fused, lowered = followed.at(step(passed, "LabelOps")), followed.at(step(passed, "LowerTE"))
    assert fused is not None and lowered is not None
    names = {line: op.name for line, op in fused.ops}
    calls = [line for line, op in lowered.ops if op.name == "call_lowered"]
    inside = [[names[line] for line in followed.come_from[call]] for call in calls]
    assert len(calls) == 16 and all(inside)
    assert sum(ops[0] == "nn.contrib_conv2d_NCHWc" for ops in inside) == 4
    together = [line for call in calls for line in followed.come_from[call]]
    assert len(together) == len(set(together))


def test_what_did_not_change_has_the_same_row(
    trace: Trace, passed: list[Step], followed: Lineage
) -> None:
    made = Rows(trace.facts.qconfig)
    annotated = followed.at(step(passed, "QuantizeAnnotate"))
    calibrated = followed.at(step(passed, "QuantizeCalibrate"))
    assert annotated is not None and calibrated is not None
    before, after = made.of(annotated), made.of(calibrated)
    known = list(made.numbers)
    changed = [known[b].op for a, b in zip(before, after, strict=True) if a != b]
    assert changed and all(op.startswith("simulated_quantize") for op in changed)


def test_a_row_says_what_it_will_compute_in(
    trace: Trace, passed: list[Step], followed: Lineage
) -> None:
    annotated = rows(trace, followed, step(passed, "QuantizeAnnotate"))
    calibrated = rows(trace, followed, step(passed, "QuantizeCalibrate"))
    weights = [row for row in annotated if row.op == "simulated_quantize(weight)"]
    assert {row.stands_for for row in weights} == {"as int8"}
    known = [row.stands_for for row in calibrated if row.op == "simulated_quantize(weight)"]
    assert all(text.startswith("as int8 · [-127, 127] · 0.") for text in known)
    quantized = [row for row in calibrated if row.op == "nn.conv2d" and row.stands_for]
    assert [row.stands_for for row in quantized] == ["as int8, int8"] * 3
    realized = rows(trace, followed, step(passed, "QuantizeRealize"))
    assert not any(row.stands_for for row in realized)


def test_a_compile_on_relax_has_its_story_too() -> None:
    crashed = reader.load(next(path for path in (CRASHED / "traces").iterdir() if path.is_dir()))
    passed = steps.steps(crashed)
    followed = lineage.lineage(crashed, passed)
    assert passed[-1].failed and followed.modules
