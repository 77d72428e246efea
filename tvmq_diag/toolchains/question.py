"""A question to a toolchain's interpreter: lines of Python, and the JSON object that they print
last."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import TypeVar

from . import probe
from .toolchain import Toolchain

T = TypeVar("T")


class NoAnswer(Exception):
    """The interpreter does not say; the text is why, on one line."""


def ask(chain: Toolchain, code: str, kind: Callable[..., T]) -> T:
    """What `kind` makes of the object's fields. Raises NoAnswer."""
    try:
        done = probe.run_code(chain.python, code, chain.environment, seconds=probe.SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoAnswer(str(error)) from error
    try:
        return kind(**json.loads(done.stdout.splitlines()[-1]))
    except (ValueError, TypeError, IndexError) as error:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        raise NoAnswer(lines[-1][:300] if lines else f"exit code {done.returncode}") from error
