"""A device behind a TVM RPC tracker, on this machine."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tvmq_diag.toolchains.toolchain import Toolchain

_STARTS_WITHIN_S = 60


@pytest.fixture(params=["relay", "relax"])
def device(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[str]]:
    """A TVM RPC tracker and a server called `loop`, both on the loopback; the options for them."""
    chain: Toolchain = request.getfixturevalue(request.param)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    tracker = ["-m", "tvm.exec.rpc_tracker", "--host", "127.0.0.1", "--port", str(port)]
    tracker += ["--port-end", str(port + 1)]
    server = ["-m", "tvm.exec.rpc_server", "--host", "127.0.0.1", "--key", "loop"]
    server += ["--tracker", f"127.0.0.1:{port}"]
    with contextlib.ExitStack() as processes:
        for program in (tracker, server):
            with (tmp_path / f"{program[1]}.log").open("wb") as log:
                process = subprocess.Popen(
                    [str(chain.python), *program], stdout=log, stderr=log, start_new_session=True
                )
            processes.callback(process.wait)
            processes.callback(process.terminate)
            if program is tracker:
                _await(port)
        yield ["--tvm", chain.name, "--rpc", f"127.0.0.1:{port}", "--rpc-key", "loop"]


def _await(port: int) -> None:
    """Wait until something listens."""
    until = time.monotonic() + _STARTS_WITHIN_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
