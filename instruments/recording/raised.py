"""Where a Python exception was raised; of one without a text, by which condition and which values.

TVM's quantizer in Python asserts and raises without a word (`raise ValueError` in
python/tvm/relay/quantize/_annotate.py). What it would have said is in its source and in the locals
of the frame: both are read, and nothing is called. Values are told in a few words.
"""

from __future__ import annotations

import ast
import contextlib
import linecache
import sys
import types
from typing import Any, Iterator

from .described import described, is_expression, is_of_tvm

_LONGEST = 300
"""Characters of a statement or a condition that are kept."""
_MOST = 10
"""Values that are told."""

_INTERFACE = ("tvm/_ffi/", "tvm_ffi/")
"""Of TVM's foreign function interface: what goes through it was raised elsewhere."""

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_ENDS = (ast.Return, ast.Raise, ast.Continue, ast.Break)


def place(error: BaseException) -> dict[str, Any] | None:
    """Function, file and line that raised an exception; None of one that nothing raised."""
    frames = list(_frames(error))
    if not frames:
        return None
    frame, line = frames[-1]
    code = frame.f_code
    return {"function": code.co_name, "file": code.co_filename, "line": line}


def evidence(error: BaseException) -> dict[str, Any]:
    """Of an exception without a text: the `statement` that raised it, the `condition` that failed
    or, of a raise, that its branches had come to, and the `values` of what is in that, as pairs.

    Empty for one that says something, and where there is no source. A statement that neither
    asserts nor raises has no condition; branches that depend on what a function returned are left
    out. Raises what reading somebody's source may.
    """
    if str(error).strip():
        return {}
    frames = [one for one in _frames(error) if not _is_interface(one[0])]
    if not frames:
        return {}
    frame, line = frames[-1]
    source = "".join(linecache.getlines(frame.f_code.co_filename, frame.f_globals))
    path = _path(ast.parse(source), line)
    if not path or not isinstance(path[-1], ast.stmt):
        return {}
    conditions = list(_conditions(path))
    texts = []
    for test, held in conditions:
        text = _text(source, test)
        texts.append(text if held else f"not ({text})")
    return {
        "statement": _text(source, path[-1]),
        "condition": " and ".join(texts)[:_LONGEST] or None,
        "values": _values(source, path, [test for test, _ in conditions], frame),
    }


def _frames(error: BaseException) -> Iterator[tuple[types.FrameType, int]]:
    """The frames an exception came through, outermost first, each with its line."""
    trace = error.__traceback__
    while trace is not None:
        yield trace.tb_frame, trace.tb_lineno
        trace = trace.tb_next


def _is_interface(frame: types.FrameType) -> bool:
    file = frame.f_code.co_filename.replace("\\", "/")
    return any(part in file for part in _INTERFACE)


def _path(tree: ast.Module, line: int) -> list[ast.AST]:
    """From the innermost function around a line down to the innermost statement on it."""
    path: list[ast.AST] = []
    node: ast.AST | None = tree
    while node is not None:
        if isinstance(node, _SCOPES):
            path = []
        path.append(node)
        children = (child for block in _blocks(node) for child in block)
        node = next((child for child in children if _covers(child, line)), None)
    return path


def _blocks(node: ast.AST) -> Iterator[list[Any]]:
    for name in ("body", "orelse", "finalbody", "handlers"):
        block = getattr(node, name, None)
        if isinstance(block, list):
            yield block


def _covers(node: Any, line: int) -> bool:
    return bool(node.lineno <= line <= (node.end_lineno or node.lineno))


def _conditions(path: list[ast.AST]) -> Iterator[tuple[ast.expr, bool]]:
    """The tests that decided for the last statement of a path, each with what it came to."""
    last = path[-1]
    if isinstance(last, ast.Assert):
        yield last.test, True
    if not isinstance(last, ast.Raise):
        return
    for parent, child in zip(path, path[1:]):
        for block in _blocks(parent):
            if child in block:
                tests = _deciding(parent, block, child)
                yield from ((test, held) for test, held in tests if not _calls(test))


