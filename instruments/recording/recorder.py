"""QuantizeTrace: records a compile, pass by pass, without ever breaking it.

    with QuantizeTrace("runs/mine") as trace:
        relay.quantize.quantize(mod, params)

What TVM guarantees, and what this module is built on (src/ir/instrument.cc, src/ir/transform.cc):
the order is should_run, run_before_pass, nested passes, run_after_pass. When a pass raises, neither
it nor any pass around it gets run_after_pass; exit_pass_ctx fires for each context, innermost
first. The passes still open at that moment are the failing path.
"""

from __future__ import annotations

import contextlib
import functools
import threading
import time
import traceback
from typing import Any, Callable, Iterator

from ..dialects import OpTables
from ..protocol.schema import FOLDING, QUANTIZER_BEGINS, TYPE_ONLY
from ..tvm_types import IRModule, PassInfo
from . import thrown
from .journal import Journal
from .open_pass import OpenPass, surroundings
from .snapshots import Snapshots


def guarded(method: Callable[..., None]) -> Callable[..., None]:
    """Keep a callback's own trouble away from the compile, and passes it runs out of the trace."""

    @functools.wraps(method)
    def call(self: Recorder, *args: Any) -> None:
        if self.muted or threading.get_ident() != self.thread:
            return
        self.muted = True
        try:
            method(self, *args)
        except KeyboardInterrupt:
            # TVM swallows KeyboardInterrupt in a callback; an ordinary error stops the pipeline.
            self.interrupted = True
            raise RuntimeError("interrupted by Ctrl-C") from None
        except Exception as error:
            self.fault(method.__name__, error)
        finally:
            self.muted = False

    return call


