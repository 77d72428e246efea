"""A source of models: `--model shelf:NAME` is a file in the folder that ACME_SHELF names."""

from __future__ import annotations

import os
from pathlib import Path

from tvmq_diag.errors import UsageError


def from_shelf(name: str) -> str:
    """The source, as tvmq_diag knows it, of a model on the shelf. Raises UsageError."""
    shelf = Path(os.environ.get("ACME_SHELF", "."))
    for kind, ending in (("onnx", ".onnx"), ("tflite", ".tflite"), ("relay", ".relay")):
        if (shelf / f"{name}{ending}").is_file():
            return f"{kind}:{shelf / f'{name}{ending}'}"
    raise UsageError(f"{shelf} has no model called {name!r}: set ACME_SHELF to the right folder")
