"""QuantizeTrace: the context manager under which a compile is recorded."""

from __future__ import annotations

import contextlib
import os
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from . import dialects
from .diagnosis.diagnosis import Failed, diagnose, versions
from .protocol.schema import RELAY, SCHEMA
from .recording.ambient import ambient
from .recording.journal import Journal, fresh
from .recording.open_pass import OpenPass
from .recording.recorder import Recorder
from .tvm_types import IRModule, PassInfo, Target


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
    goes to `path`-2, -3, …; `self.path` says where it is. TVM is restored on exit. `texts` also
    writes every changed module as text; `dialect` is relay or relax; `facts` are kept as they are
    (JSON).

    Raises OSError when the folder cannot be made, ImportError without a TVM that has the dialect.
    """

    def __init__(
        self, path: str | Path, texts: bool = False, dialect: str = RELAY, **facts: Any
    ) -> None:
        self.path = fresh(Path(path))
        self._texts = texts
        self._dialect = dialect
        self._facts = facts
        self._failed = False
        self._exits = contextlib.ExitStack()

    def __enter__(self) -> QuantizeTrace:
        dialect = dialects.get(self._dialect)
        self.journal = Journal(self.path)
        self._exits.callback(self.journal.close)
        self.recorder = Recorder(self.journal, dialect.op_tables, self._texts)
        self.journal.event(
            "start",
            schema=SCHEMA,
            time=time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            pid=os.getpid(),
            dialect=self._dialect,
            versions=versions(),
            command=list(sys.argv),
        )
        self.facts(**self._facts)
        self._exits.enter_context(ambient(_hooks(self.recorder)))
        return self

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if error is not None and not self._failed:
            self.error(error)
        self.journal.event("end", clean=error is None)
        self._exits.close()
        if self.recorder.interrupted and error is not None:
            raise KeyboardInterrupt from error

    def stage(self, name: str) -> None:
        """Say which stage the compile is in now (one of schema.STAGES)."""
        self.recorder.stage = name
        self.journal.event("stage", name=name)

    def facts(self, **values: Any) -> None:
        """Record what is known about this compile: model, target, seed, versions."""
        if values:
            self.journal.event("facts", values=values)

    def error(
        self, error: BaseException, target: Target = None, diagnostics: list[str] | None = None
    ) -> None:
        """Record what ended the compile, then find the op and the knob behind it by replay.

        `target` is that of a build; `diagnostics` the texts of a DiagnosticError, if collected.
        """
        self._failed = True
        path = self.failing_path()
        stage = path[-1].stage if path else self.recorder.stage
        with self.recorder.pause():
            self.journal.event(
                "error",
                error=type(error).__name__,
                message=str(error),
                passes=[p.number for p in path],
                stage=stage,
                diagnostics=list(diagnostics or []),
                python=_raised_at(getattr(error, "origin", error)),
            )
            if isinstance(error, Exception):
                try:
                    around = self.recorder.around(path, stage)
                    failed = Failed(around, error, self.recorder.qconfig, target)
                    diagnose(self.journal, dialects.get(self._dialect), failed)
                except Exception as fault:
                    self.recorder.fault("diagnose", fault)

    def failing_path(self) -> list[OpenPass]:
        """The passes open when the last error came, outermost first; empty outside any pass."""
        return self.recorder.failing_path()


def _raised_at(error: BaseException) -> dict[str, Any] | None:
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return None
    last = frames[-1]
    return {"function": last.name, "file": last.filename, "line": last.lineno}
