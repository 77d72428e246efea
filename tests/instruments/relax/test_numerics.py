"""Errors op by op on Relax: the real probe beside the models that it stands for."""

from __future__ import annotations

import math
import subprocess
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tvmq_diag.instruments.numerics.figures import saturated, zeroed
from tvmq_diag.instruments.numerics.probe import Site
from tvmq_diag.measurements import numerics
from tvmq_diag.measurements.numerics import Numerics
from tvmq_diag.results import store
from tvmq_diag.results.run import Role
from tvmq_diag.toolchains.toolchain import Toolchain

ROOT = Path(__file__).resolve().parent.parent.parent.parent

SCRIPT = """
import json, sys
from pathlib import Path
import numpy as np, tvm
import tvm_ffi
from tvm import relax
from instruments.inputs import target
from instruments.relax.compile import execution as measure, models, schedule
from instruments.protocol.jobs import CompileJob, ModelSource, NumericsJob
from instruments.relax import numerics, probe
from instruments.tasks import numerics as task
from instruments.relax.quantizer import QConfig, annotate, calibrate, realize
from instruments.relax.compat import call_packed, prim_value, type_of
from instruments.relax.quantizer.rewrite import bindings_of, op_name, rewritten

HOST = target.parse(target.host(None)[0])
Tensor = getattr(relax, "TensorStructInfo", None) or relax.TensorType
op = relax.op

def compiled(module):
    pipeline = schedule.sound(relax.get_pipeline("default"), schedule.Scheduled())
    return measure.machine(tvm.compile(module, target=HOST, relax_pipeline=pipeline))

def outputs(module, inputs):
    return measure.outputs(compiled(module), measure.tensors(inputs))

def collected(module, inputs):
    '''What each variable of main is, copied at once: no memory plan has a say in that.'''
    seen = {}
    def look(value, number):
        seen[names[number]] = value.numpy()
        return tvm.runtime.tensor(value.numpy())
    tvm_ffi.register_global_func("test.look", look, override=True)
    names = []
    def rewrite(emit, binding):
        if not isinstance(type_of(binding.var), Tensor):
            return emit.keep(binding)
        value = emit.new("value", binding.value)
        names.append(binding.var.name_hint if hasattr(binding.var, "name_hint") else binding.var.name)
        looked = call_packed("test.look", [value, prim_value(len(names) - 1)], type_of(value))
        emit.bind(binding.var, looked)
    outputs(rewritten(module, lambda: rewrite), inputs)
    return seen

def named(variable):
    return variable.name_hint if hasattr(variable, "name_hint") else variable.name

def weight(*shape):
    return relax.const(generator.standard_normal(shape).astype("float32") / np.sqrt(np.prod(shape[1:])).astype("float32"))

def views():
    '''Views of tensors that are outputs too, a value that is read late, and two results.'''
    x = relax.Var("x", Tensor((1, 4, 8, 8), "float32"))
    builder = relax.BlockBuilder()
    emit = builder.emit
    with builder.function("main", [x]):
        with builder.dataflow():
            h = emit(op.nn.relu(emit(op.nn.conv2d(x, weight(4, 4, 3, 3), padding=(1, 1)))))
            side = emit(op.nn.conv2d(h, weight(4, 4, 1, 1)))
            joined = emit(op.concat([side, h], 1))
            flat = emit(op.reshape(joined, (8, 64)))
            turned = emit(op.permute_dims(flat))
            product = emit(op.matmul(turned, weight(8, 5)))
            late = emit(op.add(side, h))
            first = builder.emit_output(op.reshape(product, (5, 64)))
            second = builder.emit_output(op.nn.relu(late))
        builder.emit_func_output(relax.Tuple([first, second]))
    return builder.get(), {"x": generator.standard_normal((1, 4, 8, 8)).astype("float32")}

def tiny():
    model = models.load(ModelSource("tiny"))
    return model.module, model.inputs

def run(folder, **job):
    record = {"trace": folder, "dialect": "relax", "model": {"source": "tiny"}, "qconfig": {}}
    return task.main(NumericsJob.from_json({**record, **job}))

generator = np.random.default_rng(0)
"""  # noqa: E501

