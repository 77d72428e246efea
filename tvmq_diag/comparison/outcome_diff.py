"""What became of a configuration's outcome between two runs."""

from __future__ import annotations

from ..results.verdict import (
    CRASHED,
    GOOD,
    INTERRUPTED,
    NOT_IMPORTED,
    NOT_JUDGED,
    NOT_QUANTIZED,
    REJECTED,
    TIMED_OUT,
    WORKS,
    WRONG,
    Verdict,
)
from ..trace.stages import STAGES
from .alignment import align
from .pass_diff import Modules

SAME = "same"
REGRESSED = "regressed"
FIXED = "fixed"
EARLIER = "moved-earlier"
LATER = "moved-later"
ELSEWHERE = "changed"
"""It fails in another way, of which nobody can say that it is better or worse."""
COSMETIC = "cosmetic"
"""It fails at the same place, and says something else."""
MISSING = "missing"
NEW = "new"
GONE = "no longer tried"
UNKNOWN = "not comparable"

_HARM = {
    NOT_IMPORTED: 0,
    WRONG: 0,
    NOT_JUDGED: 0,
    NOT_QUANTIZED: 0,
    REJECTED: 0,
    TIMED_OUT: 1,
    CRASHED: 2,
}
"""Of failures at one place: an error message is better than a process that hangs or dies."""


def classify(old: Verdict, new: Verdict, modules: Modules | None) -> str:
    """Is the new outcome better or worse? `modules` tell which op is which, if there are any."""
    if INTERRUPTED in (old.outcome, new.outcome):
        return UNKNOWN
    if (
        old.outcome != new.outcome
        and _ran(old)
        and _ran(new)
        and NOT_JUDGED in (old.outcome, new.outcome)
    ):
        return UNKNOWN
    good = [verdict.outcome in GOOD for verdict in (old, new)]
    if any(good):
        if all(good):
            return SAME
        return REGRESSED if good[0] else FIXED
    reached = _stage(old), _stage(new)
    if reached[0] != reached[1]:
        return EARLIER if reached[1] < reached[0] else LATER
    if _HARM.get(old.outcome, 0) != _HARM.get(new.outcome, 0):
        worse = _HARM.get(new.outcome, 0) > _HARM.get(old.outcome, 0)
        return REGRESSED if worse else ELSEWHERE
    if old.outcome != new.outcome:
        return ELSEWHERE
    return _within(old, new, modules)


def _stage(verdict: Verdict) -> int:
    """How far it came; what ran to its end came furthest, whatever its numbers."""
    if _ran(verdict):
        return len(STAGES)
    return STAGES.index(verdict.stage) if verdict.stage in STAGES else -1


def _ran(verdict: Verdict) -> bool:
    return verdict.outcome in (WORKS, WRONG, NOT_JUDGED, NOT_QUANTIZED)


def _within(old: Verdict, new: Verdict, modules: Modules | None) -> str:
    """Two failures of one kind in one stage."""
    if old.pass_name != new.pass_name:
        return _by_pass(modules) if modules is not None else ELSEWHERE
    if old.op is not None and new.op is not None:
        # The ops before it may be others: the same op can have another number.
        expected = old.op.index if modules is None else _counterpart(old.op.index, modules)
        if expected is None:
            return ELSEWHERE
        if expected != new.op.index:
            return EARLIER if new.op.index < expected else LATER
    same = (old.message, old.site, old.knob) == (new.message, new.site, new.knob)
    return SAME if same else COSMETIC


def _by_pass(modules: Modules) -> str:
    before, now = modules.old.failing_place, modules.new.failing_place
    if before == now:
        return ELSEWHERE
    return EARLIER if now < before else LATER


def _counterpart(index: int, modules: Modules) -> int | None:
    """The number in the new failing module of an op of the old one."""
    ours, theirs = modules.old.failing_snapshot(), modules.new.failing_snapshot()
    if ours is None or theirs is None:
        return index
    old, new = modules.graph(0, ours.number), modules.graph(1, theirs.number)
    if old is None or new is None:
        return index
    return align(old, new).pairs.get(index)
