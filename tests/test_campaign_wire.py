"""What campaigns damage is read and written whole before."""

from __future__ import annotations

from random import Random

import pytest
from campaigns import wire
from support.paths import CASES


@pytest.mark.parametrize("file", sorted(CASES.glob("*.onnx")), ids=lambda file: file.stem)
def test_a_message_is_written_as_it_was_read_and_damaged_alike_each_time(file: object) -> None:
    data = CASES.joinpath(str(file)).read_bytes()
    assert wire.written(wire.read(data)) == data
    damaged = []
    for _ in range(2):
        fields, random = wire.read(data), Random(7)
        for _ in range(20):
            wire.damage(fields, random)
        damaged.append(wire.written(fields))
    assert damaged[0] == damaged[1] != data
