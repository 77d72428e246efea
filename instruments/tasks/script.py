"""Somebody's own script, run as `python SCRIPT ARGUMENTS` runs it, every pass of TVM on record.

Its exception is printed and its exit code returned as Python would. A QuantizeTrace that it opens
itself records into its own folder as ever.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from types import TracebackType

from ..protocol.jobs import ScriptJob
from ..quantize_trace import QuantizeTrace
from ..recording import diagnostic_texts


def main(job: ScriptJob) -> int:
    """Run a job; the exit code is the script's own."""
    sys.argv = [job.script, *job.arguments]
    sys.path.insert(
        0, str(Path(job.script).resolve().parent)
    )  # as Python does (Python/sysmodule.c)
    tracing = QuantizeTrace(job.trace, save_ir=job.save_ir, dialect=job.dialect)
    seen: list[str] = []
    code = 0
    with tracing as trace, diagnostic_texts.collected(seen, lambda: trace.recorder.muted):
        trace.facts(job=job.to_json())
        try:
            runpy.run_path(job.script, run_name="__main__")
        except SystemExit as end:
            code = _exit_code(end)
        except Exception as error:
            code = 1
            sys.stdout.flush()
            error.__traceback__ = _own_frames(error, job.script) or error.__traceback__
            sys.excepthook(type(error), error, error.__traceback__)
            trace.error(error, None, seen)
        trace.facts(exit_code=code)
    return code


def _exit_code(end: SystemExit) -> int:
    """The exit code that Python makes of it; what is no number it prints."""
    if end.code is None or isinstance(end.code, int):
        return end.code or 0
    print(end.code, file=sys.stderr)
    return 1


def _own_frames(error: BaseException, script: str) -> TracebackType | None:
    """The traceback from the script on, without what ran it; all of it where it has no frame of
    the script, as of one that Python cannot compile."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename != script:
        trace = trace.tb_next
    return trace
