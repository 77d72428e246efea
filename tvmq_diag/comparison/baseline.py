"""What a TVM branch promises of its quantizer, in a small TOML file beside its code.

    model = "tiny"

    [configuration."int8/int8/int32"]
    outcome = "works"
    stage = "check"
    coverage = 0.84      # at least this share of the multiplying in 8 bits or fewer
    cosine = 0.97        # at least, to the float model
    worst_cosine = 0.95  # at least, for each input
    sqnr_db = 9.0        # at least
    agreement = 0.9      # at least: the float model's top-1, or its integers
    top1 = 0.9           # at least, where there are labels

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
import xml.etree.ElementTree as ET
from pathlib import Path
from types import NoneType
from typing import Any, TypeVar, get_args

import msgspec

from .. import decoding, foreign
from ..analysis import coverage
from ..configuration import parse
from ..errors import UsageError
from ..measurements.metrics import Metrics
from ..results.facts import OWN, SEEDED, TRAINED
from ..results.run import Result, Role, Run

S = TypeVar("S", bound=msgspec.Struct)

_SLACK = {
    "cosine": 0.005,
    "worst_cosine": 0.01,
    "sqnr_db": 1.0,
    "agreement": 0.03,
    "top1": 0.01,
    "coverage": 0.0005,
}
"""How far below what was measured a promised bound lies; figures are rounded by less."""

_DIGITS = {"sqnr_db": 1}
"""Decimals of a bound; of the others 3."""

_NO_XML = re.compile(r"[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_HEADER = """\
# What tvmq_diag found TVM's quantizer to do. `tvmq-diag check THIS_FILE` tries it again.
# Figures are at least; what is left out is not checked.
"""


class Promise(msgspec.Struct, frozen=True):
    """What one configuration must come to. None: not checked. The figures are lower bounds."""

    outcome: str | None = None
    stage: str | None = None
    pass_name: str | None = msgspec.field(default=None, name="pass")
    op: str | None = None
    coverage: float | None = None
    cosine: float | None = None
    worst_cosine: float | None = None
    sqnr_db: float | None = None
    agreement: float | None = None
    """Share of the classes or integers that are the float model's, or close calls."""
    top1: float | None = None
    """Share of the labelled rows that have their label."""


class BaselineModel(msgspec.Struct, frozen=True):
    """What must be the same for a promise to be kept, as a run's facts call it."""

    model: str | None = None
    input_shape: list[int] | str | None = None
    seed: int | None = None
    weights: str | None = None
    calibrated_on: str | None = None
    checked_on: str | None = None
    check_samples: int | None = None
    preprocess: str | None = None
    quantize_opt_level: int | None = None
    min_cosine: float | None = None
    min_agreement: float | None = None


class Baseline(msgspec.Struct, frozen=True):
    """The model, and a promise for each configuration."""

    model: BaselineModel
    promises: dict[str, Promise]


class Check(msgspec.Struct):
    """A configuration and what it broke of its promise: empty if nothing."""

    configuration: str
    broken: list[str] = []
    headline: str = ""


def read(path: Path) -> Baseline:
    """Read a baseline; raises UsageError that says what in it is wrong."""
    try:
        tables = msgspec.toml.decode(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"no baseline in {path} ({error}); make one: --run runs/NAME --write"
        ) from error
    except decoding.REFUSED as error:
        raise UsageError(f"{path} is no TOML: {error}") from error
    configurations = tables.pop("configuration", {})
    if not isinstance(configurations, dict) or not configurations:
        raise UsageError(f'{path} promises nothing: it needs a [configuration."int8/int8/int32"]')
    model = _typed(path, "", tables, BaselineModel)
    if model.model is None:
        raise UsageError(f'{path} does not say which model; write for example: model = "tiny"')
    promises: dict[str, Promise] = {}
    for name, table in configurations.items():
        if not isinstance(table, dict):
            raise UsageError(f"{path}: configuration {name} is no table")
        promises[parse(name).text] = _typed(path, f" of {name}", table, Promise)
    return Baseline(model, promises)


def of_run(run: Run) -> Baseline:
    """What a run's configurations came to, as promises; those asked for, and the reference."""
    facts = {name: getattr(run.facts, name) for name in BaselineModel.__struct_fields__}
    if facts["weights"] in (SEEDED, TRAINED, OWN):
        facts["weights"] = None
    results = run.with_role(Role.REQUESTED, Role.REFERENCE)
    promises = {r.verdict.configuration: _outcome(r, bounds=True) for r in results}
    return Baseline(BaselineModel(**facts), promises)


