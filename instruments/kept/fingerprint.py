"""What a kept module depends on: TVM's files, this project's, and what imports models.

By names, sizes and ages of files, as reading 1,600 of them would take longer than it saves.
"""

from __future__ import annotations

import ast
import hashlib
import os
import sys
from pathlib import Path
from typing import Any, Iterable, Iterator

from ..identity import libraries
from ..protocol.jobs import ModelSource
from ..protocol.schema import DIALECT_OF_ANOTHER

_OURS = Path(__file__).parent.parent
_IMPORTERS = ("numpy", "torch", "torchvision", "onnx", "onnxscript", "tflite", "flatbuffers")
_QUANTIZERS = ("relay/quantize/", "relax/quantizer/", "relay/quantizer/")
"""Of TVM and of this project: nothing of what is kept goes through them, but for what `Closure`
finds."""


def of_process() -> list[str]:
    """Of what this process imports models and optimizes them with, its quantizer left out."""
    return [
        sys.version,
        _hash(_files(_OURS)),
        *(_hash(_files(package)) for package in _packages()),
        _hash(libraries()),
        *(f"{name} {_version(name)}" for name in _IMPORTERS),
    ]


def of_model(source: ModelSource) -> list[str] | None:
    """Of the contents of a model's files; None where they do not tell: a function of somebody's
    may make another model each time, and a model of several files is more than its first; nor with
    another package's parts of the dialect."""
    kind, _, rest = source.source.partition(":")
    if kind == "py" or DIALECT_OF_ANOTHER in os.environ:  # whose files are not looked at
        return None
    paths = [Path(text) for text in (rest, source.weights) if text and Path(text).is_file()]
    beside = [other for path in paths for other in path.parent.glob(f"{path.name}*")]
    if len(beside) > len(paths):  # weights in files of their own
        return None
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]


class Closure:
    """The Python source of a function in a package, and of all that it may come to there: what is
    named in it, in what that names, and in what runs when a module is imported. An edit of another
    function of the package changes nothing of it, one that may matter does.

    By names alone, wherever they are defined: rather too much than too little. Raises OSError,
    SyntaxError.
    """

    def __init__(self, package: Path, function: str) -> None:
        self._defined: dict[str, list[ast.AST]] = {}
        self._texts: dict[str, list[str]] = {}
        outside: list[str] = []
        at_import: list[ast.AST] = []
        for path in sorted(package.rglob("*.py")):
            source = path.read_text(encoding="utf-8")
            lines = source.splitlines()
            for node in ast.parse(source).body:
                if isinstance(node, _DEFINITIONS):
                    self._defined.setdefault(node.name, []).append(node)
                    self._texts.setdefault(node.name, []).append(_text(lines, node))
                    runs = [*node.decorator_list, *getattr(node, "bases", [])]
                else:
                    runs = [node]
                at_import += runs
                outside += [_text(lines, one) for one in runs]
        self.names = self._reached({function})
        """What the function may come to, by name."""
        reached = self._reached({function} | _names(at_import))
        self._code = [*outside, *(text for name in reached for text in self._texts.get(name, []))]

    def __str__(self) -> str:
        return _hash(self._code)

    def _reached(self, wanted: set[str]) -> set[str]:
        seen: set[str] = set()
        while wanted - seen:
            name = (wanted - seen).pop()
            seen.add(name)
            wanted = wanted | _names(self._defined.get(name, []))
        return seen


_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def _text(lines: list[str], node: Any) -> str:
    return "\n".join(lines[node.lineno - 1 : node.end_lineno])


def _names(nodes: Iterable[ast.AST]) -> set[str]:
    """What is named in code: variables and attributes."""
    named = set()
    for node in nodes:
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name):
                named.add(inner.id)
            elif isinstance(inner, ast.Attribute):
                named.add(inner.attr)
    return named


def _packages() -> Iterator[Path]:
    for name in ("tvm", "tvm_ffi"):
        file = getattr(sys.modules.get(name), "__file__", None)
        if file:
            yield Path(file).parent


def _files(package: Path) -> Iterator[str]:
    """The Python files of a package, its quantizer's left out."""
    root = str(package)
    for folder, _, names in os.walk(root):
        inside = folder[len(root) + 1 :] + "/"
        if not inside.startswith(_QUANTIZERS):
            for name in names:
                if name.endswith(".py"):
                    facts = Path(folder, name).stat()
                    yield f"{inside}{name} {facts.st_size} {facts.st_mtime_ns}"


def _version(name: str) -> str:
    try:
        from importlib import metadata

        return metadata.version(name)
    except Exception:  # not installed
        return ""


def _hash(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(sorted(lines)).encode("utf-8", "replace")).hexdigest()[:20]
