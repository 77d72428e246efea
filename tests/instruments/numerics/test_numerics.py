"""Errors op by op: what the reader concludes, and the real simulation with errors planted in it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from support.paths import InTvm

from tvmq_diag.errors import UsageError
from tvmq_diag.measurements import numerics
from tvmq_diag.measurements.numerics import Anchor, ErrorFigures, NotFinite, Numerics

SCRIPT = """
import json
import numpy as np, tvm
from pathlib import Path
from tvm import relay
from instruments.inputs import target
from instruments.relay.compile import execution as measure, models
from instruments.protocol.jobs import ModelSource, NumericsJob
from instruments.relay import numerics, probe
from instruments.tasks import numerics as task

O3 = lambda: tvm.transform.PassContext(opt_level=3)
HOST = tvm.target.Target(target.host(None)[0])

def planted(change):
    '''tiny, with its weights (numpy arrays by name) changed.'''
    def load(*arguments):
        model = tiny()
        weights = {name: value.numpy().copy() for name, value in model.params.items()}
        change(weights)
        model.params = {name: tvm.nd.array(value) for name, value in weights.items()}
        return model
    tiny_load = models.load
    tiny = lambda: tiny_load(ModelSource("tiny"))
    models.load = load

def run(folder, **job):
    qconfig = job.pop("qconfig", {})
    record = {"trace": folder, "dialect": "relay", "model": {"source": "tiny"}, "qconfig": qconfig}
    return task.main(NumericsJob.from_json({**record, **job}))

def output_of(module, params=None):
    model = models.load(ModelSource("tiny"))
    with O3():
        library = relay.build(module, target=HOST, params=params)
    return measure.outputs(measure.executor(library, model.inputs))[0]
"""

DEAD_CHANNEL = """
def outlier(weights):
    # A channel that is always zero, and large weights on it: nothing changes but conv2's scale.
    weights["conv1.weight"][0] = 0
    weights["conv1.bias"][0] = 0
    weights["conv2.weight"][:, 0] = 100
planted(outlier)
"""


def measured(in_tvm: InTvm, folder: Path, code: str) -> Numerics:
    done = in_tvm(SCRIPT + code, str(folder))
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    found = numerics.load(folder)
    assert not found.problems
    return found


def plain(in_tvm: InTvm, folder: Path, **qconfig: Any) -> Numerics:
    found = measured(in_tvm, folder, f"assert run(sys.argv[1], qconfig={qconfig!r}) == 0")
    assert found.complete and not found.faults
    return found


def test_all_off_is_the_float_model_and_all_on_what_tvm_simulates(in_tvm: InTvm) -> None:
    code = """
model = models.load(ModelSource("tiny"))
with relay.quantize.qconfig(nbit_weight=5):
    module = numerics.calibrated(model.fresh(), dict(model.params), None, 3)
probed = probe.probe(module)
executor = numerics.build(probed, HOST, model.inputs)
executor.run([])
off = executor.output(probed.results[0])
assert np.array_equal(off, output_of(model.fresh(), dict(model.params)))
executor.run(range(len(probed.sites)))
on = executor.output(probed.results[0])
with relay.quantize.qconfig(nbit_weight=5, do_simulation=True), O3():
    simulated = output_of(relay.quantize.quantize(model.fresh(), dict(model.params)))
