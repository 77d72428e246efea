"""The report of one run: one HTML file that opens from disk, and the graphs as SVG files."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from markupsafe import Markup

from tvmq_diag import foreign
from tvmq_diag.results.run import Result, Role, Run
from tvmq_diag.results.verdict import WORKS

from .. import formatting
from ..figures import svg
from ..templating import environment
from ..views import sweep
from ..views.module_texts import Texts
from ..views.section import Section, build
from ..views.steps import Steps

NAME = "index.html"

_LABELS = {
    "command": "command line",
    "model": "model",
    "script": "script",
    "input_shape": "input shape",
    "seed": "seed",
    "weights": "weights",
    "toolchain": "toolchain",
    "python": "interpreter",
    "created": "created",
    "tool_version": "tvmq_diag",
    "checked_on": "judged on",
    "check_samples": "samples of that",
    "preprocess": "pictures go through",
    "min_cosine": "cosine needed",
    "min_agreement": "same top-1 needed",
}
"""What the facts are called on the page, in their order."""


def write(run: Run) -> Path:
    """Write NAME and `graphs/` into the run's folder; returns the page."""
    results = formatting.in_order(run.results)
    sections = [build(run, result, f"c{i}") for i, result in enumerate(results)]
    _write_graphs(run, sections)
    page = run.directory / NAME
    foreign.write(page, _render(run, sections))
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
    steps, texts = _steps(run, sections)
    requested = [section for section in sections if section.result.role == Role.REQUESTED]
    template = environment().get_template("run.html.j2")
    return template.render(
        run=run,
        facts=formatting.labelled(run.facts, _LABELS),
        model=formatting.clip(run.facts.model or run.facts.script or "a script", 120),
        summary=summary([section.result for section in requested]),
        single=requested[0] if len(requested) == 1 else None,
        sections=sections,
        sweep=sweep.rows(run, sections) if len(sections) > 1 else [],
        pareto=sweep.pareto(run),
        float_places=next((s.places for s in sections if s.result.role == Role.FLOAT), None),
        raw=Markup,  # pictures, which escape what they are given
        viewer=bool(steps.compiles),
        steps=steps.text() if steps.compiles else "",
        texts=texts.text(),
    )


def _steps(run: Run, sections: list[Section]) -> tuple[Steps, Texts]:
    """All that the viewer shows. What cannot be shown is among a section's faults."""
    texts = Texts(run.directory)
    steps = Steps(texts=texts)
    for section in sections:
        trace = section.result.trace
        if trace is None or not trace.tables:
            continue
        try:
            section.card.places = steps.add(section.result, section.key, trace, run.benchmark)
        except (LookupError, ValueError, TypeError, AttributeError) as error:
            section.faults.append(f"the steps cannot be shown: {type(error).__name__}: {error}")
    return steps, texts


def _write_graphs(run: Run, sections: list[Section]) -> None:
    folder = run.directory / "graphs"
    for section in sections:
        slug = re.sub(r"[^\w.=-]+", "_", section.verdict.configuration, flags=re.ASCII)[:80]
        for kind, picture in (("around", section.around), ("whole", section.whole)):
            if picture is not None and picture.svg is not None:
                folder.mkdir(parents=True, exist_ok=True)
                path = folder / f"{slug}-{kind}.svg"
                foreign.write(path, svg.standalone(picture.svg), run.directory)
