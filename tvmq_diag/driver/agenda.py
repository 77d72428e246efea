"""The steps of a run, in their order, each under the name that the person who waits reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..configuration import Configuration
from ..measurements.benchmark import FLOAT
from ..results.run import Role, Run
from ..results.verdict import WORKS, WRONG
from . import calibrating, fixing, follow_ups, searching, tuning
from .plan import Plan
from .trials import Trials


@dataclass(frozen=True)
class Step:
    """Something that a run does. `needed` says whether there is anything to do, as far as the run
    shows that by now; `timed` is what measures times. `do` raises as Trials does."""

    what: str
    do: Callable[[Trials], object]
    needed: Callable[[Run], bool] = lambda run: True
    timed: bool = False


def steps(plan: Plan, queue: list[tuple[Configuration, Role]]) -> list[Step]:
    """What a plan comes to: each configuration of the queue, then what follows the verdicts."""
    here = any(configuration.target is None for configuration in plan.configurations)
    follow = _follow_ups(plan) if plan.reference and here else [_HAZARDS]
    trials = [_trial(*entry) for entry in queue]
    return [*trials, _SETTLE, *follow]


def _trial(configuration: Configuration, role: Role) -> Step:
    aside = ", to compare with" if role == Role.REFERENCE else ""
    return Step(f"{configuration.text}{aside}", lambda trials: trials.attempt(configuration, role))


def _follow_ups(plan: Plan) -> list[Step]:
    """Answers to what is then still open, as far as the plan wants them."""
    search = Step("the fewest bits that stay right", searching.fewest_bits, _unworking)
    unmended = [
        Step("calibrating on data", calibrating.on_data, _wrong),
        *([search] if plan.search else []),
        Step("what works instead", follow_ups.what_works_instead, _unworking),
        _SETTLE,
    ]
    errors = [
        Step("each op's error", follow_ups.op_errors, _ran),
        Step("where wrong numbers begin", follow_ups.bisection, _wrong),
    ]
    causes = [
        Step("each field by itself", follow_ups.each_knob, _unworking),
        Step("quantize() at another opt_level", follow_ups.at_other_level, _unworking),
        Step("fixes of TVM's quantizer", _cure, _unworking),
    ]
    return [
        Step("what is going to be asked", follow_ups.start_ahead, _never),
        Step(f"{FLOAT} (the model as it is)", lambda trials: trials.float_model(), _no_float),
        *([Step("what a mean may hide", follow_ups.hidden, _never)] if plan.errors else []),
        *(unmended if plan.explore else []),
        *_timings(plan),
        *(errors if plan.errors else []),
        _HAZARDS,  # which weigh what came before
        *(causes if plan.explore else []),
    ]


def _timings(plan: Plan) -> list[Step]:
    """The benchmark, which comes first where it says what to tune, and last where something tuned
    is to be timed."""
    measure = Step("benchmark", follow_ups.benchmark, timed=True)
    build = Step("models with tuned schedules", tuning.build, _ran)
    if plan.tune:
        profile = Step("profile of the kernels", tuning.profile, timed=True)
        search = Step("tuning", tuning.search, _ran, timed=True)
        return [profile, search, build, measure]
    return [build, measure] if plan.tuning_records is not None else [measure]


def _cure(trials: Trials) -> None:
    for result in trials.run.here:
        fixing.cure(trials, result)


def _no_float(run: Run) -> bool:
    return not run.with_role(Role.FLOAT)


def _unworking(run: Run) -> bool:
    return any(result.verdict.outcome != WORKS for result in run.here)


def _wrong(run: Run) -> bool:
    requested = run.with_role(Role.REQUESTED)
    return any(result.verdict.outcome == WRONG for result in requested)


def _ran(run: Run) -> bool:
    return any(result.ran for result in run.with_role(Role.REQUESTED, Role.REFERENCE))


def _never(run: Run) -> bool:
    """Of what takes no time, or is seldom needed: nobody waits for it."""
    return False


_HAZARDS = Step("what costs time and accuracy", follow_ups.name_hazards, _never)
_SETTLE = Step("what is suggested", follow_ups.settle_suggestions, _never)
