"""Asking an interpreter which TVM it has, and which of the dialects that we know."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import SetupError
from ..instruments.protocol.schema import DIALECT_MODULES
from ..trace.stages import RELAX, RELAY

SECONDS = 120.0

_LACKS = {
    None: "neither Relay's quantizer, which TVM <= 0.19 has, nor Relax, which TVM >= 0.16 has",
    RELAY: "no relay.quantize: Relay left TVM in 0.20",
    RELAX: "no Relax: that is in TVM >= 0.16",
}

_ANSWER = "tvmq_diag:"

# Runs in the user's interpreter: the standard library only, and as old a Python as TVM ever had.
_PROBE = """
import importlib, json, sys
del sys.path[0]  # the current directory may be a checkout of TVM that is not built
answer = {"version": None, "dialect": None, "broken": None}
module = "tvm"
try:
    import tvm
    answer["version"] = str(tvm.__version__)
    for dialect, module in json.loads(sys.argv[1]):
        try:
            importlib.import_module(module)
        except ModuleNotFoundError as error:
            if (module + ".").startswith(str(error.name) + "."):
                continue  # it is not there; another package missing would be a broken one
            raise
        answer["dialect"] = dialect
        break
except BaseException as error:
    lines = str(error).strip().splitlines()
    answer["broken"] = [module, lines[-1].strip() if lines else type(error).__name__]
print()
print("tvmq_diag:" + json.dumps(answer))
"""


def dialect_of(
    python: Path, requested: str | None, environment: Mapping[str, str], remedy: str
) -> str:
    """The dialect to use of the TVM in `python`: the one requested, else the first it has.

    Raises SetupError, which ends with `remedy`, when it has not got that, or no TVM that works.
    """
    wanted = {name: module for name, module in DIALECT_MODULES.items() if requested in (None, name)}
    answer = _ask(python, wanted, environment, remedy)
    if answer["broken"]:
        module, why = answer["broken"]
        raise SetupError(f"{python} cannot import {module} ({why}): {remedy}")
    if answer["dialect"] is None:
        raise SetupError(f"TVM {answer['version']} at {python} has {_LACKS[requested]}; {remedy}")
    return str(answer["dialect"])


def run_code(
    python: Path,
    code: str,
    environment: Mapping[str, str],
    *arguments: str,
    seconds: float,
) -> subprocess.CompletedProcess[str]:
    """What lines of Python print in an interpreter, and its exit code. Raises OSError and
    subprocess.TimeoutExpired."""
    return subprocess.run(
        [str(python), "-c", code, *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=seconds,
        check=False,
    )


def _ask(
    python: Path, wanted: Mapping[str, str], environment: Mapping[str, str], remedy: str
) -> dict[str, Any]:
    try:
        done = run_code(
            python, _PROBE, environment, json.dumps(list(wanted.items())), seconds=SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise SetupError(f"{python} did not import tvm within {SECONDS:.0f} s: {remedy}") from error
    except OSError as error:
        raise SetupError(f"cannot run {python} ({error.strerror or error}): {remedy}") from error
    for line in reversed(done.stdout.splitlines()):
        if line.startswith(_ANSWER):
            answer: dict[str, Any] = json.loads(line.removeprefix(_ANSWER))
            return answer
    if done.returncode < 0:
        cause = signal.Signals(-done.returncode).name
        raise SetupError(f"{python} died importing tvm ({cause}): {remedy}")
    raise SetupError(f"{python} does not answer as a Python would: {remedy}")
