"""Alignment of anchor ops, on op tables as the passes of a compile leave them behind."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from support.builders import call
from support.runs import CRASHED, TINY

from tvmq_diag.analysis.dtype_timeline import _align, anchors_of, timeline
from tvmq_diag.trace import reader
from tvmq_diag.trace.ops import RELAY
from tvmq_diag.trace.snapshot import Node, Snapshot


def test_kinds_of_anchor() -> None:
    assert RELAY.anchor_kind("nn.contrib_conv2d_NCHWc") == "conv2d"
    assert RELAY.anchor_kind("nn.batch_norm") == "add"
    assert RELAY.anchor_kind("nn.conv2d_transpose") == "conv2d_transpose"
    assert RELAY.anchor_kind("nn.relu") is None


def test_a_rescaling_by_a_scalar_is_no_anchor() -> None:
    scale = Node(0, "constant", dtype="float32", shape=(), value=0.5)
    data = Node(1, "var", dtype="float32", shape=(1, 8))
    module = Snapshot(1, (scale, data, call(2, "multiply", 1, 0), call(3, "add", 1, 1)))
    assert [node.number for node in anchors_of(module)] == [3]


def test_a_fused_function_runs_where_it_is_called() -> None:
    # conv then dense, each in a function; the table lists the dense's function first, as TVM does.
    nodes = (
        Node(0, "var"),
        call(1, "nn.dense", 0),
        Node(2, "function", inputs=(1,)),
        Node(3, "var"),
        call(4, "nn.conv2d", 3),
        Node(5, "function", inputs=(4,)),
        Node(6, "var"),
        Node(7, "call", "fused", (6,), callee=5),
        Node(8, "call", "fused", (7,), callee=2),
    )
    assert [node.op for node in Snapshot(1, nodes).executed()] == ["nn.conv2d", "nn.dense"]


def test_a_chain_as_long_as_any_model_needs_no_recursion() -> None:
    nodes = [Node(0, "var")] + [call(i, "nn.relu", i - 1) for i in range(1, 50_000)]
    assert len(Snapshot(1, tuple(nodes)).executed()) == 49_999


@given(st.lists(st.sampled_from(["nn.conv2d", "add", "nn.dense", "nn.max_pool2d"]), max_size=30),
       st.data())  # fmt: skip
def test_ops_that_a_pass_inserts_do_not_move_the_others(
    ops: list[str], data: st.DataObject
) -> None:
    here = [call(i, op) for i, op in enumerate(ops)]
    there = list(here)
    for _ in range(data.draw(st.integers(0, 3))):
        place = data.draw(st.integers(0, len(there)))
        there.insert(place, call(100, "concatenate"))
    assert _align(here, there, RELAY) == here


def cells_of(folder: Path, stage: str) -> list[tuple[str, str | None, str | None]]:
    """Op, what it is cast from, what its result goes back to."""
    rows = timeline(reader.load(folder)).rows
    cells = [row.cells[stage] for row in rows if stage in row.cells]
    return [(cell.op, cell.cast_from, cell.back_to) for cell in cells]


def test_what_is_cast_and_what_goes_back_to_float_on_relay() -> None:
    cells = cells_of(TINY / "traces" / "int8_int8_int32", "realize")
    assert cells[0] == ("nn.conv2d", None, None)  # stays float
    assert cells[3] == ("nn.conv2d", "float32", None)  # reads float, and hands on integers
    assert cells[5] == ("nn.conv2d", "int32", None)  # requantized
    assert [op for op, _, back in cells if back == "float32"] == [
        "nn.global_avg_pool2d"
    ]  # before the pooling
    before = cells_of(TINY / "traces" / "int8_int8_int32", "calibrate")
    assert all((source, back) == (None, None) for _, source, back in before)


def test_what_is_cast_and_what_goes_back_to_float_on_relax() -> None:
    (folder,) = (CRASHED / "traces").iterdir()
    cells = cells_of(folder, "realize")
    assert cells[0] == ("nn.conv2d", "float32", "float32")
    assert cells[1] == ("add", "int32", None)  # adds a bias in float


def test_a_damaged_module_crosses_nothing() -> None:
    trace = reader.load(TINY / "traces" / "int8_int8_int32")
    rows = timeline(trace, lambda snapshot: None).rows
    assert all(cell.cast_from is None for row in rows for cell in row.cells.values())