assert np.allclose(on, simulated, atol=1e-5), abs(on - simulated).max()
assert not np.allclose(on, off, atol=0.1)
assert not tvm.transform.PassContext.current().instruments
"""
    done = in_tvm(SCRIPT + code)
    assert done.returncode == 0, done.stderr[-2000:]


def test_every_anchor_and_site_of_a_plain_run(in_tvm: InTvm, tmp_path: Path) -> None:
    found = plain(in_tvm, tmp_path)
    names = [anchor.op for anchor in found.anchors]
    assert names == [
        "nn.conv2d", "nn.bias_add", "nn.max_pool2d", "nn.conv2d", "nn.bias_add", "nn.conv2d",
        "nn.bias_add", "add", "nn.conv2d", "nn.bias_add", "nn.global_avg_pool2d", "nn.dense",
        "nn.bias_add",
    ]  # fmt: skip
    assert [anchor.index for anchor in found.anchors] == list(range(len(names)))
    assert found.anchors[3].shape == (1, 16, 16, 16) and found.output_shapes == [[1, 10]]
    assert found.anchors[7].reads == (2, 6)  # the residual add
    first, conv = found.anchors[0], found.anchors[3]
    assert first.alone is None and first.propagated.sqnr == math.inf  # TVM leaves it in float
    assert conv.alone == conv.propagated  # nothing before it is quantized
    assert conv.alone is not None and 30 < conv.alone.sqnr < 50
    assert [found.steps[i].kind for i in conv.steps] == ["input", "weight"]
    assert all(i in found.steps[s].feeds for i, a in enumerate(found.anchors) for s in a.steps)
    assert found.output == found.anchors[-1].propagated
    assert set(found.facts.seconds) == {"import", "calibrate", "build", "run"}
    assert found.facts.qconfig["nbit_weight"] == 8


def test_few_bits_of_weight_show_at_the_convolutions(in_tvm: InTvm, tmp_path: Path) -> None:
    fine, coarse = plain(in_tvm, tmp_path / "8"), plain(in_tvm, tmp_path / "2", nbit_weight=2)
    for number in (3, 5, 8):
        alone, reference = coarse.anchors[number].alone, fine.anchors[number].alone
        assert alone is not None and reference is not None
        assert alone.sqnr < reference.sqnr - 10
    weights = [site for site in coarse.steps if site.kind == "weight"]
    assert all(site.clip == 1 for site in weights)
    large = coarse.first_large()
    assert large is not None and large.label == "#3 nn.conv2d"


def test_a_large_scale_clips_nothing_and_a_small_one_much(in_tvm: InTvm, tmp_path: Path) -> None:
    def clipped(scale: float) -> list[float]:
        found = plain(in_tvm, tmp_path / str(scale), global_scale=scale)
        return [s.saturated_alone or 0.0 for s in found.steps if s.kind == "input"]

    assert max(clipped(64.0)) == 0
    assert min(clipped(0.5)) > 0.2


def test_the_first_large_error_is_where_the_only_bad_op_is(in_tvm: InTvm, tmp_path: Path) -> None:
    found = measured(in_tvm, tmp_path, DEAD_CHANNEL + "run(sys.argv[1])")
    large = found.first_large()
    assert large is not None and large.label == "#5 nn.conv2d"
    weight = next(found.steps[i] for i in large.steps if found.steps[i].kind == "weight")
    assert weight.zeroed is not None and weight.zeroed > 0.8
    assert weight.largest == 100
    assert [a.label for a in found.anchors[:5] if a.propagated.sqnr < 20] == []
    assert "#5 nn.conv2d" in [a.label for a in found.worst(2)]


def test_nan_of_the_model_itself_is_counted_and_not_blamed(in_tvm: InTvm, tmp_path: Path) -> None:
    code = """
def plant(weights): weights["conv0.weight"][3] = np.nan
planted(plant)
assert run(sys.argv[1]) == 0
"""
    found = measured(in_tvm, tmp_path, code)
    assert found.anchors[0].floats.nan == found.anchors[0].propagated.nan == 32 * 32
    assert not found.anchors[0].breaks


def test_nan_that_quantization_makes_is_the_first_large_error(
    in_tvm: InTvm, tmp_path: Path
) -> None:
    """One infinite weight: a scale of infinity turns all the others into 0 · inf."""
    code = """
def plant(weights): weights["conv2.weight"][0, 0, 0, 0] = np.inf
planted(plant)
assert run(sys.argv[1], qconfig={"weight_scale": "max"}) == 0
"""
    found = measured(in_tvm, tmp_path, code)
    large = found.first_large()
    assert large is not None and large.label == "#5 nn.conv2d"
    assert large.breaks and large.alone is not None
    assert large.alone.nan == 16 * 16 * 16 > large.floats.nan + large.floats.inf > 0
    assert found.steps[large.steps[-1]].scale is None


def test_weights_that_are_all_zero_stay_zero(in_tvm: InTvm, tmp_path: Path) -> None:
    """Their scale is zero, and a division by a constant zero would not compile."""
    code = """
def plant(weights): weights["conv2.weight"][:] = 0
planted(plant)
assert run(sys.argv[1], qconfig={"weight_scale": "max"}) == 0
"""
    found = measured(in_tvm, tmp_path, code)
    assert found.anchors[5].propagated.sqnr == math.inf


def test_the_compile_can_leave_its_calibrated_module(in_tvm: InTvm, tmp_path: Path) -> None:
    code = """
from instruments import QuantizeTrace
model = models.load(ModelSource("tiny"))
folder = Path(sys.argv[1])
try:
    with QuantizeTrace(folder / "compile") as trace, numerics.catching() as caught:
        with relay.quantize.qconfig(dtype_activation="int4"):
            relay.quantize.quantize(model.fresh(), dict(model.params))
