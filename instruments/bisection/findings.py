"""What a bisection writes down, event by event: instruments.bisection.bisection lists them."""

from __future__ import annotations

from dataclasses import asdict

from ..recording.journal import Journal
from .contract import Op
from .search import Judged

MOST_OPS = 400
"""So many experiments on ops are written down."""


class Findings:
    """Writes into a journal."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self._tries = 0

    def after(self, kind: str, index: int, name: str, stage: str, judged: Judged) -> None:
        """The model after a step: of the passes ("pass"), the build, or a limited one ("limit")."""
        values = asdict(judged)
        self.journal.event("after", index=index, name=name, stage=stage, of=kind, **values)

    def culprit(
        self, name: str | None, stage: str, before: str | None, over: list[str], exact: bool
    ) -> None:
        """The pass. `before`: the last that is right; `over`: passes that it may be as well."""
        self.journal.event(
            "culprit", name=name, stage=stage, last_right=before, over=over, exact=exact
        )

    def tried(self, what: str, op: Op, judged: Judged) -> None:
        """An experiment on ops; the first MOST_OPS of them."""
        self._tries += 1
        if self._tries <= MOST_OPS:
            values = asdict(judged)
            self.journal.event("tried", what=what, op=op.name, span=op.span, **values)

    def op(self, index: int, op: Op, how: str, exact: bool) -> None:
        """The op, by its number in running order."""
        self.journal.event("op", index=index, name=op.name, span=op.span, how=how, exact=exact)

    def kernel(self, judged: Judged, implementation: str | None) -> None:
        """The first ops to the op, as the passes of the build left them, without the kernels of the
        target; `implementation`: TVM's name for that of the op."""
        self.journal.event("kernel", implementation=implementation, **asdict(judged))

    def unknown(self, why: str) -> None:
        """Something could not be told."""
        self.journal.event("unknown", why=why)

    def right(self) -> None:
        """Nothing is wrong."""
        self.journal.event("right")

    def progress(self, what: str, done: int, total: int) -> None:
        """How far it has got."""
        self.journal.progress(what)(done, total)
