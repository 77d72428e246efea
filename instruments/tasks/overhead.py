"""What watching costs: a model quantized and built untraced, traced, under TVM's own instruments.

The modes take turns round by round, and each round begins with another of them, so that a drift of
the machine's speed hits all alike. Prints one JSON line per finished compile.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any, Callable

from ..protocol.jobs import OverheadJob
from ..protocol.schema import JOURNAL, RELAX, RELAY
from ..quantize_trace import QuantizeTrace
from ..recording.ambient import ambient
from ..tvm_types import IRModule, PassInfo


def main(job: OverheadJob) -> int:
    """Time the rounds of a job; returns 0."""
    compile_it = {RELAY: _on_relay, RELAX: _on_relax}[job.dialect](job)
    modes = job.modes
    for number in range(job.rounds + 1):  # the first round warms up and is not counted
        shift = number % len(modes)
        for mode in modes[shift:] + modes[:shift]:
            measured = {"round": number, "mode": mode, **_timed(_MODES[mode], compile_it)}
            print(json.dumps(measured), flush=True)
    return 0


def _on_relay(job: OverheadJob) -> Callable[[], None]:
    """quantize() and relay.build()."""
    import tvm
    from tvm import relay

    from ..inputs import target
    from ..relay.compile import models

    model = models.load(job.model)
    text, _ = target.host(job.mcpu)

    def compile_it() -> None:
        with relay.quantize.qconfig(**job.qconfig):
            module = relay.quantize.quantize(model.fresh(), dict(model.params))
        with tvm.transform.PassContext(opt_level=3):
            relay.build(module, target=text)

    return compile_it


def _on_relax(job: OverheadJob) -> Callable[[], None]:
    """BatchNorm and constants folded, this project's quantizer on two inputs, tvm.compile()."""
    import tvm

    from ..inputs import dataset, target
    from ..protocol.jobs import DataSource
    from ..relax import quantizer
    from ..relax.compile import models
    from ..relax.compile.compilation import prepare

    model = models.load(job.model)
    host = target.parse(target.host(job.mcpu)[0])
    config = quantizer.QConfig.from_fields(job.qconfig)

    def silent(done: int, of: int) -> None:
        """Tell nobody."""

    def compile_it() -> None:
        data = DataSource("natural:2")
        batches = dataset.batches(data, model.inputs, 0, model.preprocessing, silent)
        module = prepare(model.fresh(), host, 3)
        with config, host, tvm.transform.PassContext(opt_level=3):
            module = quantizer.annotate(config)(module)
            module = quantizer.calibrate(config, batches)(module)
            module = quantizer.realize(config)(module)
        with tvm.transform.PassContext(opt_level=3):
            tvm.compile(module, target=host, relax_pipeline="default")

    return compile_it


def _timed(watching: Callable[[], Any], work: Callable[[], None]) -> dict[str, float]:
    """Seconds on the clock, and `own`: those spent in the recorder's callbacks, by their events."""
    with watching() as trace:
        began = time.perf_counter()
        work()
        measured = {"s": time.perf_counter() - began}
        if isinstance(trace, QuantizeTrace):
            lines = (trace.path / JOURNAL).read_text(encoding="utf-8").splitlines()
            events = [json.loads(line) for line in lines]
            measured["own"] = sum(event.get("own", 0.0) for event in events) / 1e3
        return measured


@contextlib.contextmanager
def _traced() -> Any:
    folder = Path(tempfile.mkdtemp(prefix="tvmq-overhead-"))
    try:
        with QuantizeTrace(folder) as trace:
            yield trace
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _timing() -> Any:
    from tvm.ir.instrument import PassTimingInstrument

    return ambient(PassTimingInstrument())


@contextlib.contextmanager
def _printing() -> Any:
    """PrintAfterAll, its text thrown away: the price of making it, not of a terminal.

    TVM has one since 0.17 (python/tvm/ir/instrument.py); for older ones it is what that one does.
    """
    import tvm

    @tvm.ir.instrument.pass_instrument
    class PrintAfterAll:
        def run_after_pass(self, module: IRModule, info: PassInfo) -> None:
            print("After Running Pass:", info)
            print(module)

    saved = os.dup(1), os.dup(2)
    with Path(os.devnull).open("wb") as nothing:
        os.dup2(nothing.fileno(), 1)
        os.dup2(nothing.fileno(), 2)
    try:
        with ambient(PrintAfterAll()):
            yield
    finally:
        for stream, copy in zip((1, 2), saved):
            os.dup2(copy, stream)
            os.close(copy)


_MODES: dict[str, Callable[[], Any]] = {
    "untraced": contextlib.nullcontext,
    "traced": _traced,
    "PassTimingInstrument": _timing,
    "PrintAfterAll": _printing,
}
