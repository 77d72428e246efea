"""--tune and --tuning-records, from the command line to the page."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.paths import ROOT, InTvm

from tvmq_diag.analysis.snippets import apply_records
from tvmq_diag.results import store
from tvmq_diag.results.run import Role, Run

Command = Callable[..., int]

INT8 = "int8/int8/int32"
QUICK = ["--model", "digits", "--dtype", INT8, "--search", "0", "--seconds", "5"]

APPLIED = """
import json, os
import numpy as np
import tvm
from tvm import autotvm, relay
from tvm.contrib import graph_executor
from instruments.inputs import target as targets
from instruments.protocol.jobs import ModelSource
from instruments.relay.compile import nets, schedules

os.chdir({folder!r})
model = nets.digits(ModelSource("digits"))
module, params = model.fresh(), dict(model.params)
target = targets.parse(targets.host(None)[0])
picture = np.random.default_rng(0).random((1, 1, 8, 8), "float32")

def run(library):
    executor = graph_executor.GraphModule(library["default"](tvm.cpu()))
    executor.run(input=picture)
    return executor.get_output(0).numpy()

with schedules.collected() as before:
    untuned = run(relay.build(module, target=target, params=params))
with schedules.collected() as after:
{lines}
same = np.allclose(run(library), untuned, rtol=1e-4, atol=1e-4)
print(json.dumps([len(before.fallbacks), len(after.fallbacks), bool(same)]))
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of its own, so that nothing is known before; the toolchains are the person's."""
    own = tmp_path_factory.mktemp("cache")
    theirs = os.environ.get("TVMQ_DIAG_CACHE") or str(Path.home() / ".cache" / "tvmq_diag")
    (own / "toolchains").symlink_to(Path(theirs) / "toolchains")
    return own


@pytest.fixture
def tracing(
    trace_quantize: Command, cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., Run]:
    """Trace into a folder of that name; the run as it is on disk."""
    monkeypatch.setenv("TVMQ_DIAG_CACHE", str(cache))

    def run(name: str, *arguments: str) -> Run:
        assert trace_quantize(*QUICK, *arguments, "--out", str(tmp_path / name)) == 0
        return store.load(tmp_path / name)

    return run


def known(cache: Path) -> list[str]:
    return [line for file in cache.rglob("tuning/*/*.log") for line in file.open()]


@pytest.mark.slow
def test_a_run_is_tuned_and_its_records_hold(
    tracing: Callable[..., Run], in_tvm: InTvm, cache: Path, tmp_path: Path
) -> None:
    run = tracing("tuned", "--tune", "12")
    assert run.tuning is not None and run.tuning.complete and not run.tuning.faults
    tasks = run.tuning.tasks.values()
    assert {side for task in tasks for side in task.begins.uses} == {"float32", INT8}
    assert sum(len(task.trials) for task in tasks) >= 4
    # What is found to be wrong has a second line, which says so.
    assert len(known(cache)) == sum(len(task.trials) + len(task.wrong) for task in tasks)
    for task in tasks:
        for candidate in task.candidates:
            assert candidate.outputs is not None and candidate.outputs.same
    for side, ways in run.facts.tuned.items():
        assert all(model.runs and model.same for model in ways)
        # Convolutions of int8 are exact; what is float, and summed in another order, need not be.
        assert all((model.furthest or 0.0) < 1e-3 for model in ways), side
    (result,) = run.with_role(Role.REQUESTED)
    (untuned,) = [h for h in result.verdict.hazards if h.name == "untuned schedules"]
    assert any("TopHub" in line for line in untuned.evidence)
    assert result.trace is not None and result.trace.facts.tophub == "NONE"
    page = (tmp_path / "tuned" / "index.html").read_text()
    assert "What tuning gains" in page and page.count("conv2d_NCHWc_int8.x86") >= 4

    # The second run begins with what the first has tried.
    again = tracing("again", "--tune", "1")
    assert again.tuning is not None
    before = {task.begins.text: len(task.trials) for task in tasks}
    after = {task.begins.text: task.begins.known for task in again.tuning.tasks.values()}
    assert before.keys() & after.keys()
    assert all(after[text] == before[text] for text in before.keys() & after.keys())

    # Records of the float model in somebody's script; that they are faster is not what counts here.
    mine = [json.loads(line) for line in known(cache) if '"conv2d_NCHWc.x86"' in line]
    wrong = [record["input"] for record in mine if record["result"][1]]
    lines = [json.dumps(record) for record in mine if record["input"] not in wrong]
    assert lines
    (tmp_path / "mine.log").write_text("".join(f"{line}\n" for line in lines))
    snippet = "\n".join(f"    {line}" for line in apply_records("mine.log").splitlines())
    done = in_tvm(APPLIED.format(folder=str(tmp_path), lines=snippet))
    assert done.returncode == 0, done.stderr[-2000:]
    before_count, after_count, same = json.loads(done.stdout.splitlines()[-1])
    assert same and after_count < before_count

    # And given to the tool.
    given = tracing("given", "--tuning-records", str(tmp_path / "mine.log"))
    assert given.tuning is None and given.facts.tuned["float32"][0].taken
    assert given.benchmark is not None
    assert len(given.benchmark.times["float32, tuned"]) == len(given.benchmark.times["float32"])
    (result,) = given.with_role(Role.REQUESTED)
    assert result.verdict.tuning is not None


def test_ctrl_c_keeps_what_is_known(cache: Path, tmp_path: Path) -> None:
    before = len(known(cache))
    command = [sys.executable, "-m", "tvmq_diag", "trace", *QUICK, "--tune", "120"]
    with subprocess.Popen(
        [*command, "--out", str(tmp_path / "run")],
        cwd=ROOT,
        env={**os.environ, "TVMQ_DIAG_CACHE": str(cache), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        until = time.monotonic() + 240
        while len(known(cache)) < before + 6 and time.monotonic() < until:
            time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    run = store.load(tmp_path / "run")
    assert run.facts.interrupted and run.tuning is not None and not run.tuning.complete
    assert len(known(cache)) >= before + 6
    assert run.benchmark is not None and run.benchmark.times  # the short one before
    page = (tmp_path / "run" / "index.html").read_text()
    assert "Tuning was cut off" in page


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "there is no record in it"),
        ("# only a comment\n", "there is no record in it"),
        ("# a comment\ngarbage\n", "line 2: that is no record"),
        ('["a list"]\n', "line 1: that is no record"),
    ],
)
def test_what_is_no_record_is_refused_before_anything_runs(
    trace_quantize: Command, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    Path("given").mkdir()
    Path("given/float32.log").write_text(text)
    for given in ("given", "given/float32.log"):
        assert trace_quantize("--model", "tiny", "--dtype", INT8, "--tuning-records", given) == 2
        assert said in capsys.readouterr().err
    Path("given/float32.log").unlink()
    assert trace_quantize("--model", "tiny", "--dtype", INT8, "--tuning-records", "given") == 2
    assert "no records in this folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--tune", "5", "--no-reference"], "--no-reference leaves the benchmark out"),
        (["--tune", "5", "--tuning-records", "x"], "give one"),
        (["--tuning-records", "missing.log"], "there is no such file"),
        (["--tune", "-1"], "must be a number from 0 on"),
    ],
)
def test_what_cannot_be_is_refused(
    trace_quantize: Command, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    code: object
    try:
        code = trace_quantize("--model", "tiny", "--dtype", INT8, *arguments)
    except SystemExit as refused:
        code = refused.code
    assert code == 2 and said in capsys.readouterr().err
