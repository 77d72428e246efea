"""What a TVM's quantizer can be asked: the fields of its QConfig."""

from __future__ import annotations

import json
import subprocess

from ..errors import SetupError
from . import probe
from .toolchain import Toolchain

# python/tvm/relay/quantize/quantize.py, QConfig._node_defaults. As old a Python as TVM ever had.
_ASK = """
import json, sys
del sys.path[0]
from tvm.relay.quantize.quantize import QConfig
print()
print(json.dumps(dict(QConfig._node_defaults), default=str))
"""


def defaults(chain: Toolchain) -> dict[str, object]:
    """The fields of Relay's QConfig, and what each is where nobody sets it. Raises SetupError."""
    try:
        done = subprocess.run(
            [str(chain.python), "-c", _ASK],
            env=chain.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=probe.SECONDS,
            check=False,
        )
        fields: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    except (OSError, subprocess.TimeoutExpired, ValueError, IndexError) as error:
        raise SetupError(f"{chain.python} does not say which fields its quantizer has") from error
    return fields
