"""What was worked out of a trace, kept for when the page is written again while its run goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from tvmq_diag.history.lineage import Graphs
from tvmq_diag.trace.trace import Trace

T = TypeVar("T")


@dataclass
class Kept:
    """Of the traces of one run, which do not change once their compiles have ended."""

    graphs: Graphs = field(default_factory=Graphs)
    _views: dict[tuple[int, str], tuple[Trace, Any]] = field(default_factory=dict)

    def of(self, trace: Trace, what: str, make: Callable[[], T]) -> T:
        """What `make` makes of the trace alone, made once; `what` tells it from all else that is
        made of this trace. Raises what it raises, each time."""
        key = id(trace), what
        if key not in self._views:
            self._views[key] = trace, make()  # with the trace, so that its id stays its own
        made: T = self._views[key][1]
        return made
