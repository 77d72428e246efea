"""What a configuration set and what it ran in, as its trace has it; and its error's text."""

from __future__ import annotations

import os
from pathlib import Path

from tvmq_diag.results.run import Run
from tvmq_diag.trace.events import Taken
from tvmq_diag.trace.facts import Setting, Tensor, TraceFacts
from tvmq_diag.trace.trace import Trace

from ..formatting import KEPT, clip, duration, printable


def qconfig(trace: Trace | None) -> dict[str, Setting]:
    """All fields of the QConfig with their values; empty where the trace does not say."""
    return trace.facts.qconfig if trace is not None else {}


def settings(trace: Trace) -> list[tuple[str, str, bool]]:
    """The fields of the QConfig: name, value, and whether this configuration set it."""
    job = trace.facts.job
    chosen = (job.qconfig if job is not None else None) or {}
    return [
        (clip(name, 60), clip(value, 200), name in chosen) for name, value in qconfig(trace).items()
    ]


def environment(run: Run, trace: Trace) -> list[tuple[str, str]]:
    """What it was compiled for and with: name and value, without what is not known."""
    facts = trace.facts
    rows = [
        ("target", facts.target),
        ("why this target", facts.target_reason),
        ("device", run.facts.device),
        ("opt_level of the build", facts.job.opt_level if facts.job is not None else None),
        ("opt_level of quantize()", facts.quantized_at),
        ("threads", facts.threads),
        ("TVM's TopHub", _tophub(facts)),
        ("inputs", _inputs(facts.inputs)),
        ("versions", ", ".join(f"{name} {version}" for name, version in facts.versions.items())),
        ("interpreter", run.facts.python),
        ("recorded", facts.time),
        (f"{KEPT} not made again", "; ".join(map(_kept, trace.taken))),
        ("process", " ".join(facts.command)),
        ("trace", _relative(trace.path, run.directory)),
    ]
    return [(name, clip(value, 1000)) for name, value in rows if value not in (None, "")]


def _tophub(facts: TraceFacts) -> str | None:
    """Whether TVM may have taken schedules from the network."""
    if facts.tophub is None:
        return None
    off = "off" if facts.tophub == "NONE" else facts.tophub
    return f"{off} (it has {facts.tophub_package})" if facts.tophub_package else off


def error_text(trace: Trace) -> str:
    """All that TVM said when it failed; empty if it did not fail."""
    if trace.failure is None:
        return ""
    diagnostics = "".join(f"diagnostic: {text}\n" for text in trace.failure.diagnostics)
    return printable(f"{trace.failure.error}\n{diagnostics}{trace.failure.message}", 60_000)


def module_file(run: Run, trace: Trace) -> str | None:
    """Where the text of the failing module is, as TVM prints it, seen from the page."""
    return _relative(trace.path / trace.text, run.directory) if trace.text else None


def _kept(taken: Taken) -> str:
    """What was kept of another process: its times are those that it took there."""
    what = (
        "the imported model" if taken.what == "import" else "the prepared module, with its passes"
    )
    return f"{what}: made {printable(taken.made, 40)}, in {duration(taken.ms)}"


def _inputs(inputs: dict[str, Tensor]) -> str:
    return "; ".join(
        f"{name}: {tensor.dtype}[{','.join(map(str, tensor.shape))}]"
        for name, tensor in inputs.items()
    )


def _relative(path: Path, start: Path) -> str:
    return Path(os.path.relpath(path, start)).as_posix()
