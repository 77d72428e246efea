"""From what a person names, or a run was made with, to the toolchain that TVM runs in."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from .. import extensions
from ..errors import SetupError, UsageError
from ..results.facts import RunFacts
from ..trace.stages import RELAX, RELAY
from . import needs, probe
from .installation import installed
from .recipes import RECIPES, recipe
from .toolchain import Toolchain

_OTHER_TVM = "give the python of an environment with a working TVM, or leave --tvm-python out"


def resolve(
    name: str | None = None,
    tvm_python: Path | None = None,
    dialect: str | None = None,
    *,
    echo: Callable[[str], None],
    layers: frozenset[str] = frozenset(),
) -> Toolchain:
    """The toolchain to run TVM in; a named one is installed on its first use.

    Of a named one that is its base and those of `layers` that it knows; `equip` adds more.

    `name` None is the toolchain of the `dialect`, which may be an extension's, Relay's without one.
    `echo` gets one line at a time for the user, only when there is something to wait for; uv's own
    lines go to stderr.

    Raises UsageError for a name that is no toolchain or not of the dialect, and SetupError when the
    interpreter's TVM has not got the dialect or the installation failed.
    """
    parts = extensions.of(extensions.DIALECTS).get(dialect) if dialect else None
    if parts is not None:
        base = resolve(name, tvm_python, parts.base, echo=echo, layers=layers)
        return replace(base, extension=dialect)
    if dialect not in (None, RELAY, RELAX):
        names = [RELAY, RELAX, *extensions.of(extensions.DIALECTS)]
        raise UsageError(f"--dialect {dialect!r} is none of {', '.join(names)}")
    if tvm_python is not None:
        if name is not None:
            raise UsageError(f"--tvm {name} and --tvm-python {tvm_python} are two TVMs: give one")
        return _of_the_user(tvm_python, dialect)
    name = name or dialect or RELAY
    its_dialect = recipe(name).dialect
    if dialect not in (None, its_dialect):
        raise UsageError(f"the {name} toolchain is for {its_dialect}, not for {dialect}")
    return Toolchain(name, installed(name, echo, layers), its_dialect)


def equip(chain: Toolchain, layers: frozenset[str], echo: Callable[[str], None]) -> None:
    """Have a named toolchain get those of the layers that it has not yet (see needs). What is in a
    TVM of the user's own is theirs. Raises SetupError."""
    if chain.named and layers:
        installed(chain.name, echo, layers)


def of_run(facts: RunFacts, echo: Callable[[str], None]) -> Toolchain:
    """The toolchain that a run was made with, from its run.json, with what its model needs.

    Raises as `resolve` does.
    """
    name, dialect = facts.toolchain, facts.dialect_extension or facts.dialect
    if name in RECIPES:
        data = needs.of_data(facts.calibrated_on, facts.checked_on)
        layers = needs.of_model(facts.model or "") | data
        chain = resolve(name, dialect=dialect, echo=echo, layers=layers)
    else:
        chain = resolve(None, Path(str(facts.python)), dialect, echo=echo)
    overlay = facts.overlay
    if not overlay:
        return chain
    if not Path(overlay).is_dir():
        raise SetupError(f"the patched TVM of this run, {overlay}, is gone: make the run again")
    return replace(chain, overlay=Path(overlay))


def _of_the_user(given: Path, dialect: str | None) -> Toolchain:
    """An interpreter of the user's own, in which nothing of ours needs to be installed."""
    python = given.expanduser().absolute()  # not resolved: a venv's python is a link out of it
    on_path = None if python.exists() else shutil.which(given)
    if on_path:  # `--tvm-python python3.8`
        python = Path(on_path).absolute()
    if not python.exists():
        raise SetupError(f"--tvm-python {given}: no such file; {_OTHER_TVM}")
    if not python.is_file() or not os.access(python, os.X_OK):
        raise SetupError(f"--tvm-python {given}: not an executable file; {_OTHER_TVM}")
    # With PYTHONPATH: that is how a TVM built from source is usually found.
    its_dialect = probe.dialect_of(python, dialect, os.environ, _OTHER_TVM)
    return Toolchain(str(given), python, its_dialect)
