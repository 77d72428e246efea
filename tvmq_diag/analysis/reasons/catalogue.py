"""Every clause that can stand as a reason, in order: what docs/reasons.md shows."""

from __future__ import annotations

import re

from . import bare, in_float, outcomes, relax, relay, runtime
from .reason import Circumstance, Reason

CATALOGUE: dict[str, tuple[Reason | Circumstance, ...]] = {
    "What Relay says": relay.MESSAGES,
    "What Relax says": relax.MESSAGES,
    "What code generation and the runtime say, on both": runtime.MESSAGES,
    "What the quantizer asserts without a message": bare.STATEMENTS,
    "Where a process dies": runtime.DEATHS,
    "What no message says": outcomes.ALL,
    "Why an op is left in float": (*relay.WARNINGS, *in_float.ALL),
}
"""By heading."""

_FIELD = re.compile(r"\\\{\d\\\}")
_BETWEEN = re.compile(r"(; |, | \()")
"""What stands between two clauses of a sentence."""


def form(entry: Reason | Circumstance) -> re.Pattern[str]:
    """What a clause of this entry looks like when it is filled in."""
    return re.compile(_FIELD.sub(".+", re.escape(entry.clause)), re.S)


FORMS = [form(entry) for entries in CATALOGUE.values() for entry in entries]


def strangers(sentence: str) -> str:
    """What of a sentence comes from no clause of the catalogue; empty where all does."""
    parts = _BETWEEN.split(sentence)
    for end in range(len(parts), 0, -2):  # the longest clauses first
        head, rest = "".join(parts[:end]), "".join(parts[end + 1 :])
        if any(form.fullmatch(head) for form in FORMS):
            return strangers(rest) if rest else ""
    return sentence
