"""The loops of a function, from its jumps: natural loops, each with its depth.

A block that dominates another which jumps back to it is the header of a loop, and all that reaches
the jump without passing the header is its body (Aho, Lam, Sethi, Ullman, Compilers, 9.6.6). A jump
through a register leads nowhere that could be read: what follows it alone is not seen as a loop.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .listing import Function, Line

_TARGET = re.compile(r"\.?L?BB\d+_\d+\b")
_NEVER_FALLS_THROUGH = re.compile(
    r"jmpq?|b|br|b\.w|j|jr|tail|ret[lq]?|bx|brk|ud2|udf|ebreak|unimp|trap"
)
_NO_JUMPS = ("lea", "adr", "la", "lla", "auipc", "mov", "ldr")
"""What takes the address of a label, and does not go there."""


@dataclass
class Block:
    """Instructions without a jump into or out of their middle; what may run next, by number."""

    lines: list[Line]
    next: list[int]


@dataclass
class Loop:
    """Blocks by number, the header among them; `depth` is 1 for one that is in no other."""

    header: int
    body: frozenset[int]
    depth: int = 1
    innermost: bool = True


def blocks(function: Function) -> list[Block]:
    """The blocks of a function in the order of its text."""
    all_blocks = [Block([], [])]
    starts: dict[str, int] = {}
    jumps: list[tuple[int, str]] = []
    for line in function.lines:
        if not line.mnemonic:
            if _TARGET.fullmatch(line.operands) is None:
                continue  # a label for debuggers, or of an address
            if all_blocks[-1].lines:
                _fall_through(all_blocks)
            starts[line.operands] = len(all_blocks) - 1
        all_blocks[-1].lines.append(line)
        target = _TARGET.search(line.operands) if line.mnemonic else None
        if target is not None and not line.mnemonic.startswith(_NO_JUMPS):
            jumps.append((len(all_blocks) - 1, target.group()))
            _fall_through(all_blocks)
        elif _ends(line):
            all_blocks.append(Block([], []))
    for block, label in jumps:
        if label in starts:
            all_blocks[block].next.append(starts[label])
    return all_blocks


def loops(function: Function) -> tuple[list[Block], list[Loop]]:
    """The blocks, and the loops among them: those that share a header are one."""
    all_blocks = blocks(function)
    before: list[list[int]] = [[] for _ in all_blocks]
    for number, block in enumerate(all_blocks):
        for after in block.next:
            before[after].append(number)
    dominators = _dominators(all_blocks, before)
    bodies: dict[int, set[int]] = {}
    for number, block in enumerate(all_blocks):
        for header in block.next:
            if _dominates(header, number, dominators):
                bodies.setdefault(header, {header}).update(_body(header, number, before))
    result = [Loop(header, frozenset(body)) for header, body in sorted(bodies.items())]
    for loop in result:
        around = [other for other in result if loop.header in other.body and other is not loop]
        loop.depth += len(around)
        for other in around:
            other.innermost = False
    return all_blocks, result


def _fall_through(all_blocks: list[Block]) -> None:
    """Begin a block that may run after the last one, if that does not end in a jump for good."""
    last = all_blocks[-1].lines[-1] if all_blocks[-1].lines else None
    if last is None or not _ends(last):
        all_blocks[-1].next.append(len(all_blocks))
    all_blocks.append(Block([], []))


def _ends(line: Line) -> bool:
    returns = line.mnemonic == "pop" and "pc" in line.operands
    return returns or _NEVER_FALLS_THROUGH.fullmatch(line.mnemonic) is not None


def _dominators(all_blocks: list[Block], before: list[list[int]]) -> dict[int, int]:
    """The immediate dominator of each block that can be reached from the first (Cooper, Harvey,
    Kennedy, A Simple, Fast Dominance Algorithm); the first is its own."""
    order: list[int] = []
    seen = {0}
    stack = [(0, iter(all_blocks[0].next))]
    while stack:
        number, rest = stack[-1]
        after = next((each for each in rest if each not in seen), None)
        if after is None:
            order.append(number)
            stack.pop()
        else:
            seen.add(after)
            stack.append((after, iter(all_blocks[after].next)))
    place = {number: index for index, number in enumerate(order)}
    nearest = {0: 0}
    changed = True
    while changed:
        changed = False
        for number in reversed(order[:-1]):
            known = [each for each in before[number] if each in nearest]
            new = known[0]
            for other in known[1:]:
                new = _common(new, other, nearest, place)
            if nearest.get(number) != new:
                nearest[number] = new
                changed = True
    return nearest


def _common(one: int, other: int, nearest: dict[int, int], place: dict[int, int]) -> int:
    while one != other:
        while place[one] < place[other]:
            one = nearest[one]
        while place[other] < place[one]:
            other = nearest[other]
    return one


def _dominates(header: int, number: int, nearest: dict[int, int]) -> bool:
    if number not in nearest or header not in nearest:
        return False
    while number != header and number != 0:
        number = nearest[number]
    return number == header


def _body(header: int, end: int, before: list[list[int]]) -> set[int]:
    body, waiting = set(), [end]
    while waiting:
        number = waiting.pop()
        if number == header or number in body:
            continue
        body.add(number)
        waiting += before[number]
    return body
