"""The child process: does what a JSON job file says, in the TVM's own interpreter.

    python instruments JOB.json

The job's `task` is "compile" (one configuration under QuantizeTrace, see child.py), "cell" (one op
in one dtype, see cell.py), "investigate" (a failure that is on record, see investigate.py),
"benchmark" (compiled models in turn, see benchmark.py), "numerics" (each op's error, see
numerics.py), "bisect" (a wrong result's pass and op, see bisection.py), "eager" (PyTorch beside
them, see eager.py) or "overhead" (what tracing costs, see overhead.py). Exit code 0: done; 1: the
compile raised, and the trace says how.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
from pathlib import Path


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
    # Python put this folder first on the path: our relay must not answer `import relay`.
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != here]


TASKS = {
    "compile": "tasks.compile",
    "investigate": "tasks.investigate",
    "cell": "{dialect}.cell",
    "benchmark": "tasks.benchmark",
    "numerics": "{dialect}.numerics",
    "bisect": "{dialect}.bisection",
    "eager": "tasks.eager",
    "overhead": "tasks.overhead",
}
"""The module of each task, for a job's dialect: only that is imported, as each needs others."""


if __name__ == "__main__":
    _be_a_package()
    from instruments import sandbox

    sandbox.die_with_parent()
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    if job["task"] not in TASKS:
        sys.exit(f"no task {job['task']!r}")
    name = TASKS[job["task"]].format(dialect=job.get("dialect", "relay"))
    sys.exit(importlib.import_module(f"instruments.{name}").main(job))
