"""What the last pooling reads: which axes, whatever the layout, and what a mean takes away."""

from __future__ import annotations

import numpy as np
import pytest

from tvmq_diag.instruments.numerics.pooling import axes_of, by_channel, varying


@pytest.mark.parametrize(
    ("kernel", "given", "result", "axes"),
    [
        ("fused_nn_global_avg_pool2d", (1, 48, 4, 4), (1, 48, 1, 1), (2, 3)),
        ("fused_nn_global_avg_pool2d", (1, 3, 4, 4, 16), (1, 3, 1, 1, 16), (2, 3)),
        ("fused_mean", (1, 4, 4, 48), (1, 48), (1, 2)),
        ("fused_mean_1", (1, 49, 768), (1, 768), (1,)),
        ("fused_nn_max_pool2d", (1, 48, 4, 4), (1, 48, 2, 2), None),
        ("fused_nn_conv2d", (1, 48, 4, 4), (1, 48, 1, 1), None),
        ("fused_nn_global_avg_pool2d", (1, 48, 1, 1), (1, 48, 1, 1), None),
    ],
)
def test_only_what_makes_one_value_of_all_places_pools(
    kernel: str, given: tuple[int, ...], result: tuple[int, ...], axes: tuple[int, ...] | None
) -> None:
    assert axes_of(kernel, given, result) == axes


def test_channels_are_alike_in_every_layout() -> None:
    plain = np.random.default_rng(0).integers(0, 100, (2, 32, 3, 5))
    blocks = plain.reshape(2, 2, 16, 3, 5).transpose(0, 1, 3, 4, 2)
    first = by_channel(plain, (2, 3))
    assert first.shape == (64, 15) and first.dtype == np.float32
    assert (by_channel(blocks, (2, 3)) == first).all()
    assert (by_channel(plain.transpose(0, 2, 3, 1), (1, 2)) == first).all()


def test_a_mean_takes_away_where_values_are() -> None:
    values = np.random.default_rng(0).standard_normal((4, 9)) + 5
    mirrored = values[:, ::-1]
    assert np.allclose(values.mean(axis=1), mirrored.mean(axis=1))
    assert np.allclose(varying(values).sum(axis=1), 0)
    assert not np.allclose(varying(values), varying(mirrored))
