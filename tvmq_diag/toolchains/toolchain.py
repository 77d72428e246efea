"""The interpreters that TVM runs in: found, installed on first use, and asked what they have.

TVM never shares this interpreter. A named toolchain is a set of pinned requirements
(``requirements/NAME.txt``) that uv installs once into the cache; any other TVM is an interpreter
the user names, in which nothing of ours needs to be installed.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TextIO

import uv

from ..errors import SetupError, UsageError
from ..trace.stages import RELAX, RELAY
from . import probe

INSTALL_FREE_GB = 8

_MARKER = ".complete"
_REQUIREMENTS = Path(__file__).parent / "requirements"
_OWN_TVM = "name a TVM of your own with --tvm-python"
_OTHER_TVM = "give the python of an environment with a working TVM, or leave --tvm-python out"


@dataclass(frozen=True)
class Toolchain:
    """A TVM in an interpreter.

    ``name`` is that of a recipe or, for a TVM of the user's own, the path as it was given;
    ``python`` is absolute; ``dialect`` is relay or relax, of which its TVM may have both.
    """

    name: str
    python: Path
    dialect: str = RELAY
    overlay: Path | None = None
    """A folder with a `tvm` package that goes before the installed one (see overlay)."""

    @property
    def environment(self) -> dict[str, str]:
        """The environment for its Python: ours, less what is meant for another one.

        A TVM of the user's own may be found by their PYTHONPATH.
        """
        found = _environment() if self.named else dict(os.environ)
        if self.overlay is not None:
            rest = found.get("PYTHONPATH")
            found["PYTHONPATH"] = os.pathsep.join([str(self.overlay), *([rest] if rest else [])])
        return found

    @property
    def named(self) -> bool:
        """Is it one that we installed, and not the user's own?"""
        return self.name in RECIPES


@dataclass(frozen=True)
class Recipe:
    """How a named toolchain is made: the version of Python, and what it costs in GB.

    The sizes are what uv fetched and `du` counted on Linux x86-64, to the nearest.
    """

    contents: str
    dialect: str
    python: str
    download_gb: int
    disk_gb: int


# All with the same Python: it is looked for once, and uv links what they share (PyTorch above all)
# from its cache, so the second one fetches little.
RECIPES = {
    "relay": Recipe("TVM 0.16 with Relay, PyTorch, ONNX", RELAY, "3.10", 3, 6),
    "relay-0.9": Recipe("TVM 0.9 with Relay, PyTorch, ONNX", RELAY, "3.10", 3, 6),
    "relax": Recipe("TVM 0.27 with Relax, PyTorch, ONNX", RELAX, "3.10", 3, 6),
    "relax-0.26": Recipe("TVM 0.26 with Relax, PyTorch, ONNX", RELAX, "3.10", 3, 6),
    "relax-0.25": Recipe("TVM 0.25 with Relax, PyTorch, ONNX", RELAX, "3.10", 3, 6),
}
"""One is called as its dialect: that is what the dialect is run on, if no other is named."""


def resolve(
    name: str | None = None,
    tvm_python: Path | None = None,
    dialect: str | None = None,
    *,
    echo: Callable[[str], None],
) -> Toolchain:
    """Return the toolchain to run TVM in, installing a named one on its first use.

    ``name`` None is the toolchain of the ``dialect``, Relay's without one. ``echo`` gets one line
    at a time for the user, only when there is something to wait for; uv's own lines go to stderr.

    Raises UsageError for a name that is no toolchain or not of the dialect, and SetupError when the
    interpreter's TVM has not got the dialect or the installation failed.
    """
    if tvm_python is not None:
        if name is not None:
            raise UsageError(f"--tvm {name} and --tvm-python {tvm_python} are two TVMs: give one")
        return _custom(tvm_python, dialect)
    name = name or dialect or RELAY
    recipe = _recipe(name)
    if dialect not in (None, recipe.dialect):
        raise UsageError(f"the {name} toolchain is for {recipe.dialect}, not for {dialect}")
    directory = toolchain_dir(name)
    if not _is_complete(directory):
        try:
            _install_once(name, directory, echo)
        except OSError as error:
            raise SetupError(
                f"cannot install the {name} toolchain into {directory} ({error.strerror or error}):"
                " set TVMQ_DIAG_CACHE to a directory you can write to"
            ) from error
    return Toolchain(name, _python_in(directory), recipe.dialect)


def of_run(facts: Mapping[str, Any], echo: Callable[[str], None]) -> Toolchain:
    """The toolchain that a run was made with, from its run.json. Raises as `resolve` does."""
    name, dialect = str(facts.get("toolchain")), facts.get("dialect")
    if name in RECIPES:
        found = resolve(name, echo=echo)
    else:
        found = resolve(None, Path(str(facts.get("python"))), dialect, echo=echo)
    overlay = facts.get("overlay")
    if not overlay:
        return found
    if not Path(overlay).is_dir():
        raise SetupError(f"the patched TVM of this run, {overlay}, is gone: make the run again")
    return replace(found, overlay=Path(overlay))


def names(text: str) -> list[str]:
    """The toolchains in NAME[,NAME…], each once. Raises UsageError for one that there is not."""
    found = list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    for name in found:
        _recipe(name)
    return found


def _recipe(name: str) -> Recipe:
    if name not in RECIPES:
        known = ", ".join(RECIPES)
        raise UsageError(f"unknown toolchain {name!r}: choose one of {known}, or {_OWN_TVM}")
    return RECIPES[name]


