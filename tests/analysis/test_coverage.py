from __future__ import annotations

import pytest
from support.builders import call, half_quantized

from tvmq_diag.analysis.coverage import Coverage, count
from tvmq_diag.trace.snapshot import Node, Snapshot


def test_ops_macs_and_bytes_by_dtype() -> None:
    counted = count("fold", half_quantized())
    assert counted.ops == {"float32": 3, "int8": 1}
    assert counted.macs == {"float32": 256 * 27 + 10 * 4, "int8": 256 * 36}
    assert counted.weight_bytes == {"float32": (4 * 27 + 40) * 4, "int8": 4 * 36}


def test_the_share_is_of_the_multiplying_that_reads_8_bits_or_fewer() -> None:
    covered = Coverage([count("import", half_quantized()), count("fold", half_quantized())], [])
    assert covered.share == 256 * 36 / (256 * 36 + 256 * 27 + 40)
    assert Coverage([count("import", half_quantized())], []).share is None


@pytest.mark.parametrize(
    ("op", "data", "weights", "outputs", "layout", "macs"),
    [
        ("nn.conv2d", (1, 8, 8, 3), (3, 3, 3, 4), (1, 8, 8, 4), "HWIO", 256 * 27),
        ("nn.contrib_conv2d_NCHWc", (1, 1, 8, 8, 4), (2, 1, 3, 3, 4, 8), (1, 2, 8, 8, 8),
         "OIHW4i8o", 1024 * 36),
        ("nn.conv2d_transpose", (1, 6, 8, 8), (6, 4, 2, 2), (1, 4, 16, 16), "IOHW", 384 * 16),
        ("nn.conv2d_transpose", (1, 6, 8, 8), (6, 4, 2, 2), (1, 4, 16, 16), None, 384 * 16),
        ("nn.batch_matmul", (2, 5, 7), (2, 3, 7), (2, 5, 3), None, 30 * 7),
        ("nn.matmul", (5, 7), (7, 3), (5, 3), None, 15 * 7),
    ],
)  # fmt: skip
def test_macs_go_by_the_layout_of_the_weights(
    op: str,
    data: tuple[int, ...],
    weights: tuple[int, ...],
    outputs: tuple[int, ...],
    layout: str | None,
    macs: int,
) -> None:
    attrs = {"kernel_layout": layout} if layout is not None else {}
    read = Node(0, "var", dtype="float32", shape=data)
    kernel = Node(1, "constant", dtype="float32", shape=weights)
    module = Snapshot(1, (read, kernel, call(2, op, 0, 1, shape=outputs, attrs=attrs)))
    assert count("fold", module).macs == {"float32": macs}


def test_a_bitserial_op_has_the_products_of_the_models_once() -> None:
    attrs = {"kernel_size": [3, 3], "pack_dtype": "uint64", "kernel_layout": "HWIO"}
    read = Node(0, "var", dtype="int8", shape=(1, 10, 10, 64))
    kernel = Node(1, "constant", dtype="uint64", shape=(3, 3, 1, 12, 2))
    conv = call(2, "nn.bitserial_conv2d", 0, 1, shape=(1, 8, 8, 12), attrs=attrs)
    counted = count("fold", Snapshot(1, (read, kernel, conv)))
    assert counted.macs == {"int8": 6 * 64 * 9 * 64}
    assert counted.weight_bytes == {"uint64": 3 * 3 * 12 * 2 * 8}
