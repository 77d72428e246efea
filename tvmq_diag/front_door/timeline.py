"""A dtype timeline, as a notebook shows it."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..analysis import dtype_timeline
from ..trace import trace


@dataclass
class Timeline(dtype_timeline.Timeline):
    """The dtypes of each op that a person knows from the model; in a notebook a table."""

    recorded: trace.Trace = field(kw_only=True, repr=False)

    @classmethod
    def of(cls, recorded: trace.Trace) -> Timeline:
        """The timeline of a trace."""
        told = dtype_timeline.timeline(recorded)
        return cls(told.rows, told.stages, told.rejected_stage, recorded=recorded)

    def _repr_html_(self) -> str:
        from ..reports.pages import notebook

        return notebook.timeline(self.recorded)
