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
    with_fields_of,
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


def test_a_long_configuration_has_a_file_name_of_its_own() -> None:
    long, other = (parse(f"int8:weight_bits={'4' * 300}{last}") for last in "48")
    assert len(long.slug) < 200
    assert long.slug != other.slug
    assert long.slug == parse(long.text).slug


@pytest.mark.parametrize("realize", ["packed", "qdq"])
def test_a_realization_belongs_to_a_dialect(realize: str) -> None:
    with pytest.raises(UsageError, match="is for --tvm relax"):
        adapted(parse(f"int8:realize={realize}"), "relay")
    with pytest.raises(UsageError, match="is for --tvm relay"):
        adapted(parse("int8:realize=bitserial"), "relax")


def test_what_is_packed_is_compared_with_what_is_not() -> None:
    packed = parse("int8/int8/int32:nbit_weight=4:pipeline=target:realize=packed")
    assert reference(packed).text == "int8/int8/int32:pipeline=target"


def test_three_equal_dtypes_are_shown_as_one() -> None:
    assert parse("int4/int4/int4").text == "int4"


def test_a_list_keeps_order_and_drops_repeats() -> None:
    assert [c.text for c in parse_list("bool, int4,bool")] == ["bool", "int4"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "int",
        "int4/int4",
        "int8/int8/int32:nbit",
        "int4:nbit=x",
        "int4:=3",
        "int4:a-b=3",
        "int4:dtype_input=int8",
        "int4:partition_conversions=yes",
        "<b>",
        "int0",
        "as-is:nbit=4",
        "as-is/int8/int8",
    ],
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


DEFAULTS: dict[str, object] = {
    "nbit_input": 8, "dtype_input": "int8", "do_simulation": False, "debug_enabled_ops": None,
    "calibrate_chunk_by": -1, "scale": 0.5, "skip_conv_layers": [0],
    "partition_conversions": "disabled",
}  # fmt: skip
"""As a TVM's QConfig may have them."""


def test_a_field_that_is_not_listed_gets_a_value_as_the_tvm_at_hand_has_it() -> None:
    typed = parse(
        "int8:do_simulation=true:debug_enabled_ops=nn.conv2d+add:calibrate_chunk_by=4:scale=2:"
        "partition_conversions=enabled:skip_conv_layers=none"
    )
    assert len(typed.unknown) == 5
    asked = with_fields_of(typed, DEFAULTS)
    assert asked.unknown == () and asked.text == typed.text
    assert asked.fields == {
        "do_simulation": True, "debug_enabled_ops": ["nn.conv2d", "add"], "calibrate_chunk_by": 4,
        "scale": 2.0, "partition_conversions": "enabled", "skip_conv_layers": [],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("int4:depth=3", "no such field; its fields: nbit, nbit_input, do_simulation, "),
        ("int4:calibrate_chunk_by=x", "its default is -1"),
        ("int4:do_simulation=x", "its default is False"),
    ],
)
def test_a_field_that_the_tvm_at_hand_has_not_is_told_with_those_it_has(
    text: str, said: str
) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        with_fields_of(parse(text), DEFAULTS)
    assert "\n" not in str(caught.value) and "dtype_input" not in str(caught.value)
    with pytest.raises(
        UsageError, match=r"its fields: nbit, .*realize, per_channel, skip, weight_bits, group$"
    ):
        adapted(parse(text), "relax")


def test_as_is_means_no_quantizer_at_all() -> None:
    model, folded = parse_list("as-is,as-is:fq2i")
    assert model.qconfig is None and folded.qconfig is None
    assert (model.is_model, model.fq2i) == (True, False)
    assert (folded.is_model, folded.fq2i) == (False, True)
    assert adapted(model, "relax") == [model]
    with pytest.raises(UsageError, match="Relax has no FakeQuantizationToInteger"):
        adapted(folded, "relax")


def test_what_a_field_can_be_is_said() -> None:
    with pytest.raises(UsageError, match="pipeline is default or target"):
        parse("int4:pipeline=both")


def test_the_reference_is_compiled_in_the_same_way() -> None:
    asked = parse("int4/int4/int32:nbit=3:pipeline=target")
    assert reference(asked).text == "int8/int8/int32:pipeline=target"
    assert wider(asked)[0].text == "int8/int8/int32:nbit=4:pipeline=target"
    assert reference(parse("int4")) == REFERENCE
