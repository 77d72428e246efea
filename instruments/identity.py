"""Which quantizer and which TVM a process has: what a later one must have to repeat its results."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Dict, Iterator

from .protocol.schema import RELAY

Identity = Dict[str, str]
"""`package`: the folder that TVM was imported from; `quantizer`: a hash of the Python files of the
quantizer, TVM's own on Relay, this project's on Relax; `libraries`: one of the names, sizes and
ages of TVM's loaded libraries."""


def identity(dialect: str) -> Identity:
    """What this process has."""
    import tvm

    package = Path(tvm.__file__).parent
    ours = Path(__file__).parent / "relax" / "quantizer"
    quantizer = package / "relay" / "quantize" if dialect == RELAY else ours
    sources = sorted(quantizer.glob("*.py"))
    return {
        "package": str(package),
        "quantizer": _hash(f"{path.name} ".encode() + path.read_bytes() for path in sources),
        "libraries": _hash(line.encode() for line in libraries()),
    }


def another(then: Identity, now: Identity) -> str | None:
    """How what a process has is not what another one had, in a sentence; None if it is the same."""
    before, here = then.get("package"), now.get("package")
    where = f"{here} now, {before} then" if before != here else f"{here} was changed since"
    if then.get("quantizer") != now.get("quantizer"):
        return f"this was done with another quantizer than the run's ({where})"
    if before != here:
        return f"this was done with another TVM than the run's ({where})"
    if then.get("libraries") != now.get("libraries"):
        return "TVM's libraries were built or installed anew since the run"
    return None


def libraries() -> Iterator[str]:
    """Name, size and age of each of TVM's: those that Linux says are loaded; elsewhere none."""
    try:
        with Path("/proc/self/maps").open(encoding="utf-8", errors="replace") as maps:
            loaded = {line.split(None, 5)[5].strip() for line in maps if "/libtvm" in line}
    except OSError:
        return
    for path in sorted(map(Path, loaded), key=lambda path: path.name):
        if path.exists():
            facts = path.stat()
            yield f"{path.name} {facts.st_size} {facts.st_mtime_ns}"


def _hash(parts: Iterator[bytes]) -> str:
    whole = hashlib.sha256()
    for part in parts:
        whole.update(part + b"\n")
    return whole.hexdigest()[:16]
