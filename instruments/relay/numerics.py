"""How far quantization moves the numbers, op by op: what TVM's own simulation says.

A job is that of a compile (see child.py; `trace` is a folder of its own) and besides: `dataset`,
null or {"source", "samples"} for the calibration (see dataset.py); `calibrated`, null or a folder
where `keep` may have left the calibrated module, which saves the time of quantizing once more;
`seconds`, how long the runs with one op at a time may take (120 if left out). Events:

    facts     values: target, qconfig, input seed, `seconds` by phase
    site      a quantization step: what goes in, scale, clip, share of values clipped
    output    the model's outputs, everything quantized, against float
    anchor    an op's result, everything quantized (propagated) and only its own inputs (alone)
    progress  what, done, of
    fault     where, message: nothing more follows

What the simulation shows is rounding and clipping to `nbit_*` at each step, in float. What it does
not: the dtypes (int4 rounds like 8 bits unless `nbit_*` says 4), the fixed-point arithmetic that
realize puts between steps, accumulators that overflow, and wrong code. Those are in the outputs of
the realized model, which the compile compares (tvmq_diag.metrics).
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Any, Callable, Iterable, Iterator

import numpy as np
import tvm
from tvm import relay

from .. import dataset, target
from ..ambient import ambient
from ..journal import Journal
from ..schema import SCHEMA
from . import measure, models
from .adapter import settings
from .probe import Probe, Site, probe, saved, switch

SECONDS = 120.0
"""How long the runs with one op at a time may take in all."""


def main(job: dict[str, Any]) -> int:
    """Run a job; 0: measured, 1: the journal has a fault that says why not."""
    journal = Journal(Path(job["trace"]))
    journal.event("start", schema=SCHEMA)
    try:
        _Job(journal, job).all()
    except Exception as error:
        journal.event("fault", where="numerics", message=f"{type(error).__name__}: {error}"[-2000:])
        return 1
    finally:
        journal.close()
    return 0


class _Job:
    def __init__(self, journal: Journal, job: dict[str, Any]) -> None:
        self._journal = journal
        self._job = job
        self._began = time.perf_counter()
        self._seconds: dict[str, float] = {}

    def all(self) -> None:
        job = self._job
        asked = job["model"]
        if job["qconfig"] is None:
            raise ValueError("the float model has no quantization to measure")
        self._journal.event("stage", name="import")
        model = models.remembered(
            job.get("imported"),
            asked["source"],
            lambda: models.load(asked["source"], asked["shape"], asked["seed"], asked["weights"]),
        )
        self._lap("import")
        text, _ = target.host(job["mcpu"])
        host = tvm.target.Target(text)
        config = relay.quantize.qconfig(**job["qconfig"])
        kept = job.get("calibrated")
        probed = saved(Path(kept)) if kept else None
        if probed is None:
            self._journal.event("stage", name="calibrate")
            batches = self._batches(model.inputs)
            with config, host:
                module = calibrated(model.fresh(), dict(model.params), batches, job["opt_level"])
            probed = probe(module)
            del module
        self._lap("calibrate")
        self._journal.event("stage", name="lower")
        executor = build(probed, host, model.inputs)
        self._lap("build")
        self._facts(target=text, qconfig=settings(config), seed=asked["seed"])
        self._journal.event("stage", name="run")
        Measurement(self._journal, probed, executor, model.inputs).all(job.get("seconds", SECONDS))
        self._lap("run")
        self._facts()
        self._journal.event("end")

    def _batches(self, inputs: dict[str, np.ndarray]) -> Iterable[dict[str, np.ndarray]] | None:
        asked = self._job.get("dataset")
        if asked is None:
            return None
        seed = self._job["model"]["seed"]
        return dataset.batches(
            asked["source"], inputs, asked["samples"], seed, _telling(self._journal, "calibration")
        )

    def _lap(self, phase: str) -> None:
        now = time.perf_counter()
        self._seconds[phase] = round(now - self._began, 3)
        self._began = now

    def _facts(self, **values: Any) -> None:
        self._journal.event("facts", values={**values, "seconds": dict(self._seconds)})


def _telling(journal: Journal, what: str) -> Callable[[int, int], None]:
    return lambda done, total: journal.event("progress", what=what, done=done, of=total)


class _Caught(Exception):
    """Not a failure."""


@contextlib.contextmanager
def catching(stop: bool = False) -> Iterator[list[Any]]:
    """Collects what each QuantizeCalibrate inside the block leaves; `stop` ends quantize() there.

    To be handed to `keep`, once quantize() is over: passes run inside a callback would be traced.
    """
    caught: list[Any] = []

    @tvm.instrument.pass_instrument
    class Catch:
        def run_after_pass(self, after: Any, info: Any) -> None:
            if info.name == "QuantizeCalibrate":
                caught.append(after)
                if stop:
                    raise _Caught  # the only way to leave a pipeline early

    with ambient(Catch()):
        yield caught


def keep(module: Any, folder: Path) -> None:
    """Leave a calibrated module in `folder` for the job's `calibrated`. Raises Unsupported."""
    probe(module).save(folder)


