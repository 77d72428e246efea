"""What a version matrix shows of each configuration on each TVM, in a page and in a terminal."""

from __future__ import annotations

from dataclasses import dataclass

from tvmq_diag.results.run import Result
from tvmq_diag.results.verdict import WORKS, Verdict
from tvmq_diag.results.version_matrix import PAGE, Column, Versions, meaning

from .. import formatting
from . import accuracy


@dataclass(frozen=True)
class VersionEntry:
    """What became of a configuration on a toolchain. Empty where there is nothing to say.

    `label`: what the configuration is there, where that is not as it was typed.
    """

    look: str
    mark: str
    word: str
    label: str = ""
    where: str = ""
    op: str = ""
    reason: str = ""
    numbers: str = ""
    speed: str = ""
    link: str = ""


@dataclass(frozen=True)
class ColumnHead:
    """The head of a column. `page` is the toolchain's own run's, `python` a path as given."""

    name: str
    version: str
    python: str
    page: str


def summary(matrix: Versions) -> str:
    """The matrix in one sentence."""
    counts = []
    for column in matrix.columns:
        works = sum(result.verdict.outcome == WORKS for result in column.results)
        if column.results:
            counts.append(
                f"{works} of {len(column.results)} on {formatting.clip(column.short, 60)}"
            )
    return f"What works: {', '.join(counts)}" if counts else "Nothing was tried"


def differences(matrix: Versions) -> list[str]:
    """A sentence for each configuration whose outcome depends on the TVM."""
    sentences = []
    for name in matrix.configurations:
        by_word: dict[str, list[str]] = {}
        for column in matrix.columns:
            if column.of(name):
                by_word.setdefault(_outcomes(column, name), []).append(column.short)
        if len(by_word) > 1:
            each = [f"{word} on {', '.join(names)}" for word, names in by_word.items()]
            sentences.append(f"{name}: {'; '.join(each)}")
    return sentences


def cell(column: Column, configuration: str) -> list[VersionEntry]:
    """What the table shows of a configuration on a toolchain."""
    entries = [
        _entry(column, result, _label(configuration, result.verdict))
        for result in column.of(configuration)
    ]
    if entries:
        return entries
    foreign = column.dialect is not None and not meaning(configuration, column.dialect)
    return [
        VersionEntry(
            "muted", formatting.DASH, f"not for {column.dialect}" if foreign else "not run"
        )
    ]


def _entry(column: Column, result: Result, label: str) -> VersionEntry:
    verdict = result.verdict
    name = verdict.outcome
    return VersionEntry(
        formatting.outcome_class(name),
        formatting.outcome_mark(name),
        name,
        label,
        _where(verdict),
        f"{verdict.op.name}, op #{verdict.op.index}" if verdict.op is not None else "",
        verdict.reason or verdict.message or "" if name != WORKS else "",
        _numbers(verdict),
        f"{verdict.ratio.value:.2f}{formatting.TIMES} float" if verdict.ratio is not None else "",
        column.link(result),
    )


def _label(typed: str, verdict: Verdict) -> str:
    """What a configuration is on this TVM beyond what was typed."""
    there, *fields = verdict.configuration.split(":")
    dtypes, *typed_fields = typed.split(":")
    added = [field for field in fields if field not in typed_fields]
    return ", ".join([*([] if there == dtypes else [there]), *added])


def _outcomes(column: Column, configuration: str) -> str:
    """In a few words what became of a configuration: of each meaning, where they differ."""
    results = column.of(configuration)
    words = [_outcome(result.verdict) for result in results]
    if len(set(words)) == 1:
        return words[0]
    parts = [_label(configuration, result.verdict).split(", ") for result in results]
    own = [[p for p in label if not all(p in other for other in parts)] for label in parts]
    return ", ".join(f"{word} at {' '.join(p)}" for word, p in zip(words, own, strict=True))


def _outcome(verdict: Verdict) -> str:
    by = verdict.pass_name or verdict.stage
    return verdict.outcome if verdict.outcome == WORKS or not by else f"{verdict.outcome} ({by})"


def _where(verdict: Verdict) -> str:
    """The stage and the pass that ended it."""
    if verdict.outcome == WORKS:
        return ""
    return formatting.WITHIN.join(part for part in (verdict.stage, verdict.pass_name) if part)


def _numbers(verdict: Verdict) -> str:
    if verdict.metrics is None:
        return ""
    metrics = verdict.metrics
    return ", ".join(accuracy.figures(metrics) or accuracy.same(metrics))


def head(column: Column) -> ColumnHead:
    """What stands above a toolchain's column."""
    version = f"TVM {column.version}, {column.dialect}" if column.version else ""
    python = str(column.python) if column.python is not None else ""
    link = f"{column.folder}/{PAGE}" if column.run is not None else ""
    return ColumnHead(
        formatting.clip(column.short, 80),
        formatting.clip(version, 60),
        formatting.clip(python, 200),
        link,
    )


def float_entry(column: Column) -> VersionEntry:
    """The float model's cell: it has a time instead of a ratio."""
    result: Result | None = column.float_result
    if result is None:
        return VersionEntry("muted", formatting.DASH, "not run")
    verdict = result.verdict
    time = formatting.duration(verdict.latency_ms.median) if verdict.latency_ms is not None else ""
    look, mark = formatting.outcome_class(verdict.outcome), formatting.outcome_mark(verdict.outcome)
    reason = verdict.reason or verdict.message or ""
    return VersionEntry(
        look, mark, verdict.outcome, where=_where(verdict), reason=reason, speed=time
    )
