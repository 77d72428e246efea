"""Of which instructions the kernels of a compiled model consist, as instruments.assembly counts
them in the machine code that TVM's LLVM generates."""

from __future__ import annotations

import re

import msgspec

from .. import foreign
from ..decoding import Natural
from ..instruments.protocol.instructions import DOT as DOT
from ..instruments.protocol.instructions import FMA as FMA
from ..instruments.protocol.instructions import INTEGER as INTEGER
from ..instruments.protocol.instructions import MULTIPLIES as MULTIPLIES
from ..instruments.protocol.instructions import SCALAR_MULTIPLY as SCALAR_MULTIPLY
from ..instruments.protocol.instructions import WIDENING as WIDENING
from ..trace.ops import CONVOLUTION, DENSE, kernel_kind
from ..trace.trace import Trace


class Counted(msgspec.Struct, frozen=True):
    """Instructions by class and mnemonic, and the widest vector that is computed on, in bits: 0
    where the processor decides, None for none."""

    instructions: dict[str, dict[str, Natural]] = {}
    bits: Natural | None = None

    def of(self, *classes: str) -> dict[str, int]:
        """How often each mnemonic of some classes occurs."""
        return {m: n for name in classes for m, n in self.instructions.get(name, {}).items()}

    @property
    def width(self) -> str:
        """The widest vector in words."""
        if self.bits is None:
            return "no vectors"
        return f"{self.bits} bits" if self.bits else "vectors of the processor's own width"


class HotLoop(Counted, frozen=True):
    """The innermost loop that seems to do the most work, by its depth and what it computes.

    `depth` is 1 for a loop in no other. `lines` have a text and a class, empty for a label;
    `left_out` counts those that were not kept.
    """

    function: str = ""
    depth: Natural = 1
    lines: list[tuple[str, str]] = []
    left_out: Natural = 0


class KernelCode(Counted, frozen=True):
    """A kernel: `functions` are its own and those it refers to, TVM's parallel loops among them.

    `shapes` are dtypes and shapes of its arguments as TVM's profiler writes them, where they are
    known. `hot` None: there is no loop in it.
    """

    name: str = ""
    shapes: str = ""
    calls: Natural = 1
    functions: list[str] = []
    hot: HotLoop | None = None
    dtypes: tuple[str, ...] = ()
    """Of its arguments, the result last; empty where they are not known."""

    @property
    def short(self) -> str:
        """Its name without what all names share."""
        return self.name.removeprefix("tvmgen_default_").removeprefix("fused_")

    @property
    def multiplies_int8(self) -> bool:
        """Does it multiply bytes: a convolution or dense whose data and weights are of 8 bits?"""
        bytes_read = [dtype for dtype in self.dtypes[:2] if dtype in ("int8", "uint8")]
        return kernel_kind(self.name) in (CONVOLUTION, DENSE) and len(bytes_read) == 2

    @property
    def how(self) -> Counted:
        """What says best how it computes: its hot loop, or all of it where that does not multiply.

        Scalar multiplies outside of that loop are left out: they compute addresses.
        """
        if self.hot is None:
            return self
        if self.hot.of(*MULTIPLIES):
            return self.hot
        rest = {n: used for n, used in self.instructions.items() if n != SCALAR_MULTIPLY}
        return Counted(rest, self.bits)


class ModelCode(msgspec.Struct, frozen=True):
    """The kernels in running order, each once; `missing` names those without code in the library,
    `unattributed` functions that multiply and belong to no kernel that is known."""

    architecture: str = ""
    kernels: list[KernelCode] = []
    missing: list[str] = []
    unattributed: list[str] = []
    order: list[str] = []
    """The kernel of each call, as the model makes them."""

    def kernel(self, name: str) -> KernelCode | None:
        """That of a name; None where there is none."""
        return next((kernel for kernel in self.kernels if kernel.name == name), None)

    @property
    def of_int8(self) -> list[KernelCode]:
        """The kernels that multiply bytes."""
        return [kernel for kernel in self.kernels if kernel.multiplies_int8]


_DECODER = msgspec.json.Decoder(ModelCode)


def load(trace: Trace) -> ModelCode | None:
    """What a trace has of its kernels' code; None where it has none. Raises UsageError."""
    if trace.kernel_code is None:
        return None
    code = foreign.record(trace.path, trace.kernel_code, _DECODER)
    kernels = [
        msgspec.structs.replace(kernel, dtypes=_dtypes(kernel, trace)) for kernel in code.kernels
    ]
    return msgspec.structs.replace(code, kernels=kernels)


def _dtypes(kernel: KernelCode, trace: Trace) -> tuple[str, ...]:
    """By its shapes, or as the passes had the lowered function of its name."""
    return tuple(re.findall(r"(\w+)\[", kernel.shapes)) or trace.parameters(kernel.name)


def counts(instructions: dict[str, int], limit: int = 4) -> str:
    """How often which: `36 vpdpbusd`, the most frequent first; `none` for none."""
    ranked = sorted(instructions.items(), key=lambda item: -item[1])
    said = [f"{number} {mnemonic}" for mnemonic, number in ranked[:limit]]
    said += [f"{len(ranked) - limit} other kinds"] * (len(ranked) > limit)
    return ", ".join(said) or "none"
