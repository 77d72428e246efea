"""Coverage as a table: shares, not long numbers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from tvmq_diag.analysis import coverage
from tvmq_diag.analysis.units import size
from tvmq_diag.analysis.unquantized import Unquantized
from tvmq_diag.trace.trace import Trace

from ..formatting import DASH, clip


@dataclass(frozen=True)
class CoverageRow:
    """A stage: `ops`, `macs` and `weights` as people read them."""

    stage: str
    ops: str
    macs: str
    weights: str


@dataclass(frozen=True)
class CoverageView:
    """The lines, without stages that repeat the one before, and the ops left in float."""

    lines: list[CoverageRow]
    weights: str
    """Of the quantized model, all dtypes together."""
    unquantized: list[Unquantized]
    module: int | None = None
    """The snapshot that those are counted in."""


def table(trace: Trace) -> CoverageView | None:
    """The coverage of a trace; None where no module was recorded."""
    known = coverage.coverage(trace)
    lines: list[CoverageRow] = []
    for stage in known.stages:
        line = CoverageRow(
            stage.stage,
            ", ".join(f"{n} {dtype}" for dtype, n in stage.ops.most_common()) or DASH,
            _shares(stage.macs),
            ", ".join(f"{_bytes(n)} {dtype}" for dtype, n in stage.weight_bytes.most_common())
            or DASH,
        )
        same = lines and (line.ops, line.macs, line.weights) == (
            lines[-1].ops,
            lines[-1].macs,
            lines[-1].weights,
        )
        if stage.ops and not same:
            lines.append(line)
    total = sum(known.stages[-1].weight_bytes.values()) if known.stages else 0
    return CoverageView(lines, _bytes(total), known.unquantized, known.module) if lines else None


def _shares(counted: Counter[str]) -> str:
    total = sum(counted.values())
    if not total:
        return DASH
    return ", ".join(f"{n / total:.1%} {dtype}" for dtype, n in counted.most_common())


def _bytes(count: int) -> str:
    return clip(size(count), 40)
