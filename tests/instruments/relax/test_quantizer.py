"""The quantizer for Relax, on the real TVM."""

from __future__ import annotations

import json
import subprocess
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.paths import ROOT, SCRIPTS

from tvmq_diag.toolchains import resolution
from tvmq_diag.toolchains.recipes import EVERY

NETS = """
import dataclasses, json, sys
import numpy as np, tvm
from tvm import relax
from instruments.relax.quantizer import QConfig, annotate, calibrate, current, quantize, realize
from instruments.relax.quantizer import settings
from instruments.relax.quantizer.op import site_of
from instruments.relax.quantizer.rewrite import bindings_of, op_name
from relax_module import Tensor, module

op = relax.op
BITS4 = dict(nbit_input=4, nbit_weight=4)

def weight(generator, *shape):
    fan = np.prod(shape[1:]) if len(shape) == 4 else shape[-1]
    return relax.const((generator.standard_normal(shape) / np.sqrt(fan)).astype("float32"))

def small(generator=None):
    '''Two convolutions, a bias, a pool, a residual, a linear layer with a transposed weight.'''
    w = lambda *shape: weight(g, *shape)
    g = generator or np.random.default_rng(0)
    def build(emit, x):
        h = emit(op.nn.conv2d(x, w(8, 3, 3, 3), padding=(1, 1)))
        h = emit(op.nn.relu(emit(op.add(h, w(1, 8, 1, 1)))))
        p = emit(op.nn.max_pool2d(h, (2, 2), strides=(2, 2)))
        h = emit(op.nn.conv2d(p, w(8, 8, 3, 3), padding=(1, 1)))
        h = emit(op.nn.relu(emit(op.add(h, p))))
        h = emit(op.reshape(emit(op.mean(h, [2, 3], True)), (1, 8)))
        return op.add(op.matmul(h, emit(op.permute_dims(w(10, 8)))), w(10))
    return module(build, 1, 3, 16, 16)

def data(count, *shape, seed=1):
    generator = np.random.default_rng(seed)
    return [{"x": generator.standard_normal(shape).astype("float32")} for _ in range(count)]

BATCHES = data(8, 1, 3, 16, 16)
INPUT = data(1, 1, 3, 16, 16, seed=2)[0]["x"]

def run(module, x=INPUT, pipeline="default"):
    target = tvm.target.Target("llvm")
    with target:
        steps = relax.get_default_pipeline(target) if pipeline == "target" else pipeline
    executable = tvm.compile(module, target=target, relax_pipeline=steps)
    return relax.VirtualMachine(executable, tvm.cpu())["main"](tvm.runtime.tensor(x)).numpy()

def cosine(a, b):
    return float((a * b).sum() / np.linalg.norm(a) / np.linalg.norm(b))

def apart(a, b):
    return float(np.abs(a - b).max() / np.abs(b).max())

def stages(config, module, batches=BATCHES):
    calibrated = calibrate(config, batches)(annotate(config)(module))
    return calibrated, realize(config)(calibrated)

def sites(module):
    found = [(b.var.name, site_of(b.value)) for b in bindings_of(module)]
    return [(name, s.kind, s.bits, s.axis) for name, s in found if s]

def dtypes(module, name):
    '''The dtypes of the operands and the result of each op of that name.'''
    calls = [b for b in bindings_of(module) if op_name(b.value) == name]
    return [[str(v.ty.dtype) for v in (*b.value.args, b.var)] for b in calls]
"""

InRelax = Callable[..., Any]


@pytest.fixture(scope="module")
def relax_python() -> Path:
    return resolution.resolve("relax", echo=print, layers=EVERY).python


