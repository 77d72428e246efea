"""What was measured and found out stands at the op it is about, or nowhere."""

from __future__ import annotations

import pytest
from support.runs import MEASURED, TINY

from tvmq_diag.history import lineage, notes, steps
from tvmq_diag.history.lineage import Lineage, Module
from tvmq_diag.history.notes import Notes
from tvmq_diag.history.steps import Step
from tvmq_diag.measurements.benchmark import Kernel
from tvmq_diag.measurements.numerics import Numerics
from tvmq_diag.results import store
from tvmq_diag.results.run import Result, Run
from tvmq_diag.trace import ops
from tvmq_diag.trace.graph import Graph
from tvmq_diag.trace.snapshot import Node, Snapshot
from tvmq_diag.trace.trace import Trace

INT8 = "int8/int8/int32"


class Compile:
    """A recorded compile with its steps and lines."""

    def __init__(self, run: Run, name: str) -> None:
        self.result = next(r for r in run.results if r.verdict.configuration == name)
        assert self.result.trace is not None
        self.trace: Trace = self.result.trace
        self.passed: list[Step] = steps.steps(self.trace)
        self.followed: Lineage = lineage.lineage(self.trace, self.passed)

    def notes(self, numerics: Numerics | None = None, kernels: list[Kernel] | None = None) -> Notes:
        result = Result(self.result.verdict, self.result.role, self.trace, numerics=numerics)
        return notes.of(result, self.trace, self.passed, self.followed, kernels or [])


@pytest.fixture(scope="module")
def int8() -> Compile:
    return Compile(store.load(TINY), INT8)


@pytest.fixture(scope="module")
def int4() -> Compile:
    return Compile(store.load(TINY), "int4")


@pytest.fixture(scope="module")
def numerics() -> Numerics:
    run = store.load(MEASURED)
    return next(r.numerics for r in run.results if r.numerics is not None)


@pytest.fixture(scope="module")
def kernels() -> list[Kernel]:
    benchmark = store.load(MEASURED).benchmark
    assert benchmark is not None
    return benchmark.kernels[INT8]


def test_each_op_of_the_failing_module_fares_as_the_map_says(int4: Compile) -> None:
    known, module = int4.notes(), int4.followed.modules[-1]
    rows = {op.node.number: known[line] for line, op in module.ops if line in known}
    assert int4.trace.map is not None
    assert all(rows[row].fate == notes.ACCEPTED for row in int4.trace.map.accepted)
    for row, said in int4.trace.map.rejected:
        assert rows[row].fate == notes.REJECTED and rows[row].why and rows[row].why in said
    blamed = int4.trace.blamed()
    assert blamed is not None
    (at,) = [line for line, note in known.items() if note.blame]
    assert at == module.lines[blamed[0]]
    assert known[at].blame == "the compile failed at it: unknown data type int4"


def test_errors_stand_at_the_ops_that_were_measured(int8: Compile, numerics: Numerics) -> None:
    known = int8.notes(numerics)
    module = notes.calibrated(int8.passed, int8.followed)
    assert module is not None and numerics.anchors
    ops = dict(module.ops)
    measured = {line: note.errors for line, note in known.items() if note.errors is not None}
    assert len(measured) == len(numerics.anchors)
    for line, errors in measured.items():
        anchor = numerics.anchors[errors.number]
        assert (ops[line].node.op, ops[line].node.span) == (anchor.op, anchor.span)
        assert errors.before == pytest.approx(anchor.propagated.sqnr, abs=0.01) or (
            errors.before == "exact"
        )
    ranges = [line for line, note in known.items() if note.range is not None]
    assert len(ranges) == len(numerics.steps)
    assert all("simulated_quantize" in ops[line].name for line in ranges)


def test_of_another_model_nothing_is_noted(int8: Compile, numerics: Numerics) -> None:
    fewer = Numerics(numerics.facts, numerics.anchors[1:], numerics.steps)
    assert not int8.notes(fewer)


