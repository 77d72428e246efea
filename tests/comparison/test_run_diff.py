"""Comparing: ops without names, passes in order, outcomes, and what the command makes of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.builders import written
from support.pages import EVIL, Outline

from tvmq_diag.commands import cli
from tvmq_diag.commands import compare as command
from tvmq_diag.comparison import outcome_diff, pass_diff, run_diff
from tvmq_diag.comparison.alignment import Alignment, align
from tvmq_diag.comparison.figures import Tolerances
from tvmq_diag.comparison.op_diff import (
    ADDED,
    CHANGED,
    REMOVED,
    REPLACED,
    Difference,
    differences,
)
from tvmq_diag.comparison.pass_diff import ONLY_NEW, RAISED_NEW, Modules
from tvmq_diag.measurements import outputs
from tvmq_diag.measurements.metrics import Metrics
from tvmq_diag.measurements.numerics import Anchor, ErrorFigures, NotFinite, Numerics
from tvmq_diag.measurements.outputs import Outputs
from tvmq_diag.measurements.paired import Ratio
from tvmq_diag.reports.pages import comparison as page
from tvmq_diag.reports.text import comparison
from tvmq_diag.results.facts import RunFacts
from tvmq_diag.results.run import Result, Role, Run
from tvmq_diag.results.verdict import OpRef, Verdict
from tvmq_diag.trace.graph import Graph
from tvmq_diag.trace.snapshot import Node, Snapshot
from tvmq_diag.trace.trace import PassRun, Trace

SHAPE = (1, 8, 4, 4)
SQ = "relay.op.annotation.simulated_quantize"


def call(number: int, op: str, *inputs: int, **more: Any) -> Node:
    return Node(
        number, "call", op, inputs, more.pop("dtype", "float32"), more.pop("shape", SHAPE), **more
    )


def constant(number: int, digest: str, value: float | None = None) -> Node:
    shape = (8, 8, 3, 3) if value is None else ()
    return Node(number, "constant", dtype="float32", shape=shape, hash=digest, value=value)


def net(*, weight: str = "w", name: str = "x", scale: float | None = None) -> Snapshot:
    """relu(conv(x) + conv(x)), the second convolution's input quantized if there is a scale."""
    nodes = [Node(0, "var", name=name, dtype="float32", shape=SHAPE), constant(1, weight)]
    nodes += [call(2, "nn.conv2d", 0, 1, span=name), constant(3, "v")]
    data = 0
    if scale is not None:
        nodes += [constant(4, f"{scale}", scale), call(5, SQ, 0, 4, attrs={"kind": 1})]
        data = 5
    place = len(nodes)
    nodes += [
        call(place, "nn.conv2d", data, 3),
        call(place + 1, "add", 2, place),
        call(place + 2, "nn.relu", place + 1),
        Node(place + 3, "function", inputs=(place + 2,)),
    ]
    return Snapshot(1, tuple(nodes))


def between(old: Snapshot, new: Snapshot) -> list[Difference]:
    return differences(align(Graph(old), Graph(new)))


def test_names_are_no_part_of_a_module() -> None:
    assert between(net(name="x"), net(name="input.1")) == []


def test_another_weight_is_told_by_its_hash() -> None:
    (found,) = between(net(), net(weight="other"))
    assert (found.kind, str(found.op)) == (CHANGED, "nn.conv2d #0")
    assert found.what == "weights float32[8,8,3,3] w -> float32[8,8,3,3] other"


def test_an_op_that_came_between_is_one_difference_at_its_reader() -> None:
    (found,) = between(net(), net(scale=0.5))
    assert (found.kind, found.line) == (ADDED, "nn.conv2d #2: simulated_quantize(input) #1 added")
    (back,) = between(net(scale=0.5), net())
    assert (back.kind, str(back.op)) == (REMOVED, "nn.conv2d #2")


def test_a_scale_is_called_by_its_name() -> None:
    (found,) = between(net(scale=0.5), net(scale=0.25))
    assert found.line == "nn.conv2d #2: scale 0.5 -> 0.25 in simulated_quantize(input) #1"


