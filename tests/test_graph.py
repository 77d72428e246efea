"""Pictures of synthetic modules."""

from __future__ import annotations

import time
import xml.etree.ElementTree as ET

import pytest

from reports import graph, svg
from reports.contraction import LIMIT, condense
from tvmq_diag.snapshot import Node, Snapshot

EVIL = "<script>alert(1)</script>"
NASTY = [
    EVIL,
    '"quotes" \\N \\L \\',
    "<b>x</b>",
    "&lt;&amp;",
    "a\nb\x00\x1b",
    "ü✗\U0001d54f\ud800",
    "{a|b}",
]


def call(number: int, op: str, *inputs: int, **more: object) -> Node:
    return Node(number, "call", op, inputs, "float32", (1, 8), **more)  # type: ignore[arg-type]


def residual(blocks: int) -> Snapshot:
    """conv, add, relu, cast_hint and a shortcut, over and over."""
    nodes = [Node(0, "var", name="x", dtype="float32", shape=(1, 8))]
    for _ in range(blocks):
        start = len(nodes) - 1
        nodes.append(Node(start + 1, "constant", dtype="float32", shape=(8, 8)))
        nodes.append(call(start + 2, "nn.conv2d", start, start + 1))
        nodes.append(call(start + 3, "nn.relu", start + 2))
        nodes.append(call(start + 4, "annotation.cast_hint", start + 3))
        nodes.append(call(start + 5, "add", start + 4, start))
    return Snapshot(1, tuple(nodes))


def texts(picture: str) -> str:
    return " ".join(ET.fromstring(picture).itertext())


def test_around_marks_the_op_by_shape_and_text() -> None:
    found = graph.around(residual(6), 12)
    assert found.svg is not None
    assert found.svg.startswith("<svg") and "<!DOCTYPE" not in found.svg
    assert graph.REJECTED in texts(found.svg)
    assert found.svg.count("node d-float rejected") == 1
    assert 'role="img"' in found.svg and "const float32[8,8]" in found.svg
    assert "fill=" not in found.svg and "font-family" not in found.svg


def test_around_stays_small_beside_a_node_that_everything_reads() -> None:
    nodes = [Node(0, "var", name="x"), *(call(i, "add", 0) for i in range(1, 3000))]
    found = graph.around(Snapshot(1, tuple(nodes)), 0)
    assert found.svg is not None and len(found.svg) < 60_000
    assert found.note is not None


def test_around_a_row_that_is_not_there() -> None:
    assert graph.around(Snapshot(1, ()), 3).svg is None


@pytest.mark.parametrize("name", [*NASTY, "x" * 20_000])
def test_hostile_names_stay_text(name: str) -> None:
    nodes = (
        Node(0, "var", name=name, dtype=name, shape=(name,)),
        call(1, name, 0, span=name, attrs={name: name}),
        call(2, "add", 1),
    )
    snapshot = Snapshot(1, nodes)
    for picture in (graph.around(snapshot, 1), graph.whole(snapshot, 1)):
        assert picture.svg is not None
        tags = {element.tag.rpartition("}")[2] for element in ET.fromstring(picture.svg).iter()}
        assert tags <= {"svg", "g", "title", "text", "path", "polygon", "ellipse"}
        assert len(picture.svg) < 12_000


def test_a_hostile_name_is_shown_as_it_is() -> None:
    found = graph.around(Snapshot(1, (call(0, EVIL),)), 0)
    assert found.svg is not None and EVIL in texts(found.svg)


def test_ids_carry_the_prefix() -> None:
    found = graph.around(residual(2), 2, prefix="c3-around")
    assert found.svg is not None
    ids = [e.get("id") or "" for e in ET.fromstring(found.svg).iter() if e.get("id")]
    assert ids and all(name.startswith("c3-around-") for name in ids)


def test_a_standalone_picture_has_its_own_style() -> None:
    found = graph.whole(residual(2))
    assert found.svg is not None
    root = ET.fromstring(svg.standalone(found.svg))
    assert root[0].tag.endswith("style")


def test_elementwise_chains_are_one_node_and_constants_none() -> None:
    model = condense(residual(3), None)
    names = [[op.op for op in group.ops] for group in model.groups]
    assert names[1:4] == [["nn.conv2d"], ["nn.relu", "annotation.cast_hint"], ["add"]]
    assert model.groups[3].sources == [2, 0]


def test_the_rejected_op_is_never_hidden_in_a_chain() -> None:
    model = condense(residual(3), 4)
    assert [[op.number for op in group.ops] for group in model.groups if group.rejected] == [[4]]


def test_a_rejected_op_on_constants_is_drawn() -> None:
    nodes = (
        Node(0, "constant"),
        call(1, "layout_transform", 0),
        Node(2, "var"),
        call(3, "a", 2, 1),
    )
    assert sum(group.rejected for group in condense(Snapshot(1, nodes), 1).groups) == 1


def test_a_fused_function_is_one_node_named_after_its_ops() -> None:
    nodes = (
        Node(0, "var", name="p0"),
        call(1, "nn.conv2d", 0),
        call(2, "nn.relu", 1),
        Node(3, "function", inputs=(2,)),
        Node(4, "var", name="x"),
        call(5, "function", 4, callee=3),
    )
    model = condense(Snapshot(1, nodes), 2)
    assert [[op.op for op in group.ops] for group in model.groups] == [
        [""],
        ["nn.conv2d", "nn.relu"],
    ]
    assert model.groups[1].rejected


@pytest.mark.parametrize("blocks", [120, 700, 20_000])
def test_large_models_are_drawn_in_time(blocks: int) -> None:
    snapshot = residual(blocks)
    middle = 5 * (blocks // 2) + 2
    began = time.perf_counter()
    found = graph.whole(snapshot, middle)
    seconds = time.perf_counter() - began
    assert found.svg is not None
    assert found.svg.count('class="node') <= LIMIT
    assert graph.REJECTED in found.svg
    assert (found.note is None) == (blocks == 120)
    assert seconds < 10


def test_no_calls_no_picture() -> None:
    assert graph.whole(Snapshot(1, ())).svg is None


def test_graphviz_is_silent(capfd: pytest.CaptureFixture[str]) -> None:
    graph.whole(residual(3))
    assert capfd.readouterr() == ("", "")
