"""What the traceback of an exception tells of its way through TVM.

TVM hands a pass to no instrument (PassInfo has its name, level and requirements), but each pass
that Python calls goes through tvm.transform.Pass.__call__ (python/tvm/ir/transform.py), whose frame
is in the traceback of what it raises: there is the pass, with all its options.
"""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any, Iterator, Sequence

from .open_pass import OpenPass

_FFI = ("tvm._ffi", "tvm_ffi")
"""Where Python calls into TVM: its modules up to 0.19, and of today."""


def is_tvms(error: BaseException) -> bool:
    """Did it come out of TVM's compiled half, or was it raised in TVM's own Python?"""
    modules = [_module(frame) for frame in _frames(error)]
    through = any(
        module == ffi or module.startswith(f"{ffi}.") for module in modules for ffi in _FFI
    )
    return through or any(module.partition(".")[0] == "tvm" for module in modules[-1:])


def remember_passes(path: Sequence[OpenPass], error: BaseException) -> None:
    """Give each pass of a failing path the pass objects that it may be one run of."""
    called = passes_called(error)
    for opened in path:
        opened.made = [one for one in called if str(one.info.name) == opened.name]


def passes_called(error: BaseException) -> list[Any]:
    """The pass objects on the way of an exception, and all in their sequences, outermost first."""
    import tvm

    code = tvm.transform.Pass.__call__.__code__
    outer = [frame.f_locals.get("self") for frame in _frames(error) if frame.f_code is code]
    return [inner for one in outer if one is not None for inner in _with_inner(one)]


def related(error: BaseException, other: BaseException) -> bool:
    """Are they the same, or was one raised from the other?"""
    return other in _chain(error) or error in _chain(other)


def in_flight() -> BaseException | None:
    """The exception that is being handled on this thread, as in a context's __exit__."""
    return sys.exc_info()[1]


def _with_inner(one: Any) -> Iterator[Any]:
    """A pass, and, of a Sequential, those in it."""
    import tvm

    yield one
    if isinstance(one, tvm.transform.Sequential):
        for inner in one.passes:
            yield from _with_inner(inner)


def _chain(error: BaseException) -> list[BaseException]:
    """An exception and what it was raised from, what that was raised from, …"""
    chain, cause = [error], error.__cause__
    while cause is not None and cause not in chain:
        chain.append(cause)
        cause = cause.__cause__
    return chain


def _frames(error: BaseException) -> Iterator[FrameType]:
    trace = error.__traceback__
    while trace is not None:
        yield trace.tb_frame
        trace = trace.tb_next


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__") or "")
