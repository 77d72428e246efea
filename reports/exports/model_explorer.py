"""The module behind a step for Google's Model Explorer: a collection of graphs as JSON, and node
data for its dtypes, errors and fates.

The graph is opened with `model-explorer FILE` or dropped into it; the other files are added there
as node data. The classes of both are in the package ai-edge-model-explorer (graph_builder.py,
node_data_builder.py); a value of node data may be a text in what it draws, too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tvmq_diag.results.run import Run

from ..formatting import ACCEPTED, REJECTED, UNJUDGED, UNREACHED
from .choice import Choice, chosen
from .network import GraphEdge, GraphNode, network

_DTYPES = {"float": "#dcecf9", "int": "#fde3b5", "uint": "#fde3b5", "bool": "#f7f0a8"}
_FATES = {REJECTED: "#f7b27a", ACCEPTED: "#d3ebf7", UNJUDGED: "#f5e6a3", UNREACHED: "#ffffff"}
_GRADIENT = [{"stop": 0, "bgColor": "#f7b27a"}, {"stop": 1, "bgColor": "#ffffff"}]
"""From the least SQNR, the largest error, to the best."""


def write(run: Run, choice: Choice) -> dict[str, str]:
    """The graph, and those node data that there are values for."""
    step = chosen(run, choice)
    nodes, edges = network(step)
    graph_id = f"{step.configuration} {step.step}"
    incoming: dict[str, list[GraphEdge]] = {}
    for edge in edges:
        incoming.setdefault(edge.target, []).append(edge)
    graph = {
        "id": graph_id,
        "nodes": [_node(node, incoming.get(node.name, [])) for node in nodes],
        "groupNodeAttributes": {
            "": {
                "configuration": step.configuration,
                "step": step.step,
                "verdict": step.result.verdict.headline,
            }
        },
    }
    files = {"graph.json": _text({"label": str(run.facts.model or "model"), "graphs": [graph]})}
    for name, results in _data(nodes):
        told: dict[str, Any] = {"name": name, "results": results}
        if "SQNR" in name:
            told["gradient"] = _GRADIENT
        file = name.partition(",")[0].replace(" ", "_")
        if results:
            files[f"node_data_{file}.json"] = _text({graph_id: told})
    return files


def _node(node: GraphNode, incoming: list[GraphEdge]) -> dict[str, Any]:
    known = {**node.known, "line": node.name}
    attrs = [(key, str(value)) for key, value in known.items() if key != "label"]
    return {
        "id": node.name,
        "label": node.label,
        "namespace": "/".join(part for part in node.span.split("/")[:-1] if part),
        "attrs": [{"key": key, "value": value} for key, value in [*attrs, *node.attributes]],
        "incomingEdges": [
            {
                "sourceNodeId": e.source,
                "sourceNodeOutputId": "0",
                "targetNodeInputId": str(e.operand),
            }
            for e in incoming
        ],
        "outputsMetadata": [{"id": "0", "attrs": [{"key": "tensor_shape", "value": node.makes}]}],
    }


def _data(nodes: list[GraphNode]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield (
        "dtype",
        {
            node.name: {"value": node.dtype, "bgColor": _coloured(node.dtype)}
            for node in nodes
            if node.dtype
        },
    )
    yield (
        "error alone, SQNR in dB",
        {
            node.name: {"value": node.error_alone_db}
            for node in nodes
            if node.error_alone_db is not None
        },
    )
    yield (
        "error with what came before, SQNR in dB",
        {node.name: {"value": node.error_db} for node in nodes if node.error_db is not None},
    )
    yield (
        "fate",
        {
            node.name: {"value": node.fate, "bgColor": _FATES[node.fate]}
            for node in nodes
            if node.fate
        },
    )


def _coloured(dtype: str) -> str:
    return _DTYPES.get(dtype.rstrip("0123456789"), "#eceff2")


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, allow_nan=False, indent=1) + "\n"
