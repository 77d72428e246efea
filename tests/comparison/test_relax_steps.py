"""Relax's quantization steps in a comparison: told at the op of the model that reads them."""

from __future__ import annotations

import pytest
from support import relax_tables

from tvmq_diag.comparison.alignment import align
from tvmq_diag.comparison.op_diff import Difference, differences
from tvmq_diag.toolchains.toolchain import Toolchain
from tvmq_diag.trace.graph import Graph
from tvmq_diag.trace.snapshot import Snapshot


def between(old: Snapshot, new: Snapshot) -> list[Difference]:
    return differences(align(Graph(old), Graph(new)))


@pytest.mark.parametrize("configuration", ["default", "one scale"])
def test_a_step_is_no_op_of_the_model_whatever_its_scales(
    relax: Toolchain, configuration: str
) -> None:
    calibrated = relax_tables.after(relax, configuration, "calibrate")
    added = between(relax_tables.after(relax, "float", "import"), calibrated)
    assert [difference.line for difference in added] == [
        "nn.conv2d #2: simulated_quantize(input) #0 added",
        "nn.conv2d #2: simulated_quantize(weight) #1 added",
        "nn.max_pool2d #5: simulated_quantize(input) #4 added, behind add #3",
        "nn.conv2d #7: simulated_quantize(weight) #6 added",
        "add #10: simulated_quantize(activation) #8 added, behind nn.conv2d #7",
        "add #10: simulated_quantize(activation) #9 added, behind nn.max_pool2d #5",
        "matmul #14: simulated_quantize(input) #12 added, behind mean #11",
        "matmul #14: simulated_quantize(weight) #13 added",
    ]


def test_what_a_step_is_set_to_has_names(relax: Toolchain) -> None:
    narrower = between(
        relax_tables.after(relax, "default", "calibrate"),
        relax_tables.after(relax, "4 bits", "calibrate"),
    )
    assert [[change.name for change in one.changes] for one in narrower] == [["bits", "scale"]] * 3
    assert narrower[0].line.startswith("nn.conv2d #2: bits 8 -> 4, scale float32[8] ")
    assert narrower[0].line.endswith(" in simulated_quantize(weight) #1")


def test_a_rescaling_of_each_channel_is_no_op_of_the_model(relax: Toolchain) -> None:
    realized = between(
        relax_tables.after(relax, "default", "realize"),
        relax_tables.after(relax, "4 bits", "realize"),
    )
    named = [(difference.op.op, difference.new[0].op) for difference in realized]
    assert ("add", "multiply") in named
    assert "multiply" not in {op for op, _ in named}


def test_the_casts_around_an_op_are_no_ops_of_the_model(relax: Toolchain) -> None:
    (removed, layer, sums) = between(
        relax_tables.after(relax, "default", "realize"),
        relax_tables.after(relax, "by name", "realize"),
    )
    assert removed.line == (
        "matmul #34: divide #30, round #31, clip #32, astype #33 removed, behind mean #29"
    )
    assert layer.op.op == "matmul" and "reads int8, int8 -> float32, float32" in layer.what
    assert sums.line == "add #37: astype #35, multiply #36 removed, behind matmul #34"
