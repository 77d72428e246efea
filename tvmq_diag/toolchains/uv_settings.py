"""What uv is told by its environment: where packages come from, and where it keeps them.

What is set for uv counts. Where nothing is, it gets what pip is configured with, as somebody behind
a mirror has done that already: an index, those beside it, the file of certificates.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from .toolchain import isolated_environment

_INDEX_VARIABLES = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL")
_INDEX_KEYS = {"index", "index-url", "extra-index-url", "no-index"}
SYSTEM_CERTS = "UV_SYSTEM_CERTS"


def environment(python: str, place: Path) -> dict[str, str]:
    """The environment variables to install a toolchain with: for the version of `python`, below
    the folder `place`, which exists."""
    # pyenv's shims answer only for the version that is selected where they are called.
    variables = sources() | {"PYENV_VERSION": python, "NO_COLOR": "1"}
    return variables | _linkable_cache(variables, place)


def sources() -> dict[str, str]:
    """Our environment variables, with what uv takes over of pip's configuration."""
    variables = isolated_environment()
    return variables | of_pip(variables, _pip_configuration())


def host(address: str) -> str:
    """The machine of an index, without the password that its address may have."""
    return address.partition("://")[2].partition("/")[0].rpartition("@")[2] or address


def of_pip(variables: Mapping[str, str], configured: Mapping[str, str]) -> dict[str, str]:
    """What uv takes over of pip's configuration, by the names that it has for uv."""
    taken = {}
    index = configured.get("index-url")
    if index and not _has_index(variables):
        taken["UV_DEFAULT_INDEX"] = index
        beside = configured.get("extra-index-url", "").split()
        if beside:
            # As pip does it: the version that is asked for, wherever it is. All have an exact one.
            taken |= {"UV_INDEX": " ".join(beside), "UV_INDEX_STRATEGY": "unsafe-best-match"}
    certificates = configured.get("cert")
    if certificates and not {"SSL_CERT_FILE", "SSL_CERT_DIR"} & set(variables):
        taken["SSL_CERT_FILE"] = certificates
    return taken


def _has_index(variables: Mapping[str, str]) -> bool:
    """Is uv told of an index by a variable, or by a file of the user's or the system's?"""
    if any(variables.get(name) for name in _INDEX_VARIABLES):
        return True
    named = variables.get("UV_CONFIG_FILE")
    home = variables.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    system = (variables.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(os.pathsep)
    files = [Path(place, "uv", "uv.toml") for place in (home, *system, "/etc")]
    return any(_INDEX_KEYS & _keys(file) for file in ([Path(named)] if named else files))


def _keys(file: Path) -> set[str]:
    """The settings in one of uv's files; none where it cannot be read."""
    try:
        table = msgspec.toml.decode(file.read_bytes(), type=dict[str, Any])
    except (OSError, ValueError):
        return set()
    pip = table.get("pip")
    return set(table) | set(pip if isinstance(pip, dict) else ())


def _pip_configuration() -> dict[str, str]:
    """What `pip config list` says for `pip install`, by key; nothing where there is no pip."""
    words = [sys.executable, "-m", "pip", "config", "list"]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return {}
    return parsed(done.stdout)


def parsed(listed: str) -> dict[str, str]:
    """The values in what `pip config list` printed: as pip's, those of `install` go before those of
    `global`, and variables before both."""
    values: dict[str, str] = {}
    for section in ("global", "install", ":env:"):
        for key, text in re.findall(rf"^{section}\.([\w-]+)=(.*)$", listed, re.MULTILINE):
            try:
                values[key] = str(ast.literal_eval(text))
            except (ValueError, SyntaxError):
                continue
    return values


def _linkable_cache(variables: Mapping[str, str], place: Path) -> dict[str, str]:
    """Of uv's cache, if it lies on another disk than the toolchains, one beside them: uv can link
    files only on the same one, and five toolchains with PyTorch would be five times as large."""
    if variables.get("UV_CACHE_DIR"):
        return {}
    base = Path(variables.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "uv"
    there = next((path for path in (base, *base.parents) if path.exists()), None)
    if there is None or there.stat().st_dev == place.stat().st_dev:
        return {}
    return {"UV_CACHE_DIR": str(place.parent / "uv")}
