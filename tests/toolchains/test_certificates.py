"""The real uv at an index whose certificate it does not know, as behind a proxy that looks in."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.paths import ROOT
from support.tls_index import PACKAGE, TlsIndex, serving

SYSTEMS = Path("/etc/ssl/certs/ca-certificates.crt")
"""Where Debian's and Ubuntu's systems keep whom they trust."""

TOOL = f"""
import os, sys
from pathlib import Path
from tvmq_diag.toolchains import uv_process
words = ["pip", "install", "--no-cache", "--no-config", "--target", sys.argv[1], "{PACKAGE}"]
with open(sys.argv[2], "w") as log, open(sys.argv[2] + ".lock", "w") as lock:
    print(uv_process.run(words, dict(os.environ), log, lock).failure)
"""

pytestmark = pytest.mark.skipif(not shutil.which("openssl"), reason="makes certificates")


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsIndex]:
    with serving(tmp_path_factory.mktemp("index")) as served:
        yield served


def install(index: TlsIndex, folder: Path, *before: str) -> tuple[str, str]:
    """What failed, as the tool has it (None in words for nothing), and what the user reads."""
    untold = ("SSL_CERT_FILE", "SSL_CERT_DIR", "UV_SYSTEM_CERTS", "UV_NATIVE_TLS")
    own = {name: value for name, value in os.environ.items() if name not in untold}
    own |= {"PYTHONPATH": str(ROOT), "UV_DEFAULT_INDEX": index.url, "UV_HTTP_RETRIES": "0"}
    done = subprocess.run(
        [*before, sys.executable, "-c", TOOL, str(folder / "target"), str(folder / "log")],
        env=own,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip(), done.stderr


def test_it_is_tried_once_more_with_what_the_system_trusts(index: TlsIndex, tmp_path: Path) -> None:
    """The system's file is replaced for this process and what it starts."""
    mounted = f'mount --bind {index.authority} {SYSTEMS} && exec "$@"'
    private = ["unshare", "--mount", "sh", "-c", mounted, "sh"]
    if not SYSTEMS.is_file() or subprocess.run([*private, "true"], capture_output=True).returncode:
        pytest.skip("only root may replace the system's certificates, for itself")
    failure, said = install(index, tmp_path, *private)
    assert failure == "None", said
    assert (tmp_path / "target" / "tvmq_thing.py").is_file()
    assert said.count("invalid peer certificate") == 1
    assert "once more with those of the system (UV_SYSTEM_CERTS=1)" in said


def test_where_the_system_refuses_it_too_it_is_said_what_to_do(
    index: TlsIndex, tmp_path: Path
) -> None:
    failure, said = install(index, tmp_path)
    assert said.count("invalid peer certificate") == 2
    assert "--system-certs" in said  # uv's own hint
    assert "invalid peer certificate" in failure and "SSL_CERT_FILE" in failure


def test_certificates_that_are_named_count(index: TlsIndex, tmp_path: Path) -> None:
    failure, said = install(index, tmp_path, "env", f"SSL_CERT_FILE={index.authority}")
    assert failure == "None" and "once more" not in said