def test_the_same_number_in_another_dtype_is_no_difference_of_its_own() -> None:
    def shifted(dtype: str) -> Snapshot:
        data = Node(0, "var", dtype=dtype, shape=SHAPE)
        by = Node(1, "constant", dtype=dtype, shape=(), hash=dtype, value=7)
        return Snapshot(1, (data, by, call(2, "right_shift", 0, 1, dtype=dtype)))

    (found,) = between(shifted("int32"), shifted("int16"))
    assert [change.name for change in found.changes] == ["reads", "makes"]


def test_an_op_reads_another() -> None:
    def wired(operand: int) -> Snapshot:
        data = Node(0, "var", dtype="float32", shape=SHAPE)
        ops = [call(1, "exp", 0), call(2, "log", 0), call(3, "nn.relu", operand)]
        both = Node(4, "tuple", inputs=(1, 2, 3))
        return Snapshot(1, (data, *ops, both, Node(5, "function", inputs=(4,))))

    (found,) = between(wired(1), wired(2))
    assert found.what == "operand 0 exp #0 -> log #1"


def test_one_op_becomes_many_and_many_one() -> None:
    def around(*ops: str) -> Snapshot:
        nodes = [Node(0, "var", dtype="float32", shape=SHAPE)]
        for op in ("nn.conv2d", *ops, "nn.relu"):
            nodes.append(call(len(nodes), op, len(nodes) - 1))
        return Snapshot(1, tuple(nodes))

    (found,) = between(around("nn.batch_norm"), around("multiply", "sqrt"))
    assert (found.kind, len(found.old), len(found.new)) == (REPLACED, 1, 2)
    assert found.line == "nn.batch_norm #1: nn.batch_norm #1 became multiply #1, sqrt #2"
    (back,) = between(around("multiply", "sqrt"), around("nn.batch_norm"))
    assert (len(back.old), len(back.new)) == (2, 1)


def test_two_ops_added_at_both_ends_of_another_are_two_additions() -> None:
    plain = [Node(0, "var", dtype="float32", shape=SHAPE), call(1, "nn.relu", 0)]
    nodes = [plain[0], call(1, "exp", 0), call(2, "nn.relu", 1), call(3, "log", 2)]
    found = between(Snapshot(1, tuple(plain)), Snapshot(1, tuple(nodes)))
    assert [str(difference.op) for difference in found] == ["exp #0", "log #2"]


def test_a_branch_that_runs_first_now_has_only_moved() -> None:
    def order(first: int, second: int) -> Snapshot:
        data = Node(0, "var", dtype="float32", shape=SHAPE)
        ops = [call(1, "exp", 0), call(2, "log", 0), call(3, "sqrt", 2)]
        return Snapshot(1, (data, *ops, call(4, "subtract", first, second)))

    found = align(Graph(order(1, 3)), Graph(order(3, 1)))
    assert not found.groups and len(found.pairs) == 4


def residual(*, cast: bool, weight: str = "w") -> Snapshot:
    """add(y, conv(y)) of a convolution y, all read as hints to cast; or the add reads them bare."""
    nodes = [Node(0, "var", dtype="float32", shape=SHAPE), constant(1, weight), constant(2, "v")]

    def made(op: str, *inputs: int) -> int:
        nodes.append(call(len(nodes), op, *inputs))
        return len(nodes) - 1

    def hint(data: int) -> int:
        return made("annotation.stop_fusion", made("annotation.cast_hint", data))

    y = made("nn.conv2d", 0, 1)
    short_cut = hint(y) if cast else y
    long_way = made("nn.relu", made("nn.conv2d", hint(y), 2))
    made("add", short_cut, hint(long_way) if cast else long_way)
    nodes.append(Node(len(nodes), "function", inputs=(len(nodes) - 1,)))
    return Snapshot(1, tuple(nodes))


