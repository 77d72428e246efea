"""A package index behind TLS, whose certificate an authority of our own has signed."""

from __future__ import annotations

import contextlib
import functools
import http.server
import ssl
import subprocess
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "tvmq-thing"
"""The only one that it has."""


@dataclass(frozen=True)
class TlsIndex:
    """Its address, and the file with the authority's certificate (PEM)."""

    url: str
    authority: Path


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[TlsIndex]:
    """One that answers until the end of the block. Needs openssl."""
    _certificates(folder)
    _package(folder / "www" / "simple" / PACKAGE)
    handler = functools.partial(_Silent, directory=str(folder / "www"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "leaf.pem", folder / "leaf.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield TlsIndex(f"https://127.0.0.1:{server.server_port}/simple", folder / "ca.pem")
    finally:
        server.shutdown()
        server.server_close()


class _Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


def _certificates(folder: Path) -> None:
    """ca.pem, which signs leaf.pem for 127.0.0.1."""
    key = ["-newkey", "rsa:2048", "-nodes"]
    whose = ["-subj", "/CN=authority", "-addext", "basicConstraints=critical,CA:TRUE"]
    _openssl(folder, "req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", *whose)
    leaf = ["-keyout", "leaf.key", "-out", "leaf.csr", "-subj", "/CN=127.0.0.1"]
    _openssl(folder, "req", *key, *leaf)
    (folder / "leaf.ext").write_text(
        "basicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\nsubjectAltName=IP:127.0.0.1\n"
    )
    signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "leaf.ext"]
    _openssl(folder, "x509", "-req", "-in", "leaf.csr", *signed, "-out", "leaf.pem")


def _openssl(folder: Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


def _package(folder: Path) -> None:
    folder.mkdir(parents=True)
    wheel = folder / "tvmq_thing-1.0-py3-none-any.whl"
    info = "tvmq_thing-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tvmq_thing.py", "")
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: 1.0\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    (folder / "index.html").write_text(f'<a href="{wheel.name}">{wheel.name}</a>')
