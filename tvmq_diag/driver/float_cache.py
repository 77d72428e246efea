"""The float side of a model, built once and kept: it is the same after each edit of a quantizer.

Kept by content: the model, its input and weights, the target, the TVM (all of it but its quantizer,
which no float model goes through) and this tool's own version.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from .. import __version__
from ..instruments.protocol.jobs import DataSource, ModelSource
from ..toolchains.cache import cache_dir
from ..toolchains.identity import Identity
from ..toolchains.toolchain import Toolchain

_FORM = 3
"""Of what is kept: 2 has what the last pooling reads, 3 what its kernels consist of."""

KEPT = 8
"""Float models at most, the last used ones: a ResNet takes 100 MB."""


@dataclass(frozen=True)
class Kept:
    """A float model in the cache: its trace and its compiled form. It may not be there yet."""

    folder: Path

    @property
    def trace(self) -> Path:
        """The folder of the trace."""
        return self.folder / "trace"

    @property
    def artifact(self) -> Path:
        """The folder of the compiled model."""
        return self.folder / "artifact"

    @property
    def there(self) -> bool:
        """Is it in the cache?"""
        return self.trace.is_dir()

    def restore(self, trace: Path) -> bool:
        """Copy the trace to where a run wants it; False if it is not kept."""
        if not self.there:
            return False
        shutil.copytree(self.trace, trace)
        os.utime(self.folder)
        return True

    def keep(self, trace: Path, artifact: Path) -> None:
        """Keep a float model that ran. A full disk is no reason to fail: then it is not kept."""
        with contextlib.suppress(OSError):
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self.folder.parent) as draft:
                shutil.copytree(trace, Path(draft) / "trace")
                shutil.copytree(artifact, Path(draft) / "artifact")
                if not self.folder.exists():  # another run may have been faster
                    Path(draft).rename(self.folder)
                    Path(draft).mkdir()  # for its owner to remove
            self._tidy()

    def _tidy(self) -> None:
        found = [entry for entry in self.folder.parent.iterdir() if entry.is_dir()]
        found.sort(key=lambda entry: entry.stat().st_mtime, reverse=True)
        for entry in found[KEPT:]:
            shutil.rmtree(entry, ignore_errors=True)


def kept(
    model: ModelSource,
    check: DataSource,
    chain: Toolchain,
    tvm: Identity,
    target: str | None,
    level: int,
    tasks: bool = False,
) -> Kept | None:
    """Where the float side of a model, run on `check`, is kept; None where that cannot be told by
    content: a function of somebody's may make another model each time, a folder may change.

    `tvm` is what `chain` has. `tasks`: with what can be tuned of it.
    """
    kind, _, rest = model.source.partition(":")
    if kind == "py" or Path(check.source).is_dir():
        return None
    parts = [
        __version__, _FORM, asdict(model), _content(rest), _content(model.weights),
        asdict(check), _content(check.source), str(chain.python),
        target, level, chain.dialect, chain.extension, tvm.ffi, tvm.version, tvm.package,
        tvm.newest_outside_quantizer_ns,
        sorted(cpu_flags()), tasks,
    ]  # fmt: skip
    key = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
    return Kept(cache_dir() / "floats" / key)


def _content(path: str | None) -> str | None:
    """The hash of a file; None for what is none."""
    if not path or not Path(path).is_file():
        return None
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def cpu_flags() -> set[str]:
    """A cache may be shared between machines, and a model is compiled for one."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return set()
    return next((set(line.split()) for line in lines if line.startswith("flags")), set())