def check(baseline: Baseline, run: Run) -> list[Check]:
    """Hold a run against a baseline: a Check for each promise, in the baseline's order."""
    results = {result.verdict.configuration: result for result in run.results}
    checks = []
    for name, promise in baseline.promises.items():
        result = results.get(name) or run.not_imported
        if result is None:
            checks.append(Check(name, ["it was not tried"], "not tried"))
        else:
            broken = _broken(promise, _outcome(result, bounds=False))
            checks.append(Check(name, broken, result.verdict.headline))
    return checks


def write(baseline: Baseline, path: Path) -> None:
    """Write a baseline as TOML."""
    lines = [_HEADER]
    lines += _lines(baseline.model)
    for name, promise in baseline.promises.items():
        lines += ["", f"[configuration.{json.dumps(name)}]", *_lines(promise)]
    path.parent.mkdir(parents=True, exist_ok=True)
    foreign.write(path, "\n".join(lines) + "\n")


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
    ET.indent(suite)
    foreign.write(path, ET.tostring(suite, encoding="utf-8", xml_declaration=True))


def _typed(path: Path, where: str, table: dict[str, Any], kind: type[S]) -> S:
    """A table as a struct; raises UsageError for what it has not, or of another type."""
    declared = decoding.fields(kind)
    values: dict[str, Any] = {}
    for name, value in table.items():
        if name not in declared:
            raise UsageError(f"{path}: {name}{where} is none of {', '.join(declared)}")
        attribute, wanted = declared[name]
        try:
            if isinstance(value, float) and not math.isfinite(value):
                raise decoding.Damage("it is no number to compare with")
            values[attribute] = decoding.converted(value, wanted)
        except decoding.Damage as error:
            noun = next(one for one in get_args(wanted) if one is not NoneType).__name__
            raise UsageError(f"{path}: {name}{where} = {value!r} is no {noun}") from error
    return kind(**values)


def _lines(struct: msgspec.Struct) -> list[str]:
    """The fields of a table that are not None, a line each."""
    record = msgspec.to_builtins(struct)
    return [f"{name} = {_toml(value)}" for name, value in record.items() if value is not None]


def _outcome(result: Result, bounds: bool) -> Promise:
    """What a result came to; with `bounds` its figures as bounds, a little lower."""
    verdict = result.verdict
    figures = {"coverage": _coverage(result), **_accuracy(verdict.metrics)}
    if bounds:
        figures = {name: _bound(name, value) for name, value in figures.items()}
    return Promise(
        verdict.outcome,
        verdict.stage,
        verdict.pass_name,
        f"{verdict.op.name} #{verdict.op.index}" if verdict.op else None,
        **figures,
    )


def _accuracy(metrics: Metrics | None) -> dict[str, float | None]:
    """Of outputs that hold NaN or infinity the figures tell only a part."""
    if metrics is None or not metrics.finite:
        return {}
    agreement = metrics.agreement
    return {
        "cosine": metrics.cosine,
        "worst_cosine": metrics.worst_cosine if metrics.inputs > 1 else None,
        "sqnr_db": metrics.sqnr,
        "agreement": agreement.right if agreement is not None else None,
        "top1": metrics.accuracy.share if metrics.accuracy is not None else None,
    }


def _coverage(result: Result) -> float | None:
    return coverage.coverage(result.trace).share if result.trace is not None else None


def _bound(name: str, value: float | None) -> float | None:
    if value is None or math.isinf(value):  # no error at all is more than can be promised
        return None
    scale = 10.0 ** _DIGITS.get(name, 3)
    return math.floor((value - _SLACK[name]) * scale) / scale


def _broken(promise: Promise, outcome: Promise) -> list[str]:
    """What of a promise was not kept, a sentence each."""
    broken = []
    figures = msgspec.to_builtins(outcome)
    for name, wanted in msgspec.to_builtins(promise).items():
        got = figures[name]
        if wanted is None:
            continue
        if isinstance(wanted, str):
            if wanted != got:
                broken.append(f"{name}: {got or 'none'}, not {wanted}")
        elif got is None or got < wanted:
            figure = "none" if got is None else f"{got:.4f}"
            broken.append(f"{name}: {figure}, less than {wanted}")
    return broken


def _toml(value: Any) -> str:
    """Strings, numbers and lists of them are the same in TOML and JSON, but for DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _xml(text: str) -> str:
    """Without what XML 1.0 cannot hold."""
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)
