"""How two aligned modules differ, op by op, in words that a person knows from the model."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..trace.graph import RESULT, Graph, Op, Operand
from ..trace.ops import short
from ..trace.snapshot import Node
from .alignment import Alignment

ADDED, REMOVED, CHANGED, REPLACED = "added", "removed", "changed", "replaced"
MARKS = {ADDED: "+", REMOVED: "-", CHANGED: "~", REPLACED: "!"}

_FEW = 4
"""Ops or changes that a line lists; of more ops, the first and the last."""


@dataclass(frozen=True)
class Ref:
    """An op: its index in running order, its name and what it makes."""

    index: int
    op: str
    type: str

    def __str__(self) -> str:
        return self.op if self.op == RESULT else f"{self.op} #{self.index}"


@dataclass(frozen=True)
class Change:
    """A property of an op that is not as it was."""

    name: str
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.name} {self.old} -> {self.new}"


@dataclass(frozen=True)
class Difference:
    """Ops added, removed, changed, or replaced by others; `old` and `new` are those concerned.

    `reader` is the op of the model that reads the result, where the ops themselves are not the
    model's; `source` the one they read. The new module numbers them, or the old one where an op of
    it is gone.
    """

    kind: str
    old: tuple[Ref, ...]
    new: tuple[Ref, ...]
    changes: tuple[Change, ...] = ()
    reader: Ref | None = None
    source: Ref | None = None
    lasts: bool | None = None
    """Is there a difference at its place of the model behind later passes too? None: not looked at.
    Of those of the first pass that differs: see lasting."""

    @property
    def op(self) -> Ref:
        """The op of the model at which a person would look for it."""
        return self.reader or (self.old if self.kind == REPLACED else self.new or self.old)[0]

    @property
    def what(self) -> str:
        """What became of it: `out_dtype int32 -> int16`, or `simulated_quantize #8 removed`."""
        if self.kind == REPLACED:
            text = f"{_list(self.old)} became {_list(self.new)}"
        elif self.kind == CHANGED:
            text = ", ".join(map(str, self.changes[:_FEW]))
            text += f" and {len(self.changes) - _FEW} more" if len(self.changes) > _FEW else ""
            text += f" in {self.new[0]}" if self.reader else ""
        else:
            ops = _list(self.new or self.old)
            text = self.kind if ops == str(self.op) else f"{ops} {self.kind}"
        return f"{text}, behind {self.source}" if self.source is not None else text

    @property
    def line(self) -> str:
        """The difference as one line, the op at which to look for it first."""
        return f"{self.op}: {self.what}"

    @property
    def follows(self) -> bool:
        """Is it an op with no change but that it is given another dtype, and makes another?"""
        names = {change.name for change in self.changes}
        return "reads" in names and names <= {"reads", "makes"}


def differences(alignment: Alignment) -> list[Difference]:
    """All differences of two aligned modules, in the running order of the ops that they are at.

    The quantizer's rule for an op writes what the op reads, and that may run long before it.
    """
    placed = [*_changed(alignment), *_unpaired(alignment)]
    return [difference for _, difference in sorted(placed, key=lambda item: item[0])]


def ref(op: Op) -> Ref:
    """An op as reports call it."""
    kind = op.vocabulary.step_kind(op.name, op.node.attrs)
    return Ref(op.index, f"{short(op.name)}({kind})" if kind else short(op.name), op.node.tensor)


def base_name(name: str) -> str:
    """The name of an op without what it is for: `simulated_quantize` of its kind weight."""
    return name.partition("(")[0]


Placed = tuple[tuple[float, float], Difference]
"""A difference, with where in the new module its reader and it itself stand."""


def _changed(alignment: Alignment) -> Iterator[Placed]:
    paired = set(alignment.pairs.values())
    for i, j in alignment.pairs.items():
        old, new = alignment.old.ops[i], alignment.new.ops[j]
        changes = tuple(_changes(alignment, paired, old, new))
        if changes:
            reader, source = _place(alignment.new, [new])
            difference = Difference(CHANGED, (ref(old),), (ref(new),), changes, reader, source)
            yield (float(reader.index if reader else j), float(j)), difference


def _unpaired(alignment: Alignment) -> Iterator[Placed]:
    places = places_of_old(alignment)
    for ours, theirs in alignment.groups:
        old = [alignment.old.ops[i] for i in ours]
        new = [alignment.new.ops[j] for j in theirs]
        kind = REPLACED if old and new else ADDED if new else REMOVED
        reader, source = _place(alignment.old, old) if old else _place(alignment.new, new)
        itself = min([*map(float, theirs), *(places[i] for i in ours)])
        refs = tuple(map(ref, old)), tuple(map(ref, new))
        difference = Difference(kind, *refs, (), reader, source)
        if reader is None:
            yield (itself, itself), difference
        else:
            yield (places[reader.index] if old else float(reader.index), itself), difference


def places_of_old(alignment: Alignment) -> dict[int, float]:
    """Where the old ops stand in the new module; those that are gone, before the next that is."""
    places, following = {}, float(len(alignment.new.ops))
    for op in reversed(alignment.old.ops):
        if op.index in alignment.pairs:
            places[op.index] = following = float(alignment.pairs[op.index])
        else:
            places[op.index] = following - 0.5
    return places


def _place(graph: Graph, ops: list[Op]) -> tuple[Ref | None, Ref | None]:
    """The op of the model that reads these, and the one they read; none where they are such."""
    if any(op.of_model for op in ops):
        return None, None
    first, last = ops[0], ops[-1]
    return _nearest(graph, last, down=True), _nearest(graph, first, down=False)


def _nearest(graph: Graph, start: Op, down: bool) -> Ref | None:
    waiting, seen = [start.index], {start.index}
    while waiting:
        op = graph.ops[waiting.pop(0)]
        if op is not start and op.of_model:
            return ref(op)
        fresh = [i for i in (op.users if down else op.reads) if i not in seen]
        seen.update(fresh)
        waiting += fresh
    return None


def _changes(alignment: Alignment, paired: set[int], old: Op, new: Op) -> Iterator[Change]:
    if old.name != new.name:
        yield Change("op", short(old.name), short(new.name))
    yield from _types(old, new)
    yield from _attributes(old, new)
    if len(old.operands) != len(new.operands):
        yield Change("operands", str(len(old.operands)), str(len(new.operands)))
        return
    for place, (a, b) in enumerate(zip(old.operands, new.operands, strict=True)):
        yield from _operand(alignment, paired, _operand_name(new, place), a, b)


def _types(old: Op, new: Op) -> Iterator[Change]:
    reads = _dtypes(old), _dtypes(new)
    if "?" not in (*reads[0], *reads[1]) and reads[0] != reads[1] and short(new.name) != RESULT:
        yield Change("reads", ", ".join(reads[0]), ", ".join(reads[1]))
    a, b = old.node, new.node
    if a.dtype != b.dtype and a.dtype and b.dtype:
        yield Change("makes", a.dtype, b.dtype)
    if a.shape != b.shape and a.shape is not None and b.shape is not None:
        yield Change("shape", _shape(a), _shape(b))
    if a.dtype is None and b.dtype is None and a.type != b.type and a.type and b.type:
        yield Change("type", a.type, b.type)


def _dtypes(op: Op) -> list[str]:
    """The dtypes it reads; of a tuple that of the first field."""
    matches = [re.search(r"\b(?:float|bfloat|u?int|bool)\d*\b", o.type) for o in op.operands]
    return [match.group() if match else "?" for match in matches]


def _attributes(old: Op, new: Op) -> Iterator[Change]:
    ours, theirs = _named(old), _named(new)
    for name in sorted(ours.keys() | theirs.keys()):
        a, b = ours.get(name), theirs.get(name)
        if repr(a) != repr(b) and name != "metadata":
            yield Change(name, _text(a), _text(b))


def _named(op: Op) -> dict[str, Any]:
    """Its attributes; what a quantization step is for by its name."""
    attributes = dict(op.vocabulary.attributes(op.name, op.node.attrs))
    kind = op.vocabulary.step_kind(op.name, op.node.attrs)
    return {**attributes, "kind": kind} if kind is not None else attributes


def _operand(
    alignment: Alignment, paired: set[int], name: str, a: Operand, b: Operand
) -> Iterator[Change]:
    if a.constant is not None and b.constant is not None:
        if a.constant.hash != b.constant.hash and not _same_scalar(a.constant, b.constant):
            yield Change(name, _value(a.constant), _value(b.constant))
        return
    # An op that came between, or went, is a difference of its own.
    if a.op is not None and a.op not in alignment.pairs:
        return
    if b.op is not None and b.op not in paired:
        return
    if a.op is not None and b.op is not None:
        # That it makes a tuple now, or no longer, is a difference of that op.
        parts = a.part == b.part or None in (a.part, b.part)
        same = alignment.pairs[a.op] == b.op and parts
    else:
        same = a.op is b.op and a.constant is b.constant  # both are inputs of the model
    if not same:
        yield Change(name, _origin(alignment.old, a), _origin(alignment.new, b))


def _origin(graph: Graph, operand: Operand) -> str:
    if operand.op is not None:
        return str(ref(graph.ops[operand.op]))
    return "a constant" if operand.constant is not None else "an input of the model"


def _operand_name(op: Op, place: int) -> str:
    names = op.vocabulary.operands.get(short(op.name), ())
    return names[place] if place < len(names) else f"operand {place}"


def _same_scalar(a: Node, b: Node) -> bool:
    """The same number in another dtype: that the op reads another dtype is said already."""
    return a.value is not None and a.value == b.value


def _value(constant: Node) -> str:
    """A scalar's value; of a tensor its type and the hash that names its bytes."""
    if constant.value is not None:
        return f"{constant.value:.6g}"
    return f"{constant.tensor} {(constant.hash or '?')[:8]}"


def _text(value: Any) -> str:
    """An attribute's value as people read it."""
    if value is None or value == "":
        return "none"
    if isinstance(value, float):
        return f"{value:.6g}" if math.isfinite(value) else str(value)
    return str(value)


def _shape(node: Node) -> str:
    return f"[{','.join(map(str, node.shape or ()))}]"


def _list(refs: tuple[Ref, ...]) -> str:
    if len(refs) > _FEW:
        return f"{refs[0]}, … {refs[-1]} ({len(refs)} ops)"
    return ", ".join(map(str, refs))
