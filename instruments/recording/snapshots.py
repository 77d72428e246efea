"""Modules between passes, written down where they changed."""

from __future__ import annotations

import contextlib
import gc
from typing import Iterator

from ..dialects import OpTables, View
from ..tvm_types import IRModule
from .journal import Journal


class Snapshots:
    """Writes the op table of each module that differs from the one before, numbered from 1.

    With `save_ir` also its text.
    """

    def __init__(self, journal: Journal, op_tables: OpTables, save_ir: bool = False) -> None:
        self._journal = journal
        self._op_tables = op_tables
        self._save_ir = save_ir
        self._tables = op_tables.Tables()
        self._last: View | None = None
        self.number = 0

    def shows(self, module: IRModule) -> bool:
        """Is it, by a cheap look, the module of the last snapshot, whose types are known?"""
        last = self._last
        if last is None or not last.typed:
            return False
        view = self._op_tables.View(module)
        return bool(last.module.same_as(module) or last.same(view, deep=False))

    def replace(self, module: IRModule) -> None:
        """Take a module for that of the last snapshot: it is the same, its types inferred anew."""
        self._last = self._op_tables.View(module)

    def take_over(self, snapshots: int, module: IRModule) -> None:
        """So many snapshots of another process are written, the last one of `module`."""
        self.number += snapshots
        if snapshots:
            self.replace(module)

    def take(self, module: IRModule) -> int:
        """The number of the snapshot that shows `module`; a new one only where it changed."""
        if self._last is not None and self._last.module.same_as(module):
            return self.number
        view = self._op_tables.View(module)
        if self._last is None or not self._last.same(view):
            self._write(self.number + 1, view)
            self.number += 1
        self._last = view
        return self.number

    def _write(self, number: int, view: View) -> None:
        if not view.has_graph:
            primfuncs = self._op_tables.primfuncs(view)
            self._journal.event("snapshot", id=number, primfuncs=primfuncs)
            return
        with _no_collection():
            table = self._journal.table(number, self._tables.rows(view.module))
        self._journal.event("snapshot", id=number, table=table)
        if self._save_ir:
            self._journal.text(f"ir/{number:05d}.txt", self._op_tables.text(view.module))


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """A table is thousands of small objects: collecting garbage meanwhile costs a third more."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