except tvm.TVMError: pass
else: raise SystemExit("it was not rejected")
numerics.keep(caught[0], folder / "calibrated")
assert run(str(folder / "again"), qconfig={"dtype_activation": "int4"}) == 0
def forbidden(*arguments, **named): raise SystemExit("quantized once more")
relay.quantize.quantize = forbidden
assert run(sys.argv[1], qconfig={"dtype_activation": "int4"}, calibrated=str(folder / "calibrated")) == 0
"""  # noqa: E501
    found = measured(in_tvm, tmp_path, code)
    assert found.anchors == numerics.load(tmp_path / "again").anchors
    assert found.steps == numerics.load(tmp_path / "again").steps


def test_calibration_over_data(in_tvm: InTvm, tmp_path: Path) -> None:
    code = """
job = dict(qconfig={"calibrate_mode": "percentile"}, dataset={"source": "random:3", "samples": 2})
assert run(sys.argv[1], **job) == 0
"""
    found = measured(in_tvm, tmp_path, code)
    scales = {site.scale for site in found.steps if site.kind == "input"}
    assert len(scales) > 3
    assert found.output is not None and found.output.sqnr > 20
    events = (tmp_path / "journal.jsonl").read_text()
    assert '"what":"calibration","done":2,"of":2' in events


def test_no_time_for_single_ops(in_tvm: InTvm, tmp_path: Path) -> None:
    found = measured(in_tvm, tmp_path, "assert run(sys.argv[1], seconds=0) == 0")
    assert found.complete and len(found.anchors) == 13
    assert all(anchor.alone is None for anchor in found.anchors)
    assert found.worst(3) == []


@pytest.mark.parametrize(
    ("job", "message"),
    [
        ({"qconfig": None}, "no quantization"),
        ({"qconfig": {"calibrate_mode": "kl_divergence"}}, "not iterable"),
        ({"dataset": {"source": "nowhere", "samples": None}}, "no data 'nowhere'"),
    ],
)
def test_what_cannot_be_measured_is_a_fault(
    in_tvm: InTvm, tmp_path: Path, job: dict[str, Any], message: str
) -> None:
    found = measured(in_tvm, tmp_path, f"assert run(sys.argv[1], **{job!r}) == 1")
    assert not found.complete
    assert message in found.faults[0]


def test_a_model_that_is_no_plain_graph_is_a_fault(in_tvm: InTvm, tmp_path: Path) -> None:
    code = """
x = relay.var("x", shape=(2, 2))
choice = relay.If(relay.const(True), relay.nn.relu(x), x)
try: probe.probe(tvm.IRModule.from_expr(relay.Function([x], choice)))
except probe.Unsupported as error: print(error)
"""
    done = in_tvm(SCRIPT + code)
    assert "has a If" in done.stdout, done.stderr[-2000:]


def error(sqnr: float | None, nan: int = 0) -> ErrorFigures:
    return ErrorFigures(0.9, sqnr, 1.0 if sqnr is not None else 0.0, nan, 0)


def anchor(
    index: int, propagated: float | None, alone: float | None, reads: tuple[int, ...] = ()
) -> Anchor:
    errors = error(propagated), error(alone), error(alone)
    return Anchor(index, "add", None, (1,), (0,), reads, NotFinite(), *errors)


def test_an_error_enters_where_an_op_alone_is_bad() -> None:
    found = Numerics(anchors=[anchor(0, 30, 30), anchor(1, 15, 15, (0,)), anchor(2, 9, 9, (1,))])
    assert found.first_large() == found.anchors[1]
    assert found.first_large(bound_db=10) == found.anchors[2]
    assert found.worst(1) == [found.anchors[2]]


def test_an_error_enters_where_an_op_amplifies_what_it_is_given() -> None:
    """Subtracting two near-equal tensors is exact in itself."""
    found = Numerics(anchors=[anchor(0, 30, 30), anchor(1, 28, 40), anchor(2, 5, 60, (0, 1))])
    assert found.first_large() == found.anchors[2]


def test_errors_that_add_up_enter_nowhere() -> None:
    falling = [anchor(i, 40 - 5 * i, 40, (i - 1,) if i else ()) for i in range(8)]
    found = Numerics(anchors=falling)
    assert found.first_large() is None
    crossing = found.crossing()
    assert crossing is not None and crossing.index == 5


def test_no_error_is_infinitely_good_and_no_figure_infinitely_bad() -> None:
    assert error(None).sqnr == math.inf
    assert ErrorFigures(None, None, None, 3, 0).sqnr == -math.inf


def test_what_a_dead_process_left_is_read(tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").write_text(
        '{"kind":"start","t":0,"schema":1}\n{"kind":"site","t":1,"index":0}\n{"kind":"anch'
    )
    found = numerics.load(tmp_path)
    assert not found.complete and not found.anchors
    assert len(found.problems) == 2


def test_no_measurement_at_all(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        numerics.load(tmp_path)
