"""The child process: does what a JSON job file says, in the TVM's own interpreter.

    python instruments JOB.json

The job's `task` is "compile" (one configuration under QuantizeTrace, see child.py), "cell" (one op
in one dtype, see cell.py) or "overhead" (what tracing costs, see overhead.py). Exit code 0: done;
1: the compile raised, and the trace says how.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import json
import signal
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1


def _be_a_package() -> None:
    """Make `import instruments` work without our parent folder on sys.path.

    That folder may be a site-packages, whose numpy must not shadow that of the TVM's environment.
    """
    here = Path(__file__).resolve().parent
    specification = importlib.util.spec_from_file_location(
        "instruments", here / "__init__.py", submodule_search_locations=[str(here)]
    )
    assert specification is not None and specification.loader is not None
    package = importlib.util.module_from_spec(specification)
    sys.modules["instruments"] = package
    specification.loader.exec_module(package)
    # Python put this folder first on the path: our relay.py must not answer `import relay`.
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != here]


def _die_with_parent() -> None:
    """On Linux, end when the tool that started us is killed: nobody would read the trace."""
    with contextlib.suppress(Exception):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        Path("/proc/self/oom_score_adj").write_text("1000")  # and before it, if memory runs out


if __name__ == "__main__":
    _be_a_package()
    _die_with_parent()
    from instruments import cell, child, overhead

    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    tasks = {"compile": child.main, "overhead": overhead.main, "cell": cell.main}
    sys.exit(tasks[job["task"]](job))
