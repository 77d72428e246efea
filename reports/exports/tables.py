"""A run as CSV tables: verdicts, passes, ops, the dtype timeline, kernels.

A text that a spreadsheet would compute has a `'` in front (texts.cell).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from tvmq_diag.analysis import dtype_timeline
from tvmq_diag.errors import UsageError
from tvmq_diag.history.story import Story
from tvmq_diag.results.run import Result, Run
from tvmq_diag.trace.stages import STAGES

from .choice import Choice, of, results
from .network import network
from .texts import cell

Row = Iterable[object]


def write(run: Run, choice: Choice) -> dict[str, str]:
    """One file a table; one without a row is left out. Of each compile the ops of one step.

    Raises UsageError where no compile has the step that was asked for.
    """
    chosen = results(run, choice)
    traced = [result for result in chosen if result.trace is not None and result.trace.tables]
    tables = {
        "verdicts": (_VERDICT, [_verdict(result) for result in chosen]),
        "passes": (_PASS, [row for result in traced for row in _passes(result)]),
        "ops": (_OP, list(_ops(traced, choice))),
        "timeline": (_CELL, [row for result in traced for row in _timeline(result)]),
        "kernels": (_KERNEL, list(_kernels(run, chosen))),
    }
    return {f"{name}.csv": _table(head, rows) for name, (head, rows) in tables.items() if rows}


_VERDICT = [
    "configuration",
    "role",
    "outcome",
    "stage",
    "pass",
    "op",
    "op_index",
    "span",
    "knob",
    "confidence",
    "message",
    "reason",
    "suggestion",
    "cosine",
    "worst_cosine",
    "sqnr_db",
    "latency_ms",
    "ratio",
    "ratio_low",
    "ratio_high",
]


def _verdict(result: Result) -> Row:
    told = result.verdict
    op, metrics, ratio = told.op, told.metrics, told.ratio
    return [
        told.configuration,
        result.role.value,
        told.outcome,
        told.stage,
        told.pass_name,
        op and op.name,
        op and op.index,
        op and op.span,
        told.knob,
        told.confidence,
        told.message,
        told.reason,
        told.suggestion,
        metrics and metrics.cosine,
        metrics and metrics.worst_cosine,
        metrics and metrics.sqnr_db,
        told.latency_ms and told.latency_ms.median,
        ratio and ratio.value,
        ratio and ratio.low,
        ratio and ratio.high,
    ]


_PASS = ["configuration", "step", "name", "stage", "ms", "changed", "failed"]


def _passes(result: Result) -> Iterator[Row]:
    assert result.trace is not None
    story = Story(result.trace)
    for number, (name, step) in enumerate(zip(story.names, story.steps, strict=True)):
        yield [
            result.verdict.configuration,
            number,
            name,
            step.stage,
            step.ms,
            step.changed and not step.failed,
            step.failed,
        ]


_OP = [
    "configuration",
    "step",
    "index",
    "line",
    "op",
    "makes",
    "dtype",
    "reads",
    "attributes",
    "stands_for",
    "span",
    "change",
    "fate",
    "error_alone_db",
    "error_db",
]


def _ops(traced: list[Result], choice: Choice) -> Iterator[Row]:
    refusals = []
    for result in traced:
        try:
            step = of(result, choice)
        except UsageError as refusal:
            refusals.append(refusal)
            continue
        for node in network(step)[0]:
            attributes = " ".join(f"{key}={value}" for key, value in node.attributes)
            yield [
                step.configuration,
                step.step,
                node.index,
                node.name,
                node.label,
                node.makes,
                node.dtype,
                node.reads,
                attributes,
                node.stands_for,
                node.span,
                {"+": "added", "~": "changed"}.get(node.change),
                node.fate,
                node.error_alone_db,
                node.error_db,
            ]
    if choice.step is not None and len(refusals) == len(traced) > 0:
        raise refusals[0]


_CELL = [
    "configuration",
    "op",
    "kind",
    "span",
    "stage",
    "reads",
    "makes",
    "stands_for",
    "rejected",
]


def _timeline(result: Result) -> Iterator[Row]:
    assert result.trace is not None
    told = dtype_timeline.timeline(result.trace)
    for row in told.rows:
        for stage, at in sorted(row.cells.items(), key=lambda cell: STAGES.index(cell[0])):
            rejected = row.rejected and stage == told.rejected_stage
            reads = " ".join(at.inputs)
            yield [
                result.verdict.configuration,
                row.label,
                row.kind,
                row.span,
                stage,
                reads,
                at.shape,
                "; ".join(map(str, at.stands_for)),
                rejected,
            ]


_KERNEL = ["configuration", "kernel", "name", "kind", "ms", "shapes"]


def _kernels(run: Run, chosen: list[Result]) -> Iterator[Row]:
    measured = run.benchmark.kernels if run.benchmark is not None else {}
    for result in chosen:
        side = result.verdict.configuration
        for kernel in measured.get(side, []):
            yield [side, kernel.number, kernel.name, kernel.kind, kernel.ms, kernel.shapes]


def _table(head: Row, rows: Iterable[Row]) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(head)
    writer.writerows([cell(value) for value in row] for row in rows)
    return file.getvalue()
