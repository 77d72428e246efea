"""The texts of a DiagnosticError, which the exception itself does not carry."""

from __future__ import annotations

import contextlib
from typing import Any, Callable, Iterator


@contextlib.contextmanager
def collected(seen: list[str], quiet: Callable[[], bool] = lambda: False) -> Iterator[None]:
    """Add to `seen` what TVM would only render to stderr (src/ir/diagnostic.cc).

    It is rendered all the same, except while `quiet` says not to.
    """
    from tvm.ir import diagnostics

    usual = diagnostics.get_renderer()

    def collect(context: Any) -> None:
        if not quiet():
            seen.extend(str(d.message) for d in context.diagnostics)
            usual.render(context)

    diagnostics.override_renderer(collect)
    try:
        yield
    finally:
        diagnostics.override_renderer(None)
