"""Dtype by target: which configuration compiles where, and by which instructions it multiplies."""

from __future__ import annotations

from dataclasses import dataclass

from tvmq_diag.analysis import int8_instructions
from tvmq_diag.configuration import parse
from tvmq_diag.errors import UsageError
from tvmq_diag.measurements.kernel_code import MULTIPLIES, ModelCode, counts
from tvmq_diag.results.run import Result, Role, Run
from tvmq_diag.targets import BOARDS, HOST

from ..formatting import DASH, clip, outcome_class, outcome_mark


@dataclass(frozen=True)
class TargetCell:
    """What came of a configuration on a target; `result` None: it was not asked for."""

    result: Result | None
    outcome: str = DASH
    mark: str = ""
    look: str = "odd"
    instructions: str = ""
    """By which its int8 kernels multiply."""
    fast: str = ""
    """In how many of them the best instruction that the target has is used."""
    why: str = ""
    """Of what came to no code, in words."""


@dataclass(frozen=True)
class TargetColumn:
    """A target by its name, with what it is."""

    name: str
    what: str


@dataclass(frozen=True)
class TargetTable:
    """Rows are configurations, columns targets."""

    columns: list[TargetColumn]
    rows: list[tuple[str, list[TargetCell]]]


def table(run: Run) -> TargetTable | None:
    """All that was asked for; None where no other machine was."""
    found: dict[str, dict[str, Result]] = {}
    names: dict[str, str] = {}
    for result in run.with_role(Role.REQUESTED):
        try:
            configuration = parse(result.verdict.configuration)
        except UsageError:  # a script, or a damaged record
            continue
        name = configuration.target or HOST
        target = result.trace.facts.target if result.trace is not None else None
        names.setdefault(name, result.verdict.target or target or "")
        found.setdefault(configuration.untargeted, {})[name] = result
    if not set(names) - {HOST}:
        return None
    columns = [TargetColumn(clip(name, 60), clip(_what(name, names[name]), 160)) for name in names]
    rows = [
        (clip(text, 80), [_cell(results.get(name)) for name in names])
        for text, results in found.items()
    ]
    return TargetTable(columns, rows)


def _what(name: str, target: str) -> str:
    board = BOARDS.get(name)
    return f"{board.processor}: {target}" if board else target if target != name else ""


def _cell(result: Result | None) -> TargetCell:
    if result is None:
        return TargetCell(None)
    outcome = result.verdict.outcome
    mark, look = outcome_mark(outcome), outcome_class(outcome)
    if result.code is None or result.trace is None:
        why = clip(result.verdict.reason or result.verdict.message or "", 120)
        return TargetCell(result, outcome, mark, look, why=why)
    features = result.trace.facts.target_features
    return TargetCell(
        result, outcome, mark, look, instructions(result.code), fast(result.code, features)
    )


def fast(code: ModelCode, features: dict[str, bool]) -> str:
    """How many of the int8 kernels use the best instruction for that; empty where that is open."""
    of_int8 = code.of_int8
    if not of_int8 or not features:
        return ""
    best = int8_instructions.best_of(features)
    if best is None:
        return "the target has none for int8"
    used = len(of_int8) - len(int8_instructions.idle(code, best))
    return f"{best.name} ({best.example}) in {used or 'none'} of {len(of_int8)}"


def instructions(code: ModelCode) -> str:
    """By which instructions the int8 kernels multiply, in their hot loops."""
    kernels = code.of_int8
    if not kernels:
        return "no kernel multiplies int8 values"
    used: dict[str, int] = {}
    for kernel in kernels:
        for mnemonic, number in kernel.how.of(*MULTIPLIES).items():
            used[mnemonic] = used.get(mnemonic, 0) + number
    classes = [name for name in MULTIPLIES if any(kernel.how.of(name) for kernel in kernels)]
    return clip(f"{', '.join(classes) or 'no multiply'}: {counts(used, 3)}", 120)
