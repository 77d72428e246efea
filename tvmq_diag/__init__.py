"""What a trace of a TVM quantization is and what it means. Never imports tvm.

    import tvmq_diag as td

    run = td.load("runs/resnet50-int4")
    run["int4"].verdict.op

Everything public comes from here (docs/front-door.md) and is imported when it is first used:
`tvmq_diag.instruments` runs inside other people's TVM, on Python 3.8 and without this project's
dependencies.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .front_door import Run, Trace, compare, load
    from .results.verdict import Verdict

__version__ = "0.1.0"
__all__ = ["Run", "Trace", "Verdict", "__version__", "compare", "load"]

_MODULES = {
    "Run": ".front_door",
    "Trace": ".front_door",
    "Verdict": ".results.verdict",
    "compare": ".front_door",
    "load": ".front_door",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULES[name], __name__), name)


def __dir__() -> list[str]:
    return __all__
