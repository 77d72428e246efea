"""Ways to make trouble, for `scripts/torture.py` and for tests: one module a campaign."""

from __future__ import annotations

from . import cuts, disks, hostile, kills, mutants

CAMPAIGNS = (
    cuts.CAMPAIGN,
    *mutants.CAMPAIGNS,
    *kills.CAMPAIGNS,
    hostile.CAMPAIGN,
    *disks.CAMPAIGNS,
)
