"""One configuration from import to numbers, every step on record."""

from __future__ import annotations

from .. import dialects
from ..inputs.errors import ImportRejected
from ..protocol.jobs import CompileJob
from ..protocol.schema import UNWRITABLE
from ..quantize_trace import QuantizeTrace
from ..recording import diagnostic_texts


def main(job: CompileJob) -> int:
    """Run a job; see __main__ for the exit codes."""
    tracing = QuantizeTrace(job.trace, save_ir=job.save_ir, dialect=job.dialect)
    seen: list[str] = []
    # Those of a replay are nobody's business.
    with tracing as trace, diagnostic_texts.collected(seen, lambda: trace.recorder.muted):
        trace.facts(job=job.to_json())
        run = dialects.get(job.dialect).compilation(trace, job)
        try:
            run.all()
        except ImportRejected as error:
            trace.facts(rejected_node={"name": error.node, "op": error.op})
            trace.error(error, run.target, seen)
            return 1
        except Exception as error:
            trace.error(error, run.target, seen)
            return UNWRITABLE if trace.unwritable(error) else 1
    return UNWRITABLE if trace.unwritable() else 0
