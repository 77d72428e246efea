"""Named toolchains in the cache: where each is, and how it gets there on its first use.

uv installs the pinned requirements of a recipe into an environment of their own.
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
from . import probe, uv_process
from .cache import cache_dir
from .recipes import OWN_TVM, RECIPES
from .toolchain import isolated_environment

INSTALL_FREE_GB = 8

_MARKER = ".complete"
_REQUIREMENTS = Path(__file__).parent / "requirements"


def installed(name: str, echo: Callable[[str], None]) -> Path:
    """The absolute path of a named toolchain's Python, which is installed if it is not there.

    `echo` gets one line at a time for the user, only when there is something to wait for.

    Raises SetupError when the installation failed, or its TVM cannot be imported.
    """
    directory = toolchain_dir(name)
    if not _is_complete(directory):
        try:
            _install_once(name, directory, echo)
        except OSError as error:
            raise SetupError(
                f"cannot install the {name} toolchain into {directory} ({error.strerror or error}):"
                " set TVMQ_DIAG_CACHE to a directory you can write to"
            ) from error
    return _python_in(directory)


def toolchain_dir(name: str) -> Path:
    """The directory of a named toolchain; it need not exist yet.

    It changes with the requirements and the Python version, so that an upgrade of this tool never
    runs a trace on the previous one's TVM.
    """
    key = hashlib.sha256((_requirements(name).read_text() + RECIPES[name].python).encode())
    return cache_dir() / "toolchains" / f"{name}-{key.hexdigest()[:12]}"


def _requirements(name: str) -> Path:
    return _REQUIREMENTS / f"{name}.txt"


def _beside(directory: Path, ending: str) -> Path:
    return directory.with_name(f"{directory.name}.{ending}")  # its own name may have a dot in it


def _python_in(directory: Path) -> Path:
    return directory / "bin" / "python"


def _is_complete(directory: Path) -> bool:
    # The interpreter too: the Python it links to may have been uninstalled since.
    return (directory / _MARKER).is_file() and _python_in(directory).is_file()


def _install_once(name: str, directory: Path, echo: Callable[[str], None]) -> None:
    directory.parent.mkdir(parents=True, exist_ok=True)
    waiting = f"waiting for another installation of the {name} toolchain to finish"
    with _locked(_beside(directory, "lock"), lambda: echo(waiting)) as lock:
        if not _is_complete(directory):  # the one waited for may have made it
            _install(name, directory, echo, lock)


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


def _install(name: str, directory: Path, echo: Callable[[str], None], lock: TextIO) -> None:
    recipe = RECIPES[name]
    _check_space(name, directory.parent)
    echo(
        f"installing the {name} toolchain ({recipe.contents}), once: about"
        f" {recipe.download_gb} GB to download, {recipe.disk_gb} GB on disk, less what it shares"
        f" with others, in {directory}"
    )
    if directory.exists():  # half done, and no telling which half
        shutil.rmtree(directory)
    _install_packages(name, directory, lock)
    python = _python_in(directory)
    # What cannot be imported is not complete, however well it was installed.
    mend = f"run again to install it anew, or {OWN_TVM}"
    probe.dialect_of(python, recipe.dialect, isolated_environment(), mend)
    (directory / _MARKER).write_text("installed, and imported once\n", encoding="utf-8")
    echo(f"installed the {name} toolchain")


def _check_space(name: str, parent: Path) -> None:
    free_gb = shutil.disk_usage(parent).free / 1e9
    if free_gb < INSTALL_FREE_GB:
        raise SetupError(
            f"the {name} toolchain needs {INSTALL_FREE_GB} GB of free disk and {parent} has"
            f" {free_gb:.1f} GB: free some, or set TVMQ_DIAG_CACHE to a directory on another disk"
        )


def _install_packages(name: str, directory: Path, lock: TextIO) -> None:
    version = RECIPES[name].python
    # pyenv's shims answer only for the version that is selected where they are called.
    environment = isolated_environment() | {"PYENV_VERSION": version, "NO_COLOR": "1"}
    create = ["venv", "--python", version, str(directory)]
    python, requirements = str(_python_in(directory)), str(_requirements(name))
    fill = ["pip", "install", "--python", python, "-r", requirements]
    with _beside(directory, "log").open("w", encoding="utf-8") as log:
        failure = uv_process.run(create, environment, log, lock)
        if failure:
            raise SetupError(
                f"no Python {version} for the {name} toolchain ({failure}):"
                f" install Python {version}, or {OWN_TVM}; all that uv said: {log.name}"
            )
        failure = uv_process.run(fill, environment, log, lock)
        if failure:
            raise SetupError(
                f"installing the {name} toolchain failed ({failure}):"
                f" mend that and run again, or {OWN_TVM}; all that uv said: {log.name}"
            )
