"""What an instruction does, by architecture: the classes that say how a kernel multiplies.

The names are LLVM's. Sources, one for each table:
x86      Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2 (VPDPBUSD, VPDPWSSD,
         VPMADDWD, VPMADDUBSW, VPMULLD, VFMADD…), and Intel Architecture Instruction Set Extensions
         Programming Reference (AVX-VNNI-INT8, AMX-INT8: TDPBSSD)
aarch64  Arm Architecture Reference Manual for A-profile, C7.2 (SDOT, UDOT, SMMLA, SMULL, FMLA)
arm      the same, F6.1 (VSDOT, VUDOT, VMULL, VMLAL, VFMA)
riscv    RISC-V "V" Vector Extension 1.0, sections 11 and 13 (vwmul, vwmacc, vmul, vfmacc); the
         extension Zvqdotq (vqdot); T-Head's XTheadVdot (th.vmaqa)
"""

from __future__ import annotations

import re

from ..protocol.instructions import (
    DOT,
    FLOAT,
    FMA,
    INTEGER,
    SCALAR,
    SCALAR_MULTIPLY,
    VECTOR,
    WIDENING,
)
from .listing import Line

SCALABLE = 0
"""Of vectors whose width in bits the processor decides, not the code."""

_TRIPLES = {
    r"x86_64|amd64|i[3-6]86": "x86",
    r"aarch64|arm64": "aarch64",
    r"arm|thumb": "arm",
    r"riscv": "riscv",
}

_TABLES: dict[str, list[tuple[str, re.Pattern[str]]]] = {
    "x86": [
        (DOT, re.compile(r"vpdp(?:bu|wu|bs|ws)[us]ds?|tdpb[us]{2}d")),
        (WIDENING, re.compile(r"v?pmadd(?:wd|ubsw)|v?pmulu?dq")),
        (INTEGER, re.compile(r"v?pmull[wdq]|v?pmulhu?w")),
        (SCALAR_MULTIPLY, re.compile(r"(?:imul|mulx?)[bwlq]?")),
        (FMA, re.compile(r"vf(?:n?m(?:add|sub)|maddsub|msubadd)(?:132|213|231)?[ps][sdh]")),
        (
            FLOAT,
            re.compile(
                r"v?(?:add|sub|mul|div|max|min|sqrt|rsqrt14|rcp14|round|rndscale|cmp\w*|u?comi)"
                r"[ps][sdh]|v?cvt\w+"
            ),
        ),
    ],
    "aarch64": [
        (DOT, re.compile(r"[su]dot|usdot|sudot|[su]mmla|usmmla")),
        (WIDENING, re.compile(r"(?:[su]mull|[su]ml[as]l|sqdmull|sqdml[as]l)[2bt]?")),
        (INTEGER, re.compile(r"mul|ml[as]|sqr?dmulh|pmul")),
        (FMA, re.compile(r"fml[as]l?2?|fn?m(?:add|sub)|fmad|fmsb")),
        (FLOAT, re.compile(r"f(?!mov)[a-z0-9]+|[su]cvtf")),
    ],
    "arm": [
        (DOT, re.compile(r"v[su]dot\.\w+|vusdot\.\w+|vsudot\.\w+|vu?s?mmla\.\w+")),
        (WIDENING, re.compile(r"v(?:mull|mlal|mlsl|qdmull|qdmlal)\.[sup]\d+")),
        (FMA, re.compile(r"v(?:fn?m[as]|n?ml[as])\.[fb]\w+")),
        (INTEGER, re.compile(r"v(?:mul|mla|mls|qr?dmulh)\.[isup]\d+")),
        (SCALAR_MULTIPLY, re.compile(r"(?:mul|ml[as]|sm[lmu]\w+|um\w+)(?:s|[a-z]{2})?")),
        (FLOAT, re.compile(r"v(?!mov|ldr|str|ld|st|ext|zip|uzp|trn|rev|dup)\w+\.f\w+(?:\.\w+)?")),
    ],
    "riscv": [
        (DOT, re.compile(r"vqdot\w*\.\w+|th\.vmaqa\w*\.\w+")),
        (WIDENING, re.compile(r"vwm(?:ul|acc)\w*\.\w+")),
        (FMA, re.compile(r"vfw?n?m(?:acc|sac|add|sub)\.\w+|fn?m(?:add|sub)\.[sdh]")),
        (INTEGER, re.compile(r"v(?:mulh?\w*|macc|nmsac|madd|nmsub|smul)\.\w+")),
        (SCALAR_MULTIPLY, re.compile(r"mul[whs]?\w*")),
        (FLOAT, re.compile(r"vf\w+\.\w[\w.]*|vmf\w+\.\w+|f(?!mv|l|s[dhw]|ence)\w+\.[sdh]\b[\w.]*")),
    ],
}  # fmt: skip