InRelax = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def in_relax(relax: Toolchain) -> InRelax:
    """Run a script in the interpreter of TVM 0.27."""

    def run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        prelude = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        done = subprocess.run(
            [str(relax.python), "-c", prelude + SCRIPT + textwrap.dedent(code), *arguments],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
        return done

    return run


def measured(in_relax: InRelax, folder: Path, code: str) -> Numerics:
    in_relax(code, str(folder))
    found = numerics.load(folder)
    assert not found.problems
    return found


def plain(in_relax: InRelax, folder: Path, **qconfig: Any) -> Numerics:
    found = measured(in_relax, folder, f"assert run(sys.argv[1], qconfig={qconfig!r}) == 0")
    assert found.complete and not found.faults
    return found


@pytest.mark.parametrize("net", ["tiny", "views"])
@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"nbit_input": 4, "nbit_weight": 4, "per_channel": False},
        {"realize": "qdq"},
        {"realize": "packed", "nbit_weight": 3, "group": 4},
    ],
)
def test_all_off_is_the_float_model_and_all_on_the_realized_one(
    in_relax: InRelax, net: str, fields: dict[str, Any]
) -> None:
    code = f"""
module, inputs = {net}()
config = QConfig(**{fields!r})
calibrated = calibrate(config, [inputs])(annotate(config)(module))
found = probe.probe(calibrated, config)
executor = numerics.build(found, HOST, inputs)
executor.run(range(len(found.sites)))
on = [executor.output(i) for i in range(len(executor._outputs))]
integer = config.realize != "qdq"
simulated = realize(config.in_float() if integer else config)(calibrated)
for number, expected in zip(found.results, outputs(simulated, inputs)):
    assert np.array_equal(on[number], expected), abs(on[number] - expected).max()
if integer:
    for number, expected in zip(found.results, outputs(realize(config)(calibrated), inputs)):
        assert np.array_equal(on[number], expected)
executor.run([])
float_model = collected(module, inputs)
probed = found.module["main"].body
names = [named(variable) for variable in probe._Survey(relax.transform.ToNonDataflow()(calibrated)).outputs]
assert len(names) == len(on) >= 8
for number, name in enumerate(names):
    assert np.array_equal(executor.output(number), float_model[name]), name
    assert number in found.results or not np.array_equal(on[number], float_model[name]), name
"""  # noqa: E501
    in_relax(code)


def test_any_sites_can_be_on(in_relax: InRelax) -> None:
    """Of each op alone: what a model in which only that one is quantized gives."""
    code = """
module, inputs = tiny()
config = QConfig(nbit_input=4, nbit_weight=4)
calibrated = calibrate(config, [inputs])(annotate(config)(module))
found = probe.probe(calibrated, config)
executor = numerics.build(found, HOST, inputs)
anchors = [a for a in found.anchors if a.op in ("nn.conv2d", "matmul")]
for number in (0, 2, 4):
    others = tuple(str(i) for i in range(len(anchors)) if i != number)
    only = QConfig(nbit_input=4, nbit_weight=4, skip=("add", "nn.max_pool2d", *others))
    alone = realize(only.in_float())(calibrate(only, [inputs])(annotate(only)(module)))
    executor.run(anchors[number].sites)
    difference = abs(executor.output(found.results[0]) - outputs(alone, inputs)[0]).max()
    assert difference == 0, (number, difference)
"""
    in_relax(code)


