"""Op tables of small nets on their way through the quantizer for Relax, made by the real TVM."""

from __future__ import annotations

import functools
import json
from typing import Any

from tvmq_diag.toolchains.toolchain import Toolchain
from tvmq_diag.trace import ops, snapshot
from tvmq_diag.trace.snapshot import Snapshot

from . import relax_scripts

SCRIPT = """
from instruments.relax.ir.op_table import Tables
from instruments.relax.quantizer import QConfig, annotate, calibrate, realize

def weight(*shape):
    return relax.const(np.random.default_rng(sum(shape)).normal(size=shape).astype("float32"))

def small():
    "A convolution with its bias, a pool, a residual, an average, a linear layer with its bias."
    x = relax.Var("x", cases.tensor((1, 8, 8, 8), "float32"))
    def body(emit):
        h = emit(relax.op.nn.conv2d(x, weight(8, 8, 3, 3), padding=(1, 1)))
        p = emit(relax.op.nn.max_pool2d(emit(relax.op.add(h, weight(1, 8, 1, 1))), (2, 2), (2, 2)))
        h = emit(relax.op.nn.conv2d(p, weight(8, 8, 3, 3), padding=(1, 1)))
        h = emit(relax.op.mean(emit(relax.op.add(h, p)), [2, 3]))
        return emit(relax.op.add(emit(relax.op.matmul(h, weight(8, 4))), weight(4)))
    return cases.built([x], body)

def broadcast():
    "A convolution, and its mean added to it."
    x = relax.Var("x", cases.tensor((1, 8, 8, 8), "float32"))
    def body(emit):
        h = emit(relax.op.nn.conv2d(x, weight(8, 8, 3, 3), padding=(1, 1)))
        return emit(relax.op.add(h, emit(relax.op.mean(h, [2, 3], keepdims=True))))
    return cases.built([x], body)

def double():
    "A linear layer in float64."
    x = relax.Var("x", cases.tensor((1, 8), "float64"))
    w = relax.const(np.ones((8, 4)), "float64")
    return cases.built([x], lambda emit: emit(relax.op.matmul(x, w)))

def branching():
    "A linear layer, and behind it an If with another one, where the quantizer does not look."
    row = cases.tensor((1, 8), "float32")
    x, which = relax.Var("x", row), relax.Var("which", cases.tensor((), "bool"))
    def branch(value):
        result = relax.Var("result", row)
        block = relax.BindingBlock([relax.VarBinding(result, value)])
        return relax.SeqExpr([block], result)
    builder = relax.BlockBuilder()
    with builder.function("main", [x, which]):
        h = builder.emit(relax.op.matmul(x, weight(8, 8)))
        inside = branch(relax.op.matmul(h, weight(8, 8)))
        h = builder.emit(relax.If(which, inside, branch(relax.op.nn.relu(h))))
        builder.emit_func_output(h)
    return builder.get()

def stages(module, **fields):
    config = QConfig(calibrate_mode="global_scale", **fields)
    tables = {}
    for name, run in (("annotate", annotate), ("calibrate", calibrate), ("realize", realize)):
        with config:
            module = run(config)(module)
        tables[name] = Tables().rows(module)
    return tables

print(json.dumps({
    "float": {"import": Tables().rows(small())},
    "default": stages(small()),
    "one scale": stages(small(), per_channel=False),
    "4 bits": stages(small(), nbit_weight=4),
    "by name": stages(small(), skip=("matmul",)),
    "by number": stages(small(), skip=(0, 2)),
    "qdq": stages(small(), realize="qdq"),
    "if": stages(branching()),
    "broadcast": stages(broadcast()),
    "double": stages(double()),
}))
"""


@functools.lru_cache(maxsize=1)
def _tables(relax: Toolchain) -> Any:
    return relax_scripts.said(relax, SCRIPT)


def after(relax: Toolchain, configuration: str, stage: str) -> Snapshot:
    """The net as a stage leaves it. Configurations are those of the script."""
    table = snapshot.table(json.dumps(_tables(relax)[configuration][stage]).encode())
    assert not (table.damaged or table.mended)
    return Snapshot(1, table.nodes, vocabulary=ops.RELAX)
