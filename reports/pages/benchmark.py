"""The page of a benchmark that was made by itself, not as part of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from markupsafe import Markup

from tvmq_diag import foreign
from tvmq_diag.measurements.benchmark import Benchmark

from ..formatting import clip
from ..templating import environment
from ..views.benchmark import view


def write(benchmark: Benchmark, names: list[str], facts: dict[str, Any], directory: Path) -> Path:
    """Write `index.html` into the folder; returns it.

    `facts` say how it was made (command, model, toolchain, created, …).
    """
    page = environment().get_template("benchmark_page.html.j2")
    text = page.render(
        b=view(benchmark, names),
        raw=Markup,  # charts, which escape what they are given
        model=clip(facts.get("model") or "a model", 120),
        created=clip(facts.get("created") or "", 40),
        facts=[
            (clip(name, 60), clip(value, 1000))
            for name, value in facts.items()
            if value is not None
        ],
    )
    path = directory / "index.html"
    foreign.write(path, text)
    return path
