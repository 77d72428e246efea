"""Relay and Relax: a package each, with modules of the same names that do the same things.

adapter     op table and text of a module, "did it change", the stages of passes; for the recorder
models      from what a person typed to a module, its parameters and a seeded input
compiling   the steps of a compile, from import to numbers
replay      which op a failure comes from, and which setting
survey      every op's own verdict, and the smallest module that fails
artifact    a compiled model on disk, and how it is timed
cell        one cell of the support matrix
numerics    each op's error
bisection   the pass and the op that a wrong result comes from

Nothing outside these packages knows one dialect from the other.
"""

from __future__ import annotations

import importlib
from typing import Any

from .protocol.schema import RELAX, RELAY


def module(dialect: str, name: str) -> Any:
    """A module of a dialect's package. Raises ImportError where this TVM has not that dialect."""
    if dialect not in (RELAY, RELAX):
        raise ValueError(f"there is no dialect {dialect!r}")
    return importlib.import_module(f"instruments.{dialect}.{name}")
