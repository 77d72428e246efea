"""What is installed: the tool's own Python, what it needs now and then, and the toolchains."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from importlib import metadata
from pathlib import Path

from .. import __version__
from ..analysis.units import gigabytes
from ..toolchains import inventory, uv_settings
from ..toolchains.inventory import Found
from ..toolchains.recipes import RECIPES
from .findings import Finding, bad, note, ok


def interpreter() -> Finding:
    """The Python that this runs in."""
    version = ".".join(map(str, sys.version_info[:3]))
    return ok("tvmq_diag", f"{__version__}, on Python {version} ({sys.executable})")


def installer() -> Finding:
    """uv, which installs toolchains."""
    try:
        return ok("uv", f"{metadata.version('uv')}, which installs toolchains")
    except metadata.PackageNotFoundError:
        return bad(
            "uv",
            "not here: no toolchain can be installed",
            f"{sys.executable} -m pip install 'tvmq_diag[run]', or give --tvm-python",
        )


def index() -> Finding:
    """Where packages come from; hosts only, as an address may hold a password."""
    variables = uv_settings.sources()
    address = variables.get("UV_DEFAULT_INDEX") or variables.get("UV_INDEX_URL")
    proxy = next((name for name in _PROXIES if variables.get(name)), None)
    places = [uv_settings.host(address) if address else "uv's own settings, else its default"]
    if proxy:
        places.append(f"through the proxy of {proxy}")
    if variables.get("SSL_CERT_FILE"):
        places.append(f"certificates of {variables['SSL_CERT_FILE']}")
    certificates = variables.get("SSL_CERT_FILE")
    if certificates and not Path(certificates).is_file():
        return bad("index", "; ".join(places), "SSL_CERT_FILE names no file: mend or unset it")
    return ok("index", "; ".join(places))


_PROXIES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


def toolchains() -> list[Finding]:
    """Each with a name, and what else lies where they do."""
    there = inventory.toolchains()
    named = {found.name: found for found in there if found.name}
    findings = [_toolchain(name, named.get(name)) for name in RECIPES]
    old = [found for found in there if found.name is None]
    if old:
        size = sum(found.bytes for found in old)
        findings.append(
            note(
                "toolchains",
                f"{len(old)} of another version of this tool ({gigabytes(size)})",
                "tvmq-diag toolchains remove old",
            )
        )
    return findings


def _toolchain(name: str, found: Found | None) -> Finding:
    recipe = RECIPES[name]
    if found is None:
        cost = f"{recipe.download_gb:g} GB to download, {recipe.disk_gb:g} GB on disk"
        return note(
            name,
            f"{recipe.contents}: not installed ({cost})",
            f"comes with its first use, or: tvmq-diag toolchains install {name}",
        )
    if inventory.interpreter_is_gone(found):
        return bad(
            name,
            f"its Python {recipe.python} has been uninstalled",
            f"tvmq-diag toolchains install {name}",
        )
    if not found.complete:
        return bad(
            name, "an installation was cut off", f"tvmq-diag toolchains install {name} begins anew"
        )
    with_layers = ", ".join(["TVM", *found.layers])
    missing = [layer for layer in recipe.layers if layer not in found.layers]
    later = f"; {', '.join(missing)} when a model needs it" if missing else ""
    return ok(
        name,
        f"{recipe.contents} (wheel {found.tvm}): {with_layers}, {gigabytes(found.bytes)}{later}",
    )


def extras() -> list[Finding]:
    """What is needed for some things only."""
    return [_onnx_runtime(), _chromium()]


def _onnx_runtime() -> Finding:
    if importlib.util.find_spec("onnxruntime") is not None:
        return ok("ONNX Runtime", metadata.version("onnxruntime"))
    return note(
        "ONNX Runtime",
        "not here: quantized ONNX models are not compared with it",
        f"{sys.executable} -m pip install 'tvmq_diag[onnx]'",
    )


def _chromium() -> Finding:
    """Found as the tests find it (tests/support/pages.py)."""
    only = "this project's own tests and screenshots alone need it"
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        return note("Chromium", f"no chromium on the PATH; {only}")
    if importlib.util.find_spec("playwright") is None:
        return note("Chromium", f"{program}, and no playwright to drive it; {only}")
    return ok("Chromium", f"{program}; {only}")
