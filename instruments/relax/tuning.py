"""The numbers of this project's own schedule for a CPU, tried kernel by kernel: see
instruments.tuning, and compile/schedule.py for what they are.

TVM's own tuner of TensorIR, meta-schedule, is not used.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any, Sequence

import numpy as np
import tvm

from ..protocol.jobs import TuneJob
from ..tuning.tunable import Use
from ..tuning.workers import Run
from ..tvm_types import Function, Target
from .compile import schedule, tiles
from .compile.schedule import Scheduled
from .compile.tiles import Tile

TASKS = "tasks.json"
"""In an artifact's folder: the target, and each kernel as it was before it was scheduled."""

_VECTORS, _CHANNELS = (16, 4, 8, 32, 64), (8, 1, 2, 4, 16)
"""Choices of each number of a Tile, the default's first."""

_REPEATS = 3
_SHORTEST_MS = 3.0
"""A timing of less says more of the clock than of the kernel."""

_MAIN = "main"


def save(done: Scheduled, target: Target, folder: Path) -> None:
    """Leave the kernels of a build in a folder for other processes."""
    kernels = {name: tvm.ir.save_json(function) for name, function in done.functions.items()}
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"target": str(target), "kernels": kernels})
    (folder / TASKS).write_text(text, encoding="utf-8")


def tasks(job: TuneJob) -> list[Task]:
    """Of all sides of a job, each kernel once."""
    by_key: dict[str, Task] = {}
    for side, folder in job.sides.items():
        path = Path(folder) / TASKS
        if not path.exists():
            continue
        saved = json.loads(path.read_text(encoding="utf-8"))
        profile = job.kernels.get(side, [])
        for name, text in saved["kernels"].items():
            calls = [kernel for kernel in profile if kernel["name"] == name]
            ms = sum(float(kernel["ms"]) for kernel in calls) if calls else None
            task = Task(name, tvm.ir.load_json(text), saved["target"])
            if task.shapes is not None and (calls or not profile):
                mine = by_key.setdefault(task.key, task).uses.setdefault(side, Use(0, None))
                mine.calls += len(calls) or 1
                mine.ms = ms if mine.ms is None else mine.ms + (ms or 0.0)
    return list(by_key.values())


class Task:
    """See tuning.tunable.Tunable."""

    def __init__(self, name: str, function: Function, target: str) -> None:
        self._function = function
        self._target = tvm.target.Target(target)
        self.name = name
        self.key = tiles.key(function, target)
        self.shapes = _shapes(function)
        self.text = ", ".join(f"{dtype}{shape}" for shape, dtype in self.shapes or [])
        self.choices = [len(_VECTORS), len(_CHANNELS)]
        self.kept: dict[int, int] = {}  # none of the numbers changes a layout
        self.uses: dict[str, Use] = {}

    def timer(self, point: int | None) -> Run:
        executable, arrays = self._built(point)
        device = tvm.cpu()
        once = executable.time_evaluator(_MAIN, device, number=1, repeat=1)
        runs: list[int] = []

        def timed() -> float:
            if not runs:  # in the process's turn: the clock is to see no other build
                once(*arrays)
                runs.append(max(1, min(1000, round(_SHORTEST_MS / _least(once(*arrays))))))
            several = executable.time_evaluator(_MAIN, device, number=runs[0], repeat=_REPEATS)
            return _least(several(*arrays))

        return timed

    def outputs(self, point: int | None) -> Run:
        """What it writes last: its result comes behind what it reads."""
        executable, arrays = self._built(point)

        def run() -> np.ndarray:
            executable[_MAIN](*arrays)
            result: np.ndarray = arrays[-1].numpy()
            return result

        return run

    def record(self, point: int, ms: float | None, hung: bool) -> str:
        return tiles.record(self.key, self.name, _tile(point), ms)

    def known(self, lines: Sequence[str]) -> dict[int, float | None]:
        points: dict[int, float | None] = {}
        for line in lines:
            with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):
                record = json.loads(line)
                vector = _VECTORS.index(record["vector"])
                point = vector + len(_VECTORS) * _CHANNELS.index(record["channels"])
                points[point] = None if record["ms"] is None else float(record["ms"])
        return points

    def _built(self, point: int | None) -> tuple[Any, list[Any]]:
        done, tile = Scheduled(), Tile() if point is None else _tile(point)
        function = schedule.scheduled(self.name, self._function, done, tile)
        if self.name in done.left:
            raise ValueError(done.left[self.name])
        module = tvm.IRModule({_MAIN: function.with_attr("global_symbol", _MAIN)})
        executable = tvm.compile(module, target=self._target)
        return getattr(executable, "mod", executable), [
            tvm.runtime.tensor(_seeded(shape, dtype), tvm.cpu())
            for shape, dtype in self.shapes or []
        ]


def _tile(point: int) -> Tile:
    channels, vector = divmod(point, len(_VECTORS))
    return Tile(_VECTORS[vector], _CHANNELS[channels])


def _shapes(function: Function) -> list[tuple[list[int], str]] | None:
    """Shape and dtype of each argument; None where one is no tensor of a known shape."""
    shapes = []
    for parameter in function.params:
        # Since 0.27 a parameter has its buffer's type.
        buffer: Any = getattr(parameter, "ty", None)
        if buffer is None or not hasattr(buffer, "shape"):
            buffer = getattr(function, "buffer_map", {}).get(parameter)
        try:
            shapes.append(([int(size) for size in buffer.shape], str(buffer.dtype)))
        except (AttributeError, TypeError, ValueError):
            return None
    return shapes


def _seeded(shape: Sequence[int], dtype: str) -> np.ndarray:
    """Integers are small: a packed or an index tensor takes no other."""
    draw = np.random.RandomState(0)
    if dtype.startswith(("float16", "float32", "float64")):
        return draw.uniform(-1, 1, shape).astype(dtype)
    if dtype.startswith(("int", "uint", "bool")):
        return draw.randint(0, 2 if dtype == "bool" else 8, shape).astype(dtype)
    raise ValueError(f"no data of {dtype} to time it with")


def _least(timed: Any) -> float:
    return float(max(min(timed.results), 1e-9)) * 1e3