BARE = [
    "add #9: cast_hint #1, stop_fusion #2 removed, behind nn.conv2d #0",
    "add #9: cast_hint #7, stop_fusion #8 removed, behind nn.relu #6",
]


def test_twins_are_told_apart_by_who_reads_them() -> None:
    casts, bare = residual(cast=True), residual(cast=False)
    assert [difference.line for difference in between(casts, bare)] == BARE
    assert [str(difference.op) for difference in between(bare, casts)] == ["add #9", "add #9"]


def test_twins_are_told_apart_where_what_they_are_computed_from_is_another_too() -> None:
    found = between(residual(cast=True), residual(cast=False, weight="other"))
    assert [difference.line for difference in found][1:] == BARE


def test_fused_functions_are_seen_through() -> None:
    def fused(together: bool) -> Snapshot:
        data = Node(0, "var", dtype="float32", shape=SHAPE)
        inner = Node(1, "var", dtype="float32", shape=SHAPE)
        if not together:
            nodes = [data, call(1, "exp", 0), call(2, "log", 1), Node(3, "function", inputs=(2,))]
            return Snapshot(1, tuple(nodes))
        body = [inner, call(2, "exp", 1), call(3, "log", 2), Node(4, "function", inputs=(3,))]
        return Snapshot(
            1, (data, *body, call(5, "fused", 0, callee=4), Node(6, "function", inputs=(5,)))
        )

    assert between(fused(False), fused(True)) == []


@st.composite
def graphs(draw: st.DrawFn) -> list[tuple[str, list[int]]]:
    """Ops, each with what it reads: a number under its own; 0 is the model's input."""
    count = draw(st.integers(1, 25))
    return [
        (
            draw(st.sampled_from(["nn.relu", "add", "nn.conv2d", "exp"])),
            draw(st.lists(st.integers(0, i), min_size=1, max_size=2)),
        )
        for i in range(count)
    ]


def built(ops: list[tuple[str, list[int]]], named: str = "") -> Snapshot:
    nodes = [Node(0, "var", dtype="float32", shape=SHAPE, name=named)]
    for i, (op, inputs) in enumerate(ops, 1):
        nodes.append(call(i, op, *inputs, attrs={"n": i}, span=named))
    read = {i for _, inputs in ops for i in inputs}
    last = tuple(i for i in range(1, len(nodes)) if i not in read)
    nodes += [Node(len(nodes), "tuple", inputs=last)]
    return Snapshot(1, (*nodes, Node(len(nodes), "function", inputs=(len(nodes) - 1,))))


@given(graphs())
def test_a_module_is_the_same_as_itself_under_other_names(ops: list[tuple[str, list[int]]]) -> None:
    assert between(built(ops, "a"), built(ops, "b")) == []


@given(graphs(), st.data())
def test_an_inserted_op_is_the_only_difference(
    ops: list[tuple[str, list[int]]], data: st.DataObject
) -> None:
    old = built(ops)
    place = data.draw(st.integers(1, len(ops)))
    nodes = list(old.nodes)
    # The new op stands in the table where it runs: before the op that reads it.
    shifted = [
        msgspec.structs.replace(n, inputs=tuple(i + (i >= place) for i in n.inputs)) for n in nodes
    ]
    shifted = [msgspec.structs.replace(n, number=n.number + (n.number >= place)) for n in shifted]
    reader = shifted[place]
    fresh = call(place, "annotation.stop_fusion", reader.inputs[0])
    shifted[place] = msgspec.structs.replace(reader, inputs=(place, *reader.inputs[1:]))
    new = Snapshot(1, (*shifted[:place], fresh, *shifted[place:]))
    found = between(old, new)
    if reader.inputs[0] == 0 or len(old.executed()) == len(ops):
        assert [difference.kind for difference in found] == [ADDED]


@given(graphs(), graphs())
def test_no_op_is_lost_or_told_twice(
    one: list[tuple[str, list[int]]], other: list[tuple[str, list[int]]]
) -> None:
    found: Alignment = align(Graph(built(one)), Graph(built(other)))
    old = [*found.pairs, *(i for ours, _ in found.groups for i in ours)]
    new = [*found.pairs.values(), *(j for _, theirs in found.groups for j in theirs)]
    assert sorted(old) == list(range(len(one) + 1))
    assert sorted(new) == list(range(len(other) + 1))


