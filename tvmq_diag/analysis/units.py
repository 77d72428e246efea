"""Figures with their units, as sentences have them."""

from __future__ import annotations

from decimal import Decimal


def size(count: int) -> str:
    """So many bytes: 7.8 MiB, or 27.5 KiB below one MiB."""
    value = Decimal(count)  # a damaged shape can have more than any float holds
    return f"{value / 2**20:.1f} MiB" if count >= 2**20 else f"{value / 2**10:.1f} KiB"
