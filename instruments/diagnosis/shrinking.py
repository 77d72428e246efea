"""Make a failing part easier to read: small shapes, and attributes left to their defaults.

Knows no TVM. Which sizes and attributes a part has is the caller's to say.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Callable, Iterable, Iterator

from .reduction import Budget, Part

SMALL = (1, 2, 4, 8, 16)
"""Sizes tried for a dimension, in this order: many a failure needs a multiple of something."""

Sizes = Callable[[Part], Iterable[int]]
"""The distinct sizes of the dimensions of a part's inputs and weights, before any replacement."""

Attributes = Callable[[Part], Iterable["tuple[int, str]"]]
"""The attributes of a part's ops that are not at their default and have one."""


def shrink(
    part: Part, sizes: Sizes, attributes: Attributes, fails: Callable[[Part], bool], budget: Budget
) -> Part:
    """The part with as small sizes and as few attributes as still fail; stops when time is up.

    A size is replaced wherever it stands, so that what fitted together still does. Sizes are tried
    again after the attributes, as one of those may have been what held them.
    """
    part = _smaller_sizes(part, sizes(part), fails, budget)
    kept = part.dropped
    part = _fewer_attributes(part, attributes(part), fails, budget)
    if part.dropped != kept:
        part = _smaller_sizes(part, sizes(part), fails, budget)
    return part


def _smaller_sizes(
    part: Part, sizes: Iterable[int], fails: Callable[[Part], bool], budget: Budget
) -> Part:
    distinct = sorted({size for size in sizes if size > 1}, reverse=True)
    for wish in (distinct, *([size] for size in distinct)):
        # All at once first: mostly that does it.
        for candidate in _resized(part, wish):
            if budget.spent:
                return part
            if fails(candidate):
                part = candidate
                break
    return part


def _resized(part: Part, wish: list[int]) -> Iterator[Part]:
    """The part with the sizes `wish` smaller than now: several become 1, a single one any."""
    now = dict(part.sizes)
    for small in SMALL if len(wish) == 1 else SMALL[:1]:
        new = {**now, **{size: small for size in wish if small < now.get(size, size)}}
        if new != now:
            yield replace(part, sizes=frozenset(new.items()))


def _fewer_attributes(
    part: Part,
    attributes: Iterable[tuple[int, str]],
    fails: Callable[[Part], bool],
    budget: Budget,
) -> Part:
    single = sorted(set(attributes) - part.dropped)
    for wish in (single, *([attribute] for attribute in single)):
        candidate = replace(part, dropped=part.dropped | frozenset(wish))
        if candidate == part:
            continue
        if budget.spent:
            return part
        if fails(candidate):
            part = candidate
    return part
