"""The child process: compile one configuration under QuantizeTrace, as a JSON job file says.

    python instruments JOB.json

Started by tvmq_diag.runner in the TVM's own interpreter. Everything it learns goes to the trace.
Exit code 0: the compile went through; 1: it raised, and the trace says how; 2: the job is unusable.
"""

from __future__ import annotations

import importlib.util
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
    # Python put this folder first on the path: our relay.py must not answer `import relay`.
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != here]


if __name__ == "__main__":
    _be_a_package()
    from instruments.child import main

    sys.exit(main(sys.argv[1]))
