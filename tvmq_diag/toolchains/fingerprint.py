"""A TVM by content: the same on each machine that has the same files, another after any edit.

`identity` tells by times and paths whether the TVM of this machine changed; what is kept across
machines needs to know whether two TVMs are equal.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import SetupError
from . import packages, question
from .question import NoAnswer
from .toolchain import Toolchain


@dataclass(frozen=True)
class Fingerprint:
    """The version of a TVM, and a hash (hex) of what its Python, its libraries, and the versions of
    the packages beside it are; a named toolchain's layers count as there from the beginning."""

    version: str
    files: str


def take(chain: Toolchain) -> Fingerprint:
    """The fingerprint of a toolchain's TVM, in some seconds. Raises SetupError."""
    try:
        pins = packages.pins(chain.name) if chain.named else {}
        return question.ask(chain, f"pins = {pins!r}\n{_TAKE}", Fingerprint)
    except NoAnswer as error:
        raise SetupError(f"{chain.python} does not say which TVM it has: {error}") from error


# As old a Python as TVM ever had. Of a library's path only its name counts.
_TAKE = """
import hashlib, json, os, re, sys
del sys.path[0]
import tvm
try:
    from importlib.metadata import distributions
except ImportError:
    distributions = list
digest = hashlib.sha256()
def add(name, path):
    with open(path, "rb") as file:
        digest.update(("%s\\0" % name).encode())
        for part in iter(lambda: file.read(1 << 20), b""):
            digest.update(part)
package = os.path.dirname(tvm.__file__)
files = [os.path.join(d, f) for d, _, fs in os.walk(package) for f in fs if f.endswith(".py")]
for path in sorted(files):
    add(os.path.relpath(path, package), path)
with open("/proc/self/maps") as maps:
    loaded = {line.split(None, 5)[5].strip() for line in maps if "/libtvm" in line}
for path in sorted(loaded, key=os.path.basename):
    if os.path.basename(path).startswith("libtvm") and os.path.exists(path):
        add(os.path.basename(path), path)
# Of PyTorch's build for processors alone (2.14.1+cpu) the version counts: both have the same code.
there = {re.sub("[-_.]+", "-", d.metadata["Name"]).lower(): d.version for d in distributions()}
beside = dict(pins, **{name: version.partition("+")[0] for name, version in there.items()})
digest.update(json.dumps([sorted(beside.items()), list(sys.version_info[:3])]).encode())
print()
print(json.dumps({"version": tvm.__version__, "files": digest.hexdigest()}))
"""
