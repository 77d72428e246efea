"""Pictures of synthetic modules."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from tvmq_diag.reports import formatting
from tvmq_diag.reports.figures import graph, svg
from tvmq_diag.reports.figures.condense import LIMIT, condense
from tvmq_diag.trace.snapshot import Node, Snapshot

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
def test_large_models_are_drawn(blocks: int) -> None:
    snapshot = residual(blocks)
    middle = 5 * (blocks // 2) + 2
    found = graph.whole(snapshot, middle)
    assert found.svg is not None  # nor was it given up after svg.TIMEOUT
    assert found.svg.count('class="node') <= LIMIT
    assert graph.REJECTED in found.svg
    assert (found.note is None) == (blocks == 120)


# Coloured by the map


def look_of(picture: str, text: str) -> tuple[str, str]:
    """Class of the node that says `text`, and its outline: ellipse or how many corners."""
    for node in ET.fromstring(picture).iter("{http://www.w3.org/2000/svg}g"):
        if (node.get("class") or "").startswith("node") and text in " ".join(node.itertext()):
            outline = next(e for e in node if e.tag.endswith(("polygon", "ellipse")))
            corners = len(set((outline.get("points") or "").split()))
            return node.get("class") or "", str(corners) if corners else "ellipse"
    raise AssertionError(f"no node says {text!r}")


def five_fates() -> tuple[Snapshot, dict[int, str]]:
    """A chain of convolutions, one for each fate, the last of which ended the compile."""
    nodes = [Node(0, "var", name="x", dtype="float32", shape=(1, 8))]
    nodes += [call(i, "nn.conv2d", i - 1, span=f"layer{i}") for i in range(1, 6)]
    fates = dict(enumerate((*formatting.FATE_MARKS, formatting.REJECTED), start=1))
    return Snapshot(1, tuple(nodes)), fates


def test_each_fate_has_a_class_a_shape_or_border_and_words() -> None:
    snapshot, fates = five_fates()
    for found in (graph.whole(snapshot, 5, fates=fates), graph.around(snapshot, 5, 5, fates=fates)):
        assert found.svg is not None
        assert look_of(found.svg, "✗ rejected ") == ("node m-rejected", "8")
        assert look_of(found.svg, graph.REJECTED) == ("node m-rejected rejected", "8")
        assert look_of(found.svg, "✓ ") == ("node m-accepted", "4")
        assert look_of(found.svg, "? cannot be judged alone") == ("node m-unjudged", "6")
        assert look_of(found.svg, "not reached") == ("node m-unreached", "4")
        assert look_of(found.svg, "x") == ("node m-input", "ellipse")
        assert "d-float" not in found.svg
        looks = [key.look for key in found.legend]
        assert looks == [
            "m-rejected first",
            "m-rejected",
            "m-accepted",
            "m-unjudged",
            "m-unreached",
        ]


def test_the_look_of_every_fate_is_in_the_style_sheets() -> None:
    style = (svg._TEMPLATES / "graph.css").read_text(encoding="utf-8")
    page = (svg._TEMPLATES / "page.css").read_text(encoding="utf-8")
    assert (
        len(set(formatting.FATE_MARKS.values())) == len(formatting.FATE_MARKS) == len(graph._LOOKS)
    )
    for look, _ in graph._LOOKS.values():
        assert f".{look} polygon" in style and f".legend .{look} " in page
        assert style.count(f"--{look.removeprefix('m-')}:") == 3  # light, dark, print


def test_the_legend_counts_the_ops_of_the_module() -> None:
    snapshot, fates = five_fates()
    texts = [key.text for key in graph.whole(snapshot, 5, fates=fates).legend]
    assert texts[1:] == ["2 rejected", "1 accepted", "1 cannot be judged alone", "1 not reached"]
    well = graph.whole(snapshot, fates=dict.fromkeys(fates, formatting.ACCEPTED)).legend
    assert [key.text for key in well] == ["0 rejected", "5 accepted"]


def test_without_a_map_the_colours_and_the_legend_are_of_dtypes() -> None:
    found = graph.whole(residual(3), 4)
    assert found.svg is not None and "m-" not in found.svg
    assert [(key.look, key.text) for key in found.legend] == [("f-float", "float")]


def test_a_group_counts_its_rejected_ops_and_names_them() -> None:
    snapshot = residual(2)  # 2 conv2d, 3 relu, 4 cast_hint, 5 add; then 7 to 10 the same
    fates = {node.number: formatting.ACCEPTED for node in snapshot.calls}
    fates |= {4: formatting.REJECTED, 9: formatting.REJECTED, 8: formatting.UNJUDGED}
    found = graph.whole(snapshot, fates=fates)
    assert found.svg is not None
    said = texts(found.svg)
    assert "✗ 1 of 2 rejected nn.relu + ✗ cast_hint #2" in said
    assert "✗ 1 of 2 rejected ? 1 of 2 cannot be judged alone ? nn.relu #5 + ✗ cast_hint #6" in said
    assert "✓ %1 nn.relu, ✗ %2 annotation.cast_hint" in said  # the tooltip
    assert found.svg.count("m-rejected") == 2


def test_what_went_badly_in_a_long_chain_is_named() -> None:
    nodes = (Node(0, "var", name="x"), *(call(i, f"op{i}", i - 1) for i in range(1, 9)))
    fates = dict.fromkeys(range(1, 9), formatting.ACCEPTED) | {8: formatting.REJECTED}
    found = graph.whole(Snapshot(1, nodes), fates=fates)
    assert found.svg is not None
    assert "✗ 1 of 8 rejected op1 + op2 + ✗ op8 #7 + 5 more" in texts(found.svg)


def test_ops_on_constants_are_drawn_where_they_are_rejected_only() -> None:
    nodes = (
        Node(0, "constant"),
        call(1, "relay.op.annotation.simulated_quantize", 0),
        Node(2, "constant"),
        call(3, "relay.op.annotation.simulated_quantize", 2),
        Node(4, "var", name="x"),
        call(5, "nn.conv2d", 4, 1),
        call(6, "nn.dense", 5, 3),
    )
    fates = {
        1: formatting.REJECTED,
        3: formatting.ACCEPTED,
        5: formatting.ACCEPTED,
        6: formatting.ACCEPTED,
    }
    found = graph.whole(Snapshot(1, nodes), fates=fates)
    assert found.svg is not None and found.svg.count('class="node') == 4
    assert "simulated_quantize #0" in texts(found.svg)
    assert found.svg.count('class="edge"') == 3


@pytest.mark.parametrize("fate", sorted(formatting.FATE_MARKS))
@pytest.mark.parametrize("blocks", [130, 290, 20_000])
def test_large_models_are_coloured_in_time(blocks: int, fate: str) -> None:
    snapshot = residual(blocks)  # 130 and 290: ResNet-50 has so many ops after and before annotate
    middle = 5 * (blocks // 2) + 2
    fates = {node.number: fate for node in snapshot.calls} | {middle: formatting.REJECTED}
    found = graph.whole(snapshot, middle, fates=fates)
    assert found.svg is not None and found.svg.count('class="node') <= LIMIT
    assert graph.REJECTED in found.svg
    hidden = "rejected ops are not in it" in (found.note or "")
    assert hidden == (fate == formatting.REJECTED and blocks > 130)


def test_rows_that_the_module_does_not_have_cost_nothing() -> None:
    snapshot, fates = five_fates()
    found = graph.whole(snapshot, 5, fates={**fates, 99: formatting.REJECTED})
    assert found.svg is not None and "1 rejected ops are not in it" in (found.note or "")


def test_no_calls_no_picture() -> None:
    assert graph.whole(Snapshot(1, ())).svg is None


def test_graphviz_is_silent(capfd: pytest.CaptureFixture[str]) -> None:
    graph.whole(residual(3))
    assert capfd.readouterr() == ("", "")
