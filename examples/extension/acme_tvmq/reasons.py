"""Reasons: what a message of Acme's TVM means, as data, with where that can be read."""

from __future__ import annotations

from tvmq_diag.analysis.reasons.reason import Reason

REASONS = (
    Reason(
        pattern=r"acme: no multiplier for (\w+)",
        clause="Acme's chip multiplies whole bytes only, and {0} is none",
        source="acme/codegen.cc, Multiplier::For",
    ),
)
