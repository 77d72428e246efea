"""What kernels have to do, how near that is to the peaks, and which part of a ratio they are."""

from __future__ import annotations

import math

import pytest

from tvmq_diag.analysis import roof, waterfall
from tvmq_diag.measurements import work
from tvmq_diag.measurements.benchmark import Kernel, Peaks

PEAKS = Peaks(2, [(1_000_000, 1e11), (100_000_000, 1e10)], 1e11, 4e11)


def kernel(name: str, ms: float, *shapes: str, number: int = 0) -> Kernel:
    return Kernel(number, name, ms, ", ".join(shapes))


@pytest.mark.parametrize(
    ("name", "shapes", "macs"),
    [
        # 64 channels of 56 by 56, each from 3 by 3 of 64: in plain layouts, in blocks, in fours.
        ("conv2d", ["float32[1,64,58,58]", "float32[64,64,3,3]", "float32[1,64,56,56]"],
         64 * 56 * 56 * 576),
        ("conv2d", ["float32[1,58,58,64]", "float32[3,3,64,64]", "float32[1,56,56,64]"],
         64 * 56 * 56 * 576),
        ("conv2d_NCHWc",
         ["float32[1,4,58,58,16]", "float32[4,4,3,3,16,16]", "float32[1,4,56,56,16]"],
         64 * 56 * 56 * 576),
        ("conv2d_NCHWc",
         ["uint8[1,4,58,58,16]", "int8[4,4,3,3,4,16,4]", "int32[1,4,56,56,16]"],
         64 * 56 * 56 * 576),
        ("depthwise_conv2d_NCHWc",
         ["float32[1,2,58,58,16]", "float32[2,1,3,3,1,16]", "float32[1,2,56,56,16]"],
         32 * 56 * 56 * 9),
        ("dense_pack", ["float32[2,512]", "float32[125,512,8]", "float32[2,1000]"],
         2 * 1000 * 512),
    ],
)  # fmt: skip
def test_the_products_of_a_kernel(name: str, shapes: list[str], macs: int) -> None:
    assert work.operations(kernel(name, 1.0, *shapes)) == 2 * macs


def test_what_is_not_known_is_not_reckoned() -> None:
    winograd = kernel("conv2d", 1.0, "float32[1,64,58,58]", "float32[4,4,64,32]",
                      "float32[1,64,56,56]")  # fmt: skip
    assert work.operations(winograd) is None
    assert work.operations(kernel("add", 1.0, "int8[4]", "int8[4]", "int8[4]")) is None
    assert (
        work.operations(kernel("conv2d", 1.0, "int8[1,?,8,8]", "int8[4,4,1,1]", "int8[1]")) is None
    )
    assert work.moved(kernel("add", 1.0, "float32[10]", "int8[10]", "bool[10]")) == 60
    assert (
        work.moved(kernel("add", 1.0, "float32[n]")) is None
        and work.moved(kernel("a", 1.0)) is None
    )


def test_a_kernel_is_bound_by_what_takes_longer() -> None:
    dense = kernel("dense", 2.0, "float32[100,1000]", "float32[1000,1000]", "float32[100,1000]")
    [one] = roof.roofs([dense], PEAKS)
    assert one.operations == 2 * 100 * 1000 * 1000 and one.computing == pytest.approx(2.0)
    assert one.moving == pytest.approx(4.8e6 / 1e10 * 1e3)  # too much for the nearer memory
    assert one.bound == roof.COMPUTING and one.share == pytest.approx(1.0)
    add = kernel("add", 0.1, "int8[500000]", "int8[500000]")
    [one] = roof.roofs([add], PEAKS)
    assert one.bound == roof.MOVING and one.share == pytest.approx(0.1) and one.computing is None
    mixed = kernel("dense", 1.0, "int8[1,8]", "float32[8,8]", "float32[1,8]")
    assert roof.roofs([mixed], PEAKS)[0].computing is None
    assert roof.roofs([dense], Peaks(2, [])) == []


def test_the_parts_add_up_to_the_difference() -> None:
    floats = [kernel("conv2d", 2.0, "float32[1]", "float32[1]", number=0),
              kernel("dense", 1.0, "float32[1]", number=1)]  # fmt: skip
    ours = [
        kernel("cast", 0.25, "float32[1]", "int8[1]", number=0),
        kernel("conv2d", 1.0, "int8[1]", "int32[1]", number=1),
        kernel("cast", 0.5, "int32[1]", "int8[1]", number=2),
        kernel("softmax", 0.5, "float32[1]", number=3),
        kernel("dense", 1.5, "int8[1]", "int32[1]", number=4),
        kernel("softmax", 0.125, "float32[1]", number=5),
    ]
    parts = waterfall.parts(floats, ours, without={4})
    assert math.isclose(sum(p.difference for p in parts), 4.0 - 3.0 - 0.125)
    named = {part.name: part for part in parts}
    assert named[waterfall.ISLANDS].of_ours == [ours[3]]
    assert named["convolution"].difference == -1.0
    without = named["dense, without the int8 instruction"]
    assert (without.of_float, without.of_ours) == ([floats[1]], [ours[4]])
    assert [p.difference for p in parts] == sorted((p.difference for p in parts), reverse=True)