def made(*modules: Snapshot, names: str = "abcdefgh", failed: str | None = None) -> Trace:
    """A trace of passes, each of which makes the next of the modules."""
    trace = Trace(Path("t"), ended=True)
    for i, module in enumerate(modules):
        trace.tables[i + 1] = written(i + 1, f"{i}")
        trace._snapshots[i + 1] = msgspec.structs.replace(module, number=i + 1)
        if i:
            run = PassRun(i, names[i - 1], "realize", float(i), before=i, after=i + 1)
            run.end = i + 0.5
            trace.pass_runs[i] = run
    if failed is not None:
        count = len(modules)
        trace.pass_runs[count] = PassRun(
            count, failed, "realize", float(count), before=count, raised=True
        )
        trace.unwound = [trace.pass_runs[count]]
        trace.ended = False
    return trace


def compared(old: Trace, new: Trace) -> list[pass_diff.PassDelta]:
    return pass_diff.compare(Modules(old, new))


def test_the_first_divergent_pass_was_given_the_same() -> None:
    old, new = made(net(), net(), net()), made(net(), net(), net(scale=0.5))
    passes = compared(old, new)
    assert [delta.state for delta in passes] == ["same", "same", "different"]
    first = pass_diff.first(passes)
    assert first is not None and first.name == "b"
    assert first.headline == "b: nn.conv2d #2: simulated_quantize(input) #1 added"


def chain(*ops: str, kind: int = 1, sizes: tuple[float, ...] = (-127, 127)) -> Snapshot:
    """Ops one after the other; each simulated_quantize of this kind clips to these sizes."""
    nodes = [Node(0, "var", dtype="float32", shape=SHAPE)]
    for op in ops:
        read, scalars = len(nodes) - 1, ()
        if op == SQ:
            low, high = sizes
            nodes += [constant(read + 1, "1", 1), constant(read + 2, f"{low}", low)]
            nodes.append(constant(read + 3, f"{high}", high))
            scalars = (read + 1, read + 2, read + 3)
        attrs = {"kind": kind if read else 1} if op == SQ else {}
        nodes.append(call(len(nodes), op, read, *scalars, attrs=attrs))
    return Snapshot(1, (*nodes, Node(len(nodes), "function", inputs=(len(nodes) - 1,))))


STEPS = (SQ, "exp", SQ, "log", SQ, "sqrt")


def told(old: list[Snapshot], new: list[Snapshot]) -> str:
    """The headline of two compiles."""
    return runs([result(made(*old))], [result(made(*new))]).headline


def test_differences_of_one_kind_are_told_once() -> None:
    same = chain(*STEPS)
    swapped = chain(*STEPS, sizes=(127, -127))
    assert told([same] * 3, [same, same, swapped]) == (
        "first difference: b: all 3 simulated_quantize(input): clip_min and clip_max swapped "
        "(-127 and 127), at exp #1, log #3, sqrt #5"
    )
    wider = told([same] * 3, [same, same, chain(*STEPS, sizes=(-128, 127))])
    assert "all 3 simulated_quantize(input): clip_min -127 -> -128, at exp #1, log #3" in wider
    mixed = chain(*STEPS, kind=2)  # whatever they are for
    headline = told([mixed] * 3, [mixed, mixed, chain(*STEPS, kind=2, sizes=(127, -127))])
    assert "all 3 simulated_quantize: clip_min and clip_max swapped" in headline


def test_some_of_a_kind_are_counted_with_those_that_are_the_same() -> None:
    fewer = chain("exp", "log", SQ, "sqrt")
    assert told([chain(*STEPS)] * 2, [chain(*STEPS), fewer]) == (
        "first difference: a: 2 of 3 simulated_quantize(input) removed, at exp #1, "
        "log #3 behind exp #1"
    )


