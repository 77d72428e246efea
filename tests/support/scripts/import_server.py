"""Imports model files one after the other, each in a forked process. Runs in a TVM's Python.

    python import_server.py DIALECT

A line of JSON comes in for each: the source, and how many seconds it may take. A line goes out:
`model`, or the class of what was raised and its text; `Died` and `Hung` are of the sandbox.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import sys
import warnings
from pathlib import Path

MEMORY = 6 << 30
"""Bytes of address space that an import may take beyond the server's own."""


def main(dialect: str) -> None:
    import onnx  # before the fork: it takes longer than an import of a small net

    from instruments import sandbox
    from instruments.inputs import dataset

    models = importlib.import_module(f"instruments.{dialect}.compile.models")
    warnings.simplefilter("ignore")
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # TVM prints where it likes
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        source, seconds = json.loads(line)
        ended = ["model", ""]
        try:
            sandbox.isolated(lambda given: _load(models, dataset, given), seconds)(source)
        except Exception as error:
            ended = [type(error).__name__, str(error)]
        print(json.dumps(ended), file=answers, flush=True)


def _load(models, dataset, typed) -> None:
    """As a compile does: imported, kept for other processes, and with data to judge it on."""
    from instruments.protocol.jobs import CHECK_ON, DataSource, ModelSource

    source = ModelSource(typed)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    taken = pages * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, taken + MEMORY))
    path = Path(source.source.partition(":")[2])
    model = models.remembered(str(path.parent), source)
    dataset.samples(DataSource(CHECK_ON), model.inputs)


if __name__ == "__main__":
    main(sys.argv[1])
