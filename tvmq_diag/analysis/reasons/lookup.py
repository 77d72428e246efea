"""The reason of a failure, where it is known."""

from __future__ import annotations

from collections.abc import Iterable

from ... import extensions
from ...results.verdict import ThrowSite
from ...trace.failure import Raised
from ...trace.trace import Trace
from . import bare, outcomes, relax, relay, runtime, weights
from .reason import Occurrence, Reason, explain

MESSAGES = (*relay.MESSAGES, *relax.MESSAGES, *runtime.MESSAGES)


def of_message(
    message: str | None,
    stage: str | None = None,
    dialect: str | None = None,
    site: ThrowSite | None = None,
    culprit: str | None = None,
) -> str | None:
    """One clause on why TVM says this; None if the message is not known."""
    if message is None:
        return None
    file, function = (site.file, site.function) if site is not None else (None, None)
    occurrence = Occurrence(message, stage, dialect, file, function, culprit)
    return explain((*_of_extensions(), *MESSAGES), occurrence)


def _of_extensions() -> tuple[Reason, ...]:
    """Those of other packages, which know their TVM better: they go first."""
    given = extensions.of(extensions.REASONS).values()
    several = (one if isinstance(one, tuple) else (one,) for one in given)
    return tuple(reason for reasons in several for reason in reasons)


def of_silence(trace: Trace, site: ThrowSite | None, line: str | None) -> str | None:
    """Of an exception without a message: what is known of the statement that raised it, and what
    was recorded of it: the condition that failed, and the values in it. None of neither.

    `line` is the statement, as far as the error's own text has it.
    """
    raised = trace.failure.python if trace.failure is not None else None
    statement = (raised.statement if raised is not None else None) or line or ""
    values = dict(raised.values) if raised is not None else {}
    file, function = (site.file, site.function) if site is not None else (None, None)
    dialect = trace.facts.dialect
    occurrence = Occurrence(statement, None, dialect, file, function, values=values)
    clause = explain(bare.STATEMENTS, occurrence)
    folded = weights.folded(trace) if clause is not None and function == "visit_func" else None
    tvms = trace.failure is None or trace.failure.tvms
    recorded = _recorded(raised, tvms) if raised is not None else None
    return "; ".join(part for part in (clause, folded, recorded) if part) or None


def _recorded(raised: Raised, tvms: bool) -> str | None:
    """The statement, and the values that it was about; None where they were not recorded. `tvms`:
    is it TVM's own?"""
    if raised.condition is None or raised.statement is None:
        return None
    if raised.statement.startswith("raise"):
        kind = outcomes.RAISED if tvms else outcomes.RAISED_OWN
    else:
        kind = outcomes.ASSERTED if tvms else outcomes.ASSERTED_OWN
    words = kind.clause.format(raised.condition)
    values = ", ".join(f"{name} is {value}" for name, value in raised.values)
    return f"{words}, {outcomes.VALUES.clause.format(values)}" if values else words


def of_death(pass_name: str | None, dtype: str | None) -> str | None:
    """One clause on why a pass killed its process at an op whose result has this dtype.

    None if that is not known.
    """
    return explain(runtime.DEATHS, Occurrence(f"{pass_name} {dtype}"))


def of_warnings(texts: Iterable[str]) -> str | None:
    """What TVM warned of that explains why ops were left in float; None for no such warning."""
    clauses = (explain(relay.WARNINGS, Occurrence(text)) for text in texts)
    return next((clause for clause in clauses if clause is not None), None)
