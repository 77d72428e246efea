"""One configuration from import to numbers, every step on record.

A job is a JSON object: `dialect` (relay or relax), `trace` (folder), `model` {source, shape, seed,
weights}, `qconfig` (fields of TVM's QConfig; null for the float model), `mcpu`, `opt_level` and
`save_ir` (a bool). Folders, or null: `imported`, where the imported model lies or is to be left for
other processes; `artifact` for the compiled model; `calibrated` for the calibrated module.
`first_ops` (how many calls) compiles only the beginning of the model. With a `target` it is built
for that and not run.
"""

from __future__ import annotations

from typing import Any

from .. import dialects
from ..quantize_trace import QuantizeTrace
from ..recording import diagnostic_texts


def main(job: dict[str, Any]) -> int:
    """Run a job; see __main__ for the exit codes."""
    tracing = QuantizeTrace(job["trace"], job["save_ir"], job["dialect"], job=job)
    seen: list[str] = []
    # Those of a replay are nobody's business.
    with tracing as trace, diagnostic_texts.collected(seen, lambda: trace.recorder.muted):
        run = dialects.module(job["dialect"], "compile.compilation").Compile(trace, job)
        try:
            run.all()
        except Exception as error:
            trace.error(error, run.target, seen)
            return 1
    return 0
