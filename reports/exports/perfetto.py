"""The passes and the kernels as a trace of events, which ui.perfetto.dev and chrome://tracing open.

The format is the "Trace Event Format" of Chromium: complete events (`X`) with `ts` and `dur` in
microseconds, which nest by time on a thread; `M` names processes and threads; `i` is an instant.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tvmq_diag import foreign
from tvmq_diag.measurements.benchmark import Benchmark
from tvmq_diag.results.run import Result, Run
from tvmq_diag.trace.trace import PassRun, Trace

from .choice import Choice, results

Event = dict[str, Any]

STAGES, PASSES = 1, 2
"""The threads of a compile."""


def write(run: Run, choice: Choice) -> dict[str, str]:
    """One process a configuration, with its stages and its passes; one for the benchmark, with a
    thread a side, each kernel as long as its median."""
    events: list[Event] = []
    chosen = results(run, choice)
    for process, result in enumerate(chosen, 1):
        if result.trace is not None:
            events += _compile(process, result, result.trace)
    if run.benchmark is not None:
        sides = None if choice.configuration is None else [r.verdict.configuration for r in chosen]
        events += _kernels(len(chosen) + 1, run.benchmark, sides)
    document = {"traceEvents": events, "displayTimeUnit": "ms"}
    return {"passes.json": json.dumps(document, allow_nan=False, separators=(",", ":")) + "\n"}


def _compile(process: int, result: Result, trace: Trace) -> Iterator[Event]:
    yield _named("process", process, 0, result.verdict.configuration)
    yield {**_named("process", process, 0, ""), "name": "process_sort_index",
           "args": {"sort_index": process}}  # fmt: skip
    yield _named("thread", process, STAGES, "stages")
    yield _named("thread", process, PASSES, "passes")
    runs = list(trace.pass_runs.values())
    last = max((time for run in runs for time in (run.begin, run.end or 0.0)), default=0.0)
    yield from _stages(process, runs, last)
    for run in trace.roots:
        yield from _pass(process, run, 0.0, last)
    blamed = trace.blamed_pass
    if blamed is not None:
        yield {"name": _text(result.verdict.headline), "cat": "verdict", "ph": "i", "s": "p",
               "ts": _us(last), "pid": process, "tid": PASSES}  # fmt: skip


def _stages(process: int, runs: list[PassRun], last: float) -> Iterator[Event]:
    """Each stage from its first pass to the first of the next: stages come one after the other."""
    begins: list[tuple[str, float]] = []
    for run in runs:
        if not begins or begins[-1][0] != run.stage:
            begins.append((run.stage, run.begin))
    ends = [begin for _, begin in begins[1:]] + [last]
    for (stage, begin), end in zip(begins, ends, strict=True):
        yield _slice(stage, "stage", process, STAGES, begin, max(begin, end), {})


def _pass(process: int, run: PassRun, least: float, most: float) -> Iterator[Event]:
    """A pass and those inside it; one that did not end lasts as long as what it ran in."""
    begin = min(max(run.begin, least), most)
    end = min(max(begin, run.end if run.end is not None else most), most)
    told: Event = {"stage": run.stage, "changed": run.changed, "own ms": run.ms}
    if run.raised or run.open:
        told["ended"] = "raised" if run.raised else "did not end"
    if run.inside:
        told["passes inside, counted only"] = run.inside
    yield _slice(run.name, run.stage, process, PASSES, begin, end, told)
    for child in run.children:
        yield from _pass(process, child, begin, end)


def _kernels(process: int, benchmark: Benchmark, sides: list[str] | None) -> Iterator[Event]:
    profiled = {
        side: kernels
        for side, kernels in benchmark.kernels.items()
        if sides is None or side in sides
    }
    if profiled:
        yield _named("process", process, 0, "kernels, one inference (medians)")
    for thread, (side, kernels) in enumerate(profiled.items(), 1):
        yield _named("thread", process, thread, side)
        at = 0.0
        for kernel in kernels:
            told = {"kind": kernel.kind, "shapes": _text(kernel.shapes), "kernel": kernel.number}
            yield _slice(kernel.short, kernel.kind, process, thread, at, at + kernel.ms, told)
            at += kernel.ms


def _slice(
    name: str, kind: str, process: int, thread: int, begin: float, end: float, told: Event
) -> Event:
    return {"name": _text(name), "cat": _text(kind), "ph": "X", "ts": _us(begin),
            "dur": round(_us(end) - _us(begin), 3), "pid": process, "tid": thread,
            "args": told}  # fmt: skip


def _named(what: str, process: int, thread: int, name: str) -> Event:
    return {"name": f"{what}_name", "ph": "M", "pid": process, "tid": thread, "ts": 0,
            "args": {"name": _text(name)}}  # fmt: skip


def _us(ms: float) -> float:
    return round(ms * 1e3, 3)


def _text(text: str) -> str:
    return foreign.printable(text)[:2000]
