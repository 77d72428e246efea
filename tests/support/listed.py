"""Is all of a reason in the catalogue?"""

from __future__ import annotations

import re

from tvmq_diag.analysis.reasons import catalogue

_COUNT = re.compile(r"\b\d+ ops?: ")


def strangers(reason: str | None) -> str:
    """What of a verdict's reason comes from no clause of the catalogue; empty where all does."""
    return catalogue.strangers(_COUNT.sub("", reason or ""))
