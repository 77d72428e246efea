"""Which layers of a toolchain a job needs, worked out before any process of it starts.

By the kind of the model, by what its results are judged on, and for somebody's own Python by the
imports in its source, none of which is run.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from pathlib import Path

from .recipes import ONNX, PICTURES, TFLITE, TORCH

_OF_KIND = {
    "torchvision": {TORCH},  # also timed in PyTorch itself, by the benchmark
    "torchvision-onnx": {TORCH, ONNX},
    "torch": {TORCH},
    "onnx": {ONNX},
    "tflite": {TFLITE},
}
"""By kind of model source; see instruments.relay.compile.models, and Relax's."""

_OF_MODULE = {
    "torch": TORCH,
    "torchvision": TORCH,
    "onnx": ONNX,
    "onnxscript": ONNX,
    "tflite": TFLITE,
    "flatbuffers": TFLITE,
    "PIL": PICTURES,
}
"""By what Python code imports."""


_WITHOUT_TORCH = frozenset({"tiny", "digits", "onnx", "tflite", "relay", "relax"})
"""Kinds of model source that PyTorch has nothing to do with."""


def unneeded(source: str) -> list[str]:
    """Packages that a TVM imports where they are there, and that take long, without any use for a
    model, by its source: tvm-ffi imports PyTorch for its tensors (tvm_ffi/__init__.py), 2 to 3 s.
    """
    return ["torch"] if source.partition(":")[0] in _WITHOUT_TORCH else []


def of_model(source: str) -> frozenset[str]:
    """The layers to import a model with, by its source as the tool knows it."""
    kind, _, rest = source.partition(":")
    if kind == "py":
        place = rest.rpartition(":")[0]
        here = Path.cwd()
        files = [Path(place)] if place.endswith(".py") else list(_found(place, [here]))
        return _of_code(files, [here])
    return frozenset(_OF_KIND.get(kind, ()))


def of_data(*sources: str | None) -> frozenset[str]:
    """The layers to read data to calibrate or to judge on with: a folder may have pictures."""
    folders = [source for source in sources if source and Path(source).is_dir()]
    return frozenset({PICTURES} if folders else ())


def of_script(script: Path) -> frozenset[str]:
    """The layers that a script imports from, and all that is beside it which it imports."""
    return _of_code([script], [])


def _of_code(files: list[Path], places: list[Path]) -> frozenset[str]:
    """The layers of what the files import, and of what these do that lie beside them or in
    `places`. What cannot be read or parsed says nothing: running it says what is wrong."""
    imported: set[str] = set()
    seen: set[Path] = set()
    waiting = list(files)
    while waiting:
        file = waiting.pop()
        if file in seen:
            continue
        seen.add(file)
        own = set(_imports(file))
        imported |= own
        for module in own:
            waiting += _found(module, [file.parent, *places])
    tops = {module.lstrip(".").partition(".")[0] for module in imported}
    return frozenset(_OF_MODULE[top] for top in tops if top in _OF_MODULE)


def _imports(file: Path) -> Iterator[str]:
    """What a file imports, anywhere in it: `a.b`, and `.b` for what is relative to its package."""
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            yield base
            joint = "" if base.endswith(".") else "."
            yield from (f"{base}{joint}{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and _names_a_module(node):
            (name, *_) = node.args
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                yield name.value


def _names_a_module(call: ast.Call) -> bool:
    """Is it `import_module("…")` or `__import__("…")`?"""
    named = getattr(call.func, "attr", getattr(call.func, "id", None))
    return named in ("import_module", "__import__") and bool(call.args)


def _found(module: str, places: list[Path]) -> Iterator[Path]:
    """The files that importing a module may run, where it is in one of the places: the packages
    that it is in too."""
    level = len(module) - len(module.lstrip("."))
    parts = [part for part in module.split(".") if part]
    if level:  # relative to the importing file's folder, which is the first of the places
        places = [places[0].joinpath(*[".."] * (level - 1))]
    for place in places:
        for count in range(1, len(parts) + 1):
            stem = place.joinpath(*parts[:count])
            for file in (stem.with_name(f"{stem.name}.py"), stem / "__init__.py"):
                if file.is_file():
                    yield Path(os.path.normpath(file))
