"""What works instead, by search: the fewest bits that stay right, found in simulation, compiled for
real and judged."""

from __future__ import annotations

from dataclasses import replace

from ..configuration import Configuration, parse, reference
from ..errors import UsageError
from ..instruments.protocol.jobs import SearchJob
from ..measurements import bit_search
from ..measurements.bit_search import BitSearch, BitTrial
from ..results.run import Result, Role
from ..results.verdict import WORKS, WRONG, Verdict
from ..toolchains import process
from ..trace.ending import How
from ..trace.layout import SEARCH, TRACES
from ..trace.stages import RELAY
from .follow_ups import suggest
from .trials import Stopped, Trials

_VERIFIED = 3
"""So many of the settings that are right in simulation are compiled, the fewest bits first."""


def fewest_bits(trials: Trials) -> None:
    """For the configurations that do not work: the fewest bits that do. Raises as Trials does."""
    open_ = [result for result in trials.run.with_role(Role.REQUESTED) if _is_open(trials, result)]
    if not open_:
        return
    base = reference(trials.configuration(open_[0].verdict.configuration))
    if trials.verdict_on(base).outcome not in (WORKS, WRONG):
        return  # what the search changes of it, nobody could run
    if trials.run.search is None:
        trials.run.search = _search(trials, base)
    works = _verified(trials, base, trials.run.search)
    if works is not None:
        for result in open_:
            suggest(result.verdict, works)
    trials.save()


def _is_open(trials: Trials, result: Result) -> bool:
    """Is it still to be said what works instead of it?"""
    verdict = result.verdict
    settled = verdict.outcome == WORKS or verdict.is_general or verdict.instead is not None
    relay = trials.plan.toolchain.dialect == RELAY
    return relay and not settled and not trials.configuration(verdict.configuration).as_is


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


def _verified(trials: Trials, base: Configuration, search: BitSearch) -> Verdict | None:
    """The verdict on the first that works when it is compiled; None if none of them does."""
    for trial in _fewest_first(search, trials.plan.bounds.cosine)[:_VERIFIED]:
        verdict = trials.verdict_on(configuration(base, trial))
        if verdict.outcome == WORKS:
            return verdict
    return None


def _fewest_first(search: BitSearch, min_cosine: float) -> list[BitTrial]:
    """Of each width of weights the best that is right, the fewest bits first."""
    best: dict[int, BitTrial] = {}
    for trial in search.right(min_cosine):
        best.setdefault(trial.nbit_weight, trial)
    return list(best.values())


def configuration(base: Configuration, trial: BitTrial) -> Configuration:
    """A setting that was tried, as a configuration that people can write."""
    return parse(":".join([base.text, *trial.fields]))
