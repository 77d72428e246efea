"""The formats that a run is exported to: a name, what it is, and who writes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tvmq_diag import extensions
from tvmq_diag.results.run import Run

from . import dot, graphml, markdown, model_explorer, perfetto, sarif, tables
from .choice import Choice


@dataclass(frozen=True)
class Format:
    """A format. `write` gives the text of each file by its name; `several`: it may be more than
    one, which go into a folder of their own."""

    what: str
    write: Callable[[Run, Choice], dict[str, str]]
    several: bool = False


FORMATS = {
    "perfetto": Format("passes and kernels for ui.perfetto.dev", perfetto.write),
    "model-explorer": Format("a step's graph, and node data", model_explorer.write, several=True),
    "dot": Format("a step's graph for Graphviz", dot.write),
    "graphml": Format("a step's graph for graph libraries", graphml.write),
    "csv": Format("tables of verdicts, passes, ops, dtypes, kernels", tables.write, several=True),
    "markdown": Format("a summary for a pull request", markdown.write),
    "sarif": Format("verdicts as results, for code scanning", sarif.write),
}


def formats() -> dict[str, Format]:
    """By name, with those of other packages, which cannot replace one."""
    return {**extensions.of(extensions.EXPORTERS), **FORMATS}
