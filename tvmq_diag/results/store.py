"""A run on disk: `verdict.json` and `run.json` beside its traces, written at each step."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import msgspec

from .. import decoding, foreign
from ..configuration import parse
from ..decoding import Damage
from ..errors import UsageError
from ..measurements import (
    benchmark,
    bisection,
    bit_search,
    kernel_code,
    numerics,
    tuning,
)
from ..measurements.benchmark import EAGER, FLOAT, Benchmark
from ..trace import layout, reader
from ..trace.ending import output_tail
from ..trace.layout import (
    BENCHMARK,
    BISECTION,
    FACTS,
    NUMBERS,
    SCRIPT,
    SEARCHES,
    TRACES,
    TUNING,
    VERDICTS,
)
from .facts import FloatModel, RunFacts
from .run import Result, Role, Run
from .verdict import Verdict


class VerdictRecord(Verdict, kw_only=True):
    """An entry of verdict.json: a verdict, and why the configuration was tried."""

    role: Role = Role.REQUESTED


class Records(msgspec.Struct):
    """The two files of a run, without its traces; `problems`: what in them is not as declared."""

    facts: RunFacts
    verdicts: list[VerdictRecord]
    problems: list[str]


def write(run: Run) -> None:
    """Write verdict.json and run.json as far as the run has got."""
    _dump(run.directory / VERDICTS, verdicts(run))
    for result in run.with_role(Role.FLOAT):
        measured = run.benchmark or Benchmark()
        times = {"tvm": measured.latency(FLOAT), "torch": measured.latency(EAGER)}
        latencies = {name: latency for name, latency in times.items() if latency is not None}
        run.facts.float_model = FloatModel(result.verdict.outcome, latencies)
    _dump(run.directory / FACTS, run.facts.to_json())


def verdicts(run: Run) -> list[dict[str, Any]]:
    """What verdict.json holds."""
    return [
        {**result.verdict.to_json(), "role": result.role.value}
        for result in run.results
        if result.role != Role.FLOAT
    ]


def to_json(run: Run) -> dict[str, Any]:
    """A run for a program: its folder, which has the page, and the verdicts."""
    return {"run": str(run.directory), "verdicts": verdicts(run)}


def read(directory: Path) -> Records:
    """The verdicts of a run, and how it was made. Raises UsageError when there is no run.

    What an older version did not write has its default; what is not as declared, too, and is named.
    """
    try:
        facts = decoding.loose(foreign.read(directory, FACTS))
        verdicts = decoding.loose(foreign.read(directory, VERDICTS))
        if not isinstance(facts, dict) or not isinstance(verdicts, list):
            raise Damage(f"{VERDICTS} is no list, or {FACTS} no object")
    except (OSError, Damage) as error:
        raise UsageError(f"no run in {directory} that can be read: {error}") from error
    records = Records(RunFacts(), [], [])
    for name in decoding.update(records.facts, facts):
        records.problems.append(f"{name!r} in {FACTS} is damaged")
    for number, entry in enumerate(verdicts):
        try:
            record, lost = decoding.salvaged(entry, VerdictRecord)
        except Damage as error:
            records.problems.append(f"verdict {number} in {VERDICTS} is damaged: {error}")
            continue
        records.verdicts.append(record)
        where = f"of {record.configuration} in {VERDICTS}"
        records.problems += [f"{name!r} {where} is damaged" for name in lost]
    if verdicts and not records.verdicts:
        raise UsageError(f"no run in {directory} that can be read: {records.problems[-1]}")
    return records


def load(directory: Path) -> Run:
    """The run in a folder with all that was recorded of it, as far as it got.

    Raises UsageError when there is none.
    """
    records = read(directory)
    run = Run(directory, records.facts, problems=records.problems)
    run.problems += [
        f"{link} is a link that leads out of the run" for link in foreign.links_out(directory)
    ]
    for record in records.verdicts:
        values = {name: getattr(record, name) for name in Verdict.__struct_fields__}
        try:
            slug = _slug(record.configuration, run.facts)
        except UsageError as error:
            run.problems.append(f"a verdict in {VERDICTS} is damaged: {error}")
            continue
        run.results.append(with_trace(directory, Verdict(**values), record.role, slug))
    if run.facts.float_model is not None:
        run.results.append(_float(directory, run.facts, run.facts.float_model))
    measured = directory / TRACES / BENCHMARK
    if measured.is_dir():
        try:
            run.benchmark = benchmark.load(measured)
        except UsageError as error:
            run.problems.append(str(error))
    for name in SEARCHES:
        with contextlib.suppress(UsageError):
            run.searches.append(bit_search.load(directory / TRACES / name))
    with contextlib.suppress(UsageError):
        run.tuning = tuning.load(directory / TRACES / TUNING)
    return run


def result_in(run: Run, folder: Path) -> Result:
    """The result whose trace is in a folder. Raises UsageError when it is none of the run's."""
    for result in run.results:
        float_model = result.role == Role.FLOAT
        slug = FLOAT if float_model else _slug(result.verdict.configuration, run.facts)
        if slug == folder.name and result.trace is not None:
            return result
    raise UsageError(f"{folder} is no trace of the run in {run.directory}")


def _slug(configuration: str, facts: RunFacts) -> str:
    """The name of a configuration's trace. Raises UsageError for what is no configuration."""
    return SCRIPT if facts.script is not None else parse(configuration).slug


def _float(directory: Path, facts: RunFacts, model: FloatModel) -> Result:
    verdict = Verdict(FLOAT, facts.toolchain or "?", model.outcome, "run")
    verdict.latency_ms = model.latency_ms.get("tvm")
    return with_trace(directory, verdict, Role.FLOAT, FLOAT)


def with_trace(directory: Path, verdict: Verdict, role: Role, slug: str) -> Result:
    """A result with what was recorded of it under this name among the traces."""
    folder = directory / TRACES / slug
    if not foreign.is_inside(directory, folder):
        return Result(verdict, role)
    try:
        tail = output_tail(foreign.inside(folder, layout.OUTPUT))
    except (OSError, Damage):
        tail = ""
    result = Result(verdict, role, None, tail)
    with contextlib.suppress(UsageError):
        result.trace = reader.load(folder)
    if result.trace is not None:
        try:
            result.code = kernel_code.load(result.trace)
        except UsageError as error:
            result.trace.problems.append(str(error))
    with contextlib.suppress(UsageError):
        result.numerics = numerics.load(directory / TRACES / f"{slug}{NUMBERS}")
    with contextlib.suppress(UsageError):
        result.bisection = bisection.load(directory / TRACES / f"{slug}{BISECTION}")
    return result


def _dump(path: Path, value: Any) -> None:
    foreign.write(path, json.dumps(value, indent=2) + "\n")