def test_every_anchor_and_site_of_a_plain_run(in_relax: InRelax, tmp_path: Path) -> None:
    found = plain(in_relax, tmp_path)
    assert [anchor.op for anchor in found.anchors] == [
        "nn.conv2d", "add", "nn.max_pool2d", "nn.conv2d", "add", "nn.conv2d", "add", "add",
        "nn.conv2d", "add", "nn.adaptive_avg_pool2d", "matmul", "add",
    ]  # fmt: skip
    assert found.anchors[3].shape == (1, 16, 16, 16) and found.output_shapes == [[1, 10]]
    assert found.anchors[7].reads == (2, 6)  # the residual add
    first, bias, pool, conv = found.anchors[:4]
    assert first.alone == first.propagated  # nothing before it is quantized
    assert first.alone is not None and 30 < first.alone.sqnr < 50
    assert bias.alone is None and bias.propagated.sqnr < math.inf  # a bias stays float
    assert [found.steps[i].kind for i in conv.steps] == ["input", "weight"]
    assert set(pool.steps) < set(conv.steps)  # it hands its steps on
    assert all(i in found.steps[s].feeds for i, a in enumerate(found.anchors) for s in a.steps)
    assert found.output == found.anchors[-1].propagated
    assert set(found.facts.seconds) == {"import", "calibrate", "build", "run"}
    assert found.facts.qconfig["nbit_weight"] == 8 and not found.by_tvm
    weight = found.steps[conv.steps[1]]
    assert weight.scale is not None and weight.least_scale is not None
    assert 0 < weight.least_scale < weight.scale
    assert weight.largest == pytest.approx(127 * weight.scale)


def test_few_bits_of_weight_show_at_the_convolutions(in_relax: InRelax, tmp_path: Path) -> None:
    fine, coarse = plain(in_relax, tmp_path / "8"), plain(in_relax, tmp_path / "2", nbit_weight=2)
    for number in (0, 3, 5, 8):
        alone, reference = coarse.anchors[number].alone, fine.anchors[number].alone
        assert alone is not None and reference is not None
        assert alone.sqnr < reference.sqnr - 10
    large = coarse.first_large()
    assert large is not None and large.label == "#0 nn.conv2d"
    assert fine.first_large() is None


def test_without_a_sign_what_is_negative_is_clipped(in_relax: InRelax, tmp_path: Path) -> None:
    found = plain(in_relax, tmp_path, dtype_input="uint8")
    shares = [site.saturated_alone or 0.0 for site in found.steps if site.kind == "input"]
    assert 0.4 < shares[0] < 0.6  # the input is normal noise
    assert max(shares[1:4]) < 0.001  # after a relu nothing is negative


def test_ops_keep_their_names_from_the_model_to_the_probe(in_relax: InRelax) -> None:
    code = """
module, inputs = tiny()
count = 0
def name(emit, binding):
    global count
    count += 1
    emit.span = tvm.ir.Span(tvm.ir.SourceName(f"op{count}"), 0, 0, 0, 0)
    emit.bind(binding.var, binding.value)
module = rewritten(module, lambda: name)
calls = [b.value for b in bindings_of(module)]
names = {op_name(call): call.span.source_name.name for call in calls}
assert len(set(names.values())) == len(names) > 5
for form in ("integer", "qdq"):
    config = QConfig(realize=form)
    calibrated = calibrate(config, [inputs])(annotate(config)(module))
    realized = realize(config)(calibrated)
    for stage in (calibrated, realized):
        spans = {op_name(b.value): b.value.span for b in bindings_of(stage) if hasattr(b.value, "op")}
        assert all(span is not None for span in spans.values()), spans
        for name in ("nn.conv2d", "matmul", "nn.max_pool2d", "nn.adaptive_avg_pool2d"):
            assert spans[name].source_name.name == names[name]
    found = probe.probe(calibrated, config)
    spans = {anchor.op: anchor.span for anchor in found.anchors}
    assert spans["nn.conv2d"] == names["nn.conv2d"] and spans["matmul"] == names["matmul"]
"""  # noqa: E501
    in_relax(code)