def test_what_lasts_is_named_before_what_came_earlier_and_is_gone_again() -> None:
    plain, last = chain("exp", "log", "sqrt"), chain("exp", "log", SQ, "sqrt")
    hinted = chain("annotation.cast_hint", "exp", "log", SQ, "sqrt")
    headline = told([plain] * 3, [plain, hinted, last])
    assert headline == (
        "first difference: a: sqrt #4: simulated_quantize(input) #3 added, behind log #2, "
        "and 1 more; 1 of 1 difference behind b depends on it"
    )
    still = told([plain] * 3, [plain, hinted, hinted])
    assert still.startswith("first difference: a: exp #1: cast_hint #0 added")
    assert still.endswith("; 2 of 2 differences behind b depend on it")


def test_what_is_computed_before_a_difference_does_not_depend_on_it() -> None:
    plain, last = chain("exp", "log", "sqrt"), chain("exp", "log", SQ, "sqrt")
    hinted = chain("annotation.cast_hint", "exp", "log", SQ, "sqrt")
    headline = told([plain] * 3, [plain, last, hinted])
    assert headline.endswith("behind log #1; 1 of 2 differences behind b depends on it")


def test_a_pass_that_only_one_runs_is_named_with_what_it_does() -> None:
    old, new = made(net(), net()), made(net(), net(scale=0.5), net(scale=0.5), names="xa")
    first = pass_diff.first(compared(old, new))
    assert first is not None and (first.name, first.state) == ("x", ONLY_NEW)
    assert "runs now, and did not before (nn.conv2d #2:" in first.headline


def test_a_pass_that_changes_nothing_may_come_and_go() -> None:
    old, new = made(net(), net()), made(net(), net(), net(), names="ax")
    new.pass_runs[2].after = new.pass_runs[2].before
    assert pass_diff.first(compared(old, new)) is None


def test_a_pass_that_hands_on_a_difference_is_not_one() -> None:
    old = made(net(), net(), net(), net(weight="z"))
    new = made(net(), net(scale=0.5), net(), net(scale=0.5, weight="z"))
    for trace in (old, new):  # the second pass changes nothing
        trace.pass_runs[2].after = trace.pass_runs[3].before = trace.pass_runs[2].before
    assert [d.name for d in compared(old, new) if d.differs] == ["a", "c"]


def test_a_module_changed_between_two_passes() -> None:
    old, new = made(net(), net(), net()), made(net(), net(), net())
    new.tables[9], new._snapshots[9] = written(9, "9"), net(scale=0.5)
    new.pass_runs[2].before = 9
    first = pass_diff.first(compared(old, new))
    assert first is not None and first.before
    assert first.headline.startswith("before b, between the passes: nn.conv2d #2")


def test_a_pass_that_fails_now() -> None:
    old, new = made(net(), net(), net()), made(net(), net(), failed="b")
    first = pass_diff.first(compared(old, new))
    assert first is not None and (first.name, first.state) == ("b", RAISED_NEW)
    assert first.headline == "b: went through, and fails now"
    assert pass_diff.first(compared(new, new)) is None


def test_what_comes_after_a_failure_is_no_difference() -> None:
    old = made(net(), net(), net(), net(), net(), names="afbf")
    for failed, ended in (("f", 1), ("b", 2), ("q", 2)):
        new = made(*[net()] * (ended + 1), names="af", failed=failed)
        found = [delta for delta in compared(old, new) if delta.differs]
        assert [delta.name for delta in found] == [failed]
        back = [delta for delta in compared(new, old) if delta.differs]
        assert [delta.name for delta in back] == [failed]


def test_two_failures_in_two_passes() -> None:
    old, new = made(net(), net(), failed="b"), made(net(), net(), failed="c")
    found = [(delta.name, delta.state) for delta in compared(old, new) if delta.differs]
    assert found == [("b", pass_diff.ONLY_OLD), ("c", ONLY_NEW)]


