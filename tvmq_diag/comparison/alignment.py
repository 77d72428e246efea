"""Which op of one module is which op of another: by what ops are and stand beside, never by name.

Ops are compared in running order, by one key after another, each looser than the one before: from
all that an op is computed from to its kind alone. A key pairs ops (longest common subsequence) only
between those that stricter keys have paired, so that a change stays where it is. Twins, ops that
compute the same from the same, are told apart by the ops of the model that read them.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from rapidfuzz.distance import Indel

from ..trace.graph import Graph, Op
from . import places


@dataclass(frozen=True)
class Alignment:
    """Two modules' ops side by side. `pairs` maps indices of `old` to indices of `new`.

    `groups` are the ops without a partner, as (old, new): those that stand in for each other are in
    one group, of which one side may be empty.
    """

    old: Graph
    new: Graph
    pairs: dict[int, int]
    groups: list[tuple[tuple[int, ...], tuple[int, ...]]]


def align(old: Graph, new: Graph) -> Alignment:
    """Pair the ops of two modules, one to one; group the rest, many to many."""
    numbers: dict[Hashable, int] = {}
    ours, theirs = _Keys(old, numbers), _Keys(new, numbers)
    pairs: dict[int, int] = {}
    for tier in _TIERS:
        if len(pairs) == min(len(old.ops), len(new.ops)):
            break
        here, there = tier(ours), tier(theirs)
        for rows, columns in list(_gaps(pairs, len(old.ops), len(new.ops))):
            if rows and columns:
                pairs.update(_common(here, there, rows, columns))
    pairs.update(_moved(ours.above, theirs.above, pairs))
    return Alignment(old, new, pairs, _groups(old, new, pairs))


class _Keys:
    """Keys to tell a module's ops by: lists with a number for each op, computed on first use.

    `numbers` are common to two modules, so that equal things have equal numbers in both.
    """

    def __init__(self, graph: Graph, numbers: dict[Hashable, int]) -> None:
        self._graph = graph
        self._numbers = numbers

    @cached_property
    def whole(self) -> list[int]:
        """Each op with all that needs no other op, weights too."""
        return [self._number(op.fixed) for op in self._graph.ops]

    @cached_property
    def typed(self) -> list[int]:
        """The same without the values of weights and scales."""
        return [
            self._number((op.signature, *(o.type if o.op is None else "" for o in op.operands)))
            for op in self._graph.ops
        ]

    @cached_property
    def sized(self) -> list[int]:
        """What an op keeps in another layout and dtype: its name, and how much it makes."""
        return [self._number((op.name, places.size(op.node))) for op in self._graph.ops]

    @cached_property
    def kind(self) -> list[int]:
        """The kind of anchor, or else the name; a rescaling is no op that anybody knows."""
        return [self._number((op.anchor_kind or op.name, op.rescales)) for op in self._graph.ops]

    @cached_property
    def above(self) -> list[int]:
        """Each op with all that it is computed from."""
        keys: list[int] = []
        for op, whole in zip(self._graph.ops, self.whole, strict=True):
            # In running order: what it reads has a key already.
            keys.append(self._number(("above", whole, *(keys[i] for i in op.reads))))
        return keys

    @cached_property
    def below(self) -> list[int]:
        """Each op with all that is computed from it."""
        ops, keys = self._graph.ops, [0] * len(self._graph.ops)
        for op in reversed(ops):
            users = sorted((keys[i], ops[i].reads.index(op.index)) for i in op.users)
            keys[op.index] = self._number(("below", self.whole[op.index], *users))
        return keys

    @cached_property
    def wholly(self) -> list[int]:
        """Both: only ops with which nothing at all has happened have the same."""
        both = zip(self.above, self.below, strict=True)
        return [self._number(("wholly", *keys)) for keys in both]

    def placed(self, keys: list[int]) -> list[int]:
        """Each op as `keys` tell it, at its place in the model."""
        return [self._number(("placed", *key)) for key in zip(keys, *self._place, strict=True)]

    @cached_property
    def _place(self) -> tuple[list[int], list[int]]:
        computed = places.computed(self._graph, self._number)
        return computed, places.read_by(self._graph, computed, self._number)

    def around(self, keys: list[int], radius: int) -> list[int]:
        """Each op as `keys` tell it, with its neighbours up to so many steps away."""
        for _ in range(radius):
            keys = [
                self._number((
                    "around",
                    keys[op.index],
                    tuple(keys[i] for i in op.reads),
                    tuple(sorted(keys[i] for i in op.users)),
                ))
                for op in self._graph.ops
            ]  # fmt: skip
        return keys

    @cached_property
    def near_whole(self) -> list[int]:
        """Two steps around, with values."""
        return self.around(self.whole, 2)

    @cached_property
    def near_typed(self) -> list[int]:
        """Two steps around, without values."""
        return self.around(self.typed, 2)

    @cached_property
    def beside_sized(self) -> list[int]:
        """One step around, in whatever dtype."""
        return self.around(self.sized, 1)

    @cached_property
    def near_sized(self) -> list[int]:
        """Two steps around, in whatever dtype."""
        return self.around(self.beside_sized, 1)

    def _number(self, key: Hashable) -> int:
        return self._numbers.setdefault(key, len(self._numbers))


_TIERS: tuple[Callable[[_Keys], list[int]], ...] = (
    lambda keys: keys.wholly,
    lambda keys: keys.placed(keys.above),
    lambda keys: keys.placed(keys.whole),
    lambda keys: keys.placed(keys.typed),
    lambda keys: keys.placed(keys.sized),
    lambda keys: keys.above,
    lambda keys: keys.below,
    lambda keys: keys.near_whole,
    lambda keys: keys.near_typed,
    lambda keys: keys.near_sized,
    lambda keys: keys.beside_sized,
    lambda keys: keys.typed,
    lambda keys: keys.sized,
    lambda keys: keys.kind,
)
"""From the strictest key to the loosest."""


def _gaps(pairs: dict[int, int], rows: int, columns: int) -> Iterator[tuple[range, range]]:
    """The runs of ops between those that are paired; pairs are in order on both sides."""
    before = (-1, -1)
    for pair in [*sorted(pairs.items()), (rows, columns)]:
        yield range(before[0] + 1, pair[0]), range(before[1] + 1, pair[1])
        before = pair


def _common(
    ours: list[int], theirs: list[int], rows: range, columns: range
) -> Iterator[tuple[int, int]]:
    """Pairs of the longest common subsequence of two runs of keys."""
    here, there = [ours[i] for i in rows], [theirs[i] for i in columns]
    for block in Indel.opcodes(here, there):
        if block.tag == "equal":
            for step in range(block.src_end - block.src_start):
                yield rows[block.src_start + step], columns[block.dest_start + step]


def _moved(ours: list[int], theirs: list[int], pairs: dict[int, int]) -> Iterator[tuple[int, int]]:
    """Ops that are still there in another place of the order: those with a key of their own."""
    taken = set(pairs.values())
    here = [i for i in range(len(ours)) if i not in pairs]
    there = [i for i in range(len(theirs)) if i not in taken]
    often = Counter(ours[i] for i in here), Counter(theirs[i] for i in there)
    places = {theirs[i]: i for i in there}
    for i in here:
        if often[0][ours[i]] == often[1][ours[i]] == 1:
            yield i, places[ours[i]]


def _groups(
    old: Graph, new: Graph, pairs: dict[int, int]
) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """The unpaired ops: those of the two modules that stand between the same ops, together."""
    union = _Union()
    taken = set(pairs.values())
    unpaired = (
        [op for op in old.ops if op.index not in pairs],
        [op for op in new.ops if op.index not in taken],
    )
    ports: list[dict[int, set[Port]]] = [{}, {}]
    for side, ops in enumerate(unpaired):
        alone = {op.index for op in ops}
        for op in ops:
            union.add((side, op.index))
            for other in alone.intersection(op.reads):
                union.join((side, op.index), (side, other))
            ports[side][op.index] = set(_ports(op, alone, pairs if side == 0 else None))
    # A port joins ops only where both modules have some at it: two ops that were merely added
    # next to each other are two additions.
    shared = set().union(*ports[0].values()) & set().union(*ports[1].values())
    for side in (0, 1):
        for index, touched in ports[side].items():
            for port in touched & shared:
                union.join((side, index), port)
    groups = []
    for members in union.sets():
        ours = tuple(sorted(index for side, index in members if side == 0))
        theirs = tuple(sorted(index for side, index in members if side == 1))
        groups.append((ours, theirs))
    return sorted(groups, key=lambda group: (group[0] or (math.inf,), group[1]))


Port = tuple[str, int]


def _ports(op: Op, alone: set[int], pairs: dict[int, int] | None) -> Iterator[Port]:
    """Where an unpaired op touches paired ones: behind what it reads, in front of who reads it.

    The paired ones go by their number in the new module, which `pairs` knows for an old op.
    """
    for side, touched in (("behind", op.reads), ("before", op.users)):
        for i in touched:
            if i not in alone:
                yield side, i if pairs is None else pairs[i]


class _Union:
    """Sets that grow together."""

    def __init__(self) -> None:
        self._parent: dict[Any, Any] = {}

    def add(self, member: Any) -> None:
        self._parent.setdefault(member, member)

    def join(self, one: Any, other: Any) -> None:
        self.add(one)
        self.add(other)
        self._parent[self._root(one)] = self._root(other)

    def sets(self) -> list[list[Any]]:
        members: dict[Any, list[Any]] = {}
        for member in self._parent:
            members.setdefault(self._root(member), []).append(member)
        return list(members.values())

    def _root(self, member: Any) -> Any:
        while self._parent[member] != member:
            self._parent[member] = member = self._parent[self._parent[member]]
        return member
