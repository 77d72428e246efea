"""The module behind a step as GraphML, which graph libraries and yEd, Gephi and Cytoscape read."""

from __future__ import annotations

import networkx as nx

from tvmq_diag.results.run import Run

from .choice import Choice, chosen
from .network import network


def write(run: Run, choice: Choice) -> dict[str, str]:
    """A GraphML file: a node an op, all that is known of it as data, its attributes by name."""
    step = chosen(run, choice)
    nodes, edges = network(step)
    # What XML cannot hold is not printable either: `choice` and `network` let none of it through.
    graph = nx.MultiDiGraph(configuration=step.configuration, step=step.step)
    for node in nodes:
        named = {f"attribute {key}": value for key, value in node.attributes}
        graph.add_node(node.name, **node.known, **named)
    for edge in edges:
        graph.add_edge(edge.source, edge.target, operand=edge.operand)
    text = "\n".join(nx.generate_graphml(graph))
    return {f"{step.stem}.graphml": f"<?xml version='1.0' encoding='utf-8'?>\n{text}\n"}
