"""What TVM's type checker objects to: the texts of a DiagnosticError, which it does not carry.

It says "check diagnostic render for output" whatever it is about: two of them would pass for the
same failure.
"""

from __future__ import annotations

import contextlib
from typing import Any, Callable, Iterator

from ..tvm_types import IRModule

DIAGNOSTIC = "DiagnosticError"
"""The exception's class, by name: an isolated experiment raises one of the same name."""

_RENDERER = "diagnostics.OverrideRenderer"
"""The global function that TVM asks for a renderer (python/tvm/ir/diagnostics)."""


@contextlib.contextmanager
def collected(seen: list[str], silent: Callable[[], bool] = lambda: False) -> Iterator[None]:
    """Add to `seen` what TVM would only render to stderr (src/ir/diagnostic.cc).

    It is rendered all the same, except while `silent` says not to; then it is not collected either.
    """
    diagnostics = _diagnostics()
    if diagnostics is None:
        yield
        return
    renderer = diagnostics.get_renderer()

    def collect(context: Any) -> None:
        if not silent():
            seen.extend(_texts(context))
            renderer.render(context)

    with _rendering(collect):
        yield


@contextlib.contextmanager
def unheard(seen: list[str]) -> Iterator[None]:
    """Add the texts of diagnostics to `seen` and show them nowhere."""
    with _rendering(lambda context: seen.extend(_texts(context))):
        yield


@contextlib.contextmanager
def spelled_out(most: int | None = None) -> Iterator[None]:
    """A DiagnosticError that leaves the block says in its text what it is about.

    `most`: so many of the diagnostics at most, from the first.
    """
    seen: list[str] = []

    def collect(context: Any) -> None:
        seen[:] = _texts(context)  # those before were caught

    with _rendering(collect):
        try:
            yield
        except Exception as error:
            if seen and type(error).__name__ == DIAGNOSTIC:
                error.args = ("\n".join(seen[:most]),)
            raise


def quiet(attempt: Callable[[Any], None]) -> Callable[[Any], None]:
    """The same attempt, whose DiagnosticErrors say in their text what they are about first: what
    follows from that may be of other ops, and another thing in each part of a module."""

    def run(module: IRModule) -> None:
        with spelled_out(1):
            attempt(module)

    return run


@contextlib.contextmanager
def _rendering(render: Callable[[Any], None]) -> Iterator[None]:
    """Render diagnostics like this inside the block; then all is as it was."""
    import tvm

    diagnostics = _diagnostics()
    if diagnostics is None:
        yield
        return
    before = tvm.get_global_func(_RENDERER, allow_missing=True)
    diagnostics.override_renderer(render)
    try:
        yield
    finally:
        if before is None:
            diagnostics.override_renderer(None)
        else:
            tvm.register_func(_RENDERER, before, override=True)


def _diagnostics() -> Any:
    """TVM's module of that name; None where errors carry their own text, as they do since 0.24."""
    try:
        from tvm.ir import diagnostics
    except ImportError:
        return None
    return diagnostics


def _texts(context: Any) -> list[str]:
    return [str(diagnostic.message) for diagnostic in context.diagnostics]
