"""Values that are taken to float and back to integers with only rescaling between."""

from __future__ import annotations

from collections.abc import Iterator

from ..trace.snapshot import Node, Snapshot, is_float


def chains(module: Snapshot) -> Iterator[list[str]]:
    """The operators of each such chain in running order, both casts included.

    Each op of it is the only one that reads the one before, and none is an op of the model that
    computes more than a rescaling does.
    """
    words = module.vocabulary
    readers: dict[int, list[Node]] = {}
    for call in module.calls:
        for number in call.inputs[:1]:
            readers.setdefault(number, []).append(call)
    for call in module.calls:
        if call.op not in words.casts or not is_float(call.dtype) or not call.inputs:
            continue
        if is_float(module.nodes[call.inputs[0]].dtype):
            continue
        chain, node = [call.op], call
        while len(readers.get(node.number, [])) == 1:
            node = readers[node.number][0]
            chain.append(node.op)
            if node.op in words.casts and "int" in (node.dtype or ""):
                yield chain
                break
            if words.heavy.search(node.op):
                break