_VECTORS = {
    "x86": re.compile(r"%([xyz])mm\d+"),
    "aarch64": re.compile(r"\bv\d+\.(\d*)([bhsd])\b|\b(q)\d+\b|\b(z)\d+\.[bhsd]\b"),
    "arm": re.compile(r"\b([qd])\d+\b"),
}
_X86_BITS = {"x": 128, "y": 256, "z": 512}
_X86_SCALAR = re.compile(
    r"v?mov[dq]|v?movs[sdh]|v?cvt\w*s[sdhi]\w*|"
    r"v?(?:fn?m\w+|add|sub|mul|div|max|min|sqrt|round|rndscale|cmp\w*|u?comi)s[sdh]"
)
_LANES = {"b": 8, "h": 16, "s": 32, "d": 64}


def architecture(triple: str) -> str | None:
    """Which of the tables is for a target triple (aarch64-linux-gnu); None where none is."""
    name = triple.partition("-")[0]
    return next((found for names, found in _TRIPLES.items() if re.match(names, name)), None)


def class_of(line: Line, machine: str) -> str:
    """Which of CLASSES an instruction of an architecture is."""
    width = vector_bits(line, machine)
    for name, pattern in _TABLES[machine]:
        if pattern.fullmatch(line.mnemonic):
            if machine == "aarch64" and name in (WIDENING, INTEGER) and width is None:
                return SCALAR_MULTIPLY  # the same names are of general registers
            return name
    if machine == "aarch64" and _AARCH64_SCALAR_MULTIPLIES.fullmatch(line.mnemonic):
        return SCALAR_MULTIPLY
    return SCALAR if width is None else VECTOR


_AARCH64_SCALAR_MULTIPLIES = re.compile(r"m(?:add|sub|neg)|[su]m(?:add|sub|neg)l|[su]mulh")


def vector_bits(line: Line, machine: str) -> int | None:
    """The widest vector that an instruction works on, in bits, SCALABLE where the processor says;
    None for one that works on none."""
    if machine == "riscv":
        vector = line.mnemonic.startswith(("v", "th.v")) and not line.mnemonic.startswith("vset")
        return SCALABLE if vector else None
    registers = [match.groups() for match in _VECTORS[machine].finditer(line.operands)]
    if not registers:
        return None
    if machine == "x86":
        scalar = _X86_SCALAR.fullmatch(line.mnemonic) is not None
        return None if scalar else max(_X86_BITS[groups[0]] for groups in registers)
    if machine == "arm":
        if line.mnemonic.endswith(".f64") or line.mnemonic.startswith(("vmov", "vldr", "vstr")):
            return None
        return max(128 if groups[0] == "q" else 64 for groups in registers)
    return max(_aarch64_bits(*groups) for groups in registers)


def _aarch64_bits(
    lanes: str | None, lane: str | None, quad: str | None, scalable: str | None
) -> int:
    if scalable:
        return SCALABLE
    if quad:
        return 128
    return _LANES[lane or "d"] * int(lanes) if lanes else _LANES[lane or "d"]
