"""Which TVM is it, and has it been changed: what cached results depend on."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import SetupError
from . import question
from .question import NoAnswer
from .toolchain import Toolchain


@dataclass(frozen=True)
class Identity:
    """The version of a TVM, and what changes when somebody rebuilds or edits it.

    `ffi` is the version of the tvm_ffi package, None where there is none; `package` and `libraries`
    are paths; the last two are modification times in ns, of Relay's quantizer too and without it.
    """

    version: str
    ffi: str | None
    package: str
    libraries: list[str]
    newest_file_ns: int
    newest_outside_quantizer_ns: int


def identify(chain: Toolchain) -> Identity:
    """Which TVM a toolchain has. Raises SetupError when it cannot be asked."""
    try:
        return question.ask(chain, _IDENTIFY, Identity)
    except NoAnswer as error:
        raise SetupError(f"{chain.python} does not say which TVM it has: {error}") from error


# The libraries are those that Linux says are loaded: where TVM keeps them, and in how many files,
# changes with its version and with how it was built.
_IDENTIFY = """
import json, os, sys
del sys.path[0]
import tvm
package = os.path.dirname(tvm.__file__)
files = [os.path.join(d, f) for d, _, fs in os.walk(package) for f in fs if f.endswith(".py")]
with open("/proc/self/maps") as maps:
    loaded = {line.split(None, 5)[5].strip() for line in maps if "/libtvm" in line}
files.extend(f for f in loaded if os.path.basename(f).startswith("libtvm"))
quantizer = os.path.join(package, "relay", "quantize", "")
ages = {f: os.stat(f).st_mtime_ns for f in files if os.path.exists(f)}
ffi = sys.modules.get("tvm_ffi")  # a package of its own beside today's TVM
print()
print(json.dumps({
    "version": tvm.__version__,
    "ffi": getattr(ffi, "__version__", None),
    "package": package,
    "libraries": sorted(loaded),
    "newest_file_ns": max(ages.values()),
    "newest_outside_quantizer_ns": max(t for f, t in ages.items() if not f.startswith(quantizer)),
}))
"""
