"""Two runs or two traces side by side, as a person asks about them."""

from __future__ import annotations

import html
from dataclasses import dataclass

from ..comparison import run_diff
from ..comparison.run_diff import ConfigurationDelta


@dataclass(frozen=True, repr=False, eq=False)
class Comparison:
    """Two runs or two traces side by side. `str()` is the text that `tvmq-diag compare` prints."""

    compared: run_diff.Comparison

    @property
    def headline(self) -> str:
        """The comparison in one line: the first pass that differs, and at which op."""
        return self.compared.headline

    @property
    def configurations(self) -> list[ConfigurationDelta]:
        """What changed in each configuration: passes, figures, settings, outcome."""
        return self.compared.configurations

    def regressions(self, allowed: frozenset[str] = frozenset()) -> list[str]:
        """What became worse, each as `configuration: class`, without the classes allowed."""
        return self.compared.regressions(allowed)

    def __str__(self) -> str:
        from ..reports.text import comparison

        return comparison.text(self.compared)

    def __repr__(self) -> str:
        return f"<Comparison {self.headline}>"

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"
