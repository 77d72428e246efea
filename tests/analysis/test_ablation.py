from __future__ import annotations

from pathlib import Path

from support.builders import written

from tvmq_diag.analysis.ablation import RUNS, first_change, guilty_fields, questions
from tvmq_diag.configuration import parse, wider
from tvmq_diag.results.verdict import REJECTED, KnobRun
from tvmq_diag.trace.snapshot import Node, Snapshot
from tvmq_diag.trace.trace import PassRun, Trace


def test_a_field_that_runs_alone_is_not_to_blame() -> None:
    runs = [
        KnobRun("dtype_input", "int4/int8/int32", RUNS, "run"),
        KnobRun("dtype_weight", "int8/int4/int32", REJECTED, "codegen"),
    ]
    assert guilty_fields("dtype_input, dtype_weight", runs) == "dtype_weight"
    assert guilty_fields("dtype_input", runs) == "dtype_input", "together they may be"
    assert guilty_fields(None, runs) is None


def test_each_field_alone_the_two_of_a_wide_accumulator_and_the_bits() -> None:
    assert [(field, c.text) for field, c in questions(parse("int4"))] == [
        ("dtype_input", "int4/int8/int32"),
        ("dtype_weight", "int8/int4/int32"),
        ("dtype_activation", "int8/int8/int4"),
        ("dtype_input + dtype_weight", "int4/int4/int32"),
        ("nbit_input + nbit_weight", "int8/int8/int32:nbit=4"),
    ]


def test_a_single_difference_leaves_no_question() -> None:
    assert questions(parse("int8")) == []
    assert questions(parse("int4/int8/int32")) == []
    assert questions(parse("int8/int8/int32:nbit=4")) == []


def test_wider_begins_with_its_own_bits() -> None:
    assert [c.text for c in wider(parse("int5"))] == [
        f"int8/int8/int32:nbit={width}" for width in (5, 6, 7)
    ]
    assert wider(parse("int8")) == [] and wider(parse("bool")) == []
    assert wider(parse("int1"))[0].text == "int8/int8/int32:nbit=2"


def made(dtype: str) -> Trace:
    trace = Trace(Path("t"))
    trace.pass_runs[1] = PassRun(1, "QuantizeRealize", "realize", 0.0, end=1.0, before=1, after=2)
    trace.tables[2] = written(2)
    node = Node(0, "call", "cast", (), dtype, (1,), attrs={"dtype": dtype})
    trace._snapshots[2] = Snapshot(2, (node,))
    return trace


def test_the_first_pass_that_makes_something_else_is_named_with_the_op() -> None:
    assert first_change(made("int8"), made("int4")) == (
        "QuantizeRealize: cast(dtype=int8) of int8 becomes cast(dtype=int4) of int4"
    )
    assert first_change(made("int8"), made("int8")) is None
