"""How large a value still has to be represented: one bound for each activation.

minmax        the largest magnitude over all batches
percentile    what 99.9 % of magnitudes do not exceed
kl            where cutting off loses least: the least Kullback-Leibler divergence between the
              distribution and what its quantized form says it is (TensorRT's method)
global_scale  the same for all, whatever the data; Relay's default

A site's values are kept as a histogram of magnitudes, 16 KiB a site however much data there is.
"""

from __future__ import annotations

import numpy as np

PERCENTILE = 99.9
BINS = 2048

NEEDS_DATA = ("minmax", "percentile", "kl", "kl_divergence")
MODES = (*NEEDS_DATA, "global_scale")


class Magnitudes:
    """The magnitudes of all values added: the largest of them, and a histogram.

    The bins are equally wide from 0 to `reach`, which doubles by joining bins in pairs when a
    larger value comes: one pass over the data is enough, and no bin is wider than 1/1024 of the
    largest magnitude.
    """

    def __init__(self, counted: bool) -> None:
        self.largest = 0.0
        self.reach = 0.0
        self.counts = np.zeros(BINS, "int64")
        self._counted = counted

    def add(self, values: np.ndarray) -> None:
        magnitudes = np.abs(values).ravel()
        magnitudes = magnitudes[np.isfinite(magnitudes)]
        largest = float(magnitudes.max(initial=0.0))
        self.largest = max(self.largest, largest)
        if self._counted and self.largest > 0:
            self._widen(self.largest)
            self.counts += np.histogram(magnitudes, BINS, (0.0, self.reach))[0]

    def _widen(self, largest: float) -> None:
        if not self.reach:
            self.reach = largest
        while self.reach < largest:
            pairs = self.counts.reshape(-1, 2).sum(axis=1)
            self.counts = np.concatenate([pairs, np.zeros_like(pairs)])
            self.reach *= 2

    def threshold(self, mode: str, levels: int) -> float:
        """The bound in that mode, for a quantizer with so many levels above 0; 0 without data."""
        if mode == "minmax" or self.largest == 0:
            return self.largest
        cut = _percentile_bin(self.counts) if mode == "percentile" else _kl_bin(self.counts, levels)
        return min(self.largest, cut * self.reach / BINS)


def _percentile_bin(counts: np.ndarray) -> int:
    """How many bins hold PERCENTILE of all values."""
    reached = np.cumsum(counts) >= counts.sum() * (PERCENTILE / 100)
    return int(np.argmax(reached)) + 1


def _kl_bin(counts: np.ndarray, levels: int) -> int:
    """After how many bins to cut off. Exact zeros (after a relu) are no shape to keep: the first
    bin counts as its neighbour."""
    counts = counts.astype("float64")
    counts[0] = min(counts[0], counts[1])
    last = int(np.flatnonzero(counts).max(initial=0)) + 1
    first = min(max(levels, 2), last)
    candidates = range(first, last + 1)
    return min(candidates, key=lambda cut: _divergence(counts, cut, levels))


def _divergence(counts: np.ndarray, cut: int, levels: int) -> float:
    """Of the distribution clipped at bin `cut`, from itself in `levels` levels."""
    kept = counts[:cut]
    clipped = kept.copy()
    clipped[-1] += counts[cut:].sum()
    levels = min(levels, cut)
    starts = np.arange(levels) * cut // levels
    occupied = kept > 0
    sums = np.add.reduceat(kept, starts)
    shares = np.maximum(np.add.reduceat(occupied.astype("int64"), starts), 1)
    widths = np.diff(np.append(starts, cut))
    coarse = np.where(occupied, np.repeat(sums / shares, widths), 0.0)
    p = (clipped + 1e-4) / (clipped + 1e-4).sum()
    q = (coarse + 1e-4) / (coarse + 1e-4).sum()
    return float(np.sum(p * np.log(p / q)))
