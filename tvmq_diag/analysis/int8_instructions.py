"""Which instructions for products of bytes a target has, and what the code of a model uses.

A feature is LLVM's name for what a target may have; the child process asks this TVM's LLVM for them
(instruments.inputs.target). Sources: llvm/lib/Target/{X86,AArch64,ARM,RISCV}/*.td, which give each
feature's instructions; instruments.assembly.instructions has the manuals.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..measurements.kernel_code import DOT, WIDENING, KernelCode, ModelCode


@dataclass(frozen=True)
class Int8Feature:
    """`name` as people write it; `example`: an instruction of it; `classes`: of which the
    instructions are that multiply bytes with it."""

    name: str
    example: str
    classes: tuple[str, ...]


FEATURES = {
    "avx512vnni": Int8Feature("AVX-512 VNNI", "vpdpbusd", (DOT,)),
    "avxvnni": Int8Feature("AVX VNNI", "vpdpbusd", (DOT,)),
    "avx512bw": Int8Feature("AVX-512", "vpmaddubsw", (DOT, WIDENING)),
    "avx2": Int8Feature("AVX2", "vpmaddubsw", (DOT, WIDENING)),
    "i8mm": Int8Feature("Arm I8MM", "smmla", (DOT,)),
    "dotprod": Int8Feature("Arm DotProd", "sdot", (DOT,)),
    "neon": Int8Feature("Arm Neon", "smull", (DOT, WIDENING)),
    "experimental-zvqdotq": Int8Feature("RISC-V Zvqdotq", "vqdot", (DOT,)),
    "xtheadvdot": Int8Feature("T-Head XTheadVdot", "th.vmaqa", (DOT,)),
    "v": Int8Feature("RISC-V V", "vwmacc", (DOT, WIDENING)),
}
"""Best first within an architecture. AMX has instructions too, which TVM's schedules take for
matmul only."""


def best_of(features: dict[str, bool]) -> Int8Feature | None:
    """The best that a target has; None for a target without, or if nothing is known of it."""
    return next((known for name, known in FEATURES.items() if features.get(name)), None)


def uses(kernel: KernelCode, feature: Int8Feature) -> bool:
    """Does it have any instruction of the feature's classes, in whatever place?"""
    return bool(kernel.of(*feature.classes))


def idle(code: ModelCode, feature: Int8Feature) -> list[KernelCode]:
    """The kernels that multiply bytes, and use no instruction of the feature for that."""
    return [kernel for kernel in code.of_int8 if not uses(kernel, feature)]
