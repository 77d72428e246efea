"""What is written down of a run beside its results: for run.json, its likes and the pages."""

from __future__ import annotations

import datetime
import shlex
import sys
from pathlib import Path
from typing import TypedDict

from .. import __version__
from ..driver.plan import Plan
from ..results.facts import OWN, SEEDED, TRAINED, RunFacts


class Now(TypedDict):
    """The fields of results.facts.Circumstances."""

    command: str
    created: str
    tool_version: str


def circumstances() -> Now:
    """The command line as it was typed, the time (ISO 8601), and the version of the tool."""
    return {
        "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "created": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "tool_version": __version__,
    }


def plan_facts(plan: Plan) -> RunFacts:
    """The circumstances, and what the run was asked to do: as run.json holds it."""
    model = plan.model
    return RunFacts(
        **circumstances(),
        model=model.source,
        input_shape=_shapes(model.shapes),
        seed=model.seed,
        weights=model.weights or _weights(model.source),
        calibrated_on=plan.dataset.source if plan.dataset else None,
        checked_on=plan.check.source,
        check_samples=plan.check.samples,
        preprocess=plan.check.preprocess,
        quantize_opt_level=plan.quantize_opt_level,
        toolchain=plan.toolchain.name,
        python=str(plan.toolchain.python),
        overlay=str(plan.toolchain.overlay) if plan.toolchain.overlay else None,
        dialect=plan.toolchain.dialect,
        dialect_extension=plan.toolchain.extension,
        device=f"{plan.rpc.key} at {plan.rpc.host}:{plan.rpc.port}" if plan.rpc else None,
        min_cosine=plan.bounds.cosine,
        min_agreement=plan.bounds.agreement,
        tune=plan.tune or None,
        tuning_records=str(plan.tuning_records) if plan.tuning_records else None,
    )


def _weights(source: str) -> str:
    """Where the weights of a model come from that nobody gave any."""
    kind = source.partition(":")[0]
    return {"tiny": SEEDED, "torchvision": SEEDED, "digits": TRAINED}.get(kind, OWN)


def _shapes(shapes: dict[str, list[int]] | None) -> str | None:
    """Shapes as a person types them."""
    if shapes is None:
        return None
    return ";".join(
        f"{name}={','.join(map(str, sizes))}" if name else ",".join(map(str, sizes))
        for name, sizes in shapes.items()
    )
