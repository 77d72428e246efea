"""The trained net that is always there: what its accuracy is at each bit width, with labels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tvmq_diag.measurements.metrics import Accuracy
from tvmq_diag.results import store
from tvmq_diag.results.run import Role
from tvmq_diag.results.verdict import WORKS, WRONG, Verdict

Command = Callable[..., int]

HELD_OUT = 599
"""A third of the 1,797 digits that scikit-learn ships."""

INT8 = "int8/int8/int32"


def labelled(verdict: Verdict) -> Accuracy:
    assert verdict.metrics is not None and verdict.metrics.accuracy is not None
    assert verdict.metrics.accuracy.of == verdict.metrics.inputs == HELD_OUT
    return verdict.metrics.accuracy


def verdicts(folder: Path) -> dict[str, Verdict]:
    results = store.load(folder).with_role(Role.REQUESTED)
    return {result.verdict.configuration: result.verdict for result in results}


@pytest.mark.slow
def test_a_sweep_over_bits_shows_where_the_accuracy_breaks(
    trace_quantize: Command, tmp_path: Path
) -> None:
    bits = {n: f"{INT8}:nbit={n}" if n < 8 else INT8 for n in (8, 7, 6, 5, 4, 3, 2)}
    words = ["--model", "digits", "--no-reference", "--out", str(tmp_path / "run")]
    assert trace_quantize(*words, "--dtype", ",".join(bits.values())) == 1
    tried = verdicts(tmp_path / "run")
    top1 = {n: labelled(tried[text]).share for n, text in bits.items()}
    floats = labelled(tried[INT8]).float_share
    assert floats > 0.98 and abs(floats - top1[8]) <= 0.01
    assert tried[INT8].outcome == WORKS
    assert top1[6] > 0.9 > 0.5 > top1[4] > top1[2]
    assert {tried[bits[n]].outcome for n in (4, 3, 2)} == {WRONG}


def test_relax_keeps_the_accuracy_of_digits(trace_quantize: Command, tmp_path: Path) -> None:
    words = ["--tvm", "relax", "--model", "digits", "--no-reference"]
    words += ["--dtype", f"{INT8}:pipeline=default", "--out", str(tmp_path / "run")]
    assert trace_quantize(*words) == 0
    (verdict,) = verdicts(tmp_path / "run").values()
    accuracy = labelled(verdict)
    assert abs(accuracy.float_share - accuracy.share) <= 0.01


def test_on_pictures_percentiles_calibrate_better_than_the_default(
    trace_quantize: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    default = f"{INT8}:nbit=4"
    percentile = f"{default}:calibrate_mode=percentile"
    words = ["--model", "digits", "--no-reference", "--out", str(tmp_path / "run")]
    words += ["--calibrate-on", "digits", "--samples", "32"]
    trace_quantize(*words, "--dtype", f"{default},{percentile}")
    tried = verdicts(tmp_path / "run")
    assert labelled(tried[percentile]).share > labelled(tried[default]).share + 0.5
    page = (tmp_path / "run" / "index.html").read_text()
    assert "calibrate_mode=percentile" in page
