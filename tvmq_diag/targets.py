"""What to compile for: short names of boards, and whatever TVM takes for a target.

TVM_TAGS is python/tvm/target/tag_registry of TVM 0.27, and arm_cpu, riscv_cpu in
python/tvm/target/target.py of TVM 0.16, which has the same. What a processor has is LLVM's own
table of it (llvm/lib/Target/AArch64/AArch64Processors.td), which the TVM at hand is asked for; a
processor that an older LLVM does not know is written by its attributes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .errors import UsageError

HOST = "host"
"""This machine, as without any target."""

_ARM64 = "llvm -mtriple=aarch64-linux-gnu"
_ARM32 = "llvm -mtriple=armv7a-linux-gnueabihf"
_RISCV = "llvm -mtriple=riscv64-unknown-linux-gnu"
_RV64GC, _RV64GCV = "-mattr=+m,+a,+f,+d,+c -mabi=lp64d", "-mattr=+m,+a,+f,+d,+c,+v -mabi=lp64d"


@dataclass(frozen=True)
class Board:
    """A board that people have: its target in TVM, its processor, and the documents that say so."""

    target: str
    processor: str
    sources: tuple[str, ...]


TVM_TAGS = "python/tvm/target/tag_registry"

BOARDS = {
    "pi3": Board(
        f"{_ARM64} -mcpu=cortex-a53 -mattr=+neon",
        "Raspberry Pi 3 B: BCM2837, four Cortex-A53",
        (f"{TVM_TAGS}/arm_cpu.py, arm/rasp3b", "LLVM: cortex-a53 has no dotprod"),
    ),
    "pi4": Board(
        f"{_ARM64} -mcpu=cortex-a72 -mattr=+neon",
        "Raspberry Pi 4 B: BCM2711, four Cortex-A72",
        (f"{TVM_TAGS}/arm_cpu.py, raspberry-pi/4b-aarch64 and arm/rasp4b64",),
    ),
    "pi4-32": Board(
        "llvm -mtriple=armv8l-linux-gnueabihf -mcpu=cortex-a72 -mattr=+neon",
        "Raspberry Pi 4 B with a 32-bit system",
        (f"{TVM_TAGS}/arm_cpu.py, arm/rasp4b",),
    ),
    "pi5": Board(
        f"{_ARM64} -mcpu=cortex-a76 -mattr=+neon,+dotprod",
        "Raspberry Pi 5: BCM2712, four Cortex-A76",
        (
            "https://www.eenewseurope.com/en/raspberry-pi-5-moves-to-disaggregated-architecture-"
            "with-in-house-silicon/",
            "LLVM: cortex-a76 has dotprod",
        ),
    ),
    "rk3399": Board(
        f"{_ARM64} -mattr=+neon",
        "Rockchip RK3399: two Cortex-A72, four Cortex-A53",
        (f"{TVM_TAGS}/arm_cpu.py, arm/rk3399",),
    ),
    "rk3588": Board(
        f"{_ARM64} -mcpu=cortex-a76 -mattr=+neon,+dotprod",
        "Rockchip RK3588 (Orange Pi 5, Rock 5): four Cortex-A76, four Cortex-A55",
        (
            "https://www.heise.de/news/Rockchip-RK3588-Mehr-Rechenkraft-fuer-Einplatinencomputer-"
            "Chromebooks-4971791.html",
            "LLVM: cortex-a76 and cortex-a55 have dotprod",
        ),
    ),
    "beagleai": Board(
        f"{_ARM32} -mcpu=cortex-a15 -mattr=+neon,+vfp4,+thumb2",
        "BeagleBone AI: Cortex-A15",
        (f"{TVM_TAGS}/arm_cpu.py, arm/beagleai",),
    ),
    "stm32mp1": Board(
        f"{_ARM32} -mcpu=cortex-a7 -mattr=+neon,+vfp4,+thumb2",
        "STM32MP1: Cortex-A7",
        (f"{TVM_TAGS}/arm_cpu.py, arm/stm32mp1",),
    ),
    "k230": Board(
        f"{_RISCV} {_RV64GCV}",
        "Kendryte K230 (CanMV): XuanTie C908, its larger core with V 1.0",
        (
            "https://github.com/opencv/opencv/wiki/OpenCV-RISC-V (RVV 1.0: CanMV K230)",
            "opencv/opencv, platforms/linux/riscv64-071-gcc.toolchain.cmake (C908, C908V)",
        ),
    ),
    "licheepi3a": Board(
        f"{_RISCV} {_RV64GCV}",
        "Lichee Pi 3A: SpacemiT X60, with V 1.0",
        (
            f"{TVM_TAGS}/riscv_cpu.py, riscv/licheepi3a",
            "LLVM: llvm/lib/Target/RISCV/RISCVProcessors.td, spacemit-x60 has v",
        ),
    ),
    "visionfive2": Board(
        f"{_RISCV} {_RV64GC}",
        "VisionFive 2: JH7110, four SiFive U7 (RV64GC, no V)",
        (
            f"{TVM_TAGS}/riscv_cpu.py, riscv/sifive-u74",
            "https://wiki.gentoo.org/wiki/StarFive_VisionFive_2/Hardware",
        ),
    ),
}


def parse_list(texts: list[str]) -> list[str]:
    """Targets as they were typed, each once: one an option, or several with `;` between them.

    Names alone may have commas between them; a TVM target has commas of its own. Raises UsageError
    for what is neither.
    """
    parts = (part.strip() for text in texts for part in text.split(";"))
    named = (name for part in parts if part for name in _names(part))
    found = list(dict.fromkeys(named))
    if texts and not found:
        raise UsageError(f"--target {texts[0]!r} names no target")
    for name in found:
        if not _has_triple(resolve(name)):
            raise UsageError(
                f"--target {name!r} names no -mtriple, and LLVM's default need not be this machine "
                "(TVM 0.16 as installed here: riscv64): name one, or give --mcpu for this machine"
            )
    return found


def _has_triple(target: str | None) -> bool:
    """Does what LLVM is to compile for say for which machine? A tag of TVM's does."""
    if target is None or "mtriple" in target:
        return True
    return not re.match(r"llvm\b|\{.*\"kind\":\s*\"llvm\"", target)


def _names(part: str) -> list[str]:
    if " " in part or "{" in part:
        return [part]
    return [name.strip() for name in part.split(",") if name.strip()]


def resolve(name: str) -> str | None:
    """TVM's target for a name, which may be one already; None for this machine.

    Raises UsageError for a word that is no board, no kind of target, and no tag of TVM's.
    """
    if name == HOST:
        return None
    if name in BOARDS:
        return BOARDS[name].target
    if any(mark in name for mark in (" ", "/", "{")) or name in ("llvm", "c"):
        return name
    known = ", ".join([HOST, *BOARDS])
    raise UsageError(
        f"--target {name!r}: neither one of {known}, nor an LLVM target, 'llvm -mtriple=…'"
    )
