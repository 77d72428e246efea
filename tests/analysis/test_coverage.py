from __future__ import annotations

from tvmq_diag.analysis.coverage import Coverage, count
from tvmq_diag.analysis.unquantized import unquantized
from tvmq_diag.trace.snapshot import Node, Snapshot


def module() -> Snapshot:
    """Two convolutions, the first in float; then a pooling without a rule and a dense in float."""
    return Snapshot(
        1,
        (
            Node(0, "var", dtype="float32", shape=(1, 3, 8, 8)),
            Node(1, "constant", dtype="float32", shape=(4, 3, 3, 3)),
            Node(2, "call", "nn.conv2d", (0, 1), "float32", (1, 4, 8, 8)),
            Node(3, "call", "cast", (2,), "int8", (1, 4, 8, 8)),
            Node(4, "constant", dtype="int8", shape=(4, 4, 3, 3)),
            Node(5, "call", "nn.conv2d", (3, 4), "int32", (1, 4, 8, 8)),
            Node(6, "call", "cast", (5,), "float32", (1, 4, 8, 8)),
            Node(7, "call", "nn.adaptive_avg_pool2d", (6,), "float32", (1, 4, 1, 1)),
            Node(8, "call", "nn.batch_flatten", (7,), "float32", (1, 4)),
            Node(9, "constant", dtype="float32", shape=(10, 4)),
            Node(10, "call", "nn.dense", (8, 9), "float32", (1, 10)),
        ),
    )


def test_ops_macs_and_bytes_by_dtype() -> None:
    counted = count("fold", module())
    assert counted.ops == {"float32": 3, "int8": 1}
    assert counted.macs == {"float32": 256 * 27 + 10 * 4, "int8": 256 * 36}
    assert counted.weight_bytes == {"float32": (4 * 27 + 40) * 4, "int8": 4 * 36}


def test_what_is_left_in_float_and_why() -> None:
    qconfig: dict[str, object] = {"skip_conv_layers": [0], "skip_dense_layer": 1}
    assert [(left.op, left.reason) for left in unquantized(module(), qconfig)] == [
        ("nn.conv2d", "skip_conv_layers holds 0"),
        ("nn.adaptive_avg_pool2d", "the quantizer has no rule for nn.adaptive_avg_pool2d"),
        ("nn.dense", "skip_dense_layer is set"),
    ]
    nothing: dict[str, object] = {}
    assert unquantized(module(), nothing)[0].reason == "what it reads was left in float"


def test_behind_a_quantized_global_pool_quantization_has_ended() -> None:
    before = module()
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


def test_the_share_is_of_the_multiplying_that_reads_8_bits_or_fewer() -> None:
    covered = Coverage([count("import", module()), count("fold", module())], [])
    assert covered.share == 256 * 36 / (256 * 36 + 256 * 27 + 40)
    assert Coverage([count("import", module())], []).share is None
