"""Ways to make trouble, for `scripts/torture.py` and for tests: one module a campaign."""

from __future__ import annotations

from . import cuts, disks, hostile, imports, kills, mutants

CAMPAIGNS = (
    cuts.CAMPAIGN,
    *mutants.CAMPAIGNS,
    *kills.CAMPAIGNS,
    imports.CAMPAIGN,
    hostile.CAMPAIGN,
    *disks.CAMPAIGNS,
)
"""All of them, in the order of the table."""