def calibrated(
    module: Any, params: dict[str, Any], batches: Iterable[Any] | None, opt_level: int
) -> Any:
    """The module as QuantizeCalibrate leaves it, under the qconfig and target in force.

    TVM's own quantize() runs up to there and no further: what comes then may reject the
    configuration, and takes as long again. Raises what quantize() raises before.
    """
    with catching(stop=True) as caught:
        try:
            with tvm.transform.PassContext(opt_level=opt_level):
                relay.quantize.quantize(module, params, dataset=batches)
        except Exception:
            if not caught:
                raise
    if not caught:
        raise RuntimeError("quantize() ran no QuantizeCalibrate")
    return caught[0]


def build(probed: Probe, host: Any, inputs: dict[str, np.ndarray]) -> Any:
    """An executor of a probe with every parameter set; all sites are off."""
    with tvm.transform.PassContext(opt_level=3):
        library = relay.build(probed.module, target=host)
    off = np.zeros((), bool)
    switches = {switch(i): off for i in range(len(probed.sites))}
    return measure.executor(library, {**probed.values, **inputs, **switches})


class Measurement:
    """Runs a probe with sites on and off and writes down what comes of it.

    Memory: a copy of all outputs of the float run, and the executor's own of the run at hand.
    """

    def __init__(
        self, journal: Journal, probed: Probe, executor: Any, inputs: dict[str, np.ndarray]
    ) -> None:
        self._journal = journal
        self._probe = probed
        self._executor = executor
        self._inputs = inputs
        self._on: set[int] = set()
        self._values = {True: tvm.nd.array(np.array(True)), False: tvm.nd.array(np.array(False))}
        self._float: list[np.ndarray] = []

    def all(self, seconds: float) -> None:
        """Measure everything, one op at a time for as long as `seconds` allow."""
        probed = self._probe
        self._run(set())
        self._float = [self._output(i) for i in range(self._executor.get_num_outputs())]
        self._run(set(range(len(probed.sites))))
        for number, site in enumerate(probed.sites):
            self._journal.event("site", index=number, **self._site(site))
        final = self._result()
        shapes = [list(self._float[i].shape) for i in probed.results]
        self._journal.event("output", shapes=shapes, propagated=final)
        propagated = [self._against_float([anchor.output]) for anchor in probed.anchors]
        until = time.perf_counter() + seconds
        for number, anchor in enumerate(probed.anchors):
            alone, at_output = None, None
            if anchor.sites and time.perf_counter() < until:
                self._run(set(anchor.sites))
                alone, at_output = self._against_float([anchor.output]), self._result()
            reference = self._float[anchor.output]
            self._journal.event(
                "anchor",
                index=number,
                op=anchor.op,
                span=anchor.span,
                shape=list(reference.shape),
                sites=anchor.sites,
                reads=anchor.reads,
                float={"nan": _count(np.isnan, reference), "inf": _count(np.isinf, reference)},
                propagated=propagated[number],
                alone=alone,
                at_output=at_output,
            )
            if number % 10 == 9:
                _telling(self._journal, "ops")(number + 1, len(probed.anchors))

    def _run(self, on: set[int]) -> None:
        for site in on ^ self._on:
            self._executor.set_input(switch(site), self._values[site in on])
        self._on = on
        self._executor.run()

    def _output(self, number: int) -> np.ndarray:
        value: np.ndarray = self._executor.get_output(number).numpy()
        return value

    def _result(self) -> dict[str, Any]:
        return self._against_float(self._probe.results)

    def _against_float(self, numbers: Iterable[int]) -> dict[str, Any]:
        numbers = list(numbers)
        return error([self._output(i) for i in numbers], [self._float[i] for i in numbers])

    def _site(self, site: Site) -> dict[str, Any]:
        """Call it after the run with everything on."""
        if site.output is not None:
            floats, ours = self._float[site.output], self._output(site.output)
        else:
            assert site.parameter is not None
            held = self._inputs.get(site.parameter)
            floats = self._probe.values[site.parameter].numpy() if held is None else held
            ours = floats
        return {
            "feeds": site.feeds,
            "of": site.kind,
            "data": site.data,
            "shape": list(floats.shape),
            "scale": _finite(site.scale),
            "clip": site.clip,
            "saturated": saturated(ours, site.scale, site.clip),
            "saturated_alone": saturated(floats, site.scale, site.clip),
            "zeroed": zeroed(floats, site.scale),
            "largest": _largest(floats),
        }