class Recorder:
    """Turns instrument callbacks into journal events; `dialect` makes the op tables.

    With `save_ir` the text of each snapshot is written too, else only that of a failing module.
    """

    def __init__(self, journal: Journal, dialect: OpTables, save_ir: bool = False) -> None:
        self.journal = journal
        self.dialect = dialect
        self.stage = "prepare"
        self.qconfig: Any = None
        self.muted = False
        self.interrupted = False
        self.thread = threading.get_ident()
        self.stack: list[OpenPass] = []
        self.failed: list[OpenPass] = []
        self.failed_by: BaseException | None = None
        """What they failed by, where that was an exception of Python's already."""
        self.snapshots = Snapshots(journal, dialect, save_ir)
        self.watcher: Callable[[], None] | None = None
        """Called when a pass has begun and is on the stack, and when compiling begins."""
        self.whole: Callable[[str], OpenPass] | None = None
        """Makes all of the compile a pass, by the stage that failed; None before it begins."""
        self.passes = self.taken = 0  # of them, what another process ran
        self._unseen = {FOLDING, *dialect.OPAQUE}
        self._counted = frozenset(dialect.COUNTED)
        self._contexts: list[int] = []

    @guarded
    def enter_context(self) -> None:
        self._contexts.append(len(self.stack))

    @guarded
    def exit_context(self) -> None:
        depth = self._contexts.pop() if self._contexts else 0
        if len(self.stack) <= depth:
            return
        self._announce(self.stack)
        raised = self.stack[depth:]
        del self.stack[depth:]
        # Contexts unwind innermost first, so what was raised before is deeper than this.
        self.failed = raised + self.failed
        self.failed_by = thrown.in_flight()
        self.journal.event("unwind", passes=[p.number for p in raised])

    @guarded
    def before_pass(self, module: IRModule, info: PassInfo) -> None:
        began = time.perf_counter()
        self.failed, self.failed_by = [], None
        name = str(info.name)
        parent = self.stack[-1] if self.stack else None
        if parent is not None and (parent.name in self._counted or not parent.number):
            self._count(OpenPass(0, name, parent.stage, module, None))
            return
        stage = self._stage_of(name, parent)
        opened = OpenPass(self._next(), name, stage, module, None)
        opened.surroundings = surroundings()
        self.stack.append(opened)
        if name == TYPE_ONLY:
            # It gets the bare result of the pass around it, whose typed form follows at once.
            opened.unchanged = self.snapshots.shows(module)
        elif self._worth_a_look(self.stack[:-1]):
            opened.snapshot = self._snapshot(module)
        self._enter(opened, parent, own=_ms_since(began))
        if self.watcher is not None:
            self.watcher()

    @guarded
    def after_pass(self, module: IRModule, info: PassInfo) -> None:
        while self.stack and self.stack[-1].name != str(info.name):
            # An error was caught inside the same context: these never ended.
            never = self.stack.pop()
            if never.number:
                self.journal.event("unwind", passes=[never.number])
        if not self.stack:
            return
        opened = self.stack.pop()
        if not opened.number:
            return
        began = time.perf_counter()
        if opened.unchanged:
            self.snapshots.replace(module)
        snapshot = self._snapshot(module) if self._worth_a_look(self.stack) else None
        counted = {"inside": opened.inside} if opened.inside else {}
        own = _ms_since(began)
        self.journal.event("leave", id=opened.number, snapshot=snapshot, own=own, **counted)

    @guarded
    def compiling(
        self, module: IRModule, whole: Callable[[str, Any, int | None], OpenPass]
    ) -> None:
        """All of the compile of `module` begins: what fails in no pass from now on fails in that.

        `whole` makes it a pass, of the stage that failed, the module and its snapshot's number.
        """
        snapshot = self._snapshot(module)
        self.whole = lambda stage: whole(stage, module, snapshot)
        self.journal.event("compiling", snapshot=snapshot)
        if self.watcher is not None:
            self.watcher()

    def take(self, passes: int, snapshots: int, module: IRModule) -> None:
        """So many passes and snapshots of another process, which made `module`, are written."""
        self.passes, self.taken = self.passes + passes, self.taken + passes
        self.snapshots.take_over(snapshots, module)

    def around(self, path: list[OpenPass], stage: str) -> list[OpenPass]:
        """The path of a failure in `stage`, inside all of the compile if that has begun."""
        return path if self.whole is None else [self.whole(stage), *path]

    def fault(self, where: str, error: BaseException) -> None:
        """Record our own failure; never raises."""
        with contextlib.suppress(Exception):
            text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
            self.journal.event("fault", where=where, message=str(error)[:500], text=text[-4000:])

    @contextlib.contextmanager
    def pause(self) -> Iterator[None]:
        """Record nothing inside the block: for passes that the diagnosis itself runs."""
        before, self.muted = self.muted, True
        try:
            yield
        finally:
            self.muted = before

    def failing_path(self, error: BaseException | None = None) -> list[OpenPass]:
        """The passes open when the last error came, outermost first; empty outside any pass.

        Empty also where `error` is another one: somebody may have caught that of the passes.
        """
        if error is not None and not self._came_through(error):
            return []
        path = self.failed or list(self.stack)
        self._announce(path)
        return path

    def _came_through(self, error: BaseException) -> bool:
        """Is it the exception that ended the passes that are known to have failed?"""
        if self.failed_by is not None:
            return thrown.related(error, self.failed_by)
        return thrown.is_tvms(error)

    def _announce(self, path: list[OpenPass]) -> None:
        """Write down the passes of a failing path that were only counted when they began."""
        for outer, opened in zip([None, *path], path):
            if not opened.number:
                opened.number = self._next()
                self._enter(opened, outer)

    def _enter(self, opened: OpenPass, parent: OpenPass | None, own: float = 0.0) -> None:
        self.journal.event(
            "enter",
            id=opened.number,
            parent=parent.number if parent else None,
            name=opened.name,
            stage=opened.stage,
            snapshot=opened.snapshot,
            own=own,
        )

    def _next(self) -> int:
        self.passes += 1
        return self.passes

    def _count(self, opened: OpenPass) -> None:
        """A pass inside one whose inner passes are counted: it has no number and no event."""
        self.stack.append(opened)
        outer = next(p for p in reversed(self.stack) if p.number)
        outer.inside += 1

    def _stage_of(self, name: str, parent: OpenPass | None) -> str:
        own = self.dialect.STAGE_OF_PASS.get(name)
        # What the calibration compiles belongs to the calibration.
        if own is not None and all(p.name not in self.dialect.STAGE_OF_PASS for p in self.stack):
            begins = name in QUANTIZER_BEGINS and self.stage != "partition"
            self.stage = own
            if begins:
                self.qconfig = self.dialect.qconfig()
                fields, changed = self.dialect.settings, self.dialect.changed
                values = {"qconfig": fields(self.qconfig), "changed": changed(self.qconfig)}
                self.journal.event("facts", values=values)
            return str(own)
        if parent is not None and parent.name in self.dialect.STAGE_OF_PASS:
            return parent.stage
        if self.stage == "realize" and name == FOLDING:
            self.stage = "fold"
        return self.stage

    def _worth_a_look(self, stack: list[OpenPass]) -> bool:
        """Not the snippets that constant folding compiles or an importer infers types of."""
        return self.stage != "import" and all(p.name not in self._unseen for p in stack)

    def _snapshot(self, module: IRModule) -> int | None:
        """The number of the snapshot that shows `module`; None if it could not be taken: that is
        recorded, and the pass's events go on without it."""
        try:
            return self.snapshots.take(module)
        except Exception as error:
            self.fault("snapshot", error)
            return None


def _ms_since(began: float) -> float:
    """Our own time in a callback, which the reader takes off the pass's."""
    return round((time.perf_counter() - began) * 1e3, 3)
