"""Where a page's viewer shows a pass, or an op behind it: the addresses of viewer/place.js.

None is the address of what the viewer does not show, so that no link is dead.
"""

from __future__ import annotations

import urllib.parse
from collections import Counter
from collections.abc import Sequence

from tvmq_diag.history import notes, steps
from tvmq_diag.history.lineage import Graphs
from tvmq_diag.measurements.benchmark import Kernel
from tvmq_diag.measurements.numerics import Numerics
from tvmq_diag.results.verdict import OpRef
from tvmq_diag.trace.ops import short
from tvmq_diag.trace.snapshot import Node, Snapshot
from tvmq_diag.trace.trace import PassRun, Trace


class Addresses:
    """The addresses of one compile; `configuration` is its name on the page.

    Without a trace nothing has one. Of a damaged trace it may raise any of section.DAMAGED when it
    is made, and none of them later but in `op`.
    """

    def __init__(
        self,
        configuration: str,
        trace: Trace | None,
        numerics: Numerics | None = None,
        kernels: Sequence[Kernel] = (),
        graphs: Graphs | None = None,
    ) -> None:
        self._configuration = configuration
        self._places: dict[int, dict[int, int]] = {}
        self._names: list[str] = []
        self._left: dict[int, str] = {}
        self._runs: dict[int, str] = {}
        self._failing: Snapshot | None = None
        self._given: list[Node] = []
        self._measured: dict[int, str | None] = {}
        self._scaled: dict[int, str | None] = {}
        self._timed: dict[int, str | None] = {}
        if trace is None:
            return
        passed = steps.steps(trace)
        self._name(passed)
        self._failing = trace.failing_snapshot()
        self._given = self._failing.executed() if self._failing is not None else []
        if numerics is not None:
            self._measure(trace, passed, numerics)
        if kernels:
            self._timed = self._kernels(trace, passed, kernels, graphs or Graphs())

    def module(self, number: int | None) -> str | None:
        """The pass that left a snapshot behind, or failed on it."""
        return self._address(self._left.get(number) if number is not None else None)

    def named(self, name: str) -> str | None:
        """The pass of this name, if there was one and no other."""
        return self._address(name) if self._names.count(name) == 1 else None

    def ran(self, runs: Sequence[PassRun]) -> str | None:
        """The first of these passes that is a step."""
        named = (self._runs[run.number] for run in runs if run.number in self._runs)
        return self._address(next(named, None))

    def op(self, snapshot: Snapshot | None, row: int) -> str | None:
        """The op in a row of a snapshot's table, behind that pass."""
        name = self._left.get(snapshot.number) if snapshot is not None else None
        if name is None or snapshot is None:
            return None
        if snapshot.number not in self._places:
            executed = enumerate(snapshot.executed())
            self._places[snapshot.number] = {node.number: place for place, node in executed}
        place = self._places[snapshot.number].get(row)
        return None if place is None else self._address(name, place)

    def counted(self, number: int | None, place: int) -> str | None:
        """The op that is so far in running order in a snapshot, which has it."""
        return self._address(self._left.get(number), place) if number is not None else None

    def given(self, place: int) -> str | None:
        """The same in the module that the compile failed on."""
        there = 0 <= place < len(self._given)
        return self.counted(self._failing.number, place) if self._failing and there else None

    def refused(self, op: OpRef | None) -> str | None:
        """An op that the verdict names, if the failing module has it there."""
        if op is None or not 0 <= op.index < len(self._given):
            return None
        same = short(self._given[op.index].op) == short(op.name)
        return self.given(op.index) if same else None

    def anchor(self, index: int) -> str | None:
        """The op whose error was measured, by its number there."""
        return self._measured.get(index)

    def scale(self, index: int) -> str | None:
        """The quantization step whose scale was looked at, by its number there."""
        return self._scaled.get(index)

    def kernel(self, kernel: Kernel | None) -> str | None:
        """The call of the last module that a kernel of this compile is."""
        return None if kernel is None else self._timed.get(kernel.number)

    def _name(self, passed: Sequence[steps.Step]) -> None:
        often: Counter[str] = Counter()
        for step in passed:
            often[step.name] += 1
            name = step.name if often[step.name] == 1 else f"{step.name}~{often[step.name]}"
            self._names.append(step.name)
            self._runs |= {run.number: name for run in step.runs}
            if step.module is not None and (step.failed or step.module not in self._left):
                self._left[step.module] = name

    def _measure(self, trace: Trace, passed: Sequence[steps.Step], numerics: Numerics) -> None:
        calibrated = [s.module for s in passed if s.stage == "calibrate" and s.module is not None]
        module = trace.snapshot(calibrated[-1]) if calibrated else None
        if module is None:
            return
        for node, anchor in notes.anchors(module, numerics):
            self._measured[anchor.index] = self.op(module, node.number)
        for node, step in notes.scaled(module, trace.facts.qconfig, numerics):
            self._scaled[step.index] = self.op(module, node.number)

    def _kernels(
        self,
        trace: Trace,
        passed: Sequence[steps.Step],
        kernels: Sequence[Kernel],
        graphs: Graphs,
    ) -> dict[int, str | None]:
        modules = [step.module for step in passed if step.module is not None]
        graph = graphs.of(trace, modules[-1]) if modules else None
        name = self._left.get(modules[-1]) if modules else None
        pairs = notes.timed(graph, kernels) if graph is not None else []
        return {kernel.number: self._address(name, op.index) for op, kernel in pairs}

    def _address(self, name: str | None, place: int | None = None) -> str | None:
        """Of a step and an op, as encodeURIComponent writes it, with slashes as they are."""
        if name is None:
            return None
        parts = [self._configuration, name, *([] if place is None else [str(place)])]
        return "#" + "/".join(urllib.parse.quote(part, safe="/!~*'()") for part in parts)
