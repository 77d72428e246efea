"""Where the checkout is, and what the fixture `in_tvm` is."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent

SCRIPTS = ROOT / "tests" / "support" / "scripts"
"""Modules that run in a TVM's interpreter: what snippets of tests begin with."""

CASES = ROOT / "tests" / "support" / "cases"
"""Small nets after public reports."""

InTvm = Callable[..., "subprocess.CompletedProcess[str]"]
"""Runs a script in the interpreter of a TVM."""


def is_link(relative: Path) -> bool:
    """Is it seen through tvmq_diag/instruments or tvmq_diag/reports? They are links in a checkout,
    and copies in an sdist, where nothing else tells."""
    return relative.parts[:2] in (("tvmq_diag", "instruments"), ("tvmq_diag", "reports"))
