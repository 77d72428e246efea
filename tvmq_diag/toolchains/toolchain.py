"""A TVM in an interpreter. It never shares ours: two packages called `tvm` exclude each other."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from .. import extensions
from ..instruments.protocol.schema import DIALECT_OF_ANOTHER
from ..trace.stages import RELAY
from .recipes import RECIPES


@dataclass(frozen=True)
class Toolchain:
    """A TVM in an interpreter.

    `name` is that of a recipe or, for a TVM of the user's own, the path as it was given; `python`
    is absolute; `dialect` is relay or relax, of which its TVM may have both.
    """

    name: str
    python: Path
    dialect: str = RELAY
    overlay: Path | None = None
    """A folder with a `tvm` package that goes before the installed one (see overlay)."""
    extension: str | None = None
    """The name of another package's parts of the dialect."""

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables for its Python: ours, less what is meant for another one.

        A TVM of the user's own may be found by their PYTHONPATH.
        """
        variables = isolated_environment() if self.named else dict(os.environ)
        if self.overlay is not None:
            rest = variables.get("PYTHONPATH")
            paths = [str(self.overlay), *([rest] if rest else [])]
            variables["PYTHONPATH"] = os.pathsep.join(paths)
        if self.extension is not None:
            parts: extensions.Dialect = extensions.of(extensions.DIALECTS)[self.extension]
            variables[DIALECT_OF_ANOTHER] = f"{parts.module}\n{parts.folder}"
        return variables

    @property
    def named(self) -> bool:
        """Is it one that we installed, and not the user's own?"""
        return self.name in RECIPES


def isolated_environment() -> dict[str, str]:
    """The environment variables without those that would mix the user's packages into a TVM's."""
    mixing = ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME")
    return {name: value for name, value in os.environ.items() if name not in mixing}
