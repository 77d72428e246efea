"""Where a page's viewer shows a pass, or an op: the addresses that viewer/place.js understands.

`#int4/QuantizeRealize/23` is the op that is 23rd in the module behind that pass, `~2` the second
pass of a name. What was not packed for the viewer has no address (""), so that no link is dead.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Sequence
from functools import cached_property

from tvmq_diag.history import notes
from tvmq_diag.history.lineage import Lineage, Module
from tvmq_diag.history.steps import Step
from tvmq_diag.measurements.benchmark import Kernel
from tvmq_diag.results.run import Result
from tvmq_diag.results.verdict import OpRef
from tvmq_diag.trace.ops import short
from tvmq_diag.trace.snapshot import Snapshot
from tvmq_diag.trace.trace import PassRun, Trace

_SAFE = "/!'()*"
"""What encodeURIComponent leaves as it is, beside letters, digits and `-_.~`; and the slash."""


class Nowhere:
    """The places of a compile that the viewer does not show: none has an address."""

    def step(self, number: int) -> str:
        """A step's."""
        return ""

    def named(self, name: str | None) -> str:
        """A pass's, if there is one of that name."""
        return ""

    def failed(self, name: str | None) -> str:
        """That of the pass of this name that failed."""
        return ""

    def run(self, run: PassRun) -> str:
        """A pass's."""
        return ""

    def refused(self, op: OpRef | None) -> str:
        """That of an op of the failing module, if it is called so there."""
        return ""

    def row(self, module: int | None, row: int) -> str:
        """That of a row of the op table of a snapshot."""
        return ""

    def counted(self, module: int | None, place: int) -> str:
        """That of an op of a snapshot, which counts in running order."""
        return ""

    def given(self, row: int) -> str:
        """That of a row of the failing module's table, at the pass that failed."""
        return ""

    def anchor(self, index: int) -> str:
        """That of an op whose error was measured."""
        return ""

    def kernel(self, kernel: Kernel | None) -> str:
        """That of the lowered op that a kernel of this compile is."""
        return ""


NOWHERE = Nowhere()


class Places(Nowhere):
    """The places of a compile as it was packed (reports/views/steps.py)."""

    def __init__(
        self,
        result: Result,
        trace: Trace,
        passed: list[Step],
        followed: Lineage,
        kernels: Sequence[Kernel] = (),
    ) -> None:
        self._result = result
        self._trace = trace
        self._passed = passed
        self._followed = followed
        self._kernels = kernels

    def step(self, number: int) -> str:
        return self._address(number)

    def named(self, name: str | None) -> str:
        found = [i for i, step in enumerate(self._passed) if step.name == name]
        return self._address(found[0]) if len(found) == 1 else ""

    def failed(self, name: str | None) -> str:
        last = len(self._passed) - 1
        step = self._passed[last] if self._passed else None
        return self._address(last) if step and step.failed and step.name == name else ""

    def run(self, run: PassRun) -> str:
        number = self._runs.get(run.number)
        return "" if number is None else self._address(number)

    def refused(self, op: OpRef | None) -> str:
        module = self._failing
        if op is None or module is None or not 0 <= op.index < len(module.graph.ops):
            return ""
        same = short(module.graph.ops[op.index].name) == short(op.name)
        return self._at_failure(module, op.index) if same else ""

    def row(self, module: int | None, row: int) -> str:
        found = self._behind(module)
        place = self._rows(found).get(row) if found is not None else None
        return "" if found is None or place is None else self._address(found.step, place)

    def counted(self, module: int | None, place: int) -> str:
        found = self._behind(module)
        there = found is not None and 0 <= place < len(found.lines)
        return self._address(found.step, place) if found is not None and there else ""

    def given(self, row: int) -> str:
        module = self._failing
        place = self._rows(module).get(row) if module is not None else None
        return "" if module is None or place is None else self._at_failure(module, place)

    def anchor(self, index: int) -> str:
        return self._anchors.get(index, "")

    def kernel(self, kernel: Kernel | None) -> str:
        return "" if kernel is None else self._timed.get(kernel.number, "")

    @cached_property
    def _failing(self) -> Module | None:
        failing = self._trace.failing_snapshot()
        return self._modules.get(failing.number) if failing is not None else None

    def _address(self, number: int, place: int | None = None) -> str:
        name = self._passed[number].name
        ordinal = sum(step.name == name for step in self._passed[: number + 1])
        parts = [self._result.verdict.configuration, f"{name}~{ordinal}" if ordinal > 1 else name]
        parts += [] if place is None else [str(place)]
        return "#" + "/".join(urllib.parse.quote(part, safe=_SAFE) for part in parts)

    @cached_property
    def _runs(self) -> dict[int, int]:
        return {run.number: i for i, step in enumerate(self._passed) for run in step.runs}

    @cached_property
    def _modules(self) -> dict[int, Module]:
        return {module.graph.snapshot.number: module for module in self._followed.modules}

    def _at_failure(self, module: Module, place: int) -> str:
        """Of an op of the failing module: at the pass that failed, or the last one before."""
        last = len(self._passed) - 1
        return self._address(last if self._passed[last].failed else module.step, place)

    def _behind(self, module: int | None) -> Module | None:
        """The module of a step that a snapshot is, or has the rows of."""
        if module is None:
            return None
        return self._modules.get(module) or self._alike(module)

    def _alike(self, number: int) -> Module | None:
        """The module of a step that has the rows of a snapshot, which was typed since."""
        snapshot = self._trace.snapshot(number)
        earlier = [module for at, module in self._modules.items() if at < number]
        last = earlier[-1] if earlier else None
        if snapshot is None or last is None:
            return None
        if _shape(snapshot) != _shape(last.graph.snapshot):
            return None
        self._modules[number] = last
        return last

    def _rows(self, module: Module) -> dict[int, int]:
        """The places of a module's ops by row."""
        if module.step not in self._places:
            self._places[module.step] = {
                node.number: place for place, node in enumerate(module.graph.snapshot.executed())
            }
        return self._places[module.step]

    @cached_property
    def _places(self) -> dict[int, dict[int, int]]:
        return {}

    @cached_property
    def _anchors(self) -> dict[int, str]:
        numerics, module = (
            self._result.numerics,
            notes.calibrated(self._passed, self._followed),
        )
        if numerics is None or module is None:
            return {}
        places = {line: place for place, line in enumerate(module.lines)}
        return {
            anchor.index: self._address(module.step, places[line])
            for line, anchor in notes.anchors(numerics, module)
        }

    @cached_property
    def _timed(self) -> dict[int, str]:
        if not self._followed.modules:
            return {}
        last = self._followed.modules[-1]
        places = {line: place for place, line in enumerate(last.lines)}
        return {
            kernel.number: self._address(last.step, places[line])
            for line, kernel in notes.timed(self._followed, self._kernels)
        }


def _shape(snapshot: Snapshot) -> list[tuple[str, str, tuple[int, ...], int | None]]:
    return [(node.kind, node.op, node.inputs, node.callee) for node in snapshot.nodes]
