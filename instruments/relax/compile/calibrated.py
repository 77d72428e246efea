"""A calibrated module on disk, and back: what looks at one need not quantize again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tvm

from ...tvm_types import IRModule
from ..quantizer.op import registered
from . import models

_MODULE = "module.json"


def keep(module: IRModule, folder: Path) -> None:
    """Leave a calibrated module in `folder` for a job's `calibrated`. Raises OSError."""
    if not models.can_save():
        return
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / (_MODULE + ".part")
    unfinished.write_text(tvm.ir.save_json(module), encoding="utf-8")
    unfinished.replace(folder / _MODULE)  # it is all there, or not there


def saved(folder: Path) -> Any:
    """The calibrated module that lies in a folder; None if there is none."""
    registered()
    file = folder / _MODULE
    return tvm.ir.load_json(file.read_text(encoding="utf-8")) if file.exists() else None
