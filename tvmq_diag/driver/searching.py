"""What works instead, by search: the fewest bits that stay right, found in simulation, compiled for
real and judged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from ..analysis import advice, bit_trials
from ..configuration import PACKED, Configuration, over_data, parse
from ..errors import UsageError
from ..instruments.protocol import bits_file
from ..instruments.protocol.bits_file import WeightBits
from ..instruments.protocol.jobs import DataSource, SearchJob
from ..measurements import bit_search
from ..measurements.bit_search import BitSearch, BitTrial
from ..results.run import Result
from ..results.verdict import WORKS, WRONG, Verdict
from ..trace.ending import How
from ..trace.layout import BITS, SEARCHES, TRACES
from ..trace.stages import RELAX, RELAY
from .calibrating import option, to_calibrate
from .follow_ups import suggest
from .trials import Stopped, Trials

_HALF_BYTE = 4
"""Bits."""

_COMMENT = "Bits of each weight: hand it to --dtype @FILE"

_SHORT = 0.5
"""Bits."""

_LEAST_SECONDS = 5.0
"""With less than this left for trials there is no second search."""

_ROUNDING = "rounding=TONEAREST"
"""TVM's other way to round where it rescales (python/tvm/relay/quantize/quantize.py, QConfig). The
simulation does not see it: what is right there and not when it is compiled may be so with it."""

_VERIFIED = 3
"""So many of the settings that are right in simulation are compiled, the fewest bits first."""


class Base(NamedTuple):
    """A configuration that bits and scales are changed of, where its search is kept, and what it is
    calibrated on; None: on what the plan says."""

    configuration: Configuration
    folder: str
    data: DataSource | None = None
    is_last: bool = True
    """Is it the last that is searched from? Then ops may be left in float."""

    @property
    def option(self) -> str:
        """What it takes beside --dtype."""
        return "" if self.data is None else option(self.data)


def start_ahead(trials: Trials) -> None:
    """Have the first search begin beside what else is compiled, where fewer bits than a byte are
    asked for, and the compile of what it finds when it ends: nearly always both are going to be
    wanted."""
    first = _first(trials)
    if first is None:
        return

    def verify_ahead() -> None:
        trials.ahead(_found_first(trials, *first))

    job = _job(trials, first[0], trials.plan.search)
    trials.processes.ahead(_looking(first[0]), job, then=verify_ahead)


def _first(trials: Trials) -> tuple[Base, int] | None:
    """What the first search is going to be from, and the bits that are asked for; None where none
    is sure to be wanted."""
    plan = trials.plan
    here = (one for one in plan.configurations if one.target is None and not one.as_is)
    narrow = next((one for one in here if bit_trials.requested_bits(one) < bit_trials.BYTE), None)
    if narrow is None or not (plan.reference and plan.explore and plan.search):
        return None
    return _bases(trials, advice.quantized_alike(narrow))[0], bit_trials.requested_bits(narrow)


def _found_first(trials: Trials, base: Base, least: int) -> list[Configuration]:
    """What of a search that has ended is compiled first; empty where it found nothing."""
    return _candidates(trials, base, _of_folder(trials, base), least)[:1]


def _give_up(trials: Trials) -> None:
    """End what was started ahead and is still not wanted: the first search, and what it found."""
    first = _first(trials)
    if first is not None:
        compiles = map(trials.compiler.orders.of, _found_first(trials, *first))
        for trace in [_folder(trials, first[0].folder), *(one.trace for one in compiles)]:
            trials.processes.give_up(str(trace))


def fewest_bits(trials: Trials) -> None:
    """For each configuration that does not work: the fewest bits, of no fewer than it asks for,
    that do. Raises as Trials does."""
    searches: dict[str, BitSearch] = {}
    for result in trials.run.here:
        if not _is_open(trials, result):
            continue
        requested = trials.configuration(result.verdict.configuration)
        base = advice.quantized_alike(requested)
        default, least = trials.verdict_on(base).outcome, bit_trials.requested_bits(requested)
        # What the search changes of a default that does not run, nobody could run; and who asks
        # for bytes is served by a default that works.
        if default not in (WORKS, WRONG) or (default == WORKS and least >= bit_trials.BYTE):
            continue
        for tried in _bases(trials, base):
            if tried.folder not in searches:
                seconds = trials.plan.search - sum(map(_spent, searches.values()))
                if searches and seconds < _LEAST_SECONDS:
                    break
                try:
                    searches[tried.folder] = _search(trials, tried, seconds)
                except Stopped:
                    _tell_simulated(trials, tried, result.verdict, least)
                    raise
            works = _verified(trials, tried, searches[tried.folder], least)
            if works is not None:
                suggest(trials, result.verdict, works, tried.option)
                break
        trials.save()
    _give_up(trials)


def _tell_simulated(trials: Trials, base: Base, verdict: Verdict, least: int) -> None:
    """Of a search that was interrupted: what it has found, and nobody compiled."""
    if not trials.run.searches:
        return
    right = fewest_first(trials.run.searches[-1], trials.plan.bounds.cosine, least)
    if right:
        works = configuration(base.configuration, right[0], trials.plan.toolchain.dialect)
        verdict.suggestion = (
            f"--dtype {works.text}{base.option}: right in simulation; it was not compiled, as the "
            "search was interrupted"
        )
        trials.save()


def _bases(trials: Trials, default: Configuration) -> list[Base]:
    """TVM's default; and the same with ranges from data, where it has one range for all."""
    first, second = SEARCHES
    over = over_data(default, trials.plan.toolchain.dialect)
    if trials.plan.toolchain.dialect != RELAY or not over:
        return [Base(default, first)]
    return [
        Base(default, first, is_last=False),
        Base(over[0], second, to_calibrate(trials.plan)),
    ]


