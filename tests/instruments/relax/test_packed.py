"""Weights of few bits several to a byte, on the real TVM: the same results, in less room."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest
from support.paths import ROOT, SCRIPTS

from tvmq_diag.toolchains import resolution

PRELUDE = """
import json, sys, tempfile
from pathlib import Path
import numpy as np, tvm
from tvm import relax, te
from instruments.inputs import target
from instruments.relax.compile import artifact, execution, matvec, schedule
from instruments.relax.quantizer import QConfig, quantize
from instruments.relax.quantizer import packing
from relax_module import module

HOST = target.parse(target.host(None)[0])
rng = np.random.default_rng(0)

def const(*shape):
    return relax.const(rng.standard_normal(shape).astype("float32"))

def built(module, pipeline, sound=True):
    passes = schedule.pipeline(pipeline, HOST)
    done = schedule.Scheduled()
    if sound:
        passes = schedule.sound(passes, done)
    with HOST, tvm.transform.PassContext(opt_level=3):
        return tvm.compile(module, target=HOST, relax_pipeline=passes), done

def ran(module, x, **how):
    executable, _ = built(module, **how)
    return execution.outputs(execution.machine(executable), execution.tensors({"x": x}))[0]
"""


def in_relax(code: str, tvm: str = "relax") -> Any:
    python = resolution.resolve(tvm, echo=print).python
    path = f"import sys; sys.path.append({str(SCRIPTS)!r})\n"
    done = subprocess.run(
        [str(python), "-c", path + PRELUDE + code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_what_is_packed_comes_out_again() -> None:
    told = in_relax("""
