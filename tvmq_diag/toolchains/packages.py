"""Packages put into a toolchain's environment by uv, a layer at a time, and found torn if it was.

A layer is complete when its marker says so. What is being installed is written down before, by
name: uv takes a package to be there as soon as its metadata are, so what was cut off has to be
installed anew with the next layer that wants it.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

from ..errors import SetupError
from . import probe, uv_process
from .recipes import OWN_TVM, Layer
from .toolchain import isolated_environment

REQUIREMENTS = Path(__file__).parent / "requirements"

_TORN = ".installing"
_INSTALLS = re.compile(r"^\s*\+ ([\w.-]+)==", re.MULTILINE)
_NOT_A_WORD = re.compile(r"[-_.]+")
_IMPORT_SECONDS = 300.0
_ROOM = 1.4
"""Free disk to ask for, in parts of what an installation takes: its archives lie there too."""
_PROCESSORS = "cpu"
"""PyTorch's build for processors alone, as uv calls it."""


@dataclass(frozen=True)
class Site:
    """The environment of a toolchain called `name`, in `directory`: what uv is run with for it."""

    name: str
    directory: Path
    environment: Mapping[str, str]
    log: TextIO
    lock: TextIO

    @property
    def python(self) -> Path:
        return python_in(self.directory)

    def create(self, version: str) -> None:
        """An empty environment with that Python. Raises SetupError."""
        create = ["venv", "--python", version, str(self.directory)]
        failure = uv_process.run(create, self.environment, self.log, self.lock).failure
        if failure:
            raise SetupError(
                f"no Python {version} for the {self.name} toolchain ({failure}): install Python"
                f" {version} so that python{version} is on the PATH, or name a mirror that uv may"
                f" fetch it from with UV_PYTHON_INSTALL_MIRROR, or {OWN_TVM}; all that uv said:"
                f" {self.log.name}"
            )

    def install(self, words: list[str], shown: bool = True) -> uv_process.Done:
        """What comes of `uv pip install`, with every version as the toolchain's pins have it."""
        pins = REQUIREMENTS / f"{self.name}.txt"
        fixed = ["pip", "install", "--python", str(self.python), "-c", str(pins)]
        return uv_process.run([*fixed, *words], self.environment, self.log, self.lock, shown)

    def fill(self, words: list[str], what: str) -> None:
        """Install. Raises SetupError."""
        failure = self.install(words).failure
        if failure:
            raise SetupError(
                f"installing {what} failed ({failure}): mend that and run again, or {OWN_TVM};"
                f" all that uv said: {self.log.name}"
            )


def python_in(directory: Path) -> Path:
    """The interpreter of an environment."""
    return directory / "bin" / "python"


def requirements(name: str) -> list[str]:
    """The words for uv that ask for what a file in requirements/ does."""
    return ["-r", str(REQUIREMENTS / f"{name}.in")]


def pins(name: str) -> dict[str, str]:
    """The version of each package that a named toolchain has with all of its layers."""
    text = (REQUIREMENTS / f"{name}.txt").read_text(encoding="utf-8")
    pairs = (line.partition("==") for line in text.splitlines())
    return {package: version for package, _, version in pairs}


def marker(directory: Path, layer: str | None = None) -> Path:
    """The file that says that the base of a toolchain, or one layer on it, is complete."""
    return directory / (".complete" if layer is None else f".complete-{layer}")


def add(site: Site, name: str, layer: Layer, echo: Callable[[str], None]) -> None:
    """Add a layer. `echo` gets what it costs before anything is fetched. Raises SetupError."""
    torn_file = site.directory / _TORN
    torn = set(torn_file.read_text(encoding="utf-8").split()) if torn_file.is_file() else set()
    _forget(site.directory, torn)
    plan = _best_plan(site, requirements(layer.requirements), layer)
    if plan.failed or plan.installs:
        what = f"{layer.contents} for the {site.name} toolchain"
        if plan.downloads:
            check_space(what, layer.disk_gb, site.directory.parent)
        echo(_announcement(site, layer, plan))
        _note(torn_file, torn | plan.installs)
        site.fill(plan.words, what)
    _import_once(site, layer)
    marker(site.directory, name).write_text("installed, and imported once\n", encoding="utf-8")
    _note(torn_file, torn - plan.installs)
    if plan.installs:
        echo(f"added {layer.contents} to the {site.name} toolchain")


@dataclass(frozen=True)
class _Plan:
    """What uv would do: the packages it would install, and whether it would fetch any."""

    words: list[str]
    installs: set[str]
    downloads: bool
    failed: bool


def _best_plan(site: Site, words: list[str], layer: Layer) -> _Plan:
    """What to install: of PyTorch the build for processors alone, where it can be had and the other
    one is not there already. It is in an index of its own, which a mirror need not have."""
    plan = _planned(site, words)
    if not layer.torch_backend or not (plan.downloads or plan.failed):
        return plan
    hasty = replace(site, environment={"UV_HTTP_RETRIES": "0", **site.environment})
    small = _planned(hasty, [*words, "--torch-backend", _PROCESSORS])
    return plan if small.failed else small


def _planned(site: Site, words: list[str]) -> _Plan:
    done = site.install([*words, "--dry-run"], shown=False)
    output = "".join(done.lines)
    installs = set(_INSTALLS.findall(output))
    return _Plan(words, installs, "Would download" in output, done.failure is not None)


def _announcement(site: Site, layer: Layer, plan: _Plan) -> str:
    what = f"adding {layer.contents} to the {site.name} toolchain, once"
    if not plan.downloads and not plan.failed:
        return f"{what}: all of it is in uv's cache, nothing is downloaded"
    if _PROCESSORS in plan.words:
        return f"{what}: the build for processors alone, which is the smaller one"
    return (
        f"{what}: about {layer.download_gb:g} GB to download, {layer.disk_gb:g} GB on disk, less"
        " what it shares with others"
    )


def check_space(what: str, disk_gb: float, place: Path) -> None:
    """Raises SetupError, which says what to do, where the disk has not got the room."""
    needed, free = disk_gb * _ROOM, shutil.disk_usage(place).free / 1e9
    if free < needed:
        raise SetupError(
            f"{what} needs {needed:.1f} GB of free disk and {place} has {free:.1f} GB: free some,"
            " or set TVMQ_DIAG_CACHE to a directory on another disk"
        )


def _forget(directory: Path, torn: set[str]) -> None:
    """Have uv take packages not to be there, so that it puts all of their files there again. Told
    to install them anew (--reinstall-package), it would fetch them anew as well."""
    for metadata in directory.glob("lib/python*/site-packages/*.dist-info"):
        if _NOT_A_WORD.sub("-", metadata.stem.rpartition("-")[0]).lower() in torn:
            shutil.rmtree(metadata)


def _note(file: Path, packages: set[str]) -> None:
    """Keep the names of packages that may be there in part; no file where there are none."""
    if packages:
        file.write_text("\n".join(sorted(packages)), encoding="utf-8")
    else:
        file.unlink(missing_ok=True)


def _import_once(site: Site, layer: Layer) -> None:
    """What cannot be imported is not complete, however well it was installed. Raises SetupError."""
    code, environment = f"import {', '.join(layer.modules)}", isolated_environment()
    try:
        done = probe.run_code(site.python, code, environment, seconds=_IMPORT_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SetupError(f"{site.python} does not import {layer.contents}: {error}") from error
    if done.returncode:
        errors = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise SetupError(
            f"{site.python} does not import {layer.contents} ({errors[-1].strip()}): run again to"
            f" install it anew, or {OWN_TVM}"
        )
