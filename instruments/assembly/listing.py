"""Assembly as LLVM prints it for ELF, taken apart: functions, their instructions and labels.

A function is what a `.type NAME,@function` announces (on arm `%function`), and ends at its `.size`
(llvm/lib/CodeGen/AsmPrinter/AsmPrinter.cpp, emitFunctionBody). Directives and comments go. Where
there are no such lines, as in assembly for macOS, there are no functions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_COMMENT = {"x86": "#", "riscv": "#", "aarch64": "//", "arm": "@"}
"""What a comment begins with (llvm/lib/Target/*/MCTargetDesc/*MCAsmInfo.cpp, CommentString)."""

_TYPE = re.compile(r"^\s*\.type\s+([^\s,]+),\s*[@%]function")
_SIZE = re.compile(r"^\s*\.size\s+([^\s,]+),")
_GLOBAL = re.compile(r"^\s*\.globl\s+(\S+)")
_LABEL = re.compile(r"^([^\s:#/]+):\s*(.*)$")
_DATA = re.compile(r"^\s*\.(?:long|word|quad|xword)\s+(.*)")
_PREFIXES = frozenset({"lock", "rep", "repe", "repne", "notrack", "data16"})
"""What may stand before an instruction of x86, as may {vex} and its like."""


@dataclass
class Line:
    """An instruction: its mnemonic and operands; with an empty mnemonic a label, `operands`."""

    mnemonic: str
    operands: str

    @property
    def text(self) -> str:
        """As it is read."""
        return f"{self.mnemonic} {self.operands}".rstrip() if self.mnemonic else f"{self.operands}:"


@dataclass
class Function:
    """A function by its symbol; `public` ones can be called from outside of the library. `data`:
    what stands among its instructions, as arm's addresses of other functions do."""

    name: str
    public: bool
    lines: list[Line] = field(default_factory=list)
    data: list[str] = field(default_factory=list)


def functions(text: str, architecture: str) -> dict[str, Function]:
    """All functions of a listing by symbol, in order; `architecture` as instructions names it."""
    comment = _COMMENT[architecture]
    public: set[str] = set()
    announced: set[str] = set()
    by_name: dict[str, Function] = {}
    current: Function | None = None
    for raw in text.splitlines():
        match = _LABEL.match(raw)
        if match:
            name = match.group(1)
            if name in announced:
                current = by_name[name] = Function(name, name in public)
                announced.discard(name)
            elif current is not None:
                current.lines.append(Line("", name))
            continue
        stripped = raw.strip()
        if not stripped.startswith("."):
            if current is not None:
                line = _instruction(stripped, comment)
                if line is not None:
                    current.lines.append(line)
            continue
        for directive, names in ((_TYPE, announced), (_GLOBAL, public)):
            match = directive.match(raw)
            if match:
                names.add(match.group(1))
        match = _DATA.match(raw)
        if match and current is not None:
            current.data.append(match.group(1))
        match = _SIZE.match(raw)
        if match and current is not None and match.group(1) == current.name:
            current = None
    return by_name


def _instruction(text: str, comment: str) -> Line | None:
    """None for what is a comment only."""
    text = text.partition(comment)[0].strip()
    while text.startswith("{"):
        text = text.partition("}")[2].strip()
    mnemonic, _, operands = text.replace("\t", " ").partition(" ")
    while mnemonic in _PREFIXES and operands:
        mnemonic, _, operands = operands.strip().partition(" ")
    return Line(mnemonic, " ".join(operands.split())) if mnemonic else None
