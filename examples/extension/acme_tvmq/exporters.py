"""An exporter: from a run and a choice to the texts of files by name."""

from __future__ import annotations

from tvmq_diag.reports.exports.choice import Choice
from tvmq_diag.reports.exports.formats import Format
from tvmq_diag.results.run import Run


def write(run: Run, choice: Choice) -> dict[str, str]:
    """The headline of each verdict, one a line."""
    lines = [
        result.verdict.headline
        for result in run.results
        if choice.configuration in (None, result.verdict.configuration)
    ]
    return {"headlines.txt": "".join(f"{line}\n" for line in lines)}


HEADLINES = Format("the headline of each verdict, one a line", write)
