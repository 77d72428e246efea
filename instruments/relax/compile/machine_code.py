"""The machine code of what tvm.compile returned, as text, and the kernels as the machine calls
them."""

from __future__ import annotations

from typing import Any

from ...tvm_types import Library
from . import execution


def assembly(executable: Library) -> str:
    """All kernels as LLVM prints them for the target: codegen runs once more for it."""
    modules = [module for module in executable.mod.imports if str(module.kind) == "llvm"]
    return "\n".join(str(module.inspect_source("asm")) for module in modules)


def called(executable: Library) -> list[dict[str, Any]]:
    """The name of each kernel in running order; empty where main branches, as that has none."""
    calls = execution.listed(executable)
    return [{"name": name} for name, _, _ in calls if not name.startswith(execution.BUILTIN)]
