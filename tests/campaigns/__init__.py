"""Ways to make trouble, for `scripts/torture.py` and for tests: one module a campaign."""

from __future__ import annotations

from . import cuts, imports

CAMPAIGNS = (cuts.CAMPAIGN, imports.CAMPAIGN)
