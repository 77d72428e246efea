"""Named toolchains in the cache: where each is, and how it gets there on its first use.

uv installs the base of a recipe into an environment of its own, and the layers that a job needs on
top of it, each the first time.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

from ..errors import SetupError
from . import packages, probe, usage, uv_settings
from .cache import cache_dir
from .packages import Site, marker, python_in
from .recipes import OWN_TVM, RECIPES
from .toolchain import isolated_environment


def installed(name: str, echo: Callable[[str], None], layers: frozenset[str] = frozenset()) -> Path:
    """The absolute path of a named toolchain's Python, which is installed if it is not there.

    Of `layers` it has those that the toolchain knows: to another one they need not be added. While
    this process lives nobody removes it. `echo` gets one line at a time for the user, only when
    there is something to wait for.

    Raises SetupError when the installation failed, or what was installed cannot be imported.
    """
    directory = toolchain_dir(name)
    wanted = [layer for layer in RECIPES[name].layers if layer in layers]
    try:
        usage.hold(directory)
        if missing(directory, wanted):
            _install_once(name, directory, wanted, echo)
    except OSError as error:
        raise SetupError(
            f"cannot install the {name} toolchain into {directory} ({error.strerror or error}):"
            " set TVMQ_DIAG_CACHE to a directory you can write to"
        ) from error
    return python_in(directory)


def root() -> Path:
    """The folder in the cache that toolchains are in."""
    return cache_dir() / "toolchains"


def toolchain_dir(name: str) -> Path:
    """The directory of a named toolchain; it need not exist yet.

    It changes with the requirements and the Python version, so that an upgrade of this tool never
    runs a trace on the previous one's TVM.
    """
    pins = (packages.REQUIREMENTS / f"{name}.txt").read_text()
    key = hashlib.sha256((pins + RECIPES[name].python).encode())
    return root() / f"{name}-{key.hexdigest()[:12]}"


def is_complete(directory: Path) -> bool:
    """Is its base there? The interpreter too: the Python it links to may have been uninstalled."""
    return marker(directory).is_file() and python_in(directory).is_file()


def missing(directory: Path, layers: list[str]) -> bool:
    """Is anything of it to be installed?"""
    complete = all(marker(directory, layer).is_file() for layer in layers)
    return not (is_complete(directory) and complete)


def _install_once(
    name: str, directory: Path, layers: list[str], echo: Callable[[str], None]
) -> None:
    directory.parent.mkdir(parents=True, exist_ok=True)
    waiting = f"waiting for another installation of the {name} toolchain to finish"
    with _locked(usage.beside(directory, "lock"), lambda: echo(waiting)) as lock:
        if not missing(directory, layers):  # the one waited for may have made it
            return
        environment = uv_settings.environment(RECIPES[name].python, directory.parent)
        with usage.beside(directory, "log").open("a", encoding="utf-8") as log:
            site = Site(name, directory, environment, log, lock)
            if not is_complete(directory):
                log.truncate(0)
                _install(site, echo)
            for layer in layers:
                if not marker(directory, layer).is_file():
                    packages.add(site, layer, RECIPES[name].layers[layer], echo)


@contextlib.contextmanager
def _locked(path: Path, when_blocked: Callable[[], None]) -> Iterator[TextIO]:
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            when_blocked()
            fcntl.flock(handle, fcntl.LOCK_EX)
        # Closing the file releases the lock, and so does the death of all that have it open.
        yield handle


def _install(site: Site, echo: Callable[[str], None]) -> None:
    """The base, from nothing."""
    recipe, directory = RECIPES[site.name], site.directory
    what = f"the {site.name} toolchain"
    packages.check_space(what, recipe.disk_gb, directory.parent)
    echo(
        f"installing {what} ({recipe.contents}), once: about {recipe.download_gb:g} GB to"
        f" download, {recipe.disk_gb:g} GB on disk, less what it shares with others, in {directory}"
    )
    if directory.exists():  # half done, and no telling which half
        shutil.rmtree(directory)
    site.create(recipe.python)
    site.fill(packages.requirements(site.name), what)
    # What cannot be imported is not complete, however well it was installed.
    mend = f"run again to install it anew, or {OWN_TVM}"
    probe.dialect_of(site.python, recipe.dialect, isolated_environment(), mend)
    marker(directory).write_text("installed, and imported once\n", encoding="utf-8")
    echo(f"installed {what}")