@pytest.fixture(scope="module")
def process(relax_python: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        prelude = f"import sys; sys.path[:0] = {[str(ROOT), str(SCRIPTS)]!r}\n"
        return subprocess.run(
            [str(relax_python), "-c", prelude + NETS + textwrap.dedent(code), *arguments],
            capture_output=True,
            text=True,
            timeout=1800,
            check=False,
        )

    return run


@pytest.fixture(scope="module")
def in_relax(process: Callable[..., subprocess.CompletedProcess[str]]) -> InRelax:
    """Run a script that ends by printing JSON; what it printed."""

    def run(code: str, *arguments: str) -> Any:
        done = process(code, *arguments)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
        return json.loads(done.stdout.splitlines()[-1])

    return run


def test_sites_stand_where_values_are_to_be_quantized(in_relax: InRelax) -> None:
    code = """
print(json.dumps([
    sites(annotate(config)(small()))
    for config in (QConfig(), QConfig(per_channel=False, realize="qdq", **BITS4))
]))
"""
    default, other = in_relax(code)
    assert default == [
        ["x_input", "input", 8, -1],
        ["lv_weight", "weight", 8, 0],
        ["lv2_input", "input", 8, -1],  # before the pool; the second conv2d needs none
        ["lv4_weight", "weight", 8, 0],
        ["lv5_activation", "activation", 16, -1],
        ["lv5_activation", "activation", 16, -1],
        ["lv8_input", "input", 8, -1],
        ["lv10_weight", "weight", 8, 1],
    ]
    assert [kind for _, kind, _, _ in other] == [
        *("input", "weight", "input", "weight", "input", "input", "input", "weight")
    ]
    assert {bits for _, _, bits, _ in other} == {4}
    assert {axis for _, _, _, axis in other} == {-1}


def test_skip_by_name_and_by_number(in_relax: InRelax) -> None:
    code = """
every = [("add",), (0,), ("nn.conv2d",), ("relax.matmul", "0", 1, "add")]
print(json.dumps([
    [name for name, *_ in sites(annotate(QConfig(skip=skip))(small()))] for skip in every
]))
"""
    without_add, without_first, without_conv, nothing = in_relax(code)
    assert without_add == [
        *("x_input", "lv_weight", "lv2_input", "lv4_weight", "lv8_input", "lv10_weight")
    ]
    assert without_first[:2] == ["lv3_input", "lv4_weight"]
    assert without_conv == ["lv8_input", "lv10_weight"]
    assert nothing == []


def test_instruments_see_the_three_passes_and_the_config_in_force(in_relax: InRelax) -> None:
    code = """
from tvm.ir.instrument import pass_instrument
seen = []
@pass_instrument
class Watch:
    def run_before_pass(self, module, info):
        if info.name.startswith("Quantize"):
            seen.append([info.name, current().nbit_input])
with tvm.transform.PassContext(opt_level=3, instruments=[Watch()]):
    quantize(small(), QConfig(**BITS4), BATCHES[:1])
print(json.dumps([seen, current()]))
"""
    seen, after = in_relax(code)
    assert seen == [["QuantizeAnnotate", 4], ["QuantizeCalibrate", 4], ["QuantizeRealize", 4]]
    assert after is None


def test_integers_compute_what_the_calibrated_module_simulates(in_relax: InRelax) -> None:
    code = """
exact = run(small())
found = []
for config in (QConfig(), QConfig(**BITS4), QConfig(per_channel=False), QConfig(realize="qdq")):
    calibrated, realized = stages(config, small())
    simulated, real = run(calibrated), run(realized)
    in_float = run(realize(config.in_float())(calibrated)) if config.realize != "qdq" else real
    found.append([cosine(real, exact), apart(real, simulated), apart(real, in_float)])
print(json.dumps(found))
"""
    found = in_relax(code)
    assert [cosine > 0.9999 for cosine, _, _ in found] == [True, False, True, True]
    assert found[1][0] > 0.99
    assert all(difference < 1e-6 for _, difference, _ in found)
    assert [difference for _, _, difference in found] == [0, 0, 0, 0]


def test_what_is_kept_in_which_dtype(in_relax: InRelax) -> None:
    code = """
realized = quantize(small(), QConfig(dtype_activation="int16"), BATCHES[:1])
low = quantize(small(), QConfig("int4", "int2", "int16"), BATCHES[:1])
qdq = quantize(small(), QConfig(realize="qdq"), BATCHES[:1])
names = ("nn.conv2d", "nn.max_pool2d", "matmul", "add")
print(json.dumps([
    [dtypes(module, name) for name in names] for module in (realized, qdq)
] + [dtypes(low, "astype"), sites(realized) + sites(low) + sites(qdq)]))
"""
    integer, qdq, casts, left = in_relax(code)
    byte, wide, real = "int8", "int16", "float32"
    conv, pool, matmul, add = integer
    assert conv == [[byte, byte, wide]] * 2 and matmul == [[byte, byte, wide]]
    assert pool == [[byte, byte]]
    assert add == [[real] * 3, [wide] * 3, [real] * 3]  # bias, residual, bias
    assert {dtype for op in qdq for call in op for dtype in call} == {real}
    assert casts.count(["int8", "int2"]) == 3, "weights that only TVM can make"
    assert casts.count(["float32", "int4"]) == 3
    assert left == []


def test_bits_are_those_used_and_not_those_of_the_dtype(in_relax: InRelax) -> None:
    code = """
from instruments.relax.compat import array_of, Constant
used = {}
for bits in (8, 4, 2, 1):
    config = QConfig(nbit_input=bits, nbit_weight=bits)
    made = quantize(small(), config, BATCHES[:1])
    weights = [array_of(b.value) for b in bindings_of(made) if isinstance(b.value, Constant)]
    clips = [b.value.args[1:] for b in bindings_of(made) if op_name(b.value) == "clip"]
    used[bits] = [
        [int(min(w.min() for w in weights)), int(max(w.max() for w in weights))],
        sorted({tuple(float(end.value) for end in clip) for clip in clips}),
    ]
print(json.dumps([used, settings(QConfig("int4", "bool", "int16")),
    settings(QConfig.from_fields({"nbit_input": 3, "pipeline": "default", "skip": [1]}))]))
"""
    used, low, given = in_relax(code)
    sums = [-32767, 32767]
    assert used == {
        "8": [[-127, 127], [sums, [-127, 127]]],
        "4": [[-7, 7], [sums, [-7, 7]]],
        "2": [[-1, 1], [sums, [-1, 1]]],
        "1": [[-1, 0], [sums, [-1, 0]]],
    }
    assert (low["nbit_input"], low["nbit_weight"], low["nbit_activation"]) == (4, 1, 15)
    assert (given["nbit_input"], given["nbit_weight"], given["skip"]) == (3, 8, [1])


def test_the_op_computes_what_its_module_says(in_relax: InRelax) -> None:
    code = """
from instruments.relax.quantizer.op import simulated_quantize
values = np.array([[-2.5, -1.5, -0.5, 0.5], [1.5, 2.5, 3.5, 300]], "float32")
rows = np.array([1, 2], "float32")
cases = [(np.float32(1), 8, True, -1), (np.float32(1), 2, True, -1), (np.float32(1), 2, False, -1),
         (np.float32(1), 1, True, -1), (rows, 8, True, 0)]
print(json.dumps([
    run(module(lambda emit, x: simulated_quantize(x, np.asarray(scale), "input", *rest), 2, 4),
        values, pipeline).tolist()
    for scale, *rest in cases for pipeline in ("default", "target")
]))
"""
    found = in_relax(code)
    assert found[0::2] == found[1::2]
    assert found[0::2] == [
        [[-2, -2, 0, 0], [2, 2, 4, 127]],  # halves go to the even neighbour
        [[-1, -1, 0, 0], [1, 1, 1, 1]],
        [[0, 0, 0, 0], [2, 2, 3, 3]],
        [[-1, -1, 0, 0], [0, 0, 0, 0]],
        [[-2, -2, 0, 0], [2, 2, 4, 254]],
    ]


def test_looking_at_the_values_does_not_change_them(in_relax: InRelax) -> None:
    """TVM 0.27 writes over a result that shares the memory of a packed function's argument."""
    code = """
g = np.random.default_rng(0)
def build(emit, x):
    for _ in range(3):
        w = lambda *shape: weight(g, *shape)
        left = emit(op.nn.relu(emit(op.nn.conv2d(x, w(8, 8, 3, 3), padding=(1, 1)))))
        left = emit(op.nn.conv2d(left, w(8, 8, 3, 3), padding=(1, 1)))
        x = emit(op.nn.relu(emit(op.add(left, emit(op.nn.conv2d(x, w(8, 8, 1, 1)))))))
    return op.nn.relu(x)
net = module(build, 1, 8, 8, 8)
batches = data(8, 1, 8, 8, 8)
from instruments.relax.quantizer import observe
annotated = annotate(QConfig())(net)
largest, whole = {}, observe._with_collectors(annotated)
observe.run(annotated, batches, lambda n, v: largest.setdefault(n, []).append(float(abs(v).max())))
config = QConfig(nbit_input=16, nbit_weight=16)
simulated, _ = stages(config, net, batches)
print(json.dumps([
    [apart(run(whole, b["x"]), run(net, b["x"])), cosine(run(simulated, b["x"]), run(net, b["x"]))]
    for b in batches[:2]
]))
"""
    for same, cosine in in_relax(code):
        assert same < 1e-6
        assert cosine > 0.999999


def test_thresholds(in_relax: InRelax) -> None:
    code = """
from instruments.relax.quantizer.thresholds import Magnitudes
generator = np.random.default_rng(0)
parts = [generator.standard_normal(10000) * factor for factor in (0.01, 1, 0.5)]
parts[1][7] = 100
seen = Magnitudes(counted=True)
for part in parts:
    seen.add(part.astype("float32"))
empty = Magnitudes(counted=True)
empty.add(np.zeros(3, "float32"))
print(json.dumps([
    {mode: seen.threshold(mode, 127) for mode in ("minmax", "percentile", "kl", "kl_divergence")},
    float(np.percentile(np.abs(np.concatenate(parts)), 99.9)), int(seen.counts.sum()), seen.reach,
    [empty.threshold(mode, 127) for mode in ("minmax", "percentile", "kl")],
]))
"""
    bounds, percentile, counted, reach, empty = in_relax(code)
    width = reach / 2048
    assert bounds["minmax"] == 100
    assert percentile <= bounds["percentile"] <= percentile + 2 * width
    assert bounds["percentile"] < bounds["kl"] < 20, "one outlier in 30,000 is cut off"
    assert bounds["kl_divergence"] == bounds["kl"]
    assert counted == 30000 and 100 <= reach <= 200
    assert empty == [0, 0, 0]


@pytest.mark.parametrize("mode", ["minmax", "percentile", "kl", "global_scale"])
def test_modes_of_calibration(in_relax: InRelax, mode: str) -> None:
    code = """
config = QConfig(calibrate_mode=sys.argv[1])
refused = None
try:
    quantize(small(), config)
except Exception as error:
    refused = [type(error).__name__, str(error).splitlines()[0]]
realized = quantize(small(), config, BATCHES)
print(json.dumps([refused, cosine(run(realized), run(small()))]))
"""
    refused, cosine = in_relax(code, mode)
    assert cosine > 0.999
    if mode == "global_scale":
        assert refused is None
    else:
        text = f"calibrate_mode '{mode}' needs data: give at least one batch"
        assert refused == ["ValueError", text]


def test_what_cannot_be_asked_is_said(in_relax: InRelax) -> None:
    code = """
def refusal(act):
    try:
        act()
    except ValueError as error:
        return str(error).splitlines()[0]
default, qdq = QConfig(), QConfig(realize="qdq")
print(json.dumps([refusal(act) for act in (
    lambda: calibrate(QConfig(calibrate_mode="mean")),
    lambda: realize(QConfig(realize="real")),
    lambda: realize(default)(annotate(default)(small())),
    lambda: realize(qdq)(stages(default, small())[0]),
    lambda: quantize(small(), default, [{"y": INPUT}]),
    lambda: quantize(tvm.IRModule(), default, BATCHES),
)]))
"""
    modes = "minmax, percentile, kl, kl_divergence, global_scale"
    assert in_relax(code) == [
        f"no calibrate_mode 'mean': choose one of {modes}",
        "no realize 'real': choose one of integer, qdq, packed",
        "QuantizeRealize needs scales: run QuantizeCalibrate before",
        "annotate and calibrate with realize='qdq' too: it adds otherwise",
        "a calibration batch has no 'x': it has y",
        "the quantizer works on a Relax function named main, and there is none",
    ]


def test_nets_of_other_kinds(in_relax: InRelax) -> None:
    """A weight that is no constant, NHWC, a depthwise conv2d, dead channels, no dataflow block."""
    code = """
g = np.random.default_rng(0)
def attention(emit, x):
    return op.matmul(x, emit(op.permute_dims(x, [0, 2, 1])))
def nhwc(emit, x):
    w = weight(g, 3, 3, 4, 6)
    return op.nn.conv2d(x, w, data_layout="NHWC", kernel_layout="HWIO")
def depthwise(emit, x):
    values = g.standard_normal((4, 1, 3, 3)).astype("float32")
    values[1] *= 1e-12
    values[2] = 0
    return op.nn.relu(emit(op.nn.conv2d(x, relax.const(values), groups=4)))
found = []
for build, shape in ((attention, (2, 5, 7)), (nhwc, (1, 8, 8, 4)), (depthwise, (1, 4, 8, 8))):
    net = module(build, *shape)
    batches = data(2, *shape)
    loose = relax.transform.ToNonDataflow()(net)
    calibrated, realized = stages(QConfig(), net, batches)
    x = batches[0]["x"]
    found.append([
        len(sites(calibrated)), cosine(run(realized, x), run(net, x)),
        apart(run(realized, x), run(calibrated, x)),
        apart(run(quantize(loose, QConfig(), batches), x), run(realized, x)),
    ])
print(json.dumps(found))
"""
    for sites, cosine, simulated, loose in in_relax(code):
        assert sites == 2
        assert cosine > 0.999
        assert simulated < 1e-6
        assert loose == 0


OUTCOME = """
import instruments.relax.compat
dtypes, form, pipeline = sys.argv[1].split("/"), *sys.argv[2:]
config = QConfig(*(dtypes if len(dtypes) == 3 else dtypes * 3), realize=form)
expected = run(small())
def at(stage):
    print(stage, flush=True)
try:
    at("quantize")
    realized = quantize(small(), config, BATCHES)
    at("build or run")
    result = run(realized, INPUT, pipeline)
except Exception as error:
    print(type(error).__name__, str(error).strip().splitlines()[0])
else:
    print(f"cosine {cosine(result, expected):.4f}")
"""

NO_BITS = "dtype.bits % 8 == 0"
NO_QDQ = "Unsupported output datatype attribute for operation: '"


@pytest.mark.parametrize(
    ("dtypes", "form", "pipeline", "stage", "text"),
    [
        ("int8/int8/int32", "integer", "target", "build or run", "cosine 1.0000"),
        ("int16/int16/int32", "integer", "default", "build or run", "cosine 0.99"),
        ("uint8/uint8/int32", "integer", "default", "build or run", "cosine 0.8"),  # signs lost
        ("int8", "integer", "default", "build or run", "cosine 0."),  # sums overflow
        ("int4", "integer", "default", "build or run", NO_BITS + " (4 vs. 0)"),
        ("int2", "integer", "default", "build or run", NO_BITS + " (2 vs. 0)"),
        ("int4/int8/int32", "integer", "target", "build or run", NO_BITS),
        ("int8/int4/int32", "integer", "default", "build or run", NO_BITS),
        ("int1", "integer", "default", "build or run", "-1 exceeds range of int1"),
        ("bool", "integer", "default", "build or run", "Cannot decide min_value for typeT.bool"),
        ("int8/int8/int32", "qdq", "target", "build or run", "cosine 1.0000"),
        ("int4", "qdq", "default", "quantize", "TypeError " + NO_QDQ + "int4"),
        ("int1", "qdq", "default", "quantize", "TypeError " + NO_QDQ + "int1"),
        ("bool", "qdq", "default", "quantize", "TypeError " + NO_QDQ + "bool"),
    ],
)
def test_what_tvm_makes_of_a_dtype(
    process: Callable[..., subprocess.CompletedProcess[str]],
    dtypes: str,
    form: str,
    pipeline: str,
    stage: str,
    text: str,
) -> None:
    done = process(OUTCOME, dtypes, form, pipeline)
    assert done.returncode == 0, done.stderr[-2000:]
    *_, last, outcome = done.stdout.splitlines()
    assert last == stage
    assert text in outcome


@pytest.mark.parametrize("dtypes", ["int4", "int2", "int8/int4/int32"])
def test_folding_low_bit_weights_kills_the_process(
    process: Callable[..., subprocess.CompletedProcess[str]], dtypes: str
) -> None:
    done = process(OUTCOME, dtypes, "integer", "target")
    assert done.returncode < 0
    assert done.stdout.splitlines()[-1] == "build or run"


RESNET = """
import torch
from instruments.inputs import torchvision_nets
from instruments.protocol.jobs import ModelSource
from tvm.relax.frontend.torch import from_exported_program
net = torchvision_nets.net("resnet18", ModelSource("torchvision:resnet18"))
net, shape = net.module, net.shape
exported = torch.export.export(net, (torch.zeros(*shape),))
model = from_exported_program(exported, unwrap_unit_return_tuple=True)
model = relax.transform.FoldBatchnormToConv2D()(model)
model = relax.transform.FoldConstant()(model)
name = model["main"].params[0].name
batches = [{name: batch["x"]} for batch in data(8, *shape)]
x = data(1, *shape, seed=2)[0]["x"]
expected, found = run(model, x), []
for config in (QConfig(), QConfig(**BITS4)):
    calibrated, realized = stages(config, model, batches)
    result = run(realized, x)
    found.append([
        len(sites(calibrated)), cosine(result, expected), cosine(run(calibrated, x), expected),
        apart(result, run(realize(config.in_float())(calibrated), x)),
        apart(result, run(calibrated, x)),
    ])
print(json.dumps(found))
"""


@pytest.mark.slow
def test_resnet18(in_relax: InRelax) -> None:
    byte, nibble = in_relax(RESNET)
    assert byte[0] == nibble[0] == 55
    assert byte[1] > 0.9995 and byte[2] > 0.9995
    assert nibble[1] > 0.95
    assert byte[3] == nibble[3] == 0, "integers, and the same values kept in float32"
