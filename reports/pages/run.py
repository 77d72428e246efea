"""The report of one run: one HTML file that opens from disk, and the graphs as SVG files."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from tvmq_diag.measurements.benchmark import EAGER, FLOAT, Benchmark
from tvmq_diag.measurements.paired import Ratio
from tvmq_diag.results.verdict import WORKS, Result, Run

from .. import formatting
from ..figures import curves, svg
from ..templating import environment
from ..views.section import ROLES, Section, build

NAME = "index.html"


@dataclass(frozen=True)
class SweepRow:
    """A line of the table over all configurations."""

    section: Section
    top1: str
    weights: str
    latency: str
    to_float: str
    to_torch: str


def write(run: Run) -> Path:
    """Write NAME and `graphs/` into the run's folder; returns the page."""
    # What was asked for first, then the reference and the float model, whatever ran first.
    order = {role: place for place, role in enumerate(ROLES)}
    results = sorted(run.results, key=lambda result: order.get(result.role, len(order)))
    sections = [build(run, result, f"c{i}") for i, result in enumerate(results)]
    _write_graphs(run, sections)
    page = run.directory / NAME
    page.write_text(_render(run, sections), encoding="utf-8")
    return page


def summary(results: list[Result]) -> str:
    """The run in one sentence."""
    if not results:
        return "Nothing was tried"
    if len(results) == 1:
        return formatting.clip(results[0].verdict.headline, 400)
    works = sum(result.verdict.outcome == WORKS for result in results)
    counted = Counter(r.verdict.outcome for r in results if r.verdict.outcome != WORKS)
    rest = ", ".join(f"{count} {outcome}" for outcome, count in counted.items())
    return f"{works} of {len(results)} configurations work" + (f"; {rest}" if rest else "")


def _render(run: Run, sections: list[Section]) -> str:
    asked = [section for section in sections if section.result.role == "asked"]
    template = environment().get_template("run.html.j2")
    return template.render(
        run=run,
        facts=_facts(run),
        model=formatting.clip(run.facts.get("model") or "a model", 120),
        summary=summary([section.result for section in asked]),
        single=asked[0] if len(asked) == 1 else None,
        sections=sections,
        sweep=_sweep(run, sections) if len(sections) > 1 else [],
        pareto=_pareto(run),
        raw=lambda text: Markup(text),
    )


def _facts(run: Run) -> list[tuple[str, str]]:
    names = {
        "command": "command line",
        "model": "model",
        "input_shape": "input shape",
        "seed": "seed",
        "weights": "weights",
        "toolchain": "toolchain",
        "python": "interpreter",
        "created": "created",
        "tool_version": "tvmq_diag",
        "min_cosine": "cosine needed",
    }
    return [
        (label, formatting.clip(run.facts[name], 1000))
        for name, label in names.items()
        if run.facts.get(name) is not None
    ]


def _sweep(run: Run, sections: list[Section]) -> list[SweepRow]:
    measured = run.benchmark or Benchmark()
    rows = []
    for section in sections:
        latency = section.verdict.latency_ms
        side = FLOAT if section.result.role == "float" else section.verdict.configuration
        metrics = section.verdict.metrics
        top1 = metrics.top1_agree if metrics is not None else None
        rows.append(
            SweepRow(
                section,
                formatting.DASH if top1 is None else f"{top1:.0%}",
                section.coverage.weights if section.coverage is not None else formatting.DASH,
                f"{latency.min:.2f} / {latency.median:.2f}" if latency else formatting.DASH,
                _times(measured.ratio(side)) if side != FLOAT else formatting.DASH,
                _times(measured.ratio(side, EAGER)),
            )
        )
    return rows


def _times(ratio: Ratio | None) -> str:
    if ratio is None:
        return formatting.DASH
    return f"{ratio.value:.2f}{formatting.TIMES} [{ratio.low:.2f}, {ratio.high:.2f}]"


def _pareto(run: Run) -> str | None:
    """Time against error of all that ran; None for fewer than two."""
    points = [
        curves.Point(v.configuration, v.ratio.value, v.metrics.sqnr_db)
        for v in (result.verdict for result in run.results)
        if v.ratio is not None and v.metrics is not None and v.metrics.sqnr_db is not None
    ]
    return curves.pareto(points, "pareto", "Time against error") if len(points) > 1 else None


def _write_graphs(run: Run, sections: list[Section]) -> None:
    folder = run.directory / "graphs"
    for section in sections:
        slug = re.sub(r"[^\w.=-]+", "_", section.verdict.configuration, flags=re.ASCII)[:80]
        for kind, picture in (("around", section.around), ("whole", section.whole)):
            if picture is not None and picture.svg is not None:
                folder.mkdir(parents=True, exist_ok=True)
                path = folder / f"{slug}-{kind}.svg"
                path.write_text(svg.standalone(picture.svg), encoding="utf-8")
