"""Several runs as text: a block for each configuration, a line for each run."""

from __future__ import annotations

from collections.abc import Iterator

from tvmq_diag.comparison.across import Across

from ..formatting import clip
from ..views import across as view


def text(across: Across) -> str:
    """What came of each configuration in each run, the oldest first."""
    return "\n".join(_lines(across)) + "\n"


def _lines(across: Across) -> Iterator[str]:
    yield clip(across.headline, 300)
    columns = view.columns(across)
    for number, column in enumerate(columns, 1):
        yield "  ".join(
            part for part in (f"{number:>3}", column.created, column.name, column.about) if part
        )
    for name, cells in across.rows.items():
        yield ""
        yield clip(name, 120)
        shown = [view.cell(cell) for cell in cells]
        widest = max(len(one.outcome) for one in shown)
        for number, one in enumerate(shown, 1):
            said = [
                f"{number:>3} {one.mark} {one.outcome:{widest}}",
                ", ".join(one.figures) or one.where,
            ]
            if one.changed:
                said.append(f"{'✗' if one.worse else '≠'} {one.changed}")
            yield "  ".join(part for part in said if part)
    changed = [one for one in columns if one.command and one.difference != "no difference"]
    if changed:
        yield ""
        yield "in detail:"
        yield from (f"  {one.command}" for one in changed)
