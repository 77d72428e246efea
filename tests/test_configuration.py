from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tvmq_diag.configuration import (
    REFERENCE,
    adapted,
    bits,
    parse,
    parse_list,
    reference,
    wider,
)
from tvmq_diag.errors import UsageError


def test_one_dtype_means_all_three_fields() -> None:
    assert parse("int4").qconfig == {
        "dtype_input": "int4",
        "dtype_weight": "int4",
        "dtype_activation": "int4",
    }


def test_nbit_means_input_and_weight() -> None:
    configuration = parse("int8/int8/int32:nbit=4:global_scale=4")
    assert configuration.qconfig == {
        **REFERENCE.qconfig,
        "nbit_input": 4,
        "nbit_weight": 4,
        "global_scale": 4.0,
    }
    assert configuration.text == "int8/int8/int32:nbit=4:global_scale=4"


def test_three_equal_dtypes_are_shown_as_one() -> None:
    assert parse("int4/int4/int4").text == "int4"


def test_a_list_keeps_order_and_drops_repeats() -> None:
    assert [c.text for c in parse_list("bool, int4,bool")] == ["bool", "int4"]


@pytest.mark.parametrize(
    "text",
    ["", "int", "int4/int4", "int8/int8/int32:nbit", "int4:nbit=x", "int4:depth=3", "<b>", "int0"],
)
def test_bad_input_gives_one_clear_line(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_list(text)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) > 20


@given(st.text(max_size=30))
def test_no_text_is_more_than_a_usage_error(text: str) -> None:
    with contextlib.suppress(UsageError):
        parse(text)


@given(st.integers(1, 64), st.sampled_from(["int", "uint"]))
def test_slugs_are_file_names(width: int, kind: str) -> None:
    configuration = parse(f"{kind}{width}/int8/int32:nbit={width}")
    assert "/" not in configuration.slug and ":" not in configuration.slug
    assert bits(configuration.dtypes[0]) == width


def test_narrow_accumulators_are_known() -> None:
    assert parse("int8").narrow and parse("bool").narrow
    assert not REFERENCE.narrow


def test_on_relax_a_dtype_is_that_of_inputs_and_weights_in_each_pipeline() -> None:
    found = [configuration.text for configuration in adapted(parse("int4:nbit=3"), "relax")]
    assert found == [
        "int4/int4/int32:nbit=3:pipeline=default",
        "int4/int4/int32:nbit=3:pipeline=target",
    ]
    (said,) = adapted(parse("int8/int4/int16:pipeline=target:realize=qdq"), "relax")
    assert said.text == "int8/int4/int16:pipeline=target:realize=qdq"
    assert said.qconfig["pipeline"] == "target" and said.qconfig["realize"] == "qdq"
    assert adapted(parse("int4"), "relay") == [parse("int4")]


@pytest.mark.parametrize(
    ("text", "dialect", "said"),
    [
        ("int4:pipeline=target", "relay", "is for --tvm relax"),
        ("int4:weight_scale=max", "relax", "is for --tvm relay"),
    ],
)
def test_a_field_of_the_other_dialect_is_said(text: str, dialect: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        adapted(parse(text), dialect)


def test_what_a_field_can_be_is_said() -> None:
    with pytest.raises(UsageError, match="pipeline is default or target"):
        parse("int4:pipeline=both")


def test_the_reference_is_compiled_in_the_same_way() -> None:
    asked = parse("int4/int4/int32:nbit=3:pipeline=target")
    assert reference(asked).text == "int8/int8/int32:pipeline=target"
    assert wider(asked)[0].text == "int8/int8/int32:nbit=4:pipeline=target"
    assert reference(parse("int4")) == REFERENCE
