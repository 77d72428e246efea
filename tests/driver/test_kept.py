"""What is kept between processes, with real TVMs: taken where it is the same, and nowhere else."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tvmq_diag.configuration import parse
from tvmq_diag.driver.compiler import Compiler
from tvmq_diag.driver.plan import Observer, Plan
from tvmq_diag.instruments.protocol.jobs import ModelSource
from tvmq_diag.toolchains import overlay
from tvmq_diag.toolchains.limits import Limits
from tvmq_diag.toolchains.toolchain import Toolchain
from tvmq_diag.trace.trace import Trace

Compile = Callable[..., Trace]

CALL = "    expr = _forward_op(ref_call, [lhs_expr, rhs_expr])"
EDITS = [
    ("_annotate.py", CALL, f"{CALL}  # of a pass", ["import", "prepare"]),
    ("quantize.py", "    mod = optimize(mod)", "    mod = optimize(mod)  # prepared", ["import"]),
]
"""Of TVM's quantizer: file, line, what comes in its place, and what is taken after that."""


@pytest.fixture
def compile_tiny(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, relay: Toolchain, relax: Toolchain
) -> Compile:
    monkeypatch.setenv("TVMQ_DIAG_CACHE", str(tmp_path / "cache"))

    def compile_it(chain: Toolchain, text: str, **changes: object) -> Trace:
        number = len(list(tmp_path.iterdir()))
        run, scratch = tmp_path / f"run{number}", tmp_path / f"scratch{number}"
        for folder in (run, scratch):
            folder.mkdir()
        plan = Plan(ModelSource("tiny"), [], chain, Limits(600, 2**40), reference=False)
        plan = replace(plan, **changes)  # type: ignore[arg-type]
        return Compiler(plan, run, scratch, Observer()).compile(parse(text)).trace

    return compile_it


def told(trace: Trace) -> list[tuple[str, str, int | None, int | None]]:
    """Its passes after import, with the snapshots before and after each."""
    runs = [run for run in trace.pass_runs.values() if run.stage != "import"]
    return [(run.name, run.stage, run.before, run.after) for run in runs]


def tables(trace: Trace) -> list[str]:
    return [
        json.dumps(json.loads((trace.path / written.table).read_text()))
        for written in trace.tables.values()
        if written.table is not None
    ]


def stages(trace: Trace) -> list[str]:
    return [taken.what for taken in trace.taken]


@pytest.mark.parametrize("dialect", ["relay", "relax"])
def test_a_trace_tells_the_same_whoever_prepared_the_module(
    compile_tiny: Compile, request: pytest.FixtureRequest, dialect: str
) -> None:
    chain = request.getfixturevalue(dialect)
    text = "int8/int8/int32"
    made, taken = compile_tiny(chain, text), compile_tiny(chain, text)
    assert stages(made) == [] and stages(taken) == ["import", "prepare"]
    assert told(taken) == told(made) and tables(taken) == tables(made)
    kept = [run for run in taken.pass_runs.values() if run.kept]
    assert {run.stage for run in kept} == {"prepare"}
    original = [run for run in made.pass_runs.values() if run.stage == "prepare"]
    own = original[: len(kept)]  # behind them comes the list of the quantizer's passes
    assert [run.name for run in kept] == [run.name for run in own]
    assert [run.ms for run in kept] == pytest.approx([run.ms for run in own], abs=0.01)
    assert (taken.path / "outputs.npz").exists() and not taken.faults


def test_another_configuration_takes_it_and_fails_as_it_would(
    compile_tiny: Compile, relay: Toolchain
) -> None:
    compile_tiny(relay, "int8/int8/int32")
    taken, fresh = compile_tiny(relay, "int4"), compile_tiny(relay, "int4", fresh=True)
    assert stages(taken) == ["import", "prepare"] and stages(fresh) == []
    assert taken.blame == replace_ms(fresh, taken) and taken.knobs == fresh.knobs
    assert taken.failing_place == fresh.failing_place


def replace_ms(one: Trace, other: Trace) -> object:
    """What one is blamed for, with the time that finding it took in the other."""
    import msgspec

    assert one.blame is not None and other.blame is not None
    return msgspec.structs.replace(one.blame, ms=other.blame.ms)


def test_another_level_is_prepared_anew(compile_tiny: Compile, relay: Toolchain) -> None:
    compile_tiny(relay, "int4")
    assert stages(compile_tiny(relay, "int4", quantize_opt_level=3)) == ["import"]
    assert stages(compile_tiny(relay, "int4", save_ir=True)) == ["import"]


def test_a_patched_pass_meets_what_is_prepared_and_a_patched_preparation_does_not(
    compile_tiny: Compile, relay: Toolchain, tmp_path: Path
) -> None:
    compile_tiny(relay, "int4")
    source = next(relay.python.parent.parent.glob("lib/*/site-packages/tvm/relay/quantize"))
    for file, line, another, expected in EDITS:
        before = (source / file).read_text().splitlines(keepends=True)
        after = [one.replace(line, another) if one.rstrip() == line else one for one in before]
        name = f"tvm/relay/quantize/{file}"
        diff = tmp_path / f"{file}.diff"
        diff.write_text("".join(difflib.unified_diff(before, after, f"a/{name}", f"b/{name}")))
        chain = overlay.patched(relay, diff, tmp_path / f"patched-{file}")
        trace = compile_tiny(chain, "int4")
        assert stages(trace) == expected, file
        assert trace.failure is not None
