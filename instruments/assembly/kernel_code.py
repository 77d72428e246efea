"""What is kept of the machine code of each kernel of a compiled model.

A kernel's code is the function of its name and whatever functions that refers to, the bodies of
TVM's parallel loops among them (src/target/llvm/codegen_cpu.cc, CreateParallelLaunch: functions of
their own, handed to the runtime by address). What multiplies and belongs to no kernel is named.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from ..protocol.instructions import (
    CLASSES,
    DOT,
    FLOAT,
    FMA,
    MULTIPLIES,
    SCALAR_MULTIPLY,
    VECTOR,
    WIDENING,
)
from . import instructions, listing
from .listing import Function, Line
from .loops import Loop, loops

LINES = 400
"""Of a hot loop: more are counted, and not kept."""

_SYMBOLS = ("{}", "__tvm_ffi_{}")
"""What a kernel's function is called, on Relay and, since TVM 0.21, on Relax
(include/tvm/runtime/module.h, symbol::tvm_ffi_symbol_prefix)."""

_WORD = re.compile(r"[\w.$]+")

_ROUNDS = 8
"""How often a loop is taken to run each time it is come to: the code itself need not say."""

_WORK = {DOT: 4.0, WIDENING: 1.5, FMA: 2.0, FLOAT: 1.0, VECTOR: 0.25}
_ASSUMED_BITS = 128
"""Of a vector whose width the processor decides: the least that RISC-V's V and SVE have."""


def of_text(text: str, called: list[dict[str, Any]], triple: str) -> dict[str, Any]:
    """The summary of the assembly for a target triple. Raises ValueError for an architecture whose
    instructions are not in the tables."""
    machine = instructions.architecture(triple)
    if machine is None:
        raise ValueError(f"no table of instructions for {triple or 'a target without a triple'}")
    return summary(listing.functions(text, machine), called, machine)


def summary(
    functions: dict[str, Function], called: list[dict[str, Any]], machine: str
) -> dict[str, Any]:
    """`architecture`; `kernels`, one for each different name among the calls, in running order;
    `missing`, those whose code is not in the listing; `unattributed` functions; `order`, the name
    of each call.

    `called` has `name` and, where they are known, `shapes` of each kernel as the model calls it.
    """
    refers = {name: _referred(function, functions) for name, function in functions.items()}
    times = Counter(call["name"] for call in called)
    shapes = {call["name"]: call.get("shapes", "") for call in reversed(called)}
    own = {name: symbol for name in times if (symbol := _symbol(name, functions)) is not None}
    entries = set(own.values())
    loose = set(functions) - entries
    kernels = []
    for name, symbol in own.items():
        names = _reached(symbol, refers, entries)
        loose -= set(names)
        code = _code([functions[each] for each in names], machine)
        about = {"name": name, "shapes": shapes[name], "calls": times[name], "functions": names}
        kernels.append({**about, **code})
    return {
        "architecture": machine,
        "kernels": kernels,
        "missing": [name for name in times if name not in own],
        "unattributed": sorted(name for name in loose if _multiplies(functions[name], machine)),
        "order": [call["name"] for call in called],
    }


def _symbol(name: str, functions: dict[str, Function]) -> str | None:
    names = (form.format(name) for form in _SYMBOLS)
    return next((symbol for symbol in names if symbol in functions), None)


def _referred(function: Function, functions: dict[str, Function]) -> list[str]:
    """The functions whose names stand among the operands, or in the data, of another."""
    texts = [*(line.operands for line in function.lines), *function.data]
    words = (word for text in texts for word in _WORD.findall(text))
    names = dict.fromkeys(word for word in words if word in functions)
    names.pop(function.name, None)
    return list(names)


def _reached(symbol: str, refers: dict[str, list[str]], entries: set[str]) -> list[str]:
    """A kernel's function and those it refers to, directly or not; not into another kernel."""
    reached = [symbol]
    for name in reached:
        reached += [each for each in refers[name] if each not in entries and each not in reached]
    return reached


def _code(functions: list[Function], machine: str) -> dict[str, Any]:
    lines = [line for function in functions for line in function.lines if line.mnemonic]
    return {**_counts(lines, machine), "hot": _hot(functions, machine)}


def _counts(lines: list[Line], machine: str) -> dict[str, Any]:
    """`instructions`: by class, how often each mnemonic occurs; `bits` of the widest vector that is
    computed on, 0 where the processor decides, None for none."""
    classes: dict[str, Counter[str]] = {}
    widths: set[int] = set()
    for line in lines:
        name = instructions.class_of(line, machine)
        classes.setdefault(name, Counter())[line.mnemonic] += 1
        if name in (*MULTIPLIES, FLOAT):
            bits = instructions.vector_bits(line, machine)
            widths.update([] if bits is None else [bits])
    return {
        "instructions": {name: dict(classes[name]) for name in CLASSES if name in classes},
        "bits": max(widths) if widths else None,
    }


def _hot(functions: list[Function], machine: str) -> dict[str, Any] | None:
    """The innermost loop that seems to do the most work; None where no function has a loop."""
    best: tuple[float, Function, Loop, list[Line]] | None = None
    for function in functions:
        blocks, inside = loops(function)
        for loop in inside:
            if not loop.innermost:
                continue
            lines = [line for number in sorted(loop.body) for line in blocks[number].lines]
            work = sum(_work(line, machine) for line in lines) * _ROUNDS**loop.depth
            if best is None or work > best[0]:
                best = work, function, loop, lines
    if best is None:
        return None
    _, function, loop, lines = best
    shown = lines[:LINES]
    return {
        "function": function.name,
        "depth": loop.depth,
        **_counts([line for line in lines if line.mnemonic], machine),
        "lines": [[line.text, _kind(line, machine)] for line in shown],
        "left_out": len(lines) - len(shown),
    }


def _work(line: Line, machine: str) -> float:
    """What an instruction does, in multiples of one on a single 32-bit value."""
    if not line.mnemonic:
        return 0.0
    name = instructions.class_of(line, machine)
    bits = instructions.vector_bits(line, machine)
    lanes = 1.0 if bits is None else (bits or _ASSUMED_BITS) / 32
    return _WORK.get(name, 1.0 if name in MULTIPLIES else 0.0) * lanes


def _kind(line: Line, machine: str) -> str:
    """The class of an instruction, empty for a label."""
    return instructions.class_of(line, machine) if line.mnemonic else ""


def _multiplies(function: Function, machine: str) -> bool:
    """More than to compute addresses, as scalar multiplies outside of the hot loop do?"""
    code = _code([function], machine)
    everywhere = set(code["instructions"]) - {SCALAR_MULTIPLY}
    hot = code["hot"]["instructions"] if code["hot"] is not None else {}
    return not {*everywhere, *hot}.isdisjoint(MULTIPLIES)
