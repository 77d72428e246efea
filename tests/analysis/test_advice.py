"""What is suggested is held against what the same run came to."""

from __future__ import annotations

import pytest

from tvmq_diag.analysis import advice
from tvmq_diag.configuration import parse
from tvmq_diag.results.verdict import (
    NOT_JUDGED,
    NOT_QUANTIZED,
    REJECTED,
    WORKS,
    WRONG,
    Verdict,
)

INT8 = "int8/int8/int32"
UNSKIPPED = f"{INT8}:skip_dense_layer=0"


def settled(suggested: str, tried: str, outcome: str) -> str | None:
    """What becomes of the suggestion of one configuration, where another came to an outcome."""
    first = Verdict("int4", "relay", REJECTED, suggestion=f"--dtype {suggested}: words")
    advice.settle([first, Verdict(tried, "relay", outcome)])
    return first.suggestion


@pytest.mark.parametrize("outcome", [REJECTED, NOT_QUANTIZED, WRONG])
def test_what_failed_is_no_longer_suggested(outcome: str) -> None:
    assert settled(UNSKIPPED, UNSKIPPED, outcome) is None
    assert settled(f"{INT8}:nbit=4", INT8, outcome) is None, "more bits only get better"
    assert settled(UNSKIPPED, INT8, outcome) is not None, "it is no narrower default"
    assert settled("as-is:fq2i", INT8, outcome) is not None


def test_the_order_of_fields_makes_no_other_configuration() -> None:
    suggested, tried = f"{INT8}:pipeline=default:nbit=4", f"{INT8}:nbit=4:pipeline=default"
    assert settled(suggested, tried, WRONG) is None


def test_advice_keeps_the_ops_that_are_quantized() -> None:
    skips = parse(UNSKIPPED)
    assert advice.quantized_alike(skips).text == skips.text
    assert advice.suggestion(parse(f"{UNSKIPPED}:weight_scale=max"), WRONG, "relay") == (
        f"--dtype {UNSKIPPED}: not tried; TVM's default"
    )
    assert advice.suggestion(parse(f"{UNSKIPPED}:rounding=UPWARD"), REJECTED, "relay") is not None


def test_weights_alone_are_narrowed_where_they_alone_were() -> None:
    weights = advice.suggestion(parse("int8/int4/int32"), REJECTED, "relay")
    both = advice.suggestion(parse("int4"), REJECTED, "relay")
    assert str(weights).startswith(f"--dtype {INT8}:nbit_weight=4: not tried")
    assert str(both).startswith(f"--dtype {INT8}:nbit=4: not tried")
    sums = advice.suggestion(parse("int8/int8/int4"), REJECTED, "relay")
    assert str(sums).startswith(f"--dtype {INT8}:nbit=4: not tried"), "the weights were not narrow"


def test_what_works_is_said_to_and_what_was_not_tried_stays() -> None:
    assert settled(UNSKIPPED, UNSKIPPED, WORKS) == f"--dtype {UNSKIPPED}: it works here"
    for other, outcome in ((INT8, WORKS), (INT8, NOT_JUDGED), ("bool", REJECTED)):
        assert settled(f"{INT8}:nbit=4", other, outcome) == f"--dtype {INT8}:nbit=4: words"


@pytest.mark.parametrize(
    ("text", "outcome", "dialect", "suggested"),
    [
        (INT8, WRONG, "relay", f"--dtype {INT8}:calibrate_mode=percentile: not tried; it cali"),
        (f"{INT8}:nbit=5", WRONG, "relay", f"--dtype {INT8}:nbit=5:calibrate_mode=percentile: not"),
        (f"{INT8}:weight_scale=max", WRONG, "relay", f"--dtype {INT8}: not tried; TVM's default"),
        (INT8, REJECTED, "relay", None),
        (f"{INT8}:pipeline=target", REJECTED, "relax", None),
        (f"{INT8}:nbit=4:pipeline=target", REJECTED, "relax",
         f"--dtype {INT8}:pipeline=target: not tried; the reference"),
        ("uint8", REJECTED, "relax",
         f"--dtype {INT8}: not tried; int8 values accumulated in int32, the reference"),
        ("int4", REJECTED, "relay", f"--dtype {INT8}:nbit=4: not tried; 4-bit values kept in int8"),
    ],
)  # fmt: skip
def test_untried_advice_says_so_and_is_never_what_failed(
    text: str, outcome: str, dialect: str, suggested: str | None
) -> None:
    advised = advice.suggestion(parse(text), outcome, dialect)
    assert advised is None if suggested is None else str(advised).startswith(suggested)


def test_settings_that_keep_ops_in_float_are_turned_off() -> None:
    configuration = parse(f"{INT8}:skip_conv_layers=0+1:global_scale=4")
    settings = {"skip_conv_layers", "skip_dense_layer"}
    assert advice.without(settings, configuration, "skip_conv_layers") == (
        f"--dtype {INT8}:global_scale=4:skip_conv_layers=none:skip_dense_layer=0: not tried; these "
        "settings keep ops in float"
    )
    relax = advice.without({"skip"}, parse(f"{INT8}:pipeline=target:skip=matmul"), "skip")
    assert relax is not None and relax.startswith(f"--dtype {INT8}:skip=none:pipeline=target: ")
    assert advice.without(set(), configuration, "skip_conv_layers") is None


def test_one_bit_is_not_calibrated() -> None:
    """The sign takes it: every value is 0, whatever the scale."""
    said = advice.suggestion(parse("int8/int8/int32:nbit_weight=1"), WRONG, "relay")
    assert said == "--dtype int8/int8/int32: not tried; TVM's default"
