"""Scripts that run in the Relax toolchain's Python."""

from __future__ import annotations

import json
import os
import subprocess
import textwrap
from typing import Any

from tvmq_diag.toolchains.toolchain import Toolchain

from .paths import ROOT, SCRIPTS

PRELUDE = "from replay_script import *\n"


def said(relax: Toolchain, code: str) -> Any:
    """The last line that a script prints, as JSON."""
    prelude = f"import sys; sys.path[:0] = {[str(ROOT), str(SCRIPTS)]!r}\n" + PRELUDE
    done = subprocess.run(
        [str(relax.python), "-c", prelude + textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "TVM_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])
