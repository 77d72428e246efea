"""Which call LegalizeOps was at when it failed: its legalizers can be wrapped.

A legalizer gets a call whose operands are legalized already, so the call of the module is told by
its turn: calls of one op are legalized in the order in which they stand.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from typing import Any, Callable, Iterator, Sequence

import tvm

from ...tvm_types import Call, Expr
from ..ir.walk import is_call

ATTRIBUTE = "FLegalize"
_ABOVE = 11
"""The level of what we put in place of TVM's own, which is registered at 10."""


class Turn:
    """How many calls of each op have been legalized; `under_way` is the op whose turn it is."""

    def __init__(self) -> None:
        self.begun: Counter[str] = Counter()
        self.under_way: list[str] = []

    def of(self, calls: Sequence[Any]) -> int | None:
        """The number of the call under way among `calls`; None if none is."""
        if not self.under_way:
            return None
        name = self.under_way[0]
        same = [i for i, call in enumerate(calls) if is_call(call) and _name(call) == name]
        turn = self.begun[name]
        return same[turn - 1] if 0 < turn <= len(same) else None


@contextlib.contextmanager
def watched(calls: Sequence[Any]) -> Iterator[Turn]:
    """Inside, the legalizers of these calls' ops say when they begin and end."""
    turn = Turn()
    originals: dict[str, Any] = {}
    try:
        for op in {_name(call): call.op for call in calls if _name(call)}.values():
            legalize = op.get_attr(ATTRIBUTE) if op.has_attr(ATTRIBUTE) else None
            if legalize is not None:
                originals[op.name] = legalize
                _set(op, _watching(turn, op.name, legalize))
        yield turn
    finally:
        for name, legalize in originals.items():
            _set(tvm.ir.Op.get(name), legalize)


def _watching(turn: Turn, name: str, legalize: Callable[..., Any]) -> Callable[..., Any]:
    def call(builder: Any, node: Expr) -> Any:
        if not turn.under_way:  # one may call another
            turn.begun[name] += 1
        turn.under_way.append(name)
        result = legalize(builder, node)
        turn.under_way.pop()  # not where it raises: that is what is asked for
        return result

    return call


def _set(op: Any, legalize: Any) -> None:
    op.reset_attr(ATTRIBUTE)
    op.set_attr(ATTRIBUTE, legalize, _ABOVE)


def _name(call: Call) -> str:
    return str(call.op.name) if isinstance(call.op, tvm.ir.Op) else ""
