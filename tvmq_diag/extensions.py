"""What other packages add: hazards, reasons, exporters, model sources, dialects.

A package names each in its metadata as an entry point of one of GROUPS (docs/extending.md); it is
imported when that kind of thing is wanted. `examples/extension` is such a package.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from .errors import SetupError

HAZARDS = "tvmq_diag.hazards"
"""Rules: analysis.hazards.Rule."""
REASONS = "tvmq_diag.reasons"
"""analysis.reasons.reason.Reason, or several in a tuple."""
EXPORTERS = "tvmq_diag.exporters"
"""reports.exports.formats.Format, by what --to takes."""
MODELS = "tvmq_diag.models"
"""By the kind in --model KIND:REST: a function of REST that gives a source that the tool knows, an
onnx: file say. May raise UsageError."""
DIALECTS = "tvmq_diag.dialects"
"""Dialect, by what --dialect takes."""

GROUPS = (HAZARDS, REASONS, EXPORTERS, MODELS, DIALECTS)


@dataclass(frozen=True)
class Dialect:
    """Another package's way to compile and to look into a dialect, inside of TVM's process.

    `base` is relay or relax: which configurations it takes, and the words that its ops are told in.
    `module` is imported there, with `folder` on the path, and has DIALECT, an
    instruments.dialects.Dialect: one may inherit that of the base and change a part.
    """

    base: str
    module: str
    folder: Path


@functools.cache
def of(group: str) -> Mapping[str, Any]:
    """What there is of a group, by name. Raises SetupError for what cannot be loaded."""
    loaded: dict[str, Any] = {}
    for entry in sorted(metadata.entry_points(group=group), key=lambda entry: entry.name):
        try:
            loaded[entry.name] = entry.load()
        except Exception as error:  # it is somebody else's code
            raise SetupError(
                f"the extension {entry.name} ({entry.value}) cannot be loaded: "
                f"{type(error).__name__}: {error}; mend it, or uninstall its package"
            ) from error
    return loaded


def check() -> None:
    """Load all, so that what cannot be is said before a run and not in it. Raises SetupError."""
    for group in GROUPS:
        of(group)
