from __future__ import annotations

from support.builders import half_quantized

from tvmq_diag.analysis.coverage import Coverage, count


def test_ops_macs_and_bytes_by_dtype() -> None:
    counted = count("fold", half_quantized())
    assert counted.ops == {"float32": 3, "int8": 1}
    assert counted.macs == {"float32": 256 * 27 + 10 * 4, "int8": 256 * 36}
    assert counted.weight_bytes == {"float32": (4 * 27 + 40) * 4, "int8": 4 * 36}


def test_the_share_is_of_the_multiplying_that_reads_8_bits_or_fewer() -> None:
    covered = Coverage([count("import", half_quantized()), count("fold", half_quantized())], [])
    assert covered.share == 256 * 36 / (256 * 36 + 256 * 27 + 40)
    assert Coverage([count("import", half_quantized())], []).share is None
