"""The whole job: what was asked for, each through a TVM process, and what follows from that.

Order matters to the person waiting: the verdicts on what was asked for come first. The float model
runs as soon as a verdict needs it; the reference runs last.
"""

from __future__ import annotations

import contextlib

from ..configuration import Configuration, reference
from ..results import store
from ..results.run import Role, Run
from ..results.verdict import GOOD
from ..toolchains import scratch
from . import agenda, searching
from .plan import Observer, Plan, Turn
from .trials import NotImported, Stopped, Trials


def carry_out(plan: Plan, run: Run, observer: Observer) -> None:
    """Do a plan. `run.results` fills up meanwhile, and is on disk at each step.

    Stops early, with what it has and the fact `interrupted`, when Ctrl-C ended a process. Raises
    UsageError when the model cannot be had, SetupError when no TVM process can run.
    """
    store.write(run)
    with scratch.folder() as folder:
        trials = Trials(plan, run, observer, folder)
        queue = _queue(plan)
        steps = agenda.steps(plan, queue)
        _ahead(trials, queue)
        try:
            while steps:
                step, *steps = steps
                to_come = tuple(later.what for later in steps if later.needed(run))
                observer.turn(Turn(step.what, to_come, step.timed))
                with trials.processes.room.alone() if step.timed else contextlib.nullcontext():
                    step.do(trials)
        except NotImported:
            pass  # the verdict on that is in the run
        except Stopped:
            run.facts.interrupted = True
            trials.save()
        finally:
            trials.processes.close()


def works(run: Run) -> bool:
    """Do all configurations that were asked for work, or compile for another machine?"""
    requested = run.with_role(Role.REQUESTED)
    return bool(requested) and all(result.verdict.outcome in GOOD for result in requested)


def _ahead(trials: Trials, queue: list[tuple[Configuration, Role]]) -> None:
    """Have done side by side what is sure to be wanted, but for the first, which begins at once.
    The longest way to the end leads through the search: TVM's default waits for it."""
    trials.ahead([configuration for configuration, role in queue[1:] if role == Role.REQUESTED])
    trials.float_ahead()
    searching.start_ahead(trials)
    trials.ahead([configuration for configuration, role in queue if role == Role.REFERENCE])


def _queue(plan: Plan) -> list[tuple[Configuration, Role]]:
    """What to try first: all that was asked for, then TVM's default, if that is not among it."""
    queue = [(configuration, Role.REQUESTED) for configuration in plan.configurations]
    here = [configuration for configuration in plan.configurations if configuration.target is None]
    default = reference((here or plan.configurations)[0])
    as_is = all(configuration.as_is for configuration in here)
    if (
        plan.reference
        and not as_is
        and default.text not in {configuration.text for configuration, _ in queue}
    ):
        queue.append((default, Role.REFERENCE))
    return queue
