"""AutoTVM's tasks of a build, each schedule of one timed and compared: see instruments.tuning.

AutoTVM's own builder and runner want a C compiler and one process for all. Here a schedule is built
by task.instantiate and tvm.build, to LLVM, in memory.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import time
from pathlib import Path
from typing import Any, Iterator, Sequence

import numpy as np
import tvm
from tvm import (
    autotvm,
    topi,  # noqa: F401 - it registers the templates
)

from ..protocol.jobs import TuneJob
from ..tuning.kernels import Signature, uses
from ..tuning.tunable import Use
from ..tuning.workers import Run
from ..tvm_types import IRModule, Target

TASKS = "tasks.log"
"""In an artifact's folder: a record of AutoTVM for each task of the build, without a result."""

_BLOCKS = ("tile_ic", "tile_oc")

_REPEATS = 3
_SHORTEST_MS = 3.0
"""A timing of less says more of the clock than of the kernel."""

_FAILS, _TIMES_OUT = 4, 7
"""MeasureErrorNo.RUNTIME_DEVICE and RUN_TIMEOUT (python/tvm/autotvm/measure/measure.py)."""
_NEVER_S = 1e9
"""What AutoTVM writes for the time of what fails."""


def save(module: IRModule, params: dict[str, Any], target: Target, folder: Path) -> None:
    """Leave the tasks of a build in a folder for other processes."""
    tasks = autotvm.task.extract_from_program(module, target=target, params=params)
    lines = [_line(task, autotvm.task.ConfigEntity(0, None, {}, []), [0.0], 0) for task in tasks]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / TASKS).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


@contextlib.contextmanager
def applied(records: str | None) -> Iterator[None]:
    """Build with the schedules of a file of records; without one as TVM does by itself."""
    if records is None:
        yield
        return
    with autotvm.apply_history_best(records):
        yield


def tasks(job: TuneJob) -> list[Task]:
    """Of all sides of a job, each task once, those without a kernel in the profile left out."""
    by_key: dict[str, Task] = {}
    for side, folder in job.sides.items():
        path = Path(folder) / TASKS
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        mine = [Task(line) for line in lines]
        profile = job.kernels.get(side, [])
        given = uses([task.signature() for task in mine], profile) if profile else None
        for place, task in enumerate(mine):
            use = given[place] if given is not None else Use(1)
            if use.calls:
                by_key.setdefault(task.key, task).uses[side] = use
    return list(by_key.values())


