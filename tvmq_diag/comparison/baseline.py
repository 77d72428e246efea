"""What a TVM branch promises of its quantizer, in a small TOML file beside its code.

    model = "tiny"

    [configuration."int8/int8/int32"]
    outcome = "works"
    stage = "check"
    coverage = 0.84      # at least this share of the multiplying in 8 bits or fewer
    cosine = 0.97        # at least, to the float model
    sqnr_db = 9.0        # at least

    [configuration.int4]
    outcome = "rejected"
    stage = "realize"
    pass = "QuantizeRealize"
    op = "add #11"

What is not written is not checked.
"""

from __future__ import annotations

import json
import math
import re
import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from ..analysis import coverage
from ..configuration import parse
from ..errors import UsageError
from ..results.run import Result, Role, Run

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MODEL = {
    "model": str,
    "input_shape": list,
    "seed": int,
    "weights": str,
    "calibrated_on": str,
    "min_cosine": float,
}
"""What must be the same for a promise to be kept, as a run's facts call it."""

_SLACK = {"cosine": 0.005, "sqnr_db": 1.0, "coverage": 0.0005}
"""How far below what was measured a promised bound lies; figures are rounded by less."""

_DIGITS = {"cosine": 3, "sqnr_db": 1, "coverage": 3}

_NO_XML = re.compile(r"[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_HEADER = """\
# What tvmq_diag found TVM's quantizer to do. `tvmq-diag check THIS_FILE` tries it again.
# coverage, cosine and sqnr_db are at least; what is left out is not checked.
"""


@dataclass(frozen=True)
class Promise:
    """What one configuration must come to. None: not checked. The figures are lower bounds."""

    outcome: str | None = None
    stage: str | None = None
    pass_name: str | None = None
    op: str | None = None
    coverage: float | None = None
    cosine: float | None = None
    sqnr_db: float | None = None


@dataclass(frozen=True)
class Baseline:
    """The model's facts, and a promise for each configuration."""

    facts: dict[str, Any]
    promises: dict[str, Promise]


@dataclass
class Check:
    """A configuration and what it broke of its promise: empty if nothing."""

    configuration: str
    broken: list[str] = field(default_factory=list)
    headline: str = ""


def read(path: Path) -> Baseline:
    """Read a baseline; raises UsageError that says what in it is wrong."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"no baseline in {path} ({error}); make one: --run runs/NAME --write"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is no TOML: {error}") from error
    configurations = table.pop("configuration", {})
    if not isinstance(configurations, dict) or not configurations:
        raise UsageError(f'{path} promises nothing: it needs a [configuration."int8/int8/int32"]')
    unknown = sorted(table.keys() - MODEL.keys())
    if unknown:
        raise UsageError(f"{path}: {unknown[0]} is none of {', '.join(MODEL)}")
    for name, value in table.items():
        _typed(path, name, value, MODEL[name])
    if "model" not in table:
        raise UsageError(f'{path} does not say which model; write for example: model = "tiny"')
    promises = {
        parse(name).text: _promise(path, name, promise) for name, promise in configurations.items()
    }
    return Baseline(table, promises)


def of_run(run: Run) -> Baseline:
    """What a run's configurations came to, as promises; those asked for, and the reference."""
    facts = {name: run.facts[name] for name in MODEL if run.facts.get(name) is not None}
    if facts.get("weights") == "seeded random":
        del facts["weights"]
    results = run.with_role(Role.REQUESTED, Role.REFERENCE)
    return Baseline(facts, {r.verdict.configuration: _outcome(r, bounds=True) for r in results})


def check(baseline: Baseline, run: Run) -> list[Check]:
    """Hold a run against a baseline: a Check for each promise, in the baseline's order."""
    results = {result.verdict.configuration: result for result in run.results}
    checks = []
    for name, promise in baseline.promises.items():
        result = results.get(name)
        if result is None:
            checks.append(Check(name, ["it was not tried"], "not tried"))
        else:
            broken = _broken(promise, _outcome(result, bounds=False))
            checks.append(Check(name, broken, result.verdict.headline))
    return checks


def write(baseline: Baseline, path: Path) -> None:
    """Write a baseline as TOML."""
    lines = [_HEADER]
    lines += [f"{name} = {_toml(value)}" for name, value in baseline.facts.items()]
    for name, promise in baseline.promises.items():
        lines += ["", f"[configuration.{json.dumps(name)}]"]
        for item in fields(Promise):
            value = getattr(promise, item.name)
            if value is not None:
                lines.append(f"{_key(item.name)} = {_toml(value)}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def junit(checks: list[Check], path: Path) -> None:
    """Write the checks as JUnit XML, which CI systems show test by test."""
    failures = sum(bool(check.broken) for check in checks)
    suite = ET.Element(
        "testsuite", name="tvmq-diag check", tests=str(len(checks)), failures=str(failures)
    )
    for check in checks:
        case = ET.SubElement(
            suite, "testcase", classname="tvmq_diag", name=_xml(check.configuration)
        )
        if check.broken:
            failure = ET.SubElement(case, "failure", message=_xml(check.broken[0]))
            failure.text = _xml("\n".join([*check.broken, check.headline]))
    path.parent.mkdir(parents=True, exist_ok=True)
    tree = ET.ElementTree(suite)
    ET.indent(tree)
    tree.write(path, encoding="utf-8", xml_declaration=True)


def _promise(path: Path, name: str, table: Any) -> Promise:
    if not isinstance(table, dict):
        raise UsageError(f"{path}: configuration {name} is no table")
    kinds = {_key(item.name): item for item in fields(Promise)}
    unknown = sorted(table.keys() - kinds.keys())
    if unknown:
        raise UsageError(f"{path}: {unknown[0]} of {name} is none of {', '.join(kinds)}")
    for key, value in table.items():
        _typed(path, f"{key} of {name}", value, float if key in _SLACK else str)
    return Promise(**{kinds[key].name: value for key, value in table.items()})


def _typed(path: Path, name: str, value: Any, kind: type) -> None:
    wanted = (int, float) if kind is float else kind
    if not isinstance(value, wanted) or isinstance(value, bool):
        raise UsageError(f"{path}: {name} = {value!r} is no {kind.__name__}")


def _outcome(result: Result, bounds: bool) -> Promise:
    """What a result came to; with `bounds` its figures as bounds, a little lower."""
    verdict, metrics = result.verdict, result.verdict.metrics
    figures = {
        "coverage": _coverage(result),
        "cosine": metrics.cosine if metrics and metrics.finite else None,
        "sqnr_db": metrics.sqnr_db if metrics and metrics.finite else None,
    }
    if bounds:
        figures = {name: _bound(name, value) for name, value in figures.items()}
    return Promise(
        verdict.outcome,
        verdict.stage,
        verdict.pass_name,
        f"{verdict.op.name} #{verdict.op.index}" if verdict.op else None,
        **figures,
    )


def _coverage(result: Result) -> float | None:
    return coverage.coverage(result.trace).share if result.trace is not None else None


def _bound(name: str, value: float | None) -> float | None:
    if value is None:
        return None
    scale = 10.0 ** _DIGITS[name]
    return math.floor((value - _SLACK[name]) * scale) / scale


def _broken(promise: Promise, outcome: Promise) -> list[str]:
    """What of a promise was not kept, a sentence each."""
    broken = []
    for item in fields(Promise):
        wanted, got = getattr(promise, item.name), getattr(outcome, item.name)
        if wanted is None:
            continue
        if isinstance(wanted, str):
            if wanted != got:
                broken.append(f"{_key(item.name)}: {got or 'none'}, not {wanted}")
        elif got is None or got < wanted:
            figure = "none" if got is None else f"{got:.4f}"
            broken.append(f"{_key(item.name)}: {figure}, less than {wanted}")
    return broken


def _key(name: str) -> str:
    return "pass" if name == "pass_name" else name


def _toml(value: Any) -> str:
    """Strings, numbers and lists of them are the same in TOML and JSON, but for DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _xml(text: str) -> str:
    """Without what XML 1.0 cannot hold."""
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)
