"""Which implementations TVM chooses for the operators of a build."""

from __future__ import annotations

import contextlib
from typing import Any, Iterator

from tvm.relay.backend import te_compiler


@contextlib.contextmanager
def choices() -> Iterator[list[tuple[str, str]]]:
    """Operator and implementation ("conv2d_NCHWc_int8.x86"), in the order TVM lowers them.

    The compiler calls lower_call (python/tvm/relay/backend/te_compiler.py) for each operator, and
    that asks select_implementation for the best of the operator's strategy.
    """
    chosen: list[tuple[str, str]] = []
    select = te_compiler.select_implementation

    def recorded(op: Any, *arguments: Any, **options: Any) -> Any:
        best = select(op, *arguments, **options)
        chosen.append((str(op.name), str(best[0].name)))
        return best

    te_compiler.select_implementation = recorded
    try:
        yield chosen
    finally:
        te_compiler.select_implementation = select