def test_another_model_is_no_fault_of_a_pass() -> None:
    first = pass_diff.first(compared(made(net(), net()), made(net(scale=1), net(scale=1))))
    assert first is not None and first.name == "the model"


def verdict(outcome: str, stage: str = "realize", op: int | None = 9, **more: Any) -> Verdict:
    found = Verdict("int4", "relay", outcome, stage, more.pop("pass_name", "QuantizeRealize"))
    found.op = OpRef(op, "add") if op is not None else None
    found.message = more.pop("message", "no")
    return found


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (verdict("works"), verdict("works"), outcome_diff.SAME),
        (verdict("works"), verdict("rejected"), outcome_diff.REGRESSED),
        (verdict("works"), verdict("wrong"), outcome_diff.REGRESSED),
        (verdict("rejected"), verdict("works"), outcome_diff.FIXED),
        (verdict("rejected"), verdict("rejected", "annotate"), outcome_diff.EARLIER),
        (verdict("rejected"), verdict("rejected", "lower"), outcome_diff.LATER),
        (verdict("rejected"), verdict("rejected", op=12), outcome_diff.LATER),
        (verdict("rejected"), verdict("rejected", op=4), outcome_diff.EARLIER),
        (verdict("rejected"), verdict("wrong", "check"), outcome_diff.LATER),
        (verdict("not quantized"), verdict("rejected"), outcome_diff.EARLIER),
        (verdict("rejected"), verdict("crashed"), outcome_diff.REGRESSED),
        (verdict("crashed"), verdict("rejected"), outcome_diff.ELSEWHERE),
        (verdict("rejected"), verdict("rejected", message="No!"), outcome_diff.COSMETIC),
        (verdict("rejected"), verdict("rejected"), outcome_diff.SAME),
        (verdict("rejected"), verdict("interrupted"), outcome_diff.UNKNOWN),
        (verdict("rejected"), verdict("rejected", pass_name="Other"), outcome_diff.ELSEWHERE),
    ],
)
def test_outcomes_are_classed(old: Verdict, new: Verdict, said: str) -> None:
    assert outcome_diff.classify(old, new, None) == said


def ran(metrics: Metrics | None = None, ratio: Ratio | None = None, **more: Any) -> Result:
    found = Verdict(more.pop("name", "int8/int8/int32"), "relay", "works", "check")
    found.metrics, found.ratio = metrics, ratio
    return Result(found, more.pop("role", Role.REQUESTED), **more)


def runs(old: list[Result], new: list[Result]) -> run_diff.Comparison:
    return run_diff.of_runs(
        Run(Path("a"), RunFacts(), old), Run(Path("b"), RunFacts(), new), Tolerances()
    )


def test_numbers_are_worse_beyond_what_is_tolerated() -> None:
    before = ran(Metrics(0.99, 20.0, 0.1, 1.0))
    for metrics, worse in (
        (Metrics(0.99, 20.0, 0.1, 1.0), []),
        (Metrics(0.988, 19.5, 0.1, 1.0), []),
        (Metrics(0.98, 19.5, 0.1, 1.0), ["accuracy"]),
        (Metrics(0.99, 18.0, 0.1, 1.0), ["accuracy"]),
        (Metrics(None, None, None, 0.0), ["accuracy"]),
        (Metrics(0.999, 30.0, 0.1, 1.0), []),
    ):
        (delta,) = runs([before], [ran(metrics)]).configurations
        assert delta.regressions == worse


def test_a_worse_input_and_fewer_labels_are_worse() -> None:
    floats, labels = np.eye(20)[:, np.newaxis], np.arange(20)[:, np.newaxis]
    ours = floats.copy()
    ours[:2] = ours[1::-1]

    def judged(given: Any) -> Result:
        return ran(outputs.compare(Outputs([given]), Outputs([floats], labels)))

    (delta,) = runs([judged(floats)], [judged(ours)]).configurations
    assert delta.regressions == ["accuracy"]
    assert {figure.name for figure in delta.figures if figure.worse} == {
        "cosine", "worst cosine", "SQNR dB", "agreement with float", "top-1 accuracy",
    }  # fmt: skip
    (delta,) = runs([judged(ours)], [judged(floats)]).configurations
    assert delta.regressions == []  # no noise at all is no worse than any
    assert [figure.new for figure in delta.figures if figure.name == "SQNR dB"] == [None]


