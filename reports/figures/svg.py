"""From a networkx graph to SVG that can stand inside a page.

Graphviz runs in a process of its own: it writes warnings to stderr where nobody wants them, and a
pathological graph must cost a picture, not the report.
"""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import networkx as nx

TIMEOUT = 30.0
"""Seconds after which a picture is given up."""

_NAMESPACE = "http://www.w3.org/2000/svg"
_TEMPLATES = Path(__file__).parent.parent / "templates"

# pygraphviz carries Graphviz as a library, without the program `dot`.
_DOT = """
import sys, pygraphviz
graph = pygraphviz.AGraph(string=sys.stdin.buffer.read().decode("utf-8"))
sys.stdout.buffer.write(graph.draw(format="svg", prog="dot"))
"""

# Looks are the page's business: classes and style sheets, so that light and dark both work.
_LOOKS = ("fill", "stroke", "font-family", "stroke-width", "{http://www.w3.org/XML/1998/namespace}")


def label(lines: list[str]) -> str:
    """A node's label as Graphviz wants it: its own escapes and entities disarmed."""
    text = "\\n".join(_plain(line) for line in lines)
    # pygraphviz takes <…> for HTML.
    return f" {text}" if text.startswith("<") else text


def draw(graph: nx.DiGraph, prefix: str, title: str) -> str | None:
    """The graph as an inline `<svg>`; None when Graphviz failed or took too long.

    Nodes must be strings fit for an id. Their `label`, `tip` (tooltip), `class`, `shape` and
    `peripheries` are used; `data` is what their elements carry as `data-…`, for the viewer. Ids in
    the result begin with `prefix`.
    """
    tips = {str(node): str(data.get("tip", "")) for node, data in graph.nodes(data=True)}
    told = {str(node): data.get("data", {}) for node, data in graph.nodes(data=True)}
    bare = graph.copy()
    for _, data in bare.nodes(data=True):
        data.pop("tip", None)
        data.pop("data", None)
    # Courier: the one font whose width Graphviz and a browser agree on, near enough.
    bare.graph["graph"] = {"rankdir": "TB", "nodesep": "0.25", "ranksep": "0.35", "nslimit": "2"}
    bare.graph["node"] = {"shape": "box", "fontname": "Courier", "fontsize": "11"}
    bare.graph["edge"] = {"arrowsize": "0.6"}
    dot = nx.nx_agraph.to_agraph(bare).to_string()
    try:
        drawn = subprocess.run(
            [sys.executable, "-c", _DOT],
            input=dot.encode("utf-8", "replace"),
            capture_output=True,
            timeout=TIMEOUT,
            check=True,
            cwd=_TEMPLATES,  # `-c` puts it on sys.path: nothing there can be imported
        ).stdout
        return _inline(ET.fromstring(drawn), prefix, title, tips, told)
    except (OSError, subprocess.SubprocessError, ET.ParseError):
        return None


def standalone(svg: str) -> str:
    """The same picture as a file of its own: with its style sheet."""
    style = (_TEMPLATES / "graph.css").read_text(encoding="utf-8")
    head, body = svg.split(">", 1)
    return f"{head}><style>{style}</style>{body}\n"


def _plain(line: str) -> str:
    return line.replace("\\", "\\\\").replace("&", "&amp;")


def _inline(
    root: ET.Element,
    prefix: str,
    title: str,
    tips: dict[str, str],
    told: dict[str, dict[str, str]],
) -> str:
    ET.register_namespace("", _NAMESPACE)
    width = float((root.get("width") or "0").removesuffix("pt"))
    root.set("width", f"{width * 4 / 3:.0f}")
    root.attrib.pop("height", None)
    root.set("class", "graph")
    root.set("role", "img")
    root.set("aria-labelledby", f"{prefix}-title")
    for element in root.iter():
        _strip(element)
        if element.get("id"):
            element.set("id", f"{prefix}-{element.get('id')}")
    canvas = root.find(f"{{{_NAMESPACE}}}g")
    if canvas is not None:
        _tidy(canvas, tips, told)
    heading = ET.Element(f"{{{_NAMESPACE}}}title", {"id": f"{prefix}-title"})
    heading.text = title
    root.insert(0, heading)
    return ET.tostring(root, encoding="unicode")


def _strip(element: ET.Element) -> None:
    for name in list(element.attrib):
        if name.startswith(_LOOKS):
            del element.attrib[name]
    element.tail = None
    if element.text is not None and not element.text.strip():
        element.text = None


def _tidy(canvas: ET.Element, tips: dict[str, str], told: dict[str, dict[str, str]]) -> None:
    """Drop the white background and the titles of edges; titles of nodes become their tooltips."""
    for child in list(canvas):
        if child.tag == f"{{{_NAMESPACE}}}polygon":
            canvas.remove(child)
            continue
        for title in child.findall(f"{{{_NAMESPACE}}}title"):
            name = title.text or ""
            if "->" in name:  # what it leads from and to, for who follows them (viewer/graph.js)
                child.set("data-from", name.partition("->")[0])
                child.set("data-to", name.partition("->")[2])
            else:
                child.set("data-node", name)
                for key, value in told.get(name, {}).items():
                    child.set(f"data-{key}", value)
            tip = tips.get(name)
            if tip:
                title.text = tip
            else:
                child.remove(title)
