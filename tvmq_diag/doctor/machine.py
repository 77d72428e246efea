"""The machine: what its processor has for int8, and how much room its disks have."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from ..analysis.units import gigabytes
from ..toolchains import inventory
from ..toolchains.cache import cache_dir
from .findings import Finding, bad, note, ok

_FLAGS = {
    "avx512_vnni": "AVX-512 VNNI",
    "avx_vnni": "AVX VNNI",
    "amx_int8": "AMX",
    "avx512bw": "AVX-512",
    "avx2": "AVX2",
    "i8mm": "Arm I8MM",
    "asimddp": "Arm DotProd",
    "asimd": "Arm Neon",
}
"""What multiplies bytes, by the kernel's names in /proc/cpuinfo (arch/*/kernel/cpu*)."""

_LOW = 1_000_000_000
"""Bytes below which a run may not come to its end."""


def processor() -> Finding:
    """What it is called, and which of its instructions are for int8."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return note("processor", "the system does not say (no /proc/cpuinfo)")
    values = {name.strip(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
    name = values.get("model name") or values.get("Hardware") or "without a name"
    flags = set((values.get("flags") or values.get("Features") or "").split())
    has = [known for flag, known in _FLAGS.items() if flag in flags]
    cores = len(os.sched_getaffinity(0))
    told = f"{name}, {cores} {'core' if cores == 1 else 'cores'}; for int8: "
    if not has:
        return note("processor", f"{told}nothing known", "int8 will hardly be faster than float")
    return ok("processor", told + ", ".join(has))


def disks(runs: Path) -> list[Finding]:
    """The room where the cache and where runs are, once where that is the same disk."""
    places = {"disk, cache": _existing(cache_dir()), "disk, runs": _existing(runs.absolute())}
    if len({place.stat().st_dev for place in places.values()}) == 1:
        places = {"disk": places["disk, cache"]}
    return [_disk(what, place) for what, place in places.items()]


def _existing(path: Path) -> Path:
    return next(place for place in (path, *path.parents) if place.exists())


def _disk(what: str, place: Path) -> Finding:
    free = shutil.disk_usage(place).free
    found = f"{gigabytes(free)} free at {place}"
    if not os.access(place, os.W_OK):
        return bad(what, f"{place} cannot be written", "set TVMQ_DIAG_CACHE, or give --out")
    if free < _LOW:
        return bad(what, found, "tvmq-diag cache clear, tvmq-diag runs remove, or another disk")
    return ok(what, found)


def caches() -> Finding:
    """What is kept between runs."""
    kept = inventory.kept()
    if not kept:
        return ok("cache", f"{cache_dir()}: nothing kept yet")
    sizes = ", ".join(f"{name} {gigabytes(size)}" for name, size in kept.items())
    return ok("cache", f"{cache_dir()}: {sizes}")
