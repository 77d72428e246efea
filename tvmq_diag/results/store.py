"""A run on disk: `verdict.json` and `run.json` beside its traces, written at each step."""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from ..configuration import parse
from ..errors import UsageError
from ..measurements import benchmark, bisection, numerics
from ..measurements.benchmark import EAGER, FLOAT, Benchmark
from ..measurements.metrics import Metrics
from ..measurements.paired import Latency, Ratio
from ..trace import layout, reader
from ..trace.ending import output_tail
from ..trace.layout import BENCHMARK, BISECTION, FACTS, NUMBERS, TRACES, VERDICTS
from .run import Result, Role, Run
from .verdict import Hazard, OpRef, Site, Verdict

_PARTS: dict[str, Any] = {
    "op": OpRef,
    "site": Site,
    "metrics": Metrics,
    "latency_ms": Latency,
    "ratio": Ratio,
}


def write(run: Run) -> None:
    """Write verdict.json and run.json as they are known now."""
    verdicts = [
        {**result.verdict.to_json(), "role": result.role.value}
        for result in run.results
        if result.role != Role.FLOAT
    ]
    _dump(run.directory / VERDICTS, verdicts)
    for result in run.with_role(Role.FLOAT):
        measured = run.benchmark or Benchmark()
        times = {"tvm": measured.latency(FLOAT), "torch": measured.latency(EAGER)}
        run.facts["float"] = {
            "outcome": result.verdict.outcome,
            "latency_ms": {of: asdict(known) for of, known in times.items() if known is not None},
        }
    _dump(run.directory / FACTS, run.facts)


def load(directory: Path) -> Run:
    """The run in a folder, as far as it got. Raises UsageError when there is none."""
    try:
        facts = json.loads((directory / FACTS).read_text(encoding="utf-8"))
        verdicts = json.loads((directory / VERDICTS).read_text(encoding="utf-8"))
        run = Run(directory, facts)
        for record in verdicts:
            run.results.append(_result(directory, dict(record)))
        if "float" in facts:
            run.results.append(_float(directory, facts))
        if (directory / TRACES / BENCHMARK).is_dir():
            run.benchmark = benchmark.load(directory / TRACES / BENCHMARK)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"no run in {directory} that can be read: {error}") from error
    return run


def result_in(run: Run, folder: Path) -> Result:
    """The result whose trace is in a folder. Raises UsageError when it is none of the run's."""
    for result in run.results:
        slug = FLOAT if result.role == Role.FLOAT else parse(result.verdict.configuration).slug
        if slug == folder.name and result.trace is not None:
            return result
    raise UsageError(f"{folder} is no trace of the run in {run.directory}")


def _result(directory: Path, record: dict[str, Any]) -> Result:
    """What an older version did not know yet is left at its default, a newer one's is left out."""
    role = Role(record.pop("role"))
    record["pass_name"] = record.pop("pass")
    record["pass_path"] = record["pass_path"] or []
    for name, make in _PARTS.items():
        if record.get(name) is not None:
            record[name] = make(**record[name])
    record["hazards"] = [_hazard(hazard) for hazard in record.get("hazards") or []]
    known = {field.name for field in fields(Verdict)}
    decided = Verdict(**{name: value for name, value in record.items() if name in known})
    return _with_trace(directory, decided, role, parse(decided.configuration).slug)


def _hazard(record: dict[str, Any]) -> Hazard:
    gained = record.pop("gained")
    return Hazard(**record, gained=Ratio(**gained) if gained is not None else None)


def _float(directory: Path, facts: dict[str, Any]) -> Result:
    decided = Verdict(FLOAT, facts["toolchain"], facts["float"]["outcome"], "run")
    times = facts["float"]["latency_ms"].get("tvm")
    decided.latency_ms = Latency(**times) if times else None
    return _with_trace(directory, decided, Role.FLOAT, FLOAT)


def _with_trace(directory: Path, decided: Verdict, role: Role, slug: str) -> Result:
    folder = directory / TRACES / slug
    try:
        tail = output_tail(folder / layout.OUTPUT)
    except OSError:
        tail = ""
    result = Result(decided, role, None, tail)
    with contextlib.suppress(UsageError):
        result.trace = reader.load(folder)
    with contextlib.suppress(UsageError):
        result.numerics = numerics.load(directory / TRACES / f"{slug}{NUMBERS}")
    with contextlib.suppress(UsageError):
        result.bisection = bisection.load(directory / TRACES / f"{slug}{BISECTION}")
    return result


def _dump(path: Path, value: Any) -> None:
    """Write through a neighbour file, so that nobody ever reads half of it."""
    draft = path.with_suffix(".tmp")
    draft.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
    draft.replace(path)
