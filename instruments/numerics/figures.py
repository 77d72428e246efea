"""How far tensors are from the float model's, and what a quantization step does to them."""

from __future__ import annotations

from typing import Any, Callable, Iterable, Sequence

import numpy as np


def error(ours: list[np.ndarray], floats: list[np.ndarray]) -> dict[str, Any]:
    """How far tensors are from the float model's, all of them together.

    cosine: of the flattened values. sqnr_db: 10·log10(signal/noise power), the float model's values
    being the signal. max_abs_error: in the tensors' own unit. nan, inf: how many values of `ours`
    are not finite. The other figures are of the values that are finite in both, None where they are
    not finite themselves: no noise at all gives an sqnr_db of None with a max_abs_error of 0.

    Integers and truth values, as the float model has them, are no signal. They are left out, and
    `same` is the share of them that is equal. Of nothing but those cosine and sqnr_db are None.

    tvmq_diag.measurements.outputs.compare says the same of a model's outputs: that half of the
    project imports nothing of this one but the protocol, which has no numpy. A test holds the two
    together.

    Raises ValueError when shapes differ.
    """
    if [a.shape for a in ours] != [b.shape for b in floats]:
        raise ValueError("the shapes differ from the float model's")
    discrete = [b.dtype.kind in "iub" for b in floats]
    if all(discrete):
        return _equal(ours, floats)
    same = [a == b for a, b, counted in zip(ours, floats, discrete) if counted]
    a = _flat(a for a, counted in zip(ours, discrete) if not counted)
    b = _flat(b for b, counted in zip(floats, discrete) if not counted)
    counts = {"nan": count(np.isnan, a), "inf": count(np.isinf, a)}
    both = np.isfinite(a) & np.isfinite(b)
    if not both.all():
        a, b = a[both], b[both]
    with np.errstate(all="ignore"):
        noise = a - b
        signal = b @ b
        return {
            "cosine": finite(a @ b / np.sqrt((a @ a) * signal)),
            "sqnr_db": finite(10 * np.log10(signal / (noise @ noise))),
            "max_abs_error": finite(np.max(np.abs(noise))) if noise.size else None,
            **counts,
            **({"same": float(np.mean(_flat(same)))} if same else {}),
        }


def _equal(ours: list[np.ndarray], floats: list[np.ndarray]) -> dict[str, Any]:
    apart = np.abs(_flat(ours) - _flat(floats))
    return {
        "cosine": None,
        "sqnr_db": None,
        "max_abs_error": float(np.max(apart)) if apart.size else None,
        "nan": 0,
        "inf": 0,
        "same": float(np.mean(apart == 0)) if apart.size else 1.0,
    }


def same_bits(outputs: Sequence[np.ndarray], others: Sequence[np.ndarray]) -> bool:
    """Are they the same, NaN for NaN?"""
    return all(np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in zip(outputs, others))


def _flat(arrays: Iterable[np.ndarray]) -> np.ndarray:
    """All values of some arrays, in float64."""
    return np.concatenate([np.asarray(array, np.float64).ravel() for array in arrays])


def saturated(data: np.ndarray, scale: np.ndarray, clip: float, least: float) -> float | None:
    """The share of values, 0 to 1, that are clipped: that round to fewer steps than `least` or to
    more than `clip`. `scale` is float32, of a shape that divides `data`."""
    with np.errstate(all="ignore"):
        steps = data / scale
        return _share((steps >= clip + 0.5) | (steps <= least - 0.5))


def zeroed(data: np.ndarray, scale: np.ndarray) -> float | None:
    """The share of values, 0 to 1, that are not zero and round to it."""
    with np.errstate(all="ignore"):
        return _share((np.abs(data / scale) < 0.5) & (data != 0))


def _share(chosen: np.ndarray) -> float | None:
    return float(chosen.mean()) if chosen.size else None


def largest(data: np.ndarray) -> float | None:
    """The largest magnitude among the finite values."""
    finite = data[np.isfinite(data)]
    return float(np.abs(finite).max()) if finite.size else None


def count(test: Callable[[np.ndarray], np.ndarray], data: np.ndarray) -> int:
    return int(np.count_nonzero(test(data)))


def finite(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None
