"""Why ops are left in float: what the settings and the quantizer's rules say, and nothing else."""

from __future__ import annotations

import pytest
from support import relax_tables
from support.builders import half_quantized

from tvmq_diag.analysis.coverage import count
from tvmq_diag.analysis.dtype_timeline import anchors_of
from tvmq_diag.analysis.reasons import in_float
from tvmq_diag.analysis.unquantized import unquantized
from tvmq_diag.toolchains.toolchain import Toolchain
from tvmq_diag.trace.snapshot import Node, Snapshot


def test_what_is_left_in_float_and_why() -> None:
    qconfig: dict[str, object] = {"skip_conv_layers": [0], "skip_dense_layer": 1}
    assert [(left.op, left.reason) for left in unquantized(half_quantized(), qconfig)] == [
        ("nn.conv2d", "skip_conv_layers holds 0"),
        ("nn.adaptive_avg_pool2d", "the quantizer has no rule for nn.adaptive_avg_pool2d"),
        ("nn.dense", "skip_dense_layer is set"),
    ]
    nothing: dict[str, object] = {}
    # The rule for a convolution takes what is in float, and quantizes it.
    assert unquantized(half_quantized(), nothing)[0].reason == "not known why"


def test_behind_a_quantized_global_pool_quantization_has_ended() -> None:
    before = half_quantized()
    pool = Node(7, "call", "nn.global_avg_pool2d", (6,), "float32", (1, 4, 1, 1))
    nodes = (*before.nodes[:7], pool, *before.nodes[8:])
    left = unquantized(Snapshot(1, nodes), {"skip_dense_layer": 1})
    where = "(stop_quantize in _annotate.py)"
    assert [(one.op, one.reason) for one in left[1:]] == [
        ("nn.global_avg_pool2d", f"quantization ends here {where}"),
        ("nn.dense", f"quantization ends behind the first nn.global_avg_pool2d {where}"),
    ]
    # Of a pool that reads float it does not.
    unread = tuple(
        Node(6, "call", "nn.relu", (2,), "float32", (1, 4, 8, 8)) if node.number == 6 else node
        for node in nodes
    )
    reasons = [one.reason for one in unquantized(Snapshot(1, unread), {})]
    assert not any("ends" in reason for reason in reasons)


READS_FLOAT = in_float.READS_FLOAT.clause
CONSTANT = ("add", "the quantizer adds constants in float")
MEAN = ("mean", "the quantizer has no rule for mean")
DEQUANTIZED = "it computes on dequantized values (realize=qdq)"


@pytest.mark.parametrize(
    ("configuration", "qconfig", "expected"),
    [
        ("default", {"skip": []}, [CONSTANT, MEAN, CONSTANT]),
        ("one scale", {"skip": []}, [CONSTANT, MEAN, CONSTANT]),
        (
            "by name",
            {"skip": ["matmul"]},
            [CONSTANT, MEAN, ("matmul", "skip holds matmul"), CONSTANT],
        ),
        (
            "by name",
            {"skip": ["relax.matmul"]},
            [CONSTANT, MEAN, ("matmul", "skip holds matmul"), CONSTANT],
        ),
        (
            "by number",
            {"skip": [0, 2]},
            [
                ("nn.conv2d", "skip holds 0"), CONSTANT, ("nn.max_pool2d", READS_FLOAT), MEAN,
                ("matmul", "skip holds 2"), CONSTANT,
            ],
        ),
        (
            "qdq",
            {"realize": "qdq"},
            [
                ("nn.conv2d", DEQUANTIZED), CONSTANT, ("nn.max_pool2d", DEQUANTIZED),
                ("nn.conv2d", DEQUANTIZED), ("add", DEQUANTIZED), MEAN, ("matmul", DEQUANTIZED),
                CONSTANT,
            ],
        ),
        ("if", {}, [("matmul", "not known why")]),
        (
            "broadcast", {},
            [
                MEAN,
                ("add", "the quantizer adds tensors of one shape only, and these are broadcast"),
            ],
        ),
        (
            "double", {},
            [("matmul", "the quantizer takes float32 and float16 only, and it reads float64")],
        ),
    ],
)  # fmt: skip
def test_on_relax_a_float_op_has_the_reason_that_is_established(
    relax: Toolchain,
    configuration: str,
    qconfig: dict[str, object],
    expected: list[tuple[str, str]],
) -> None:
    """Of this project's own quantizer. The sums of a convolution are rescaled channel by channel:
    no op of the model, and so none that was left in float."""
    module = relax_tables.after(relax, configuration, "realize")
    assert [(op.op, op.reason) for op in unquantized(module, qconfig)] == expected


@pytest.mark.parametrize("configuration", ["default", "one scale"])
@pytest.mark.parametrize("stage", ["annotate", "calibrate", "realize"])
def test_on_relax_the_quantizers_own_ops_are_none_of_the_model(
    relax: Toolchain, configuration: str, stage: str
) -> None:
    """Its steps and its rescalings have scales that are tensors, where each channel has one."""
    model = relax_tables.after(relax, "float", "import")
    module = relax_tables.after(relax, configuration, stage)
    assert len(module.calls) > len(model.calls)
    assert [call.op for call in anchors_of(module)] == [call.op for call in anchors_of(model)]
    assert count(stage, module).ops.total() == len(anchors_of(model))


def test_a_linear_layer_of_relax_has_its_inputs_first(relax: Toolchain) -> None:
    """Convolutions: 8x8 and 4x4 results of 8 channels, 72 weights each. The layer: 4 of 8."""
    counted = count("import", relax_tables.after(relax, "float", "import"))
    assert counted.macs == {"float32": (64 + 16) * 8 * 72 + 4 * 8}