def test_the_compile_can_leave_its_calibrated_module(in_relax: InRelax, tmp_path: Path) -> None:
    code = """
from instruments.tasks import compile as child
folder = Path(sys.argv[1])
model, calibrated = ModelSource("tiny"), str(folder / "calibrated")
job = CompileJob(
    str(folder / "compile"), "relax", model, qconfig={"nbit_weight": 3}, calibrated=calibrated
)
assert child.main(job) == 0
assert run(str(folder / "again"), qconfig={"nbit_weight": 3}) == 0
"""
    in_relax(code, str(tmp_path))
    code = """
from instruments.relax import quantizer
def forbidden(*arguments, **named): raise SystemExit("quantized once more")
quantizer.calibrate = forbidden
kept = str(Path(sys.argv[1]) / "calibrated")
assert run(sys.argv[1] + "/kept", qconfig={"nbit_weight": 3}, calibrated=kept) == 0
"""  # in a process that has not yet registered the op
    in_relax(code, str(tmp_path))
    kept, again = numerics.load(tmp_path / "kept"), numerics.load(tmp_path / "again")
    assert kept.complete and kept.anchors == again.anchors and kept.steps == again.steps
    events = (tmp_path / "again" / "journal.jsonl").read_text()
    assert '"what":"calibration","done":4,"of":4' in events  # on the data that a compile takes


@pytest.mark.parametrize(
    ("job", "message"),
    [
        ({"qconfig": None}, "no quantization"),
        ({"qconfig": {"calibrate_mode": "least"}}, "no calibrate_mode 'least'"),
        ({"dataset": {"source": "nowhere", "samples": None}}, "no data 'nowhere'"),
    ],
)
def test_what_cannot_be_measured_is_a_fault(
    in_relax: InRelax, tmp_path: Path, job: dict[str, Any], message: str
) -> None:
    found = measured(in_relax, tmp_path, f"assert run(sys.argv[1], **{job!r}) == 1")
    assert not found.complete
    assert message in found.faults[0]


def test_a_module_without_scales_has_no_probe(in_relax: InRelax) -> None:
    code = """
config = QConfig()
try: probe.probe(annotate(config)(tiny()[0]), config)
except probe.Unsupported as error: print(error)
"""
    assert "not calibrated" in in_relax(code).stdout


def test_shares_of_what_is_clipped_and_of_what_becomes_zero() -> None:
    data = np.array([[-3.0, -0.4, 0.0, 0.4, 3.0], [-30, -4, 0, 4, 30]], "float32")
    site = Site("weight", [1.0, 10.0], -2, 2, "constant", None, "w", axis=0)
    scale = site.spread(data.shape)
    assert scale.shape == (2, 1)
    assert saturated(data, scale, site.clip, site.least) == 0.4
    assert saturated(data, scale, 2, 0) == 0.4  # -0.4 of a step is still 0
    assert saturated(data, scale, 3, 0) == 0.2
    assert zeroed(data, scale) == 0.4
    assert saturated(data[:0], scale[:0], 2, -2) is None


@pytest.mark.slow
def test_the_page_of_a_run_has_each_ops_error(
    trace_quantize: Callable[..., int], tmp_path: Path
) -> None:
    """Two pipelines compile the same numbers, which are measured once, on the first input."""
    arguments = ["--tvm", "relax", "--model", "tiny", "--check-on", "natural:1", "--rounds", "1"]
    assert trace_quantize("--dtype", "int8/int8/int32:nbit=4", *arguments, "--out", "run") in (0, 1)
    run = store.load(tmp_path / "run")
    asked = run.with_role(Role.REQUESTED)
    assert len(asked) == 2
    for result in asked:
        assert result.numerics is not None and result.numerics.complete
        assert result.numerics.output is not None and result.verdict.metrics is not None
        sqnr = result.verdict.metrics.sqnr_db
        assert result.numerics.output.sqnr == pytest.approx(sqnr, abs=1e-3)
    journals = [path.read_text() for path in (tmp_path / "run").glob("traces/*-numbers/journal.*")]
    assert len(journals) == 3 and len(set(journals)) == 2  # one is of the reference
    page = (tmp_path / "run" / "index.html").read_text()
    assert page.count("By the simulation of tvmq_diag&#39;s quantizer") == 3
