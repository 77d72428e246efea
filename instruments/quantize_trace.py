"""QuantizeTrace: the context manager under which a compile is recorded."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Iterator

from . import dialects, sandbox
from .diagnosis.diagnosis import Failed, diagnose, versions
from .inputs.errors import ImportRejected
from .protocol.schema import JOURNAL, SCHEMA
from .recording import raised, shown, thrown, warned
from .recording.ambient import ambient
from .recording.journal import Journal, fresh, text_of
from .recording.open_pass import OpenPass
from .recording.recorder import Recorder
from .tvm_types import IRModule, PassInfo, Target

if TYPE_CHECKING:
    from tvmq_diag import Trace


def _hooks(recorder: Recorder) -> Any:
    """A PassInstrument that hands each callback to the recorder."""
    import tvm

    @tvm.ir.instrument.pass_instrument
    class QuantizeTraceHooks:
        def enter_pass_ctx(self) -> None:
            recorder.enter_context()

        def exit_pass_ctx(self) -> None:
            recorder.exit_context()

        def run_before_pass(self, module: IRModule, info: PassInfo) -> None:
            recorder.before_pass(module, info)

        def run_after_pass(self, module: IRModule, info: PassInfo) -> None:
            recorder.after_pass(module, info)

    return QuantizeTraceHooks()


class QuantizeTrace:
    """Context manager that records every pass TVM runs on this thread into the folder `path`.

    Works in anybody's script or notebook. A folder that exists already is left alone: the trace
    goes to `path`-2, -3, …; `self.path` says where it is, and `load()` opens it. TVM is restored on
    exit.

    `save_ir`: every changed module is also written as text. `dialect`: relay or relax; None is the
    one that this TVM has, and relay where it has both. `apart`: a failure is looked into in a
    process of its own, for half a minute at most, so that nothing of it is left in this one.

    Raises OSError when the folder cannot be made, ValueError for what is no dialect; and on
    entering, ImportError without a TVM that has the dialect.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        save_ir: bool = False,
        dialect: str | None = None,
        apart: bool = False,
    ) -> None:
        if dialect is not None:
            dialects.check(dialect)
        self._requested = Path(path).absolute()  # wherever the process goes meanwhile
        self.path = fresh(self._requested)
        self._save_ir = save_ir
        self._dialect = dialect
        self._apart = apart
        self._exits: contextlib.ExitStack | None = None
        self._used = False

    def __enter__(self) -> QuantizeTrace:
        if self._exits is not None:
            raise RuntimeError(f"the trace in {self.path} is open: make another QuantizeTrace")
        if self._used:
            self.path = fresh(self._requested)
        self._used, self._failed = True, False
        with contextlib.ExitStack() as exits:  # closed again if anything here fails
            self._open(exits)
            self._exits = exits.pop_all()
        return self

    def _open(self, exits: contextlib.ExitStack) -> None:
        self.dialect = dialects.get(self._dialect or dialects.present())
        self.journal = Journal(self.path)
        exits.callback(self.journal.close)
        self.recorder = Recorder(self.journal, self.dialect.op_tables, self._save_ir)
        self.journal.event(
            "start",
            schema=SCHEMA,
            time=time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            pid=os.getpid(),
            dialect=self.dialect.name,
            versions=versions(),
            command=list(sys.argv),
        )
        self.watch(exits)
        exits.callback(_OPEN.remove, self.recorder)
        _OPEN.append(self.recorder)

    def watch(self, exits: contextlib.ExitStack) -> None:
        """Have the recorder told what TVM does, until `exits` closes."""
        exits.enter_context(warned.heard(self._warned))
        exits.enter_context(ambient(_hooks(self.recorder)))

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        exits, self._exits = self._exits, None
        if exits is None:
            return
        with exits:
            if error is not None and not self._failed:
                self.error(error)
            self.journal.event("end", clean=error is None)
        if self.recorder.interrupted and error is not None:
            raise KeyboardInterrupt from error

    def stage(self, name: str) -> None:
        """Say which stage the compile is in now (one of schema.STAGES)."""
        self.recorder.stage = name
        self.journal.event("stage", name=name)

    def facts(self, **values: Any) -> None:
        """Record what is known about this compile, as JSON: model, target, seed, versions."""
        self.journal.event("facts", values=values)

    def error(
        self, error: BaseException, target: Target = None, diagnostics: list[str] | None = None
    ) -> None:
        """Record what ended the compile, then find the op and the knob behind it by replay.

        `target` is that of a build; `diagnostics` the texts of a DiagnosticError, if collected.
        Raises nothing of its own.
        """
        self._failed = True
        try:
            self._error(error, target, diagnostics)
        except Exception as fault:
            self.recorder.fault("error", fault)

    def _error(self, error: BaseException, target: Target, diagnostics: list[str] | None) -> None:
        origin = error.origin if isinstance(error, ImportRejected) else error
        path = self.recorder.failing_path(origin)
        thrown.remember_passes(path, origin)
        stage = path[-1].stage if path else self.recorder.stage
        with _nobody_records():
            self.journal.event(
                "error",
                error=type(error).__name__,
                message=text_of(error),
                passes=[p.number for p in path],
                stage=stage,
                diagnostics=list(diagnostics or []),
                python=self._raised(origin),
                tvms=bool(path) or thrown.is_tvms(origin),
            )
            if isinstance(origin, Exception):
                around = self.recorder.around(path, stage)
                self._diagnose(Failed(around, origin, self.recorder.qconfig, target))

    def _raised(self, error: BaseException) -> dict[str, Any] | None:
        """Where it was raised, and, where it says nothing, by which condition and values."""
        place = raised.place(error)
        try:
            return place and {**place, **raised.evidence(error)}
        except Exception as fault:
            self.recorder.fault("what raised it", fault)
            return place

    def _warned(self, text: str, file: str, line: int) -> None:
        if not self.recorder.muted:  # those of a replay were there before
            self.journal.event("warning", text=text, file=file, line=line)

    def _diagnose(self, failed: Failed) -> None:
        """Look into a failure, here or apart."""

        def work() -> None:
            self.journal.adopt()
            diagnose(self.journal, self.dialect, failed)

        if not self._apart:
            work()
            return
        reason = sandbox.apart(work)
        if reason is not None:
            self.journal.event("skipped", what="op", reason=reason)

    def unwritable(self, error: BaseException | None = None) -> bool:
        """Could the trace not be written to its end, or is `error` that a disk takes no more?"""
        if self.journal.trouble is not None:
            return True
        return isinstance(error, OSError) and error.errno in _NO_ROOM

    def failing_path(self) -> list[OpenPass]:
        """The passes open when the last error came, outermost first; empty outside any pass."""
        return self.recorder.failing_path()

    def load(self) -> Trace:
        """What was recorded so far, as a tvmq_diag.Trace that answers questions in this process.

        Raises ImportError where this interpreter has not what reading a trace needs; the message
        says how to open it elsewhere.
        """
        try:
            if sys.version_info < (3, 10):
                raise ImportError("Python {}.{} is too old".format(*sys.version_info))
            from tvmq_diag import Trace
        except ImportError as error:
            raise ImportError(
                f"tvmq_diag cannot read a trace in this interpreter ({error}); it can where it is "
                f"installed, on Python 3.10 or newer: tvmq_diag.load({str(self.path.resolve())!r})"
            ) from error
        return Trace.load(self.path)

    def _repr_html_(self) -> str:
        """What a notebook shows: the verdict's card where this interpreter can read a trace, and
        else, and while it records, a plain summary."""
        if self._exits is None and (self.path / JOURNAL).exists():
            with contextlib.suppress(ImportError):
                card: str = self.load()._repr_html_()
                return card
        return shown.plain(self.path, self._exits is not None)


_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)

_OPEN: list[Recorder] = []
"""The recorders at work in this process: one QuantizeTrace may be inside of another."""


@contextlib.contextmanager
def _nobody_records() -> Iterator[None]:
    """No recorder writes down passes that the diagnosis of one of them runs."""
    with contextlib.ExitStack() as paused:
        for recorder in _OPEN:
            paused.enter_context(recorder.pause())
        yield