def error(ours: list[np.ndarray], floats: list[np.ndarray]) -> dict[str, Any]:
    """How far tensors are from the float model's, all of them together.

    cosine: of the flattened values. sqnr_db: 10·log10(signal/noise power), the float model's values
    being the signal. max_abs_error: in the tensors' own unit. nan, inf: how many values of `ours`
    are not finite. The other figures are of the values that are finite in both, None where they are
    not finite themselves: no noise at all gives an sqnr_db of None with a max_abs_error of 0.

    Raises ValueError when shapes differ.
    """
    if [a.shape for a in ours] != [b.shape for b in floats]:
        raise ValueError("the shapes differ from the float model's")
    a = np.concatenate([np.asarray(x, np.float64).ravel() for x in ours])
    b = np.concatenate([np.asarray(x, np.float64).ravel() for x in floats])
    counts = {"nan": _count(np.isnan, a), "inf": _count(np.isinf, a)}
    finite = np.isfinite(a) & np.isfinite(b)
    if not finite.all():
        a, b = a[finite], b[finite]
    with np.errstate(all="ignore"):
        noise = a - b
        signal = b @ b
        return {
            "cosine": _finite(a @ b / np.sqrt((a @ a) * signal)),
            "sqnr_db": _finite(10 * np.log10(signal / (noise @ noise))),
            "max_abs_error": _finite(np.max(np.abs(noise))) if noise.size else None,
            **counts,
        }


def saturated(data: np.ndarray, scale: float, clip: float) -> float | None:
    """The share of values, 0 to 1, that are clipped: that round to more than `clip` steps."""
    with np.errstate(all="ignore"):
        return _share(np.abs(data / np.float32(scale)) >= clip + 0.5)


def zeroed(data: np.ndarray, scale: float) -> float | None:
    """The share of values, 0 to 1, that are not zero and round to it."""
    with np.errstate(all="ignore"):
        return _share((np.abs(data / np.float32(scale)) < 0.5) & (data != 0))


def _share(chosen: np.ndarray) -> float | None:
    return float(chosen.mean()) if chosen.size else None


def _largest(data: np.ndarray) -> float | None:
    """The largest magnitude among the finite values."""
    finite = data[np.isfinite(data)]
    return float(np.abs(finite).max()) if finite.size else None


def _count(test: Callable[[np.ndarray], np.ndarray], data: np.ndarray) -> int:
    return int(np.count_nonzero(test(data)))


def _finite(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None
