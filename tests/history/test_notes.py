"""What was measured and found out stands at the op it is about, or nowhere."""

from __future__ import annotations

import msgspec
import pytest
from support.runs import MEASURED, TINY

from tvmq_diag.history import lineage, notes, steps
from tvmq_diag.history.lineage import Lineage, Module
from tvmq_diag.history.notes import Notes
from tvmq_diag.history.steps import Step
from tvmq_diag.measurements.benchmark import Kernel
from tvmq_diag.measurements.numerics import Numerics
from tvmq_diag.results import store
from tvmq_diag.results.run import Run
from tvmq_diag.trace import ops
from tvmq_diag.trace.graph import Graph
from tvmq_diag.trace.snapshot import Node, Snapshot
from tvmq_diag.trace.trace import Trace

INT8 = "int8/int8/int32"


class Compile:
    """A recorded compile with its steps and lines."""

    def __init__(self, run: Run, name: str) -> None:
        result = next(r for r in run.results if r.verdict.configuration == name)
        assert result.trace is not None
        self.trace: Trace = result.trace
        self.passed: list[Step] = steps.steps(self.trace)
        self.followed: Lineage = lineage.lineage(self.trace, self.passed)

    @property
    def calibrated(self) -> Module:
        """The module that the errors are measured in."""
        found = [m for m in self.followed.modules if self.passed[m.step].stage == "calibrate"]
        return found[-1]

    @property
    def last(self) -> Graph:
        """The module whose calls are the kernels."""
        return self.followed.modules[-1].graph

    def notes(self, numerics: Numerics | None = None, kernels: list[Kernel] | None = None) -> Notes:
        return notes.notes(self.trace, self.passed, self.followed, numerics, kernels or [])


@pytest.fixture
def int8() -> Compile:
    return Compile(store.load(TINY), INT8)


@pytest.fixture(scope="module")
def numerics() -> Numerics:
    run = store.load(MEASURED)
    return next(r.numerics for r in run.results if r.numerics is not None)


@pytest.fixture(scope="module")
def kernels() -> list[Kernel]:
    benchmark = store.load(MEASURED).benchmark
    assert benchmark is not None
    return benchmark.kernels[INT8]


def test_each_op_of_the_failing_module_fares_as_the_map_says() -> None:
    int4 = Compile(store.load(TINY), "int4")
    known, module = int4.notes(), int4.followed.modules[-1]
    rows = {op.node.number: known[line] for line, op in module.ops if line in known}
    assert int4.trace.map is not None and int4.trace.map.rejected
    assert all(rows[row].fate == "accepted" for row in int4.trace.map.accepted)
    for row, said in int4.trace.map.rejected:
        assert (rows[row].fate, rows[row].reason) == ("rejected", said[:200])


def test_errors_stand_at_the_ops_that_were_measured(int8: Compile, numerics: Numerics) -> None:
    known, ops_of = int8.notes(numerics), dict(int8.calibrated.ops)
    measured = [line for line, note in known.items() if note.propagated is not None]
    assert len(measured) == len(numerics.anchors) > 0
    for line, anchor in zip(measured, numerics.anchors, strict=True):
        assert (ops_of[line].node.op, ops_of[line].node.span) == (anchor.op, anchor.span)
        if known[line].propagated == "exact":
            assert anchor.propagated.max_abs_error == 0
        else:
            assert known[line].propagated == pytest.approx(anchor.propagated.sqnr, abs=0.01)
    clipped = [line for line, note in known.items() if note.largest is not None]
    assert len(clipped) == len(numerics.steps)
    assert all("simulated_quantize" in ops_of[line].name for line in clipped)


def test_of_another_model_nothing_is_noted(int8: Compile, numerics: Numerics) -> None:
    fewer = msgspec.structs.replace(numerics, anchors=numerics.anchors[1:])
    first, *others = numerics.anchors
    other = msgspec.structs.replace(first, shape=(*first.shape, 2))
    assert not int8.notes(fewer)
    assert not int8.notes(msgspec.structs.replace(numerics, anchors=[other, *others]))


def test_of_other_scales_no_shares_are_noted(int8: Compile, numerics: Numerics) -> None:
    first, *others = numerics.steps
    assert first.scale is not None
    doubled = msgspec.structs.replace(first, scale=first.scale * 2)
    known = int8.notes(msgspec.structs.replace(numerics, steps=[doubled, *others]))
    assert known and all(note.largest is None for note in known.values())


def test_kernels_without_names_are_told_by_what_they_make(
    int8: Compile, kernels: list[Kernel]
) -> None:
    known, lines = int8.notes(kernels=kernels), dict(int8.followed.modules[-1].ops)
    timed = {line: note for line, note in known.items() if note.ms is not None}
    assert len(timed) == len(kernels)
    for line, note in timed.items():
        parents = int8.followed.come_from[line]
        inside = [op.name for module in int8.followed.modules for at, op in module.ops
                  if at in parents and op.name.startswith("nn.contrib_conv2d")]  # fmt: skip
        assert ("conv2d" in note.kernel) == bool(inside)
        assert lines[line].name == "call_lowered"


def test_kernels_that_do_not_fit_are_at_no_op(int8: Compile, kernels: list[Kernel]) -> None:
    assert not int8.notes(kernels=kernels[::-1])
    assert not int8.notes(kernels=kernels[1:])


def test_kernels_with_names_are_told_by_them(int8: Compile, kernels: list[Kernel]) -> None:
    snapshot = int8.last.snapshot
    calls = [node for node in snapshot.executed() if node.op == "call_lowered"]
    for call, kernel in zip(calls, kernels, strict=True):  # as newer traces have them on record
        snapshot.nodes[call.inputs[0]].name = kernel.name
    timed = notes.timed(int8.last, kernels)
    assert [kernel for _, kernel in timed] == kernels
    # In another order those of one name cannot be told apart; each of its own still can.
    names = [kernel.name for kernel in kernels]
    turned = notes.timed(int8.last, kernels[::-1])
    assert {kernel.name for _, kernel in turned} == {n for n in names if names.count(n) == 1}
    known = {op.index: kernel.name for op, kernel in timed}
    assert all(known[op.index] == kernel.name for op, kernel in turned)


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
    shapes = "float32[1, 8], float32[1, 8]"
    kernels = [Kernel(i, name, 1.0, shapes) for i, name in enumerate(("relu", "relu1", "softmax"))]
    assert [op.node.number for op, _ in notes.timed(graph, kernels)] == [2, 4, 5]
    turned = notes.timed(graph, [kernels[2], *kernels[:2]])
    assert [kernel.name for _, kernel in turned] == ["softmax"]
