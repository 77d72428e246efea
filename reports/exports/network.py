"""The module behind a step as nodes and edges, as each format of graphs writes them."""

from __future__ import annotations

import msgspec

from ..formatting import clip
from .choice import Chosen

LONGEST = 1000
"""Characters of a text of a node."""


class GraphNode(msgspec.Struct, frozen=True):
    """An op, or an input of the model.

    `name` is its line in the compile, `line17`: an op keeps it from step to step. Texts are empty
    and numbers None where nothing is known; errors are SQNR in dB, of the op alone and with what
    came before; `change` is a mark of history.story; `fate` how it fared alone; the compile was
    `refused` at it.
    """

    name: str
    label: str
    makes: str
    dtype: str = ""
    index: int | None = None
    reads: str = ""
    attributes: tuple[tuple[str, str], ...] = ()
    stands_for: str = ""
    span: str = ""
    change: str = ""
    fate: str = ""
    refused: bool | None = None
    error_alone_db: float | None = None
    error_db: float | None = None

    @property
    def known(self) -> dict[str, str | int | float]:
        """All that is known of it but its name and attributes, by field."""
        fields = {field: getattr(self, field) for field in self.__struct_fields__}
        return {
            field: value
            for field, value in fields.items()
            if field not in ("name", "attributes") and value not in (None, "", " ")
        }


class GraphEdge(msgspec.Struct, frozen=True):
    """An op reads what another makes, as which of its operands (from 0)."""

    source: str
    target: str
    operand: int


def network(step: Chosen) -> tuple[list[GraphNode], list[GraphEdge]]:
    """The ops of a step in running order, the inputs of the model before them."""
    lines = step.module.lines
    inputs: dict[str, GraphNode] = {}
    ops, edges = [], []
    for line, op, row in step.ops:
        measured, name = step.errors.get(line), f"line{line}"
        ops.append(
            GraphNode(
                name,
                _text(row.op),
                _text(row.makes),
                _text(op.node.dtype or ""),
                op.index,
                _text(", ".join(map(_named, row.reads))),
                tuple((_text(key), _text(value)) for key, value in row.attributes),
                _text(row.stands_for),
                _text(row.span),
                step.marks.get(line, ""),
                step.fates.get(line, ""),
                (line == step.refused) or None,
                _finite(measured.alone.sqnr_db) if measured and measured.alone else None,
                _finite(measured.propagated.sqnr_db) if measured else None,
            )
        )
        for place, operand in enumerate(op.operands):
            if operand.op is not None:
                edges.append(GraphEdge(f"line{lines[operand.op]}", name, place))
            elif operand.constant is None:
                source = f"input {_text(operand.type)}"
                dtype = _text(operand.type).partition("[")[0]
                inputs.setdefault(source, GraphNode(source, "input", _text(operand.type), dtype))
                edges.append(GraphEdge(source, name, place))
    return [*inputs.values(), *ops], edges


def _named(read: int | str) -> str:
    """What an op reads, in words: another op by its line."""
    return f"line{read}" if isinstance(read, int) else read


def _finite(value: float | None) -> float | None:
    return None if value is None or value != value or abs(value) == float("inf") else value


def _text(text: str) -> str:
    return clip(text, LONGEST)
