"""The benchmark: what its journal says, and what it measures on the real TVM, here and over RPC."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.devices import device as device

from tvmq_diag.commands import benchmark as command
from tvmq_diag.commands import cli
from tvmq_diag.driver.plan import Observer, Plan
from tvmq_diag.driver.trials import Trials
from tvmq_diag.errors import UsageError
from tvmq_diag.instruments.protocol.jobs import BenchmarkJob, ModelSource
from tvmq_diag.measurements import benchmark
from tvmq_diag.measurements.benchmark import AGAIN, EAGER, FLOAT, Kernel
from tvmq_diag.results.facts import RunFacts
from tvmq_diag.results.run import Run
from tvmq_diag.toolchains import process
from tvmq_diag.toolchains.limits import Limits
from tvmq_diag.toolchains.toolchain import Toolchain
from tvmq_diag.trace.ops import CONVOLUTION, LAYOUT, POOLING, REQUANTIZE

SIDE = "int8/int8/int32"


def journal(folder: Path, *events: dict[str, Any]) -> Path:
    lines = [json.dumps({"t": 0.0, **event}) for event in events]
    (folder / "journal.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def test_rounds_make_ratios_and_what_is_damaged_is_said(tmp_path: Path) -> None:
    rounds = [
        {"kind": "round", "number": i, "ms": {FLOAT: 1.0 + i, AGAIN: 1.0 + i, SIDE: 2.0 + 2 * i}}
        for i in range(8)
    ]
    found = benchmark.load(
        journal(tmp_path, *rounds, {"kind": "round", "ms": {FLOAT: "x"}}, {"kind": "profile"})
    )
    ratio = found.ratio(SIDE)
    assert ratio is not None and (ratio.value, ratio.low, ratio.high) == pytest.approx((2, 2, 2))
    assert found.noise is not None and found.noise.value == pytest.approx(1)
    assert len(found.problems) == 2 and found.ratio("nothing") is None


def test_no_journal_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no trace in"):
        benchmark.load(tmp_path)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("tvmgen_default_fused_nn_contrib_conv2d_NCHWc_add_cast_clip", CONVOLUTION),
        ("tvmgen_default_fused_nn_global_avg_pool2d_cast", POOLING),
        ("tvmgen_default_fused_layout_transform_reshape", LAYOUT),
        ("tvmgen_default_fused_cast_add_nn_relu_clip_cast", REQUANTIZE),
    ],
)
def test_kinds_of_kernel(name: str, kind: str) -> None:
    assert Kernel(0, name, 1.0, "").kind == kind


def test_a_kernels_arguments_are_read() -> None:
    kernel = Kernel(0, "tvmgen_default_fused_cast", 1.0, "int8[1, 8], float32[]")
    assert kernel.tensors == [("int8", ["1", "8"]), ("float32", [])]
    assert kernel.short == "cast"


def run(*arguments: str) -> int:
    return cli.script(command, ["--model", "tiny", *arguments])


def test_it_measures_what_it_says(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    relay: Toolchain,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = ("--dtype", f"{SIDE},int4", "--rounds", "8", "--json", "--out", "runs/o")
    assert run(*asked) == 0
    found = json.loads(capsys.readouterr().out)
    assert found.pop("exit_code") == 0 and Path(found.pop("page")).name == "index.html"
    assert found == json.loads((tmp_path / "runs" / "o" / command.RECORD).read_text())
    assert set(found["sides"]) == {FLOAT, AGAIN, SIDE}  # int4 cannot be built
    for side in found["sides"].values():
        assert len(side["rounds_ms"]) == 8 and min(side["rounds_ms"]) > 0
    ratio = found["sides"][SIDE]["to_float"]
    assert ratio["low"] <= ratio["value"] <= ratio["high"]
    # The same model twice: whatever the machine does meanwhile, they are of one size.
    noise = found["sides"][AGAIN]["to_float"]
    assert 0.5 < noise["value"] < 2
    kinds = found["sides"][SIDE]["kernels_ms_by_kind"]
    assert kinds[CONVOLUTION] > 0 and REQUANTIZE not in found["sides"][FLOAT]["kernels_ms_by_kind"]
    assert found["threads"] >= 1 and found["targets"][SIDE].startswith("llvm")
    assert found["schedules"][SIDE]["fallbacks"]
    assert "How fast" in (tmp_path / "runs" / "o" / "index.html").read_text()
    assert "benchmark of tiny" in (tmp_path / "runs" / "index.html").read_text()


@pytest.mark.parametrize("source", ["torchvision:squeezenet1_1", "torchvision:nothing"])
def test_eager_has_its_turn_and_its_failure_leaves_the_rest(
    relay: Toolchain, tmp_path: Path, source: str
) -> None:
    limits = Limits(300, 8 << 30)
    plan = Plan(ModelSource("tiny"), [], relay, limits)
    compiled = Trials(plan, Run(tmp_path, RunFacts()), Observer(), tmp_path).float_model()
    assert compiled.artifact is not None
    sides = {FLOAT: str(compiled.artifact)}
    job = BenchmarkJob(
        str(tmp_path / "b"), relay.dialect, sides, 6, 60.0, eager=ModelSource(source)
    )
    assert process.run(relay, job, limits).code == 0
    found = benchmark.load(tmp_path / "b")
    assert len(found.times[FLOAT]) == 6 and found.kernels[FLOAT]
    if source.endswith("nothing"):
        assert EAGER not in found.times and "did not start" in found.problems[0]
    else:
        assert len(found.times[EAGER]) == 6 and (found.facts.eager_threads or 0) > 0


def test_over_rpc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, device: list[str]) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(*device, "--rounds", "6", "--out", "o") == 0
    found = json.loads((tmp_path / "o" / command.RECORD).read_text())
    quantized = set(found["sides"]) - {FLOAT, AGAIN}
    assert found["rpc"]["key"] == "loop" and quantized
    assert all(found["sides"][side]["latency_ms"]["min"] > 0 for side in quantized)


def test_no_tracker_is_said_in_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    relay: Toolchain,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("--rpc", "127.0.0.1:9", "--rpc-key", "loop", "--out", "o") == 3
    error = capsys.readouterr().err.splitlines()[-1]
    assert "nothing could be timed" in error and "Connection refused" in error


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--rpc", "localhost"], "go together"),
        (["--rpc", "localhost:9190"], "go together"),
        (["--rpc-key", "k"], "go together"),
        (["--target", "llvm"], "--target is for a device behind --rpc"),
        (["--samples", "3"], "--calibrate-on"),
    ],
)
def test_bad_usage(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(*arguments) == 2
    assert said in capsys.readouterr().err
