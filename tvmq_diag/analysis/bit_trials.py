"""Which of a search's trials are worth a line: the best of each kind."""

from __future__ import annotations

from ..configuration import Configuration, bits
from ..measurements.bit_search import BitSearch, BitTrial

BYTE = 8
"""Bits."""

_CLOSE = 1e-6
"""Cosines this close are of the same setting by another name."""


def requested_bits(requested: Configuration) -> int:
    """The fewest bits that a configuration asks for; bool alone is asked for as a type of its own,
    and not as one bit."""
    if set(requested.dtypes) == {"bool"}:
        return BYTE
    fields = (requested.fields.get(name) for name in ("nbit_input", "nbit_weight"))
    return min([*map(bits, requested.dtypes), *(one for one in fields if isinstance(one, int))])


def uniform_widths(search: BitSearch) -> list[BitTrial]:
    """For each width of all weights, the most bits first, the best on the most inputs."""
    apart, skip = bool(biases_apart(search)), _skip(search)
    best: dict[int, BitTrial] = {}
    for trial in search.trials:
        if trial.nbit_input != 8 or not trial.is_uniform or trial.skip != skip:
            continue
        if trial.weight_bits and apart:
            continue
        bits = int(trial.weight_bits[0]) if trial.weight_bits else trial.nbit_weight
        other = best.get(bits)
        if other is None or (trial.inputs, trial.worst) > (other.inputs, other.worst):
            best[bits] = trial
    return [best[bits] for bits in sorted(best, reverse=True)]


def front(search: BitSearch) -> list[BitTrial]:
    """Of those with bits of their own for each weight what no fewer bits do better."""
    kept: list[BitTrial] = []
    for trial in best_by_bits([t for t in on_all_inputs(search) if not t.is_uniform]):
        if not kept or trial.worst > kept[-1].worst:
            kept.append(trial)
    return kept


def biases_apart(search: BitSearch) -> list[BitTrial]:
    """As many bits for all weights and 8 for biases, on all inputs; empty where that is what
    nbit_weight is: only on Relay that is of biases too."""
    whole = on_all_inputs(search)
    worst = {
        round(t.bits, 2): t.worst for t in best_by_bits([t for t in whole if not t.weight_bits])
    }
    apart = best_by_bits([t for t in whole if t.weight_bits and t.is_uniform])
    both = [t for t in apart if round(t.bits, 2) in worst]
    same = all(abs(worst[round(t.bits, 2)] - t.worst) <= _CLOSE for t in both)
    return [] if same else apart


def narrower_activations(search: BitSearch, fewest: BitTrial | None) -> list[BitTrial]:
    """At the fewest bits of weights, the best for each width of activations below 8."""
    if fewest is None:
        return []
    key = fewest.weight_bits, fewest.nbit_weight
    same = [t for t in search.trials if (t.weight_bits, t.nbit_weight) == key and t.nbit_input < 8]
    best: dict[int, BitTrial] = {}
    for trial in sorted(same, key=lambda trial: (-trial.inputs, -trial.worst)):
        best.setdefault(trial.nbit_input, trial)
    return [best[bits] for bits in sorted(best, reverse=True)]


def no_better(search: BitSearch) -> list[int]:
    """At which averages bits of each weight did no better than as many for all."""
    whole = [t for t in on_all_inputs(search) if t.weight_bits]
    same = {round(t.bits): t.worst for t in best_by_bits([t for t in whole if t.is_uniform])}
    each = [t for t in whole if not t.is_uniform]
    other = {
        bits: max((t.worst for t in each if bits - 0.5 < t.bits <= bits), default=None)
        for bits in same
    }
    return [b for b in sorted(same) if (worst := other[b]) is not None and worst < same[b]]


def on_all_inputs(search: BitSearch) -> list[BitTrial]:
    """What was tried with 8 bits of activations on all inputs, with the same ops in float."""
    whole = [t for t in search.trials if t.inputs == search.inputs and t.nbit_input == 8]
    skip = _skip(search)
    return [t for t in whole if t.skip == skip]


def best_by_bits(trials: list[BitTrial]) -> list[BitTrial]:
    """The best at so many bits, the fewest bits first."""
    best: dict[float, BitTrial] = {}
    for trial in sorted(trials, key=lambda trial: -trial.worst):
        best.setdefault(round(trial.bits, 2), trial)
    return [best[bits] for bits in sorted(best)]


def _skip(search: BitSearch) -> str:
    """The ops in float that the last trial on all inputs had."""
    whole = (t.skip for t in reversed(search.trials) if t.inputs == search.inputs)
    return next(whole, "")
