"""The host as a TVM target: the wheel of the `relay` toolchain defaults to riscv64."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path
from typing import Any

from ..assembly.instructions import architecture
from ..tvm_types import Target

TRIPLES = {
    ("Linux", "x86_64"): "x86_64-unknown-linux-gnu",
    ("Linux", "aarch64"): "aarch64-unknown-linux-gnu",
    ("Darwin", "x86_64"): "x86_64-apple-darwin",
    ("Darwin", "arm64"): "arm64-apple-darwin",
}

PROCESSORS: list[tuple[str, int, set[str]]] = [
    (
        "znver4",
        16,
        {"amd", "avx512f", "avx512bw", "avx512vl", "avx512_vnni", "avx512_vbmi2", "avx512_bf16"},
    ),
    ("cascadelake", 8, {"avx512f", "avx512bw", "avx512dq", "avx512cd", "avx512vl", "avx512_vnni"}),
    ("skylake-avx512", 4, {"avx512f", "avx512bw", "avx512dq", "avx512cd", "avx512vl"}),
    ("x86-64-v3", 12, {"avx2", "fma", "bmi2", "movbe", "f16c"}),
    ("x86-64-v2", 12, {"sse4_2", "popcnt"}),
]
"""LLVM cpu names, the LLVM that knew each first (llvm/lib/Target/X86/X86.td), and the /proc/cpuinfo
flags that each takes, best first. An LLVM that does not know a name ends the process."""


def host(mcpu: str | None = None) -> tuple[str, str]:
    """The host's target string, and a sentence on where its -mcpu comes from.

    `mcpu` "none" leaves -mcpu out; None finds it: LLVM's own answer, or, where LLVM is older than
    the processor and says "generic", the best cpu whose instructions the processor has.
    """
    triple = TRIPLES.get((platform.system(), platform.machine()))
    base = "llvm" if triple is None else f"llvm -mtriple={triple}"
    if mcpu == "none":
        return base, "-mcpu left out, as asked"
    if mcpu:
        return f"{base} -mcpu={mcpu}", "-mcpu as asked"
    cpu = _llvm_answer()
    if cpu:
        return f"{base} -mcpu={cpu}", "-mcpu as LLVM names this processor"
    match = best_match(_flags(), _llvm_version())
    if match:
        return f"{base} -mcpu={match}", "this LLVM does not know the processor: chosen by its flags"
    return base, "processor unknown: no -mcpu"


def parse(text: str) -> Any:
    """The target that a text like "llvm -mcpu=znver4" means.

    TVM 0.27 does not take such texts any more, only the same fields as a dict.
    """
    import tvm

    try:
        return tvm.target.Target(text)
    except (ValueError, TypeError):
        if "{" in text:
            raise
    return tvm.target.Target(fields(text))


def fields(text: str) -> dict[str, Any]:
    """The fields of a target's text: {"kind": "llvm", "mcpu": "znver4"}."""
    kind, *options = text.split()
    result: dict[str, Any] = {"kind": kind}
    for option in options:
        name, _, value = option.lstrip("-").partition("=")
        if name in _LISTS:
            result[name] = value.split(",")
        else:
            result[name] = int(value) if value.isdigit() else value
    return result


def triple(target: Target) -> str:
    """The LLVM triple of a target, empty where it names none: TVM then takes LLVM's default."""
    named = re.search(r"mtriple\"?\s*[=:]\s*\"?([^\"\s,}]+)", str(target))
    return named.group(1) if named else ""


_LISTS = ("keys", "mattr", "libs")
"""Fields of a target that are lists."""


def best_match(flags: set[str], llvm: int) -> str | None:
    """The first of PROCESSORS that these flags can run and that this LLVM has; None without one."""
    return next(
        (cpu for cpu, since, needed in PROCESSORS if since <= llvm and needed <= flags), None
    )


FEATURES = {
    "avx512vnni": "avx512_vnni",
    "avxvnni": "avx_vnni",
    "amx-int8": "amx_int8",
    "avx512bw": "avx512bw",
    "avx2": "avx2",
}
"""What int8 schedules want: LLVM's name and that of /proc/cpuinfo."""


def host_features() -> dict[str, bool]:
    """Which of FEATURES this processor has, by LLVM's names."""
    flags = _flags()
    return {name: flag in flags for name, flag in FEATURES.items()}


def threads() -> int:
    """On how many TVM runs a kernel."""
    return int(os.environ.get("TVM_NUM_THREADS") or len(os.sched_getaffinity(0)))


def vector_bytes() -> int:
    """How many bytes this processor computes on at once, 16 where that is not known."""
    flags = _flags()
    return 64 if "avx512f" in flags else 32 if "avx" in flags else 16


BY_ARCHITECTURE = {
    "x86": tuple(FEATURES),
    "aarch64": ("i8mm", "dotprod", "neon"),
    "arm": ("i8mm", "dotprod", "neon"),
    "riscv": ("experimental-zvqdotq", "xtheadvdot", "v"),
}
"""LLVM's names of what multiplies bytes (llvm/lib/Target/*/*.td), by architecture."""


def target_features(target: Target) -> dict[str, bool]:
    """Which of its architecture's features a target lets LLVM use; one that this LLVM does not know
    it does not. Empty where this TVM cannot tell."""
    from tvm.target import codegen

    ask = getattr(codegen, "target_has_features", None)  # not before TVM 0.15
    if ask is None:
        return {}
    names = BY_ARCHITECTURE.get(architecture(triple(target)) or "", ())
    try:
        with target:
            return {name: bool(ask(name, target)) for name in names}
    except Exception:  # not a target of LLVM's
        return {}


def _llvm_answer() -> str | None:
    from tvm.target import codegen

    ask = getattr(codegen, "llvm_get_system_cpu", None)  # not before TVM 0.13
    answer = str(ask()) if ask else "generic"
    return None if answer == "generic" else answer


def _llvm_version() -> int:
    """LLVM's major version; 0 for a TVM that was built without."""
    from tvm.target import codegen

    return int(codegen.llvm_version_major(allow_none=True) or 0)


def _flags() -> set[str]:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return set()
    flags: set[str] = set()
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "flags":
            flags.update(value.split())
            break
    if "AuthenticAMD" in text:
        flags.add("amd")
    return flags