def test_what_was_judged_on_other_inputs_is_not_compared() -> None:
    few, many = np.eye(4)[:2, np.newaxis], np.eye(4)[:, np.newaxis]
    before = ran(outputs.compare(Outputs([few]), Outputs([few])))
    now = ran(outputs.compare(Outputs([-many]), Outputs([many])))
    (delta,) = runs([before], [now]).configurations
    assert delta.figures == [] and delta.regressions == []
    assert delta.notes == ["judged on 4 inputs, before on 2 inputs: accuracy is not comparable"]


def test_what_cannot_be_judged_any_more_is_not_worse() -> None:
    before, now = ran(Metrics(0.99, 20.0, 0.1, 1.0)), ran(Metrics(None, None, None, None))
    now.verdict.outcome = "not judged"
    (delta,) = runs([before], [now]).configurations
    assert (delta.outcome, delta.regressions, delta.figures) == ("not comparable", [], [])


def test_slower_is_only_what_intervals_cannot_explain() -> None:
    before = ran(ratio=Ratio(1.0, 0.95, 1.05))
    for ratio, said in (
        (Ratio(1.04, 1.0, 1.09), (False, [])),
        (Ratio(1.2, 1.1, 1.3), (True, ["slower"])),
        (Ratio(0.5, 0.4, 0.6), (True, [])),
    ):
        (delta,) = runs([before], [ran(ratio=ratio)]).configurations
        assert (bool(delta.figures), delta.regressions) == said


def test_what_was_not_tried_again_is_missing_unless_it_was_an_attempt() -> None:
    gone = [ran(), ran(name="int4"), ran(name="int8/int8/int32:nbit=7", role=Role.INSTEAD)]
    found = runs(gone, [ran(), ran(name="int2")])
    assert {delta.name: delta.outcome for delta in found.configurations} == {
        "int8/int8/int32": "same",
        "int2": outcome_diff.NEW,
        "int4": outcome_diff.MISSING,
        "int8/int8/int32:nbit=7": outcome_diff.GONE,
    }
    assert found.regressions() == ["int4: missing"]
    assert found.regressions(frozenset({"missing"})) == []


def test_a_model_that_is_not_imported_is_so_at_every_configuration() -> None:
    refused = Result(Verdict("float32", "relay", "not imported", "import"), Role.REQUESTED)
    both = [ran(), ran(name="float32", role=Role.FLOAT)]
    assert set(runs(both, [refused]).regressions()) == {
        "float32: regressed",
        "int8/int8/int32: regressed",
    }
    found = runs([refused], both)
    assert {delta.name: delta.outcome for delta in found.configurations} == {
        "int8/int8/int32": "fixed",
        "float32": "fixed",
    }


def test_the_op_whose_error_grew_is_named() -> None:
    def measured(*decibels: float) -> Numerics:
        anchors = [
            Anchor(i, "nn.conv2d", None, (1,), (), (), NotFinite(), error, error, None)
            for i, error in enumerate(ErrorFigures(1.0, db, 0.1, 0, 0) for db in decibels)
        ]
        return Numerics(anchors=anchors)

    found = runs([ran(numerics=measured(30, 30, 30))], [ran(numerics=measured(30, 12, 3))])
    assert found.configurations[0].notes == [
        "the error of nn.conv2d #1 alone is larger: SQNR 30.0 -> 12.0 dB"
    ]


def result(trace: Trace, name: str = "int8/int8/int32") -> Result:
    return Result(Verdict(name, "relay", "works", "check"), Role.REQUESTED, trace)


