"""Fields of QConfig as people set them, from the command line: those of the TVM at hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Command = Callable[..., int]


def test_a_field_that_this_tvm_has_not_is_one_line_with_those_it_has(
    trace_quantize: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert trace_quantize("--model", "tiny", "--dtype", "int4:depth=3", "--out", "o") == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "depth" in line]
    assert "round_for_shift" in line and "partition_conversions" in line
    assert not Path("o").exists()


def test_what_partition_conversions_makes_is_told(trace_quantize: Command) -> None:
    """One of three functions, which the graph executor does not run; the other may not be made."""
    text = "int8/int8/int32:partition_conversions="
    code = trace_quantize(
        "--model", "tiny", "--no-reference", "--out", "o", "--dtype",
        f"{text}enabled,{text}fully_integral,int8/int8/int32:skip_conv_layers=none:"
        "do_simulation=true",
    )  # fmt: skip
    assert code == 1
    verdicts: list[dict[str, Any]] = json.loads(Path("o/verdict.json").read_text())
    enabled, integral, simulated = verdicts
    assert (enabled["outcome"], enabled["stage"]) == ("rejected", "load")
    assert "the graph executor calls kernels only" in enabled["reason"]
    assert (integral["outcome"], integral["site"]["function"]) == (
        "rejected",
        "partition_conversions",
    )
    assert "nothing but the quantizer's dtypes" in integral["reason"]
    assert enabled["knob"] == integral["knob"] == "partition_conversions"
    assert simulated["outcome"] == "works" and simulated["metrics"]["cosine"] > 0.99
    assert simulated["reason"].startswith("do_simulation: it computes in float")
    job = json.loads(next(Path("o/traces").glob("*simulation*/job.json")).read_text())
    assert job["qconfig"]["skip_conv_layers"] == [] and job["qconfig"]["do_simulation"] is True
