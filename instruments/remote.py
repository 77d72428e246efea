"""A device behind a TVM RPC tracker (python/tvm/rpc/tracker.py)."""

from __future__ import annotations

from typing import Any

from .protocol.jobs import Rpc

SECONDS = 600
"""That a session may last: then the tracker gives the device to somebody else."""


def connect(device: Rpc) -> Any:
    """A session on it. Waits while somebody else has it; raises what TVM raises."""
    from tvm import rpc

    tracker = rpc.connect_tracker(device.host, device.port)
    return tracker.request(device.key, session_timeout=SECONDS)
