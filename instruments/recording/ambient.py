"""Make instruments see every PassContext, also those that TVM opens by itself.

`relay.quantize.quantize()` opens its own `PassContext(opt_level=3, required_pass=[...])`, and a
nested context inherits no instruments (tvm/python/tvm/ir/transform.py, PassContext; the loss is
described in apache/tvm#15601). From outside one sees 20 of the quantizer's passes and misses
partition, annotate, calibrate and realize: exactly the ones this project is about.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import threading
from typing import Any, Callable, Iterator, Sequence

from .patch import Patch

_OURS: list[tuple[int, Any]] = []
"""The instruments of every ambient() in force, each with the thread that it is for."""


@contextlib.contextmanager
def ambient(*instruments: Any) -> Iterator[None]:
    """Add `instruments` to every PassContext opened on this thread inside the block, and restore
    TVM on exit, in whatever order such blocks end.

    The context already in force gets them as well, so that passes run without a context of their
    own (as `quantize()` does with its prerequisite passes) are seen too. Nobody else sees them: a
    context says of its instruments what it would say without, and keeps ours when they are
    replaced.
    """
    import tvm

    ours = [(threading.get_ident(), instrument) for instrument in instruments]
    with _PATCH.applied():
        _OURS[:0] = ours  # the newest sees a pass first
        current = tvm.transform.PassContext.current()
        current.override_instruments(current.instruments)
        try:
            yield
        finally:
            theirs = current.instruments
            _OURS[:] = [one for one in _OURS if not any(one is mine for mine in ours)]
            current.override_instruments(theirs)


def _of_this_thread() -> list[Any]:
    thread = threading.get_ident()
    return [instrument for owner, instrument in _OURS if owner == thread]


def _patch() -> Callable[[], None]:
    """Patch PassContext; returns what undoes that, unless another has patched it since: then ours
    stays below theirs, and adds nothing."""
    import tvm

    context_class = tvm.transform.PassContext
    shown = context_class.__dict__.get("instruments")
    original, replace = context_class.__init__, context_class.override_instruments
    signature = inspect.signature(original)

    @functools.wraps(original)  # keeps the signature, for another's patch around this one
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        bound = signature.bind(self, *args, **kwargs)
        present = list(bound.arguments.get("instruments") or [])
        bound.arguments["instruments"] = _with(present, _of_this_thread())
        original(*bound.args, **bound.kwargs)

    @functools.wraps(replace)
    def override(self: Any, others: Any) -> None:
        replace(self, _with(list(others or []), _of_this_thread()))

    def theirs(self: Any) -> Any:
        if shown is None:  # TVM's objects get a field by its name (python/tvm/runtime/object.py)
            whole = tvm.runtime.Object.__getattr__(self, "instruments")
        else:
            whole = shown.__get__(self, context_class)
        ours = [instrument for _, instrument in _OURS]
        return tvm.runtime.convert(_without(list(whole or []), ours))

    def undo() -> None:
        if context_class.__init__ is not init:
            return
        context_class.__init__ = original
        context_class.override_instruments = replace
        if shown is None:
            del context_class.instruments
        else:
            context_class.instruments = shown

    context_class.__init__ = init
    context_class.override_instruments = override
    context_class.instruments = property(theirs)
    return undo


_PATCH = Patch(_patch)


def _with(present: list[Any], ours: Sequence[Any]) -> list[Any]:
    return present + _without(list(ours), present)


def _without(present: list[Any], others: Sequence[Any]) -> list[Any]:
    return [one for one in present if not any(one.same_as(other) for other in others)]
