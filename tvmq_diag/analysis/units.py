"""Figures with their units, as sentences have them."""

from __future__ import annotations

from decimal import Decimal


def size(count: int) -> str:
    """So many bytes: 7.8 MiB, or 27.5 KiB below one MiB."""
    value = Decimal(count)  # a damaged shape can have more than any float holds
    return f"{value / 2**20:.1f} MiB" if count >= 2**20 else f"{value / 2**10:.1f} KiB"


def gigabytes(count: int) -> str:
    """So many bytes of a disk or a download, in the units of these: 1.23 GB, 4.56 MB."""
    return f"{count / 1e9:.2f} GB" if count >= 1e7 else f"{count / 1e6:.2f} MB"
