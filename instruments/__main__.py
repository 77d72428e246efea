"""The child process: does what a JSON job file says, in the TVM's own interpreter.

    python instruments JOB.json

protocol/jobs.py says what there is to do, tasks/ has a module for each. Exit code 0: done; 1: the
compile raised, and the trace says how; 74: the trace could not be written.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import json
import os
import re
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


def _hide(names: str) -> None:
    """Have `import` raise ImportError for each, as Python does where sys.modules has None."""
    for name in filter(None, names.split(",")):
        sys.modules[name] = None  # type: ignore[assignment]


def _before_tvm(job: object) -> None:
    """Import PyTorch before TVM where the model is a file of PyTorch's, or the script imports it.

    With hhb-tvm loaded first, torch.jit.load aborts ("free(): invalid pointer"): that libtvm.so
    gives its own C++ library to all that is loaded later.
    """
    source = getattr(getattr(job, "model", None), "source", "")
    if source.startswith("torch:") or _imports_torch(getattr(job, "script", "")):
        with contextlib.suppress(ImportError):  # the loader says what is missing
            importlib.import_module("torch")


def _imports_torch(script: str) -> bool:
    with contextlib.suppress(OSError):
        text = Path(script).read_bytes() if script else b""
        return re.search(rb"^\s*(?:import|from)\s+torch\b", text, re.M) is not None
    return False


if __name__ == "__main__":
    _be_a_package()
    from instruments import sandbox, stack
    from instruments.kept import entry
    from instruments.protocol import jobs
    from instruments.protocol.schema import HIDDEN, PARENT

    # Taken away, as those that this one starts have another parent.
    sandbox.die_with_parent(int(os.environ.pop(PARENT, os.getppid())))
    stack.deepen()
    job = jobs.read(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    _hide(os.environ.get(HIDDEN, ""))
    _before_tvm(job)
    # Only its own task is imported: each needs other packages.
    code = importlib.import_module(f"instruments.tasks.{job.TASK}").main(job)
    entry.saved()
    sys.exit(code)
