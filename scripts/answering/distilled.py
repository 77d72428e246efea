"""A run's figures for docs/answers.md; nothing is kept that names the machine's folders."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import msgspec

import tvmq_diag as td
from tvmq_diag.analysis import hazards, waterfall
from tvmq_diag.analysis.hazard_case import Case, elsewhere
from tvmq_diag.analysis.unquantized import Unquantized
from tvmq_diag.configuration import REFERENCE, parse
from tvmq_diag.errors import UsageError
from tvmq_diag.front_door.run import Result
from tvmq_diag.front_door.timeline import Timeline
from tvmq_diag.measurements.benchmark import FLOAT, Benchmark
from tvmq_diag.measurements.bit_search import BitSearch
from tvmq_diag.trace.ops import WEIGHTED, short
from tvmq_diag.trace.snapshot import Snapshot
from tvmq_diag.trace.trace import Trace

from .facts import (
    Answers,
    Chain,
    Computed,
    LeftInFloat,
    Made,
    Part,
    Rewritten,
    Search,
    Speed,
    Stage,
    Tried,
    Whole,
)

_FOLDERS = ("--out", "--docs", "--tuning-records")
_PROGRAMS = {"answers.py": ["python", "scripts/answers.py"]}
"""By what a run was made with, how to type it; all else is `tvmq-diag trace`."""


def answers(run: Path, tuned: Path | None = None, searched: Path | None = None) -> Answers:
    """Those of a run, of one with --tune, and of one with a search of its own. Raises UsageError
    for what is no such run."""
    collected = Answers(_whole(td.load(run)))
    if tuned is not None:
        collected.tuned = _whole(td.load(tuned))
        if not any(one.verdict.tuning for one in collected.tuned.tried):
            raise UsageError(f"{tuned} has nothing that was tuned: make it with --tune SECONDS")
    if searched is not None:
        collected.searched = _whole(td.load(searched))
        if collected.searched.search is None:
            raise UsageError(f"{searched} has no search: make it with --search SECONDS")
    return collected


def _whole(run: td.Run) -> Whole:
    name = REFERENCE.text
    if name not in run:
        raise UsageError(f"{run.directory} did not try {name}, TVM's own default")
    tried = [Tried(result.role, _weighed(run, result)) for result in run]
    trace = run[name].trace
    return Whole(
        _made(run, trace.recorded if trace is not None else None),
        tried,
        _chain(name, trace) if trace is not None else None,
        _speed(name, run.stored.benchmark),
        _search(run.stored.searches, run.facts.min_cosine or 0.0),
    )


def _weighed(run: td.Run, result: Result) -> td.Verdict:
    """The verdict; of a run that was ended before it looked for what costs time, with that."""
    verdict, measured, recorded = result.verdict, run.stored.benchmark, result.stored
    text, trace = verdict.configuration, recorded.trace
    if verdict.hazards or measured is None or text not in measured.kernels or trace is None:
        return verdict
    if text == FLOAT:
        return verdict
    case = Case(
        parse(text),
        trace,
        measured,
        recorded.numerics,
        text,
        recorded.code,
        run.stored.tuning,
    )
    named = hazards.find(case)
    weighed = hazards.explained(case, named)
    return msgspec.structs.replace(verdict, hazards=named, explained=weighed)


def _made(run: td.Run, trace: Trace | None) -> Made:
    facts, measured = run.facts, run.stored.benchmark
    setup = Made(
        _command(facts.command or ""),
        (facts.created or "")[:10],
        facts.tool_version,
        facts.model,
        facts.weights,
        facts.checked_on,
        facts.min_cosine,
        cut_off=facts.interrupted,
    )
    if trace is not None:
        setup.versions, setup.threads = trace.facts.versions, trace.facts.threads
        setup.target, setup.target_reason = trace.facts.target, trace.facts.target_reason
    if measured is not None:
        setup.cpu, setup.rounds = measured.facts.cpu, len(measured.times.get(FLOAT, []))
    return setup


def _command(typed: str) -> str:
    """As somebody would type it in a clone, without what names a folder of this machine."""
    words = shlex.split(typed)
    kept = [
        word
        for before, word in pairwise(words)
        if word not in (*_FOLDERS, "trace") and before not in _FOLDERS
    ]
    program = _PROGRAMS.get(words[0] if words else "", ["tvmq-diag", "trace"])
    return shlex.join([*program, *kept])


def _chain(name: str, trace: td.Trace) -> Chain:
    recorded = trace.recorded
    chain = Chain(name, dict(recorded.facts.qconfig), list(recorded.facts.changed))
    timeline = trace.dtype_timeline()
    chain.label, chain.stages = _first_quantized(timeline, recorded)
    chain.passes = list(_rewritten(trace))
    chain.computed = _computed(timeline, recorded)
    covered = trace.coverage()
    chain.left, chain.share = _left(covered.unquantized), covered.share
    return chain


def _first_quantized(timeline: Timeline, trace: Trace) -> tuple[str, list[Stage]]:
    """The first op with weights that reads integers behind realize, from stage to stage."""
    for row in timeline.rows:
        cell = row.cells.get("realize")
        weighted = cell is not None and trace.vocabulary.anchor_kind(cell.op) in WEIGHTED
        if cell is None or not weighted or "float" in cell.inputs[0]:
            continue
        stages = [stage for stage in timeline.stages if stage in row.cells]
        return row.label, [
            Stage(
                stage,
                row.cells[stage].op,
                list(row.cells[stage].inputs),
                row.cells[stage].output,
                [str(step) for step in row.cells[stage].stands_for],
            )
            for stage in stages
        ]
    return "", []


def _computed(timeline: Timeline, trace: Trace) -> list[Computed]:
    cells = (row.cells.get("fold") or row.cells.get("realize") for row in timeline.rows)
    counted = Counter(
        (short(cell.op), cell.inputs, cell.output)
        for cell in cells
        if cell is not None and trace.vocabulary.anchor_kind(cell.op) in WEIGHTED
    )
    return [
        Computed(op, list(inputs), output, count)
        for (op, inputs, output), count in counted.most_common()
    ]


def _rewritten(trace: td.Trace) -> Iterator[Rewritten]:
    for name in ("QuantizePartition", "QuantizeAnnotate", "QuantizeCalibrate", "QuantizeRealize"):
        before, after = _counts(trace.module_before(name)), _counts(trace.module_after(name))
        if before is None or after is None:
            continue
        change = {op: after[op] - before[op] for op in sorted(before | after)}
        yield Rewritten(name, {op: count for op, count in change.items() if count})


def _counts(module: Snapshot | None) -> Counter[str] | None:
    return None if module is None else Counter(short(call.op) for call in module.calls)


def _left(unquantized: list[Unquantized]) -> list[LeftInFloat]:
    counted = Counter((short(one.op), one.reason, one.setting) for one in unquantized)
    return [LeftInFloat(op, count, why, by) for (op, why, by), count in counted.items()]


def _speed(name: str, measured: Benchmark | None) -> Speed | None:
    if measured is None or name not in measured.times:
        return None
    latencies = {side: measured.latency(side) for side in (FLOAT, name)}
    there = elsewhere(name)
    speed = Speed(
        name,
        {side: latency for side, latency in latencies.items() if latency is not None},
        measured.ratio(name),
        measured.noise,
        measured.ratio(there, elsewhere(FLOAT)),
        measured.ratio(there, name),
        measured.ratio(elsewhere(FLOAT)),
    )
    if name in measured.kernels and FLOAT in measured.kernels:
        speed.parts = [
            Part(part.name, part.float_ms, part.ms, len(part.of_float), len(part.of_ours))
            for part in waterfall.parts(measured.kernels[FLOAT], measured.kernels[name])
        ]
    return speed


def _search(searches: list[BitSearch], min_cosine: float) -> Search | None:
    if not searches or not searches[0].trials:
        return None
    search = searches[0]
    best: dict[int, float] = {}
    for trial in search.trials:
        if trial.inputs == search.inputs and not trial.weight_bits and not trial.skip:
            best[trial.nbit_weight] = max(trial.worst, best.get(trial.nbit_weight, -1.0))
    trials = sum(len(one.trials) for one in searches)
    right = sum(len(one.right(min_cosine)) for one in searches)
    time_up = any(one.facts.time_up or not one.complete for one in searches)
    return Search(trials, right, search.inputs, dict(sorted(best.items())), time_up)


def names_a_folder(text: str) -> bool:
    """Has a text a path of somebody's machine in it?"""
    return re.search(r"/(root|tmp|home|work|Users|var)/", text) is not None
