"""The machine code of what relay.build returned, as text, and the kernels that the graph calls."""

from __future__ import annotations

import json
from typing import Any

from ...tvm_types import Library


def assembly(library: Library) -> str:
    """All kernels as LLVM prints them for the target: codegen runs once more for it."""
    return str(library.get_lib().get_source("asm"))


def called(library: Library) -> list[dict[str, Any]]:
    """Each kernel in running order: name, and dtypes and shapes of its arguments as the profiler
    writes them.

    The graph has a node an op or input; `heads`, `shape` and `dltype` number the results of the
    nodes on end (src/runtime/graph_executor/graph_executor.h).
    """
    graph = json.loads(library.get_graph_json())
    shapes, dtypes = graph["attrs"]["shape"][1], graph["attrs"]["dltype"][1]
    first = graph["node_row_ptr"]

    def tensors(start: int, end: int) -> list[str]:
        sizes = (", ".join(map(str, shapes[at])) for at in range(start, end))
        return [f"{dtypes[at]}[{size}]" for at, size in zip(range(start, end), sizes)]

    calls = []
    for number, node in enumerate(graph["nodes"]):
        name = node.get("attrs", {}).get("func_name")
        if node["op"] == "null" or name in (None, "__nop", "__copy"):
            continue
        read = [
            text
            for of, at, _ in node["inputs"]
            for text in tensors(first[of] + at, first[of] + at + 1)
        ]
        written = tensors(first[number], first[number + 1])
        calls.append({"name": name, "shapes": ", ".join([*read, *written])})
    return calls
