"""The pieces of a report: words, pass tree, listing, stage strip, latencies, terminal, index."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.console import Console
from support.builders import written

from tvmq_diag.measurements.metrics import Metrics
from tvmq_diag.measurements.paired import Latency, Ratio
from tvmq_diag.reports import formatting
from tvmq_diag.reports.pages import index
from tvmq_diag.reports.text import sweep
from tvmq_diag.reports.text import verdict as verdict_text
from tvmq_diag.reports.views import passes, stages, timeline
from tvmq_diag.reports.views.card import site_text
from tvmq_diag.reports.views.listing import LIMIT, listing
from tvmq_diag.reports.views.section import build
from tvmq_diag.results import verdict as outcome
from tvmq_diag.results.facts import RunFacts
from tvmq_diag.results.run import Result, Role, Run
from tvmq_diag.results.verdict import Hazard, OpRef, ThrowSite, Verdict
from tvmq_diag.trace.events import Written
from tvmq_diag.trace.failure import Blame, RejectionMap
from tvmq_diag.trace.snapshot import Node, Snapshot
from tvmq_diag.trace.trace import PassRun, Trace

EVIL = "<script>alert(1)</script>'\"&\\N[red]%{{7*7}}\x1b[31m\nnext"


def call(number: int, op: str, *inputs: int, dtype: str = "float32", **more: object) -> Node:
    return Node(number, "call", op, inputs, dtype, (1, 8), **more)  # type: ignore[arg-type]


def run_of(number: int, name: str, parent: PassRun | None = None, **more: object) -> PassRun:
    begin = float(number)
    made = PassRun(number, name, "lower", begin, parent, **{"end": begin + 1, **more})  # type: ignore[arg-type]
    if parent is not None:
        parent.children.append(made)
    return made


def trace_of(*runs: PassRun) -> Trace:
    return Trace(Path("nowhere"), pass_runs={run.number: run for run in runs})


def shown(renderable: object, width: int = 80) -> str:
    console = Console(width=width, no_color=True, file=None, force_terminal=False)
    with console.capture() as capture:
        console.print(renderable)
    return capture.get()


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0.0, "0 ms"),
        (0.0001234, "0.000123 ms"),
        (0.1234, "0.123 ms"),
        (9.999, "10.00 ms"),
        (46.17, "46.2 ms"),
        (1234.5, "1,234 ms"),
        (1e12, "1e+12 ms"),
    ],
)
def test_a_latency_has_the_digits_that_tell_something(ms: float, text: str) -> None:
    assert formatting.latency(ms) == text


@pytest.mark.parametrize(
    ("dtype", "family"),
    [
        ("float32", "float"),
        ("bfloat16", "float"),
        ("int8", "int8"),
        ("uint8", "int8"),
        ("int16", "wide"),
        ("int32", "wide"),
        ("int4", "low"),
        ("uint1", "low"),
        ("bool", "bool"),
        ("handle", "other"),
        (None, "other"),
    ],
)
def test_dtype_families(dtype: str | None, family: str) -> None:
    assert formatting.dtype_family(dtype) == family


def test_every_outcome_and_family_has_a_mark_of_its_own() -> None:
    for marks in (formatting.OUTCOME_MARKS, formatting.FAMILY_MARKS):
        assert len(set(marks.values())) == len(marks)
    names = {outcome.WORKS, outcome.COMPILES, outcome.REJECTED, outcome.CRASHED, outcome.TIMED_OUT}
    names |= {outcome.WRONG, outcome.NOT_QUANTIZED, outcome.INTERRUPTED}
    names |= {outcome.NOT_JUDGED, outcome.NOT_IMPORTED, outcome.FAILED}
    assert set(formatting.OUTCOME_MARKS) == names


def test_clip_is_one_short_line_without_control_characters() -> None:
    said = formatting.clip("a\x00b\n\tc" + "x" * 20_000, 10)
    assert said == "a�b cxxxx…"
    assert len(formatting.printable("y" * 500_000, 1000)) < 1100


def test_constant_folding_is_one_line() -> None:
    fold = run_of(1, "FoldConstant")
    inner = run_of(2, "sequential", fold)
    runs = [fold, inner, *(run_of(3 + i, "Simplify", inner) for i in range(40))]
    (line,) = passes.tree(trace_of(*runs))
    assert line.children == []
    assert line.note is not None and line.note.startswith("41 passes run by constant folding")


def test_passes_repeated_for_each_function_share_lines() -> None:
    outer = run_of(1, "LowerTensorExpr")
    runs = [outer]
    for i in range(100):
        group = run_of(10 + 100 * i, "sequential", outer)
        runs.append(group)
        runs += [run_of(11 + 100 * i + j, f"tir.P{j}", group) for j in range(30)]
    (line,) = passes.tree(trace_of(*runs))
    assert [(below.name, below.count) for below in line.children] == [("sequential", 100)]
    assert [below.count for below in line.children[0].children] == [100] * 30


def test_the_failing_pass_keeps_its_own_line() -> None:
    outer = run_of(1, "sequential", end=None, raised=True)
    runs = [outer, *(run_of(2 + i, "Simplify", outer) for i in range(30))]
    failed = run_of(50, "Simplify", outer, end=None, raised=True)
    trace = trace_of(*runs, failed)
    trace.failure = None
    outer.raised = failed.raised = False  # a dead process: both are open
    (line,) = passes.tree(trace)
    assert [(below.count, below.failing) for below in line.children] == [(30, False), (1, True)]
    changes, _ = passes.changes(trace, [line])
    assert [(change.line.name, change.effect) for change in changes] == [
        ("Simplify", "failed here")
    ]


def test_type_inference_is_never_a_change() -> None:
    trace = trace_of(run_of(1, "InferType", before=1, after=2))
    assert passes.changes(trace, passes.tree(trace)) == ([], [])


def test_listing_marks_the_op_and_keeps_its_neighbourhood() -> None:
    nodes = [Node(0, "var", name="x", dtype="float32", shape=(1, 8))]
    nodes += [call(i, "nn.relu", i - 1) for i in range(1, 200)]
    found = listing(Snapshot(1, tuple(nodes)), 100)
    assert [row.number for row in found.shown if row.marked] == [99]  # in running order, from 0
    assert (len(found.before), len(found.shown), len(found.after)) == (74, 51, 74)
    assert found.shown[25].text == " = nn.relu(%98) : float32[1,8]"


def test_a_huge_listing_is_cut_around_the_marked_op() -> None:
    nodes = tuple(call(i, "add") for i in range(3 * LIMIT))
    found = listing(Snapshot(1, nodes), 2 * LIMIT)
    assert found.left_out == 2 * LIMIT
    assert any(row.marked for row in found.shown)


def test_listing_writes_constants_and_quantizers_where_they_are_read() -> None:
    nodes = (
        Node(0, "var", name="x"),
        Node(1, "constant", dtype="float32", shape=(8,)),
        Node(2, "constant", value=0.25),
        Node(3, "constant", value=-127.0),
        Node(4, "constant", value=127.0),
        call(5, "relay.op.annotation.simulated_quantize", 1, 2, 3, 4, attrs={"kind": 2}),
        call(6, "add", 0, 5),
        call(7, "multiply", 6, 2),
        Node(8, "function", inputs=(7,)),
    )
    lines = [f"%{row.number}{row.text}" for row in listing(Snapshot(1, nodes)).shown]
    assert lines == [
        "%0 = simulated_quantize(const float32[8], as weight, signed, scale 0.25, "
        "clip -127 to 127) : float32[1,8]",
        "%1 = add(input ?, %0) : float32[1,8]",
        "%2 = multiply(%1, 0.25) : float32[1,8]",
        "%3 = result(%2)",
    ]


def test_strip_tells_done_failed_skipped_and_ahead_apart() -> None:
    verdict = Verdict("int4", "relay", outcome.REJECTED, "realize")
    trace = Trace(Path("x"), stages=["import", "prepare", "calibrate"])
    states = {
        step.name: step.state for step in stages.strip(Result(verdict, Role.REQUESTED, trace))
    }
    assert states["import"] == states["calibrate"] == stages.DONE
    assert states["partition"] == stages.SKIPPED
    assert states["realize"] == stages.FAILED
    assert states["run"] == stages.AHEAD


def test_what_is_wrong_from_lowering_on_was_compared_all_the_same() -> None:
    verdict = Verdict("int8", "relay", outcome.WRONG, "lower", "Legalize")
    trace = Trace(Path("x"), stages=["import", "realize", "lower", "codegen", "load", "run"])
    states = {
        step.name: step.state for step in stages.strip(Result(verdict, Role.REQUESTED, trace))
    }
    assert states["lower"] == stages.FAILED
    assert states["run"] == states["check"] == stages.DONE


def test_the_sweep_says_how_long_each_takes_next_to_float() -> None:
    def result(role: Role, ms: float, ratio: Ratio | None) -> Result:
        latency = Latency(ms, ms, ms, ms)
        made = Verdict(role.value, "relay", outcome.WORKS, latency_ms=latency, ratio=ratio)
        return Result(made, role)

    asked = result(Role.REQUESTED, 30.0, Ratio(3.0, 2.9, 3.1))
    text = shown(sweep.table(Run(Path("x"), RunFacts(), [asked, result(Role.FLOAT, 10.0, None)])))
    lines = [line.split() for line in text.splitlines()]
    assert lines[1][-2:] == ["30.00", "3.00"] and lines[2][-2:] == ["10.00", formatting.DASH]


def test_the_terminal_names_what_weighs_most_and_what_the_remedy_gained() -> None:
    made = Verdict("int8", "relay", outcome.WORKS)
    gained = Ratio(0.4, 0.39, 0.41)
    made.hazards = [Hazard("no fast path", "it is slow", ["because"], "do this", None, gained)]
    text = " ".join(shown(verdict_text.lines(Result(made, Role.REQUESTED))).split())
    assert "no fast path: it is slow. do this; tried: 0.40 times as long" in text


def test_the_terminal_shows_the_verdict_first_and_no_markup_of_a_model() -> None:
    verdict = Verdict("int4", "relay", outcome.REJECTED, "realize", "QuantizeRealize")
    verdict.op = OpRef(9, "[bold]add[/]", "[link]span")
    verdict.reason, verdict.suggestion = "it [i]cannot[/i]", "int8"
    text = shown(verdict_text.lines(Result(verdict, Role.REQUESTED)))
    assert text.startswith("✗ int4 rejected by QuantizeRealize at [bold]add[/] (op #9)")
    assert "it [i]cannot[/i]" in text
    assert max(map(len, text.splitlines())) <= 80


def test_the_terminal_table_has_the_float_model_last() -> None:
    results = [
        Result(Verdict("float32", "relay", outcome.WORKS, "run"), Role.FLOAT),
        Result(
            Verdict("int8", "relay", outcome.WRONG, "check", metrics=Metrics(0.03, 0.0, 1.0, 0.0)),
            Role.REQUESTED,
        ),
    ]
    text = shown(sweep.table(Run(Path("x"), RunFacts(), results)))
    assert text.index("int8") < text.index("float32")
    assert "≠ wrong" in text and "0.030" in text


@pytest.mark.parametrize("name", sorted(formatting.OUTCOME_MARKS))
def test_every_outcome_can_be_printed(name: str) -> None:
    assert name in shown(verdict_text.lines(Result(Verdict("c", "relay", name), Role.REQUESTED)))


def test_sites() -> None:
    assert site_text(None) is None
    assert site_text(ThrowSite("f", "a.cc", 3)) == "f (a.cc:3)"
    assert site_text(ThrowSite(None, "a.cc", 3)) == "a.cc:3"
    assert site_text(ThrowSite("f", None, None)) == "f"


def test_a_damaged_piece_is_a_fault_and_not_the_end() -> None:
    """Blame and map point at rows that the damaged op table no longer has."""
    raised = PassRun(1, "QuantizeRealize", "realize", 0.0, before=7)
    trace = trace_of(raised)
    trace.tables[7] = written(7)
    trace._snapshots[7] = Snapshot(7, (call(0, "add"),))
    trace.blame = Blame(99, 9, "add", None, 1, 1.0, "replay")
    trace.map = RejectionMap((99,), (), (), 0, 1, 1.0)
    verdict = Verdict("int4", "relay", outcome.REJECTED, "realize")
    section = build(Run(Path("x"), RunFacts()), Result(verdict, Role.REQUESTED, trace), "c0")
    assert any("rejection map cannot be shown" in fault for fault in section.faults)
    assert any("without an end" in fault for fault in section.faults)
    assert section.ir is not None


def _save(folder: Path, created: str, verdicts: object) -> None:
    folder.mkdir()
    (folder / "run.json").write_text(json.dumps({"created": created, "model": EVIL}))
    (folder / "verdict.json").write_text(json.dumps(verdicts))


def test_the_index_is_newest_first_and_names_damaged_runs(tmp_path: Path) -> None:
    verdict = Verdict(EVIL, "relay", outcome.REJECTED, "realize", "QuantizeRealize")
    verdict.op = OpRef(9, EVIL)
    _save(tmp_path / "old", "2026-01-01T00:00:00+00:00", [verdict.to_json()])
    _save(tmp_path / "new", "2026-02-01T00:00:00+00:00", [])
    (tmp_path / "new" / "index.html").write_text("")
    _save(tmp_path / "bad", "2026-03-01T00:00:00+00:00", [{"outcome": 1}])
    (tmp_path / "worse").mkdir()
    (tmp_path / "worse" / "verdict.json").write_text("{")
    (tmp_path / "empty").mkdir()
    page = index.write(tmp_path).read_text(encoding="utf-8")
    assert page.index("new/index.html") < page.index('data-run="old"')
    assert "bad:" in page and "worse:" in page and "empty" not in page
    assert "alert(1)</script>" not in page


def _save_matrix(folder: Path, created: str, **record: object) -> None:
    folder.mkdir()
    steps = [{"name": "type inference", "ok": True}, {"name": "realize", "ok": True}]
    cells = [{"op": "add", "dtype": "int8", "steps": steps}]
    cells += [{"op": "add", "dtype": "int4", "steps": [steps[0], {"name": "realize", "ok": False}]}]
    known = {"created": created, "toolchain": EVIL, "tvm_version": "0.16.dev0", "ops": ["add"]}
    record = {**known, "dtypes": ["int8", "int4"], "cells": cells, **record}
    (folder / "matrix.json").write_text(json.dumps(record))


def test_support_matrices_are_among_the_runs(tmp_path: Path) -> None:
    _save(tmp_path / "old", "2026-01-01T00:00:00+00:00", [])
    _save_matrix(tmp_path / "middle", "2026-02-01T00:00:00+00:00")
    (tmp_path / "middle" / "index.html").write_text("")
    _save(tmp_path / "new", "2026-03-01T00:00:00+00:00", [])
    _save_matrix(tmp_path / "short", "2026-04-01T00:00:00+00:00", ops=["add", "relu"])
    page = index.write(tmp_path).read_text(encoding="utf-8")
    places = [page.index(f'data-run="{name}"') for name in ("short", "new", "middle", "old")]
    assert places == sorted(places)
    assert '<a href="middle/index.html">middle</a>' in page
    assert "support matrix of TVM 0.16.dev0" in page and "2026-02-01" in page
    assert "1 of 2 cells work: 1 of 1 in int8, 0 of 1 in int4<" in page
    assert "0 of 1 in int4; stopped after 2 of 4 cells" in page
    assert "4 runs" in page and "alert(1)</script>" not in page


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"cells": 1}', '{"cells": [1]}'])
def test_a_damaged_support_matrix_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "matrix.json").write_text(text)
    _save_matrix(tmp_path / "whole", "2026-04-01T00:00:00+00:00")
    page = index.write(tmp_path).read_text(encoding="utf-8")
    assert "<li>broken: " in page and "1 run," in page


def test_the_terminal_says_why_there_is_no_reproducer() -> None:
    verdict = Verdict("int4", "relay", outcome.REJECTED, "realize", "QuantizeRealize")
    assert "repro" not in shown(verdict_text.lines(Result(verdict, Role.REQUESTED)))
    verdict.reproducer_note = "in a fresh process its file raises nothing"
    text = " ".join(shown(verdict_text.lines(Result(verdict, Role.REQUESTED))).split())
    assert "repro none: in a fresh process its file raises nothing" in text


def test_an_index_of_nothing(tmp_path: Path) -> None:
    assert "No run is here yet" in index.write(tmp_path).read_text(encoding="utf-8")


def test_two_different_lists_of_passes_never_share_a_line() -> None:
    """Seventy passes of the import stand beside quantize()'s list and relay.build()'s."""
    runs = [run_of(i, f"P{i}") for i in range(1, 71)]
    for start, name in ((100, "QuantizeRealize"), (200, "FuseOps")):
        outer = run_of(start, "sequential")
        runs += [outer, run_of(start + 1, name, outer), run_of(start + 2, "InferType", outer)]
    lines = passes.tree(trace_of(*runs))
    lists = [line for line in lines if line.name == "sequential"]
    assert [[below.name for below in line.children] for line in lists] == [
        ["QuantizeRealize", "InferType"],
        ["FuseOps", "InferType"],
    ]


def test_the_timeline_leaves_out_a_stage_without_any_type() -> None:
    done = run_of(1, "SimplifyInference", before=1, after=2)
    done.stage = "prepare"
    trace = trace_of(done)
    untyped = Node(1, "call", "nn.conv2d", (0,))
    trace.tables = {1: written(1), 2: written(2)}
    trace._snapshots = {
        1: Snapshot(1, (Node(0, "var"), untyped)),
        2: Snapshot(
            2,
            (
                Node(0, "var", dtype="int8"),
                call(1, "nn.conv2d", 0, dtype="int32"),
                call(2, "nn.relu", 1),
            ),
        ),
    }
    view = timeline.timeline(trace)
    assert view.stages == ["prepare"]
    assert [cell.text for cell in view.rows[0].cells] == ["int8 → int32"]


def test_a_failing_pass_on_lowered_functions_is_still_listed_first() -> None:
    trace = trace_of(run_of(1, "FuseOps", before=1, after=2), run_of(2, "tir.Simplify", before=3))
    trace.tables = {1: written(1), 2: written(2), 3: Written(3)}
    trace.pass_runs[2].end = None
    first, lowered = passes.changes(trace, passes.tree(trace))
    assert [change.line.name for change in first] == ["tir.Simplify", "FuseOps"]
    assert lowered == []