def _spent(search: BitSearch) -> float:
    """Seconds of its trials; none of one that did not come to them."""
    return search.facts.spent or 0.0


def _is_open(trials: Trials, result: Result) -> bool:
    """Is it still to be said what works instead of it?"""
    verdict = result.verdict
    settled = verdict.outcome == WORKS or verdict.is_general or verdict.instead is not None
    return not settled and not trials.configuration(verdict.configuration).as_is


def _search(trials: Trials, base: Base, seconds: float) -> BitSearch:
    trials.observer.begin(_looking(base))
    job = _job(trials, base, seconds)
    ending = trials.processes.run(job, trials.observer.progress)
    search = _of_folder(trials, base, ending.tail)
    trials.run.searches.append(search)
    if ending.how == How.INTERRUPTED:
        raise Stopped
    return search


def _of_folder(trials: Trials, base: Base, tail: str = "") -> BitSearch:
    """What a search has left behind; `tail`, of its output, where that is nothing."""
    try:
        return bit_search.load(_folder(trials, base.folder))
    except UsageError:  # it died before it began
        return BitSearch(problems=[tail[-500:]])


def _looking(base: Base) -> str:
    return f"looking for the fewest bits that stay right, from {base.configuration.text}"


def _job(trials: Trials, base: Base, seconds: float) -> SearchJob:
    plan, compiler = trials.plan, trials.compiler
    folder = _folder(trials, base.folder)
    compiled = replace(
        compiler.orders.job(folder, base.configuration.qconfig),
        calibrated=str(compiler.orders.calibrated(base.configuration.slug)),
    )
    if base.data is not None:
        compiled = replace(compiled, dataset=base.data)
    return SearchJob(
        **vars(compiled),
        min_cosine=plan.bounds.cosine,
        min_agreement=plan.bounds.agreement,
        may_skip=base.is_last,
        seconds=seconds,
    )


def _folder(trials: Trials, search: str) -> Path:
    return trials.run.directory / TRACES / search


def _verified(trials: Trials, base: Base, search: BitSearch, least: int) -> Verdict | None:
    """The verdict on the first of at least so many bits of weights that works when it is compiled;
    None if none of them does. Bits of each weight are left in a file too."""
    for works in _candidates(trials, base, search, least):
        verdict = trials.verdict_on(works, base.data)
        if verdict.outcome == WORKS:
            if works.fields.get("weight_bits"):
                _write(trials.run.directory / TRACES / works.slug / BITS, works, search)
            return verdict
    return None


def _candidates(trials: Trials, base: Base, search: BitSearch, least: int) -> list[Configuration]:
    """What is worth compiling of what is right in simulation, in the order in which it is."""
    dialect = trials.plan.toolchain.dialect
    right = fewest_first(search, trials.plan.bounds.cosine, least)[:_VERIFIED]
    candidates = [configuration(base.configuration, trial, dialect) for trial in right]
    if candidates and dialect == RELAY:
        candidates.insert(1, parse(f"{candidates[0].text}:{_ROUNDING}"))
    return candidates


def _write(path: Path, works: Configuration, search: BitSearch) -> None:
    """Bits of each weight as a file."""
    digits = str(works.fields["weight_bits"])
    weights = [
        WeightBits(weight.op, list(weight.shape), int(digit))
        for weight, digit in zip(search.weights, digits, strict=True)
    ]
    dtype = parse(works.text.replace(f":weight_bits={digits}", "")).text
    path.write_text(bits_file.written(dtype, weights, _COMMENT), encoding="utf-8")


def fewest_first(search: BitSearch, min_cosine: float, least: int = 1) -> list[BitTrial]:
    """Of each width of weights from `least` on (mixed ones may fall short of it by less than half
    a bit, and then count as it) the best that is right, the fewest bits first."""
    best: dict[float, BitTrial] = {}
    for trial in search.right(min_cosine):
        if trial.bits > least - _SHORT:
            bits = max(trial.bits, float(least))
            best[bits] = max(best.get(bits, trial), trial, key=lambda one: one.worst)
    return list(best.values())


def configuration(base: Configuration, trial: BitTrial, dialect: str = RELAY) -> Configuration:
    """A setting that was tried, as a configuration that people can write; on Relax with weights
    kept in as many bits as they have."""
    packed = [f"realize={PACKED}"] if dialect == RELAX and trial.narrowest <= _HALF_BYTE else []
    return parse(":".join([base.text, *trial.fields, *packed]))
