"""Ways to make trouble, for `scripts/torture.py` and for tests: one module a campaign."""

from __future__ import annotations

from . import cuts, disks, hostile, kills

CAMPAIGNS = (cuts.CAMPAIGN, *kills.CAMPAIGNS, hostile.CAMPAIGN, *disks.CAMPAIGNS)
