"""Bits of each weight in a file: written and read back, and what is wrong with one in a line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tvmq_diag.configuration import parse_list
from tvmq_diag.errors import UsageError
from tvmq_diag.instruments.protocol import bits_file
from tvmq_diag.instruments.protocol.bits_file import WeightBits

FINE = """dtype = "int8/int8/int32:weight_scale=max"
[[weight]]
op = "nn.conv2d"
shape = [8, 3, 3, 3]
bits = 5
[[weight]]
bits = 3
"""


def test_a_file_is_a_configuration(tmp_path: Path) -> None:
    file = tmp_path / "bits.toml"
    file.write_text(FINE)
    [configuration] = parse_list(f"@{file}")
    assert configuration.text == "int8/int8/int32:weight_scale=max:weight_bits=53"
    assert [c.text for c in parse_list(f"int4,@{file}")] == ["int4", configuration.text]


WEIGHTS = st.builds(
    WeightBits, st.text(max_size=20), st.lists(st.integers(0, 9)), st.integers(1, 8)
)


@given(st.lists(WEIGHTS, min_size=1))
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, weights: list[WeightBits]
) -> None:
    file = tmp_path_factory.mktemp("bits") / "bits.toml"
    file.write_text(bits_file.written("int8", weights, "made"), encoding="utf-8")
    assert bits_file.read(file).weight_bits == "".join(str(one.bits) for one in weights)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no dtype"),
        ("dtype = 3", "has no dtype"),
        (FINE.replace("max", "max:weight_bits=44"), "its dtype has weight_bits"),
        ('dtype = "int8"', r"has no \[\[weight\]\]"),
        ('dtype = "int8"\nweight = 4', r"has no \[\[weight\]\]"),
        (FINE.replace("= 5", "= 9"), r"\[\[weight\]\] 1 has 9 bits, not 1 to 8"),
        (FINE.replace("= 3\n", "= true\n"), r"\[\[weight\]\] 2 has True bits"),
        (FINE.replace("bits = 3", ""), r"\[\[weight\]\] 2 has None bits"),
        ("not toml", "bits.toml: "),
    ],
)
def test_what_is_wrong_is_told_in_a_line(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "bits.toml"
    file.write_text(text)
    with pytest.raises(UsageError, match=said) as caught:
        parse_list(f"@{file}")
    assert "\n" not in str(caught.value)


def test_a_file_without_a_name() -> None:
    with pytest.raises(UsageError, match="needs the name of a file"):
        parse_list("@")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        parse_list(f"@{tmp_path / 'none.toml'}")
