"""The names in an ONNX graph: whatever is read must be given before, as the format demands.

TVM's importers say KeyError where it is not, of a file that is damaged, and not of what they lack.
"""

from __future__ import annotations

from typing import AbstractSet, Any, Iterator

from .errors import ModelError


def check(where: object, graph: Any, outside: AbstractSet[str] = frozenset()) -> None:
    """Raises ModelError unless each node of a GraphProto finds its inputs. `outside` are the names
    that the graph around it gives."""
    known = {*outside, *(value.name for value in graph.input)}
    known.update(tensor.name for tensor in graph.initializer)
    known.update(tensor.values.name for tensor in graph.sparse_initializer)
    for tensor in graph.initializer:
        if any(size < 0 for size in tensor.dims):
            raise _invalid(where, f"weight {tensor.name!r} is {list(tensor.dims)}")
    for node in graph.node:
        for name in node.input:
            if name and name not in known:  # an optional one that is left out has none
                what = f"node {node.name or node.op_type!r} reads {name!r}"
                raise _invalid(where, f"{what}, which no input, weight or node before it gives")
        for inner in _inner(node):
            check(where, inner, known)
        known.update(node.output)
    for value in graph.output:
        if value.name not in known:
            raise _invalid(where, f"no node gives its output {value.name!r}")


def _inner(node: Any) -> Iterator[Any]:
    """The graphs inside a node: branches, the body of a loop."""
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def _invalid(where: object, why: str) -> ModelError:
    return ModelError(f"{where} is no valid ONNX model: {why}; export it again")
