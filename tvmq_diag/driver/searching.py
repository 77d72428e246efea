"""What works instead, by search: the fewest bits that stay right, found in simulation, compiled for
real and judged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..configuration import Configuration, bits, parse, reference
from ..errors import UsageError
from ..instruments.protocol import bits_file
from ..instruments.protocol.bits_file import WeightBits
from ..instruments.protocol.jobs import SearchJob
from ..measurements import bit_search
from ..measurements.bit_search import BitSearch, BitTrial
from ..results.run import Result, Role
from ..results.verdict import WORKS, WRONG, Verdict
from ..toolchains import process
from ..trace.ending import How
from ..trace.layout import BITS, SEARCH, TRACES
from .follow_ups import suggest
from .trials import Stopped, Trials

_BYTE = 8
"""Bits."""

_COMMENT = "Bits of each weight: hand it to --dtype @FILE"

_SHORT = 0.5
"""Bits."""

_VERIFIED = 3
"""So many of the settings that are right in simulation are compiled, the fewest bits first."""


def fewest_bits(trials: Trials) -> None:
    """For each configuration that does not work: the fewest bits, of no fewer than it asks for,
    that do. Raises as Trials does."""
    for result in trials.run.with_role(Role.REQUESTED):
        if not _is_open(trials, result):
            continue
        requested = trials.configuration(result.verdict.configuration)
        base = reference(requested)
        default = trials.verdict_on(base).outcome
        # What the search changes of a default that does not run, nobody could run; and who asks
        # for bytes is served by a default that works.
        if default not in (WORKS, WRONG) or (default == WORKS and width(requested) >= _BYTE):
            continue
        if trials.run.search is None:
            trials.run.search = _search(trials, base)
        works = _verified(trials, base, trials.run.search, width(requested))
        if works is not None:
            suggest(result.verdict, works)
        trials.save()


def width(requested: Configuration) -> int:
    """The fewest bits that a configuration asks for; bool alone is asked for as a type of its own,
    and not as one bit."""
    if set(requested.dtypes) == {"bool"}:
        return _BYTE
    fields = (requested.fields.get(name) for name in ("nbit_input", "nbit_weight"))
    return min([*map(bits, requested.dtypes), *(one for one in fields if isinstance(one, int))])


def _is_open(trials: Trials, result: Result) -> bool:
    """Is it still to be said what works instead of it?"""
    verdict = result.verdict
    settled = verdict.outcome == WORKS or verdict.is_general or verdict.instead is not None
    return not settled and not trials.configuration(verdict.configuration).as_is


def _search(trials: Trials, base: Configuration) -> BitSearch:
    plan, compiler = trials.plan, trials.compiler
    trials.observer.begin("looking for the fewest bits that stay right")
    folder = trials.run.directory / TRACES / SEARCH
    compiled = replace(
        compiler.job(folder, base.qconfig), calibrated=str(compiler.calibrated(base.slug))
    )
    job = SearchJob(**vars(compiled), min_cosine=plan.bounds.cosine, seconds=plan.search)
    ending = process.run(plan.toolchain, job, plan.limits, trials.observer.progress)
    if ending.how == How.INTERRUPTED:
        raise Stopped
    try:
        return bit_search.load(folder)
    except UsageError:  # it died before it began
        return BitSearch(problems=[ending.tail[-500:]])


def _verified(trials: Trials, base: Configuration, search: BitSearch, least: int) -> Verdict | None:
    """The verdict on the first of at least so many bits of weights that works when it is compiled;
    None if none of them does. Bits of each weight are left in a file too."""
    right = fewest_first(search, trials.plan.bounds.cosine, least)
    for trial in right[:_VERIFIED]:
        works = configuration(base, trial)
        verdict = trials.verdict_on(works)
        if verdict.outcome == WORKS:
            if trial.weight_bits:
                _write(trials.run.directory / BITS, works, search)
            return verdict
    return None


def _write(path: Path, works: Configuration, search: BitSearch) -> None:
    """Bits of each weight as a file, unless there is one."""
    digits = str(works.fields["weight_bits"])
    weights = [
        WeightBits(weight.op, list(weight.shape), int(digit))
        for weight, digit in zip(search.weights, digits, strict=True)
    ]
    dtype = parse(works.text.replace(f":weight_bits={digits}", "")).text
    if not path.exists():
        path.write_text(bits_file.written(dtype, weights, _COMMENT), encoding="utf-8")


def fewest_first(search: BitSearch, min_cosine: float, least: int = 1) -> list[BitTrial]:
    """Of each width of weights from `least` on (mixed ones may fall short of it by less than half
    a bit) the best that is right, the fewest bits first."""
    best: dict[float, BitTrial] = {}
    for trial in search.right(min_cosine):
        if trial.bits > least - _SHORT:
            best.setdefault(trial.bits, trial)
    return list(best.values())


def configuration(base: Configuration, trial: BitTrial) -> Configuration:
    """A setting that was tried, as a configuration that people can write."""
    return parse(":".join([base.text, *trial.fields]))