def cache_dir() -> Path:
    """Return where toolchains are kept: an absolute path that need not exist yet.

    $TVMQ_DIAG_CACHE, else $XDG_CACHE_HOME/tvmq_diag, else ~/.cache/tvmq_diag.
    """
    own = os.environ.get("TVMQ_DIAG_CACHE")
    if own:
        return Path(own).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base).absolute() / "tvmq_diag"


def toolchain_dir(name: str) -> Path:
    """Return the directory of a named toolchain.

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


# Installing


def _install_once(name: str, directory: Path, echo: Callable[[str], None]) -> None:
    directory.parent.mkdir(parents=True, exist_ok=True)
    waiting = f"waiting for another installation of the {name} toolchain to finish"
    with _locked(_beside(directory, "lock"), lambda: echo(waiting)):
        if not _is_complete(directory):  # the one waited for may have made it
            _install(name, directory, echo)


@contextlib.contextmanager
def _locked(path: Path, when_blocked: Callable[[], None]) -> Iterator[None]:
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            when_blocked()
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield  # closing the file releases the lock, and so does the death of this process


def _install(name: str, directory: Path, echo: Callable[[str], None]) -> None:
    recipe = RECIPES[name]
    _check_space(name, directory.parent)
    echo(
        f"installing the {name} toolchain ({recipe.contents}), once: about"
        f" {recipe.download_gb} GB to download, {recipe.disk_gb} GB on disk, less what it shares"
        f" with others, in {directory}"
    )
    if directory.exists():  # half done, and no telling which half
        shutil.rmtree(directory)
    _install_packages(name, directory)
    python = _python_in(directory)
    # What cannot be imported is not complete, however well it was installed.
    mend = f"run again to install it anew, or {_OWN_TVM}"
    probe.dialect_of(python, recipe.dialect, _environment(), mend)
    (directory / _MARKER).write_text("installed, and imported once\n", encoding="utf-8")
    echo(f"installed the {name} toolchain")


def _check_space(name: str, parent: Path) -> None:
    free_gb = shutil.disk_usage(parent).free / 1e9
    if free_gb < INSTALL_FREE_GB:
        raise SetupError(
            f"the {name} toolchain needs {INSTALL_FREE_GB} GB of free disk and {parent} has"
            f" {free_gb:.1f} GB: free some, or set TVMQ_DIAG_CACHE to a directory on another disk"
        )


def _install_packages(name: str, directory: Path) -> None:
    version = RECIPES[name].python
    # pyenv's shims answer only for the version that is selected where they are called.
    environment = _environment() | {"PYENV_VERSION": version, "NO_COLOR": "1"}
    make = ["venv", "--python", version, str(directory)]
    python, requirements = str(_python_in(directory)), str(_requirements(name))
    fill = ["pip", "install", "--python", python, "-r", requirements]
    with _beside(directory, "log").open("w", encoding="utf-8") as log:
        failure = _run_uv(make, environment, log)
        if failure:
            raise SetupError(
                f"no Python {version} for the {name} toolchain ({failure}):"
                f" install Python {version}, or {_OWN_TVM}; all that uv said: {log.name}"
            )
        failure = _run_uv(fill, environment, log)
        if failure:
            raise SetupError(
                f"installing the {name} toolchain failed ({failure}):"
                f" mend that and run again, or {_OWN_TVM}; all that uv said: {log.name}"
            )


def _environment() -> dict[str, str]:
    # Each of these would mix the user's packages into the toolchain's.
    ours = ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME")
    return {key: value for key, value in os.environ.items() if key not in ours}


def _run_uv(arguments: list[str], environment: Mapping[str, str], log: TextIO) -> str | None:
    """Run uv, showing what it says on stderr and keeping it in the log.

    Return None when it succeeded, else why it did not.
    """
    lines = []
    with subprocess.Popen(
        [_uv_binary(), *arguments],
        cwd=Path(log.name).parent,  # a pyproject.toml of the user's would configure uv
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    ) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                print(line, end="", file=sys.stderr, flush=True)
                log.write(line)
                lines.append(line)
        except BaseException:  # Ctrl-C: nothing may go on writing into the directory
            process.terminate()
            process.wait()
            raise
    if process.returncode == 0:
        return None
    return _why(lines) or f"uv ended with exit code {process.returncode}"


def _uv_binary() -> str:
    try:
        return uv.find_uv_bin()
    except FileNotFoundError as error:
        raise SetupError("the uv package has no program: reinstall it (pip install uv)") from error


def _why(lines: list[str]) -> str:
    """Pick what failed and its root cause out of uv's output (its last line, if it has neither)."""
    said = [line.strip() for line in lines if line.strip()]
    errors = [line.removeprefix("error:").strip() for line in said if line.startswith("error:")]
    causes = [line.removeprefix("cause:").strip() for line in said if line.startswith("cause:")]
    return ": ".join(errors[-1:] + causes[-1:]) or "".join(said[-1:])


# An interpreter of the user's


def _custom(given: Path, dialect: str | None) -> Toolchain:
    python = given.expanduser().absolute()  # not resolved: a venv's python is a link out of it
    on_path = None if python.exists() else shutil.which(given)
    if on_path:  # `--tvm-python python3.8`
        python = Path(on_path).absolute()
    if not python.exists():
        raise SetupError(f"--tvm-python {given}: no such file; {_OTHER_TVM}")
    if not python.is_file() or not os.access(python, os.X_OK):
        raise SetupError(f"--tvm-python {given}: not an executable file; {_OTHER_TVM}")
    # With PYTHONPATH: that is how a TVM built from source is usually found.
    found = probe.dialect_of(python, dialect, os.environ, _OTHER_TVM)
    return Toolchain(str(given), python, found)
