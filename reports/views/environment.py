"""What a configuration set and what it ran in, as its trace has it; and its error's text."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tvmq_diag.results.verdict import Run
from tvmq_diag.trace.trace import Trace

from ..formatting import clip, printable


def qconfig(trace: Trace | None) -> dict[str, Any]:
    """All fields of the QConfig with their values; empty where the trace does not say."""
    fields = trace.facts.get("qconfig") if trace is not None else None
    return fields if isinstance(fields, dict) else {}


def settings(trace: Trace) -> list[tuple[str, str, bool]]:
    """The fields of the QConfig: name, value, and whether this configuration set it."""
    job = trace.facts.get("job")
    chosen = job.get("qconfig") if isinstance(job, dict) else None
    chosen = chosen if isinstance(chosen, dict) else {}
    return [
        (clip(name, 60), clip(value, 200), name in chosen) for name, value in qconfig(trace).items()
    ]


def environment(run: Run, trace: Trace) -> list[tuple[str, str]]:
    """What it was compiled for and with: name and value, without what is not known."""
    facts = trace.facts
    job = facts.get("job")
    rows = [
        ("target", facts.get("target")),
        ("why this target", facts.get("target_reason")),
        ("opt_level", job.get("opt_level") if isinstance(job, dict) else None),
        ("threads", facts.get("threads")),
        ("inputs", _inputs(facts.get("inputs"))),
        ("versions", _pairs(facts.get("versions"))),
        ("interpreter", run.facts.get("python")),
        ("recorded", facts.get("time")),
        ("process", " ".join(map(str, facts.get("command") or []))),
        ("trace", _relative(trace.path, run.directory)),
    ]
    return [(name, clip(value, 1000)) for name, value in rows if value not in (None, "")]


def error_text(trace: Trace) -> str:
    """All that TVM said when it failed; empty if it did not fail."""
    if trace.failure is None:
        return ""
    diagnostics = "".join(f"diagnostic: {text}\n" for text in trace.failure.diagnostics)
    return printable(f"{trace.failure.error}\n{diagnostics}{trace.failure.message}", 60_000)


def module_file(run: Run, trace: Trace) -> str | None:
    """Where the text of the failing module is, as TVM prints it, seen from the page."""
    return _relative(trace.path / trace.text, run.directory) if trace.text else None


def _inputs(inputs: Any) -> str:
    if not isinstance(inputs, dict):
        return ""
    types = []
    for name, value in inputs.items():
        shape = value.get("shape", []) if isinstance(value, dict) else []
        dtype = value.get("dtype", "?") if isinstance(value, dict) else "?"
        types.append(f"{name}: {dtype}[{','.join(map(str, shape))}]")
    return "; ".join(types)


def _pairs(values: Any) -> str:
    if not isinstance(values, dict):
        return ""
    return ", ".join(f"{name} {value}" for name, value in values.items())


def _relative(path: Path, start: Path) -> str:
    return Path(os.path.relpath(path, start)).as_posix()
