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


def form(entry: Reason | Circumstance) -> re.Pattern[str]:
    """What a sentence looks like that has this clause."""
    return re.compile(_FIELD.sub(".+?", re.escape(entry.clause)))


def strangers(sentence: str) -> str:
    """What of a sentence comes from no clause of the catalogue; empty where all does."""
    for entries in CATALOGUE.values():
        for entry in sorted(entries, key=lambda entry: -len(entry.clause)):
            sentence = form(entry).sub("", sentence)
    return sentence.strip(" ;,")
