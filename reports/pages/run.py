"""The report of one run: one HTML file that opens from disk, and the graphs as SVG files."""

from __future__ import annotations

import contextlib
import gc
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from markupsafe import Markup

from tvmq_diag import foreign
from tvmq_diag.results.run import Result, Role, Run
from tvmq_diag.results.verdict import COMPILES, WORKS

from .. import formatting
from ..figures import svg
from ..templating import environment
from ..views import bits, sweep, targets, tuning
from ..views.kept import Kept
from ..views.module_texts import Texts
from ..views.section import DAMAGED, Section, build
from ..views.steps import Steps
from ..views.tuning import TuningView
from ..views.under_way import UnderWay

NAME = "index.html"

_BAND_BEGINS, _BAND_ENDS = b"<!-- under way -->", b"<!-- as far as that -->"
"""Around what a page says of a run that goes on (run.html.j2)."""

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
    "tune": "seconds of tuning",
    "tuning_records": "tuning records",
}
"""What the facts are called on the page, in their order."""


def write(run: Run, under_way: UnderWay | None = None, kept: Kept | None = None) -> Path:
    """Write NAME and `graphs/` into the run's folder; returns the page.

    `under_way`: how far a run is that goes on, `kept` what its page was made of before.
    """
    kept = Kept() if kept is None else kept
    page = run.directory / NAME
    with _uncollected():
        sections = [build(run, result, key, kept) for key, result in _keyed(run)]
        _write_graphs(run, sections)
        foreign.write(page, _render(run, sections, under_way, kept))
    return page


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Without the garbage collector: the objects that a big page is made of are in use to the end,
    and to look through a million of them again and again is a fifth of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def write_band(run: Run, under_way: UnderWay) -> None:
    """Say on the page that is there how far the run is now; the rest stays as it was written.

    Raises OSError, Damage, UsageError where it cannot be read or written.
    """
    before, begins, rest = foreign.read(run.directory, NAME).partition(_BAND_BEGINS)
    _, ends, after = rest.partition(_BAND_ENDS)
    if ends:
        band = environment().get_template("band.html.j2").render(under_way=under_way)
        whole = b"".join([before, begins, foreign.encoded(band), ends, after])
        foreign.write(run.directory / NAME, whole)


def summary(results: list[Result]) -> str:
    """The run in one sentence."""
    if not results:
        return "Nothing was tried"
    if len(results) == 1:
        return formatting.clip(results[0].verdict.headline, 400)
    outcomes = Counter(result.verdict.outcome for result in results)
    works, builds = outcomes.pop(WORKS, 0), outcomes.pop(COMPILES, 0)
    rest = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items())
    if builds:
        unchecked = f"{builds} of {len(results)} configurations compile, unchecked: no device"
        others = [f"{works} work"] * (works > 0) + [rest] * (rest != "")
        return "; ".join([unchecked, *others])
    return f"{works} of {len(results)} configurations work" + (f"; {rest}" if rest else "")


def _keyed(run: Run) -> list[tuple[str, Result]]:
    """The results in the page's order, each with its section's key: what is tried later, which may
    stand further up, changes no other's."""
    tried = [result for result in run.results if result.role != Role.FLOAT]
    keys = {id(result): f"c{i}" for i, result in enumerate(tried)}
    return [(keys.get(id(one), "float"), one) for one in formatting.in_order(run.results)]


def _render(run: Run, sections: list[Section], under_way: UnderWay | None, kept: Kept) -> str:
    steps, texts = _steps(run, sections, kept)
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
        by_target=targets.table(run),
        bits=bits.view(run),
        tuning=_tuning(run),
        float_addresses=next((s.addresses for s in sections if s.key == "float"), None),
        raw=Markup,  # pictures, which escape what they are given
        viewer=bool(steps.compiles),
        steps=steps.text() if steps.compiles else "",
        texts=texts.text(),
        under_way=under_way,
    )


def _tuning(run: Run) -> TuningView | None:
    """None also where it cannot be shown, which is then among the run's problems."""
    try:
        return tuning.view(run)
    except DAMAGED as error:
        problem = f"what tuning came to cannot be shown: {type(error).__name__}: {error}"
        run.problems = [*dict.fromkeys([*run.problems, problem])]
        return None


def _steps(run: Run, sections: list[Section], kept: Kept) -> tuple[Steps, Texts]:
    """All that the viewer shows. What cannot be shown is among a section's faults."""
    texts = Texts(run.directory)
    steps = Steps(texts=texts, kept=kept)
    for section in sections:
        trace, verdict = section.result.trace, section.verdict
        if trace is None or not trace.tables:
            continue
        try:
            steps.add(
                verdict.configuration,
                section.key,
                verdict,
                trace,
                section.result.numerics,
                section.kernels,
            )
        except DAMAGED as error:
            section.faults.append(f"the steps cannot be shown: {type(error).__name__}: {error}")
    return steps, texts


def _write_graphs(run: Run, sections: list[Section]) -> None:
    folder = run.directory / "graphs"
    for section in sections:
        slug = re.sub(r"[^\w.=-]+", "_", section.verdict.configuration, flags=re.ASCII)[:80]
        for kind, picture in (
            ("around", section.around),
            ("change", section.change.picture if section.change else None),
            ("whole", section.whole),
        ):
            if picture is not None and picture.svg is not None:
                folder.mkdir(parents=True, exist_ok=True)
                path = folder / f"{slug}-{kind}.svg"
                foreign.write(path, svg.standalone(picture.svg), run.directory)
