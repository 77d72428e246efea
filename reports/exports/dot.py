"""The module behind a step for Graphviz: `dot -Tsvg FILE`."""

from __future__ import annotations

from tvmq_diag.results.run import Run

from ..formatting import FATE_MARKS, dtype_family
from .choice import Choice, chosen
from .network import GraphNode, network

_COLOURS = {
    "float": "#dcecf9",
    "int8": "#fde3b5",
    "wide": "#c9ecdd",
    "low": "#f3d3e4",
    "bool": "#f7f0a8",
    "other": "#eceff2",
}
"""Of a family of dtypes, as in the page's graphs."""


def write(run: Run, choice: Choice) -> dict[str, str]:
    """A DOT file: a node an op, coloured by dtype, a double line around what was refused."""
    step = chosen(run, choice)
    nodes, edges = network(step)
    lines = [
        f"digraph {_quoted(f'{step.configuration} {step.step}')} {{",
        '  node [shape=box, style=filled, fontname="monospace"];',
    ]
    for node in nodes:
        inside = ", ".join(f"{key}={_quoted(value)}" for key, value in _drawn(node).items())
        lines.append(f"  {_name(node.name)} [{inside}];")
    lines += [
        f"  {_name(edge.source)} -> {_name(edge.target)} [operand={edge.operand}];"
        for edge in edges
    ]
    return {f"{step.stem}.dot": "\n".join([*lines, "}", ""])}


def _drawn(node: GraphNode) -> dict[str, str]:
    number = "" if node.index is None else f" #{node.index} {node.name}"
    fate = f"{FATE_MARKS[node.fate]} {node.fate}" if node.fate else ""
    refused = "✗ the compile was refused here" if node.refused else ""
    told = [f"{node.label}{number}", node.makes, node.stands_for, node.span, fate, refused]
    known = {key: str(value) for key, value in node.known.items() if key != "label"}
    return {
        "label": "\n".join(text for text in told if text),
        "shape": "ellipse" if node.index is None else "box",
        "fillcolor": _COLOURS[dtype_family(node.dtype)],
        "peripheries": "2" if node.refused else "1",
        **known,
        "attributes": ", ".join(f"{key}={value}" for key, value in node.attributes),
    }


def _name(name: str) -> str:
    return _quoted(name)


def _quoted(text: str) -> str:
    """A quoted string of DOT: in a label a backslash begins an escape, so it stands for itself
    twice."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
