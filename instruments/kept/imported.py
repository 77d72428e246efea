"""The imported model, kept: importing a torchvision net takes 10 to 20 s, reading it back one."""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path
from typing import Callable

from ..inputs.models import Model
from ..protocol.jobs import ModelSource
from . import entry, fingerprint

_FORM = 1
_ABOUT = "about.json"
Told = Callable[..., None]


def imported(
    root: str | None,
    source: ModelSource,
    load: Callable[[], Model],
    read: Callable[[Path], Model],
    save: Callable[[Model, Path], None],
    told: Told = lambda **fields: None,
) -> Model:
    """The model that `load` imports, or `read` reads where `save` left it below `root`; then
    `told` is told when it was made and how long that took, and without the PyTorch module.

    What depends on more than is known (see fingerprint.of_model) is imported each time. Raises what
    `load` raises.
    """
    contents = fingerprint.of_model(source)
    if root is None or contents is None:
        return load()
    name = entry.key(
        _FORM, load.__module__, dataclasses.asdict(source), contents, fingerprint.of_process()
    )
    began = time.perf_counter()

    def keep(model: Model, folder: Path) -> None:
        about = entry.made_now((time.perf_counter() - began) * 1e3)
        (folder / _ABOUT).write_text(json.dumps(about), encoding="utf-8")
        save(model, folder)

    def take(folder: Path) -> Model:
        about = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
        model = read(folder)
        told(what="import", made=about["made"], ms=about["ms"], passes=[])
        return model

    return entry.Entry(Path(root), "models", name).take_or_make(take, load, keep)
