"""Which TVM is it, and has it been changed: what cached results depend on."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from . import toolchain
from .errors import SetupError
from .toolchain import Toolchain


def identify(chain: Toolchain) -> dict[str, Any]:
    """The version of a TVM, and what changes when somebody rebuilds or edits it.

    Raises SetupError when it cannot be asked.
    """
    alone = ["-I"] if chain.named else []  # nothing of the user's gets into a TVM of ours
    try:
        done = subprocess.run(
            [str(chain.python), *alone, "-c", _IDENTIFY],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=toolchain.PROBE_SECONDS,
            check=False,
        )
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except (OSError, subprocess.TimeoutExpired, ValueError, IndexError) as error:
        raise SetupError(f"{chain.python} does not say which TVM it has: {error}") from error
    return found


_IDENTIFY = """
import json, os, sys
del sys.path[0]
import tvm
package = os.path.dirname(tvm.__file__)
files = [os.path.join(d, f) for d, _, fs in os.walk(package) for f in fs if f.endswith(".py")]
files.append(tvm._ffi.base._LIB._name)
quantizer = os.path.join(package, "relay", "quantize", "")
ages = {f: os.stat(f).st_mtime_ns for f in files if os.path.exists(f)}
print()
print(json.dumps({
    "version": tvm.__version__,
    "package": package,
    "newest_file_ns": max(ages.values()),
    "newest_outside_quantizer_ns": max(t for f, t in ages.items() if not f.startswith(quantizer)),
}))
"""
