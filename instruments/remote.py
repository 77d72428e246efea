"""A device behind a TVM RPC tracker (python/tvm/rpc/tracker.py)."""

from __future__ import annotations

import socket
from typing import Any

from .protocol.jobs import Rpc

SECONDS = 600
"""That a session may last: then the tracker gives the device to somebody else."""


_CONNECT_S = 5.0


def connect(device: Rpc) -> Any:
    """A session on it. Waits while somebody else has it; raises what TVM raises, and OSError where
    nothing listens: TVM would try that for a minute (python/tvm/rpc/base.py, connect_with_retry).
    """
    from tvm import rpc

    with socket.create_connection((device.host, device.port), timeout=_CONNECT_S):
        pass
    tracker = rpc.connect_tracker(device.host, device.port)
    return tracker.request(device.key, session_timeout=SECONDS)