def test_of_other_scales_no_ranges_are_noted(int8: Compile, numerics: Numerics) -> None:
    first, *others = numerics.steps
    assert first.scale is not None
    doubled = type(first)(**{**_fields(first), "scale": first.scale * 2})
    known = int8.notes(Numerics(numerics.facts, numerics.anchors, [doubled, *others]))
    assert known and not any(note.range for note in known.values())


def _fields(struct: object) -> dict[str, object]:
    return {name: getattr(struct, name) for name in getattr(struct, "__struct_fields__")}  # noqa: B009


def test_kernels_without_names_are_told_by_what_they_read_and_make(
    int8: Compile, kernels: list[Kernel]
) -> None:
    known, last = int8.notes(kernels=kernels), int8.followed.modules[-1]
    ops = dict(last.ops)
    timed = {line: note.kernel for line, note in known.items() if note.kernel is not None}
    assert len(timed) == len(kernels) == 16
    for line, kernel in timed.items():
        parents = int8.followed.come_from[line]
        inside = [op.name for module in int8.followed.modules for at, op in module.ops
                  if at in parents and op.name.startswith("nn.contrib_conv2d")]  # fmt: skip
        assert ("conv2d" in kernel.name) == bool(inside)
        assert ops[line].name == "call_lowered"


def test_kernels_that_do_not_fit_are_at_no_op(int8: Compile, kernels: list[Kernel]) -> None:
    assert not int8.notes(kernels=kernels[::-1])
    assert not int8.notes(kernels=kernels[1:])


def named(kernels: list[Kernel]) -> Compile:
    """The compile with the names of these kernels on record, as newer traces have them."""
    compiled = Compile(store.load(TINY), INT8)
    snapshot = compiled.followed.modules[-1].graph.snapshot
    calls = [node for node in snapshot.executed() if node.op == "call_lowered"]
    for call, kernel in zip(calls, kernels, strict=True):
        snapshot.nodes[call.inputs[0]].name = kernel.name
    return compiled


def test_kernels_with_names_are_told_by_them(kernels: list[Kernel]) -> None:
    compiled = named(kernels)
    timed = notes.timed(compiled.followed, kernels)
    assert [kernel for _, kernel in timed] == kernels
    # In another order those of one name cannot be told apart; each of its own still can.
    names = [kernel.name for kernel in kernels]
    turned = notes.timed(compiled.followed, kernels[::-1])
    assert {kernel.name for _, kernel in turned} == {n for n in names if names.count(n) == 1}
    lines = {line: kernel.name for line, kernel in timed}
    assert all(lines[line] == kernel.name for line, kernel in turned)


def test_on_relax_a_call_has_its_kernels_name_but_for_the_number() -> None:
    types = {"dtype": "float32", "shape": (1, 8)}
    nodes = (
        Node(0, "var", name="x", **types),
        Node(1, "call", "vm.alloc_tensor", (), **types),
        Node(2, "call", "relu", (0,), **types),
        Node(3, "call", "vm.alloc_tensor", (), **types),
        Node(4, "call", "relu", (2,), **types),
        Node(5, "call", "softmax", (4,), **types),
    )
    graph = Graph(Snapshot(1, nodes, vocabulary=ops.RELAX))
    followed = Lineage([Module(0, graph, list(range(len(graph.ops))))])
    shapes = "float32[1, 8], float32[1, 8]"
    kernels = [Kernel(i, name, 1.0, shapes) for i, name in enumerate(("relu", "relu1", "softmax"))]
    rows = {line: graph.ops[line].node.number for line, _ in notes.timed(followed, kernels)}
    assert list(rows.values()) == [2, 4, 5]
    turned = notes.timed(followed, [kernels[2], *kernels[:2]])
    assert [kernel.name for _, kernel in turned] == ["softmax"]
