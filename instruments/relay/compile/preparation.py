"""What TVM's quantize() does to a module before its own passes, taken from where it is kept.

That is `prerequisite_optimize` (python/tvm/relay/quantize/quantize.py): 95 % of what quantize()
takes, the same for all configurations, and after each edit of a pass of the quantizer.
"""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Any, Iterator

import tvm

from ...kept.fingerprint import Closure
from ...kept.prepared import prepared
from ...protocol.jobs import CompileJob
from ...recording.recorder import Recorder
from ...tvm_types import IRModule

_NAME = "prerequisite_optimize"


@contextlib.contextmanager
def kept(job: CompileJob, recorder: Recorder | None) -> Iterator[None]:
    """quantize() inside the block prepares what no other process has prepared before: see
    instruments.kept.prepared."""
    module: Any = sys.modules.get("tvm.relay.quantize.quantize")
    original = getattr(module, _NAME, None)
    if original is None:
        yield
        return

    def optimize(mod: IRModule, params: Any = None) -> IRModule:
        try:
            depends_on = _depends_on(job, Path(module.__file__).parent)
        except (OSError, SyntaxError):
            return original(mod, params)
        return prepared(job, recorder, depends_on, lambda: original(mod, params))

    setattr(module, _NAME, optimize)
    try:
        yield
    finally:
        setattr(module, _NAME, original)


def _depends_on(job: CompileJob, quantizer: Path) -> list[Any]:
    """Of the quantizer the function itself and what it may call; of the PassContext what says which
    passes run; the target in force, though nothing is known to ask for it."""
    closure = Closure(quantizer, _NAME)
    context, target = tvm.transform.PassContext.current(), tvm.target.Target
    current = target.current(allow_none=True)
    reads_settings = any("qconfig" in name for name in closure.names)
    return [
        str(closure),
        job.qconfig if reads_settings else None,
        int(context.opt_level),
        [str(name) for name in [*context.required_pass, "-", *context.disabled_pass]],
        {str(name): str(value) for name, value in context.config.items()},
        None if current is None else str(current),
    ]
