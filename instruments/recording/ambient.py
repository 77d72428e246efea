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
from typing import Any, Iterator, Sequence

_OURS: list[Any] = []
"""The instruments of every ambient() in force."""


@contextlib.contextmanager
def ambient(*instruments: Any) -> Iterator[None]:
    """Add `instruments` to every PassContext opened inside the block, and restore TVM on exit.

    The context already in force gets them as well, so that passes run without a context of their
    own (as `quantize()` does with its prerequisite passes) are seen too. Nobody else sees them: a
    context says of its instruments what it would say without, and keeps ours when they are
    replaced.
    """
    import tvm

    context_class = tvm.transform.PassContext
    shown = context_class.__dict__.get("instruments")
    original, replace = context_class.__init__, context_class.override_instruments
    signature = inspect.signature(original)

    def all_of(context: Any) -> list[Any]:
        """Ours too, unless another ambient() hides its own."""
        if shown is None:  # TVM's objects get a field by its name (python/tvm/runtime/object.py)
            return list(tvm.runtime.Object.__getattr__(context, "instruments") or [])
        return list(shown.__get__(context, context_class) or [])

    @functools.wraps(original)  # keeps the signature, for another ambient() around this one
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        bound = signature.bind(self, *args, **kwargs)
        present = list(bound.arguments.get("instruments") or [])
        bound.arguments["instruments"] = _with(present, instruments)
        original(*bound.args, **bound.kwargs)

    @functools.wraps(replace)
    def override(self: Any, others: Any) -> None:
        replace(self, _with(list(others or []), instruments))

    context_class.__init__ = init
    context_class.override_instruments = override
    context_class.instruments = property(
        lambda self: tvm.runtime.convert(_without(all_of(self), _OURS))
    )
    _OURS.extend(instruments)
    current = context_class.current()
    replace(current, _with(all_of(current), instruments))
    try:
        yield
    finally:
        context_class.__init__ = original
        context_class.override_instruments = replace
        if shown is None:
            del context_class.instruments
        else:
            context_class.instruments = shown
        _OURS[:] = _without(_OURS, instruments)
        replace(current, _without(all_of(current), instruments))


def _with(present: list[Any], ours: Sequence[Any]) -> list[Any]:
    return present + _without(list(ours), present)


def _without(present: list[Any], others: Sequence[Any]) -> list[Any]:
    return [one for one in present if not any(one.same_as(other) for other in others)]