told = []
for bits, shape in ((4, (6, 5)), (4, (7, 3, 2)), (3, (5, 4)), (2, (9, 2)), (1, (17, 3)), (2, (3,))):
    low, high = (-1, 0) if bits == 1 else (1 - 2 ** (bits - 1), 2 ** (bits - 1) - 1)
    values = rng.integers(low, high + 1, shape).astype("int8")
    table = packing.as_table(values, bits)
    stored = packing.pack(table, bits, low)
    held = te.placeholder(stored.shape, "uint8")
    many = packing.per_byte(bits)
    def value(row, column):
        return packing.taken_out(held[row // many, column], row % many, bits, low, "int8")
    made = tvm.compile(te.create_prim_func([held, te.compute(table.shape, value)]), "llvm")
    out = tvm.runtime.tensor(np.zeros(table.shape, "int8"))
    made["main"](tvm.runtime.tensor(stored), out)
    same = bool((out.numpy().reshape(shape) == values).all())
    told.append([stored.size / values.size, len(np.unique(values)) > 1, same])
print(json.dumps(told))
""")
    shares = [share for share, *_ in told]
    # Of rows that fill no byte the last is not full; of (7, 3, 2) the first two axes are rows.
    assert shares == pytest.approx([3 / 6, 11 / 21, 3 / 5, 3 / 9, 3 / 17, 1 / 3])
    assert all(various and same for _, various, same in told)


NETS = """
def groups(emit, x):
    h = emit(relax.op.nn.conv2d(x, const(8, 3, 3, 3), padding=(1, 1), strides=(2, 2)))
    h = emit(relax.op.nn.conv2d(h, const(10, 4, 3, 3), padding=(1, 1), groups=2))
    return relax.op.nn.conv2d(h, const(10, 1, 3, 3), groups=10)

def channels_last(emit, x):
    w = dict(data_layout="NHWC", kernel_layout="HWIO")
    h = emit(relax.op.nn.conv2d(x, const(3, 3, 16, 8), padding=(1, 1), **w))
    return relax.op.nn.conv2d(h, const(1, 1, 8, 7), **w)

def product(rows, inner, columns):
    def build(emit, x):
        h = emit(relax.op.matmul(x, const(inner, columns)))
        return relax.op.matmul(emit(relax.op.nn.relu(h)), const(columns, 5))
    return build, (rows, inner)

CASES = {
    "groups": (groups, (1, 3, 16, 16)),
    "channels last": (channels_last, (1, 3, 9, 16)),
    "few rows": product(2, 64, 128),
    "few rows, padded": product(1, 33, 64),
    "many rows": product(40, 24, 64),
    "in batches": (product(6, 16, 64)[0], (2, 6, 16)),
    "in groups": product(2, 64, 128),
    "in groups, many rows": product(24, 64, 48),
}
"""


@pytest.mark.parametrize(
    ("tvm", "widths"), [("relax", (4, 3, 2, 1)), ("relax-0.25", (4,)), ("relax-0.26", (4,))]
)
def test_it_computes_what_integer_computes_bit_for_bit(tvm: str, widths: tuple[int, ...]) -> None:
    told = in_relax(
        NETS
        + f"""
told = {{}}
for bits in {widths}:
    for name, (build, shape) in CASES.items():
        net = module(build, *shape)
        group = 16 if "groups," in f"{{name}}," and "in" in name else 0
        x = rng.standard_normal(shape).astype("float32")
        integer, packed = (
            quantize(net, QConfig(realize=realize, nbit_weight=bits, group=group), [{{"x": x}}])
            for realize in ("integer", "packed"))
        wanted = ran(integer, x, pipeline="default")
        ours = [ran(packed, x, pipeline=p) for p in ("default", "target")]
        ours += [ran(packed, x, pipeline="default", sound=False)] if bits == 4 else []
        told[f"{{name}}, {{bits}} bits"] = [
            bool(np.abs(wanted).max() > 0), *(np.array_equal(out, wanted) for out in ours)]
print(json.dumps(told))
""",
        tvm,
    )
    assert len(told) == 8 * len(widths)
    assert {name: same for name, same in told.items() if not all(same)} == {}


def test_each_weight_has_its_bits() -> None:
    told = in_relax(
        NETS
        + """
build, shape = CASES["groups"]
x = rng.standard_normal(shape).astype("float32")
made = quantize(module(build, *shape), QConfig(realize="packed", weight_bits="824"), [{"x": x}])
text = made.script()
try:
    quantize(module(build, *shape), QConfig(weight_bits="82"), [{"x": x}])
    said = None
except ValueError as error:
    said = str(error)
print(json.dumps([text.count("tvmq.unpack("), text.count('"uint8"'), said]))
"""
    )
    unpacked, stored, said = told
    assert unpacked == 2 and stored == 2
    assert "2 digits" in said and "quantized is 3" in said


@pytest.mark.parametrize("pipeline", ["default", "target"])
def test_what_was_built_holds_the_packed_weights(pipeline: str) -> None:
    told = in_relax(f"""
def build(emit, x):
    h = emit(relax.op.nn.conv2d(x, const(64, 32, 3, 3)))
    return relax.op.matmul(emit(relax.op.reshape(h, (1, -1))), const(256, 512))
net = module(build, 1, 32, 4, 4)
x = rng.standard_normal((1, 32, 4, 4)).astype("float32")
sizes = {{}}
for name, fields in (("8", {{}}), ("4", {{"nbit_weight": 4}}), ("2", {{"nbit_weight": 2}})):
    realize = "integer" if name == "8" else "packed"
    made = quantize(net, QConfig(realize=realize, **fields), [{{"x": x}}])
    executable, done = built(made, "{pipeline}")
    sizes[name] = artifact.save(executable, {{"x": x}}, Path(tempfile.mkdtemp()))
print(json.dumps([sizes, done.left]))
""")
    sizes, left = told
    values = 64 * 32 * 9 + 256 * 512
    assert values < sizes["8"] < 1.1 * values
    assert sizes["4"] < 0.6 * sizes["8"] and sizes["2"] < 0.35 * sizes["8"]
    assert left == {}


def test_a_packed_matrix_is_taken_out_in_registers() -> None:
    told = in_relax("""
build = lambda emit, x: relax.op.matmul(x, const(128, 192))
x = rng.standard_normal((1, 128)).astype("float32")
told = {}
for group in (0, 32):
    config = QConfig(realize="packed", nbit_weight=4, group=group)
    lowered = relax.transform.LegalizeOps()(quantize(module(build, 1, 128), config, [{"x": x}]))
    for variable, function in lowered.functions.items():
        if "_matmul" in variable.name_hint:
            done = schedule.Scheduled()
            text = schedule.scheduled(variable.name_hint, function, done).script()
            held = [line for line in text.splitlines() if "alloc_buffer" in line]
            told[variable.name_hint] = [done.left, "T.vectorized" in text, held]
print(json.dumps(told))
""")
    assert set(told) == {"packed_matmul", "grouped_matmul"}
    for left, vectorized, held in told.values():
        assert left == {} and vectorized
        assert held and not any("int8" in line for line in held)


def test_scales_of_groups_are_nearer_to_float() -> None:
    told = in_relax("""
spread = np.repeat(10.0 ** rng.uniform(-2, 0, (16, 1)), 16, axis=0).astype("float32")
weight = rng.standard_normal((256, 64)).astype("float32") * spread
build = lambda emit, x: relax.op.matmul(x, relax.const(weight))
x = (rng.standard_normal((4, 256)) / spread[:, 0]).astype("float32")
net = module(build, 4, 256)
wanted = x @ weight
errors = []
for group in (0, 16):
    made = quantize(net, QConfig(nbit_weight=4, group=group), [{"x": x}])
    errors.append(float(np.abs(ran(made, x, pipeline="default") - wanted).max()))
refused = []
for wrong in (dict(group=7), dict(weight_bits="80")):
    try:
        quantize(net, QConfig(nbit_weight=4, **wrong), [{"x": x}])
    except ValueError as error:
        refused.append(str(error))
print(json.dumps([*errors, refused]))
""")
    plain, grouped, refused = told
    assert grouped < plain / 2
    group, bits = refused
    assert "group=7 divides the rows of no weight of a matmul (256)" in group
    assert "weight_bits=80 is not digits from 1 to 8" in bits
