"""The vocabularies against TVM itself and this project's quantizer."""

from __future__ import annotations

import json

import pytest
from support import relax_scripts, relax_tables
from support.builders import call
from support.paths import InTvm

from tvmq_diag.analysis import cast_chains
from tvmq_diag.analysis.unquantized import unquantized
from tvmq_diag.instruments.protocol import ops as shared
from tvmq_diag.toolchains.toolchain import Toolchain
from tvmq_diag.trace import ops, steps
from tvmq_diag.trace.graph import Graph
from tvmq_diag.trace.ops import Vocabulary
from tvmq_diag.trace.snapshot import Node, Snapshot
from tvmq_diag.trace.steps import StepSettings

KERNELS = {"cast", "tir_clip", "tir_round"}
"""What LegalizeOps of Relax makes of some operators: no operators themselves."""


def operators(vocabulary: Vocabulary) -> set[str]:
    """All that it names as operators, short."""
    quantizer = vocabulary.quantizer
    names = quantizer.rules | quantizer.numbered | quantizer.following | set(quantizer.switches)
    names |= quantizer.float_with_constant | {quantizer.ends or vocabulary.step}
    names |= vocabulary.casts | vocabulary.dequantize | vocabulary.rescaling
    names |= vocabulary.machinery
    names |= set(vocabulary.operands) | set(vocabulary.literals)
    return {ops.short(name) for name in names}


def test_relay_has_the_operators_and_the_rules(in_tvm: InTvm) -> None:
    code = """
import json, sys, tvm
from tvm import relay
names = [str(name) for name in tvm.ir.Op.list_op_names()]
rules = [n for n in names if tvm.ir.Op.get(n).get_attr("FQAnnotateRewrite") is not None]
kinds = sys.modules["tvm.relay.quantize.quantize"].QAnnotateKind
numbers = [kinds.IDENTITY, kinds.INPUT, kinds.WEIGHT, kinds.ACTIVATION]
print(json.dumps([names, rules, numbers]))
"""
    names, rules, kinds = json.loads(in_tvm(code).stdout.splitlines()[-1])
    assert operators(ops.RELAY) <= {ops.short(name) for name in names}
    assert ops.RELAY.step in names
    noted = {name for name in rules if ops.RELAY.is_note(name)}
    assert noted and set(rules) - noted == ops.RELAY.quantizer.rules
    assert kinds == list(range(len(ops.STEP_KINDS)))
    anchors = {name for name in names if ops.RELAY.anchor_kind(name)}
    assert {"nn.conv2d", "nn.dense", "nn.batch_matmul", "concatenate", "nn.bias_add"} < anchors
    assert not anchors & {"nn.relu", "clip", "reshape", ops.RELAY.step}


def test_relax_has_the_operators_and_the_rules(relax: Toolchain) -> None:
    code = """
import importlib
annotate = importlib.import_module("instruments.relax.quantizer.annotate")
op = importlib.import_module("instruments.relax.quantizer.op")
op.registered()
weight_ops = importlib.import_module("instruments.relax.quantizer.weight_ops")
for name in (weight_ops.UNPACK, weight_ops.MATMUL, weight_ops.GROUPED):
    weight_ops.registered(name)
print(json.dumps([
    [str(name).replace("relax.", "", 1) for name in tvm.ir.Op.list_op_names()],
    [*annotate.ANCHORS], [*annotate.PASS_THROUGH], op.NAME, [*op.KINDS],
]))
"""
    names, anchors, passing, step, kinds = relax_scripts.said(relax, code)
    assert operators(ops.RELAX) - KERNELS <= {ops.short(name) for name in names}
    assert step == ops.RELAX.step and step in names
    assert set(kinds) < set(ops.STEP_KINDS)
    assert ops.RELAX.quantizer.numbered == set(anchors)
    assert ops.RELAX.quantizer.following == {*passing, "add"}
    assert ops.RELAX.quantizer.rules == {*anchors, *passing, "add"}
    recognised = {name for name in names if ops.RELAX.anchor_kind(name)}
    assert {"nn.conv2d", "matmul", "concat", "nn.batch_norm", "mean"} < recognised
    assert not recognised & {"nn.relu", "clip", "reshape", step}


def test_both_dialects_have_the_same_kinds_of_anchor() -> None:
    relay, relax = (list(shared.ANCHORS[v.dialect]) for v in (ops.RELAY, ops.RELAX))
    assert relay == relax
    assert {*ops.WEIGHTED, *ops.ELEMENTWISE, *shared.CHOOSING} < set(relay)


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("relay.op.annotation.simulated_quantize", "simulated_quantize"),
        ("tvmq.simulated_quantize", "simulated_quantize"),
        ("annotation.stop_fusion", "stop_fusion"),
        ("nn.conv2d", "nn.conv2d"),
    ],
)
def test_an_operator_is_called_without_the_quantizers_namespaces(name: str, short: str) -> None:
    assert ops.short(name) == short


def test_a_journal_that_names_no_dialect_is_read_as_relays() -> None:
    assert ops.of_dialect("relax") is ops.RELAX
    assert ops.of_dialect(None) is ops.of_dialect("relay") is ops.RELAY


def test_a_step_of_relax_says_what_it_does(relax: Toolchain) -> None:
    module = relax_tables.after(relax, "4 bits", "calibrate")
    read = [step for call in module.calls if (step := steps.read(call, module)) is not None]
    data, weight, *_ = read
    assert data.scale is not None
    assert data == StepSettings("input", True, pytest.approx(8 / 127), 1, -127, 127)
    assert weight == StepSettings("weight", True, None, 8, -7, 7)
    annotated = relax_tables.after(relax, "4 bits", "annotate")
    uncalibrated = [steps.read(call, annotated) for call in annotated.calls]
    assert all(step is None or step.scale is None for step in uncalibrated)
    assert sum(step is not None for step in uncalibrated) == len(read)


def test_an_op_of_a_damaged_table_is_no_rescaling() -> None:
    """What it read was no row before it, and is gone."""
    nodes = (
        call(0, "multiply"),
        call(1, "astype"),
        Node(2, "constant", dtype="float32", shape=(8,)),
        call(3, "multiply", 1, 2),
    )
    module = Snapshot(1, nodes, vocabulary=ops.RELAX)
    assert not any(module.rescales(node) for node in module.calls)
    assert not any(op.rescales for op in Graph(module).ops)
    assert not list(cast_chains.chains(module))
    assert [op.op for op in unquantized(module, {})] == ["multiply"]


@pytest.mark.parametrize("literals", [7.5, "x", None, {"a": 1}])
def test_what_an_op_is_written_with_may_be_damaged(literals: object) -> None:
    attrs = {"literals": literals, "axis": 1}
    assert ops.RELAX.attributes("tvmq.simulated_quantize", attrs) == attrs
    assert ops.RELAX.step_kind("tvmq.simulated_quantize", attrs) is None