def test_a_page_escapes_what_comes_from_a_model(tmp_path: Path) -> None:
    old, new = made(net(), net()), made(net(), net(scale=0.5))
    for trace in (old, new):
        trace.pass_runs[1].name = EVIL
        for number, module in trace._snapshots.items():
            nodes = [
                msgspec.structs.replace(n, op=f"{n.op}{EVIL}" if n.op else "") for n in module.nodes
            ]
            trace._snapshots[number] = Snapshot(number, tuple(nodes))
    new.facts.target = EVIL
    found = runs([result(old)], [result(new)])
    written = page.write(found, {"command": EVIL, "before": EVIL, "now": "b"}, tmp_path)
    text = written.read_text(encoding="utf-8")
    outline = Outline(text)
    assert not outline.open and outline.count("script") == 2 and outline.count("img") == 0
    assert "Side by side" in text


def test_a_page_without_any_difference(tmp_path: Path) -> None:
    found = runs([result(made(net(), net()))], [result(made(net(), net()))])
    text = page.write(found, {"before": "a", "now": "b"}, tmp_path).read_text(encoding="utf-8")
    assert "No difference" in text and "Side by side" not in text
    assert comparison.text(found) == "no difference\n"


def on_disk(folder: Path, trace: Trace) -> Path:
    """A trace as a compile leaves it behind."""
    folder.mkdir()
    events: list[dict[str, Any]] = [
        {"kind": "start", "schema": 1, "time": "", "pid": 1, "dialect": "relay", "command": []}
    ]
    events[0]["versions"] = {}
    for number, module in trace._snapshots.items():
        keep = ("kind", "op", "inputs", "dtype", "shape", "attrs", "hash", "value", "name")
        rows = [{key: getattr(node, key) for key in keep} for node in module.nodes]
        (folder / f"{number}.json").write_text(json.dumps(rows))
        events.append({"kind": "snapshot", "id": number, "table": f"{number}.json"})
    for run in trace.pass_runs.values():
        ids = {"id": run.number, "name": run.name, "stage": run.stage, "parent": None}
        events.append({"kind": "enter", "t": run.begin, "snapshot": run.before, **ids})
        events.append({"kind": "leave", "t": run.end, "snapshot": run.after, "id": run.number})
    events.append({"kind": "end", "clean": True})
    (folder / "journal.jsonl").write_text("".join(json.dumps(e) + "\n" for e in events))
    return folder


def run_command(*arguments: str | Path) -> int:
    return cli.script(command, [str(argument) for argument in arguments])


def test_the_command_writes_text_page_and_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = on_disk(tmp_path / "old", made(net(), net()))
    new = on_disk(tmp_path / "new", made(net(name="y"), net(name="z", scale=0.5)))
    assert run_command(old, new, "--out", tmp_path / "o") == 0
    text = capsys.readouterr().out
    assert text.startswith("first difference: a: nn.conv2d #2: simulated_quantize(input) #1 added")
    assert (tmp_path / "o" / "comparison.txt").read_text() == text
    found = json.loads((tmp_path / "o" / "comparison.json").read_text())
    assert found["configurations"][0]["first"]["differences"][0]["reader"]["index"] == 2
    assert (tmp_path / "o" / "index.html").exists()
    assert run_command(old, old, "--text") == 0
    assert capsys.readouterr().out == "no difference\n"
    assert not (tmp_path / "runs").exists()


def test_a_module_that_cannot_be_read_is_not_called_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = on_disk(tmp_path / "old", made(net(), net()))
    new = on_disk(tmp_path / "new", made(net(), net()))
    (new / "2.json").write_text("[{")
    assert run_command(old, new, "--text") == 0
    assert "now: snapshot 2 cannot be read" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["old", "nowhere"], "no trace in nowhere"),
        (["old", "run"], "give two of a kind"),
        (["old", "old", "--allow", "slower,everything"], "'everything' is none of"),
    ],
)
def test_bad_usage(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    on_disk(tmp_path / "old", made(net(), net()))
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "verdict.json").write_text("[]")
    (tmp_path / "run" / "run.json").write_text("{}")
    assert run_command(*arguments) == 2
    assert said in capsys.readouterr().err
