"""Where a page's viewer shows a pass, or an op behind it: the addresses of viewer/place.js."""

from __future__ import annotations

import urllib.parse
from collections import Counter
from functools import cached_property

from tvmq_diag.history import steps
from tvmq_diag.trace.snapshot import Snapshot
from tvmq_diag.trace.trace import Trace


class Addresses:
    """The addresses of one compile; `configuration` is its name on the page."""

    def __init__(self, configuration: str, trace: Trace) -> None:
        self._configuration, self._trace = configuration, trace
        self._places: dict[int, dict[int, int]] = {}

    def module(self, number: int | None) -> str | None:
        """The pass that left a snapshot behind; None where the viewer has no such step."""
        name = self._passes.get(number) if number is not None else None
        return None if name is None else _address(self._configuration, name)

    def op(self, snapshot: Snapshot | None, row: int) -> str | None:
        """The op in a row of a snapshot's table, behind that pass; None where there is none."""
        name = self._passes.get(snapshot.number) if snapshot is not None else None
        if name is None or snapshot is None:
            return None
        if snapshot.number not in self._places:
            executed = enumerate(snapshot.executed())
            self._places[snapshot.number] = {node.number: place for place, node in executed}
        place = self._places[snapshot.number].get(row)
        return None if place is None else _address(self._configuration, name, str(place))

    @property
    def rejected(self) -> str | None:
        """The op that the compile was rejected at, where it was; None where that is not known."""
        blame = self._trace.blame
        return self.op(self._trace.failing_snapshot(), blame.row) if blame is not None else None

    @cached_property
    def _passes(self) -> dict[int, str]:
        """By snapshot: the pass that failed on it, else the first that left it behind."""
        found: dict[int, str] = {}
        often: Counter[str] = Counter()
        for step in steps.steps(self._trace):
            often[step.name] += 1
            name = step.name if often[step.name] == 1 else f"{step.name}~{often[step.name]}"
            if step.module is not None and (step.failed or step.module not in found):
                found[step.module] = name
        return found


def _address(*parts: str) -> str:
    """As encodeURIComponent writes it, with slashes as they are."""
    return "#" + "/".join(urllib.parse.quote(part, safe="/!~*'()") for part in parts)
