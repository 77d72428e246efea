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
from typing import Any, Iterator


@contextlib.contextmanager
def ambient(*instruments: Any) -> Iterator[None]:
    """Add `instruments` to every PassContext opened inside the block, and restore TVM on exit.

    The context already in force gets them as well, so that passes run without a context of their
    own (as `quantize()` does with its prerequisite passes) are seen too.
    """
    import tvm

    context_class = tvm.transform.PassContext
    original = context_class.__init__
    signature = inspect.signature(original)

    @functools.wraps(original)  # keeps the signature, for another ambient() around this one
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        bound = signature.bind(self, *args, **kwargs)
        present = list(bound.arguments.get("instruments") or [])
        missing = [i for i in instruments if not any(i.same_as(other) for other in present)]
        bound.arguments["instruments"] = present + missing
        original(*bound.args, **bound.kwargs)

    context_class.__init__ = init
    current = context_class.current()
    before = list(current.instruments or [])
    current.override_instruments(before + list(instruments))
    try:
        yield
    finally:
        context_class.__init__ = original
        current.override_instruments(before)