class Task:
    """See tuning.tunable.Tunable. A point is AutoTVM's index into the space."""

    def __init__(self, line: str) -> None:
        given, _ = autotvm.record.decode(line)
        self._task = autotvm.task.create(given.task.name, given.task.args, given.target)
        self._target = self._task.target
        self._space = self._task.config_space
        workload = json.dumps(json.loads(line)["input"])
        self.key = hashlib.sha256(workload.encode("utf-8")).hexdigest()[:16]
        self.name = str(self._task.name)
        self.text = ", ".join(f"{dtype}{list(shape)}" for shape, dtype in self._tensors)
        self.choices = [len(knob) for knob in self._space.space_map.values()]
        self.uses: dict[str, Use] = {}
        self.kept = self._kept()

    def _kept(self) -> dict[int, int]:
        """Blocks of channels of NCHWc, in and out."""
        default, kept = self._fallback(), {}
        for place, (name, knob) in enumerate(self._space.space_map.items()):
            if name in _BLOCKS:
                sizes = [one.size[-1] for one in knob.entities]
                size = default[name].size[-1]
                kept[place] = sizes.index(size) if size in sizes else -1
        return kept

    def _fallback(self) -> Any:
        """The config of the default schedule, which topi fills in."""
        config = autotvm.task.space.FallbackConfigEntity()
        with self._target:
            self._task.instantiate(config)
        return config

    @property
    def _tensors(self) -> list[tuple[tuple[int, ...], str]]:
        """Shape and dtype of each argument that is a tensor."""
        return [
            (tuple(int(size) for size in each[1]), str(each[2]))
            for each in self._task.args
            if isinstance(each, tuple) and each and each[0] == "TENSOR"
        ]

    def signature(self) -> Signature:
        """How to find its kernels in a profile. dense_nopack.x86 has the name of the op, nn.dense;
        conv2d_NCHWc_int8.x86 is nn.contrib_conv2d_NCHWc."""
        stem = self.name.partition(".")[0]
        for ending in ("_int8", "_nopack"):
            stem = stem[: -len(ending)] if stem.endswith(ending) else stem
        (data, data_type), (weight, weight_type) = self._tensors[:2]
        _, buffers = self._scheduled(None, in_tuning=False)
        return Signature(
            stem,
            (data_type, math.prod(data)),
            (weight_type, math.prod(weight)),
            math.prod(_shape(buffers[0])),
        )

    def timer(self, point: int | None) -> Run:
        """Inputs come in the layout of the schedule, as a model has it: see topi's
        GLOBAL_SCOPE.in_tuning."""
        function, buffers = self._built(point, in_tuning=True)
        values = [_seeded(buffer) for buffer in buffers]
        device = tvm.cpu()
        arrays = [tvm.nd.array(value, device) for value in values]
        once = function.time_evaluator(function.entry_name, device, number=1, repeat=1)
        runs: list[int] = []

        def timed() -> float:
            if not runs:  # in the process's turn: the clock is to see no other build
                once(*arrays)
                runs.append(max(1, min(1000, round(_SHORTEST_MS / _least(once(*arrays))))))
            several = function.time_evaluator(
                function.entry_name, device, number=runs[0], repeat=_REPEATS
            )
            return _least(several(*arrays))

        return timed

    def outputs(self, point: int | None) -> Run:
        """With inputs in the layout of the workload; the result back in it."""
        function, buffers = self._built(point, in_tuning=False)
        arrays = [tvm.nd.array(_seeded(buffer)) for buffer in buffers]

        def run() -> np.ndarray:
            function(*arrays)
            return _plain(arrays[0].numpy())

        return run

    def record(self, point: int, ms: float | None, hung: bool) -> str:
        seconds = _NEVER_S if ms is None else ms / 1e3
        error = 0 if ms is not None else (_TIMES_OUT if hung else _FAILS)
        return _line(self._task, self._space.get(point), [seconds], error, self._target)

    def known(self, lines: Sequence[str]) -> dict[int, float | None]:
        points: dict[int, float | None] = {}
        for line in lines:
            with contextlib.suppress(ValueError, KeyError, IndexError, TypeError):
                record = json.loads(line)
                (seconds, *_), error = record["result"][0], record["result"][1]
                point = int(record["config"]["index"])
                if 0 <= point < math.prod(self.choices):
                    points[point] = float(seconds) * 1e3 if not error else None
        return points

    def _built(self, point: int | None, in_tuning: bool) -> tuple[Any, list[Any]]:
        schedule, buffers = self._scheduled(point, in_tuning)
        with self._target, tvm.transform.PassContext(opt_level=3):
            return tvm.build(schedule, buffers, self._target), list(buffers)

    def _scheduled(self, point: int | None, in_tuning: bool) -> tuple[Any, list[Any]]:
        """The result's buffer comes first (autotvm/task/topi_integration.py)."""
        config = (
            autotvm.task.space.FallbackConfigEntity() if point is None else self._space.get(point)
        )
        scope = autotvm.GLOBAL_SCOPE
        before, scope.in_tuning = scope.in_tuning, in_tuning
        try:
            with self._target:
                schedule, buffers = self._task.instantiate(config)
        finally:
            scope.in_tuning = before
        if point is not None and not config.valid():
            raise ValueError("; ".join(map(str, config.errors)) or "the schedule is not valid")
        return schedule, list(buffers)


def _line(
    task: Any, config: Any, seconds: list[float], error: int, target: Target | None = None
) -> str:
    given = autotvm.measure.MeasureInput(target or task.target, task, config)
    result = autotvm.measure.MeasureResult(seconds, error, sum(seconds), time.time())
    return str(autotvm.record.encode(given, result))


def _shape(buffer: Any) -> list[int]:
    return [int(size) for size in buffer.shape]


def _seeded(buffer: Any) -> np.ndarray:
    """The same values for the same elements, in whatever order they come: integers of the whole
    range of a byte, so that sums do not overflow and saturation shows."""
    shape, dtype = _shape(buffer), str(buffer.dtype)
    draw = np.random.RandomState(0)
    if dtype.startswith(("int", "uint")):
        low, high = (0, 256) if dtype.startswith("uint") else (-127, 128)
        return draw.randint(low, high, shape).astype(dtype)
    return draw.uniform(-1, 1, shape).astype(dtype)


def _plain(result: np.ndarray) -> np.ndarray:
    """NCHWc as NCHW, in which two schedules with blocks of other sizes agree."""
    if result.ndim != 5:
        return result
    count, outer, height, width, inner = result.shape
    return result.transpose(0, 1, 4, 2, 3).reshape(count, outer * inner, height, width)


def _least(timed: Any) -> float:
    return float(max(min(timed.results), 1e-9)) * 1e3
