"""PyTorch itself, in a process of its own, to be timed in turn with TVM's.

TVM's thread pool pins its process to its cores, on which PyTorch's threads would get in each
other's way and take ten times as long. Reads a number of runs a
line on stdin; answers each with milliseconds a run.
"""

from __future__ import annotations

import sys
import time

from ..inputs import models, torchvision_nets
from ..protocol.jobs import EagerJob

READY = "ready"


def main(job: EagerJob) -> int:
    """Serve until stdin ends."""
    import torch

    kind, _, name = job.model.source.partition(":")
    if kind != "torchvision":
        return 1
    net = torchvision_nets.net(name, job.model)
    inputs = models.seeded({"input": (net.shape, "float32")}, job.model.seed)
    tensors = [torch.from_numpy(value) for value in inputs.values()]
    with torch.no_grad():
        net.module(*tensors)
        print(READY, torch.get_num_threads(), flush=True)
        for line in sys.stdin:
            runs = int(line)
            net.module(*tensors)  # as TVM's time_evaluator does: one run before the clock starts
            began = time.perf_counter()
            for _ in range(runs):
                net.module(*tensors)
            print((time.perf_counter() - began) * 1e3 / runs, flush=True)
    return 0