def _deciding(parent: ast.AST, block: list[Any], child: ast.AST) -> Iterator[tuple[ast.expr, bool]]:
    """The tests by which a statement of a block is come to: of the branch that the block is, and of
    those before it in the block that lead away."""
    if isinstance(parent, ast.If):
        yield parent.test, block is parent.body
    for before in block[: block.index(child)]:
        if isinstance(before, ast.If) and isinstance(before.body[-1], _ENDS):
            yield before.test, False


def _calls(test: ast.expr) -> bool:
    """Does it depend on what a function returns? Of `isinstance` and `len` the operand tells."""
    calls = (node.func for node in ast.walk(test) if isinstance(node, ast.Call))
    return any(
        not isinstance(func, ast.Name) or func.id not in ("isinstance", "len") for func in calls
    )


def _text(source: str, node: ast.AST) -> str:
    """A node's source on one line."""
    segment = ast.get_source_segment(source, node) or ""
    return " ".join(segment.split())[:_LONGEST]


def _values(
    source: str, path: list[ast.AST], tests: list[ast.expr], frame: types.FrameType
) -> list[list[str]]:
    """What the tests speak of, as pairs of source and description, each once."""
    scope = _Scope(frame)
    result: dict[str, str] = {}
    for test in tests:
        for node, value in scope.inside(test):
            text = described(value)
            if text is not None:
                result.setdefault(_text(source, node), text)
    for name in _siblings(path[0], set(result)):
        with contextlib.suppress(LookupError):
            value = scope.value(ast.Name(id=name))
            if is_expression(value):
                result.setdefault(name, described(value) or "")
    return [list(pair) for pair in result.items()][:_MOST]


def _siblings(function: ast.AST, names: set[str]) -> Iterator[str]:
    """Names that the function assigns together with one of these: `expr, kind = …`."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple):
            targets = [one.id for one in node.targets[0].elts if isinstance(one, ast.Name)]
            if names.intersection(targets):
                yield from targets


class _Scope:
    """The values of expressions in a frame, as far as they can be had without calling anything."""

    def __init__(self, frame: types.FrameType) -> None:
        self._names = {**frame.f_globals, **frame.f_locals}

    def inside(self, node: ast.AST) -> Iterator[tuple[ast.AST, Any]]:
        """The largest parts of an expression that have a value here, in order."""
        if isinstance(node, ast.Constant):
            return
        try:
            yield node, self.value(node)
        except Exception:  # an attribute of somebody's class may raise anything
            for child in ast.iter_child_nodes(node):
                yield from self.inside(child)

    def value(self, node: ast.AST) -> Any:
        """The value of names, fields and items; raises LookupError for anything else."""
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Name):
            return self._names[node.id]
        if isinstance(node, ast.Attribute):
            return _field(self.value(node.value), node.attr)
        if isinstance(node, ast.Subscript):
            index: Any = node.slice
            if sys.version_info < (3, 9) and isinstance(index, ast.Index):
                index = index.value
            return _item(self.value(node.value), self.value(index))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            number = self.value(node.operand)
            if type(number) is int:
                return -number
        if _is_length(node):
            container = self.value(node.args[0])  # type: ignore[attr-defined]
            if _is_container(container):
                return len(container)
        raise LookupError("its value is not known without calling something")


def _is_length(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "len"
        and len(node.args) == 1
    )


def _is_container(value: Any) -> bool:
    """One whose items and length are there without running somebody's code."""
    if is_of_tvm(value):
        return type(value).__name__ in ("Array", "Map", "ShapeTuple", "List", "Dict")
    return type(value) in (list, tuple, dict, str, set, frozenset)


def _item(owner: Any, index: Any) -> Any:
    if not _is_container(owner):
        raise LookupError("no container")
    return owner[index]


def _field(owner: Any, name: str) -> Any:
    """An attribute that is there: of TVM's own objects any, whose fields are in C++."""
    if is_of_tvm(owner):
        return getattr(owner, name)
    import numpy as np  # here: who only reads traces has no use for it

    if isinstance(owner, np.ndarray) and name in ("dtype", "ndim", "shape", "size"):
        return getattr(owner, name)
    classes = owner.__mro__ if isinstance(owner, type) else (owner,)
    return next(vars(one) for one in classes if name in vars(one))[name]
