"""What tuning gained, as a page shows it: the ratios before and after, the models built with tuned
schedules, kernel by kernel what was tried, and the lines that apply it in another script."""

from __future__ import annotations

from dataclasses import dataclass

from tvmq_diag.analysis import gains, snippets
from tvmq_diag.configuration import parse
from tvmq_diag.errors import UsageError
from tvmq_diag.measurements.benchmark import FLOAT, Benchmark
from tvmq_diag.measurements.paired import Ratio
from tvmq_diag.measurements.tuning import Gain, Task, TunedModel, Tuning, Use, gain, tuned
from tvmq_diag.results.run import Run
from tvmq_diag.trace.layout import RECORD_FILE, RECORDS
from tvmq_diag.trace.stages import RELAX, RELAY

from ..figures import charts
from ..figures.charts import Side
from ..formatting import DASH, clip, latency, number
from .ratios import in_figures

_SHOWN = 200
"""Kernels."""

_SEARCHED = {
    RELAY: "Schedules are those of AutoTVM's templates, searched without a cost model",
    RELAX: "Schedules are this project's own for a CPU with other block sizes; TVM's own tuner, "
    "meta-schedule, was not tried",
}


_TIMED = (
    "The fastest were timed once more, round by round in turn with the default: only what is "
    "faster by its whole 95 % interval, and computes the same, counts. "
)


@dataclass(frozen=True)
class RatioRow:
    """A configuration's ratio to float before and after, and what that means."""

    name: str
    before: str
    after: str
    change: str
    words: str


@dataclass(frozen=True)
class ModelRow:
    """A model that was built with records; `fate` is what became of it."""

    name: str
    what: str
    records: int
    ratio: str
    outputs: str
    fate: str
    taken: bool


@dataclass(frozen=True)
class TaskRow:
    """A kernel, and what was tried of it."""

    name: str
    text: str
    uses: str
    default: str
    tried: str
    failed: str
    ratio: str
    fate: str


@dataclass(frozen=True)
class Script:
    """The records of a model, as seen from the page, and the lines that build with them."""

    name: str
    file: str
    lines: str


@dataclass(frozen=True)
class TuningView:
    """All that the template shows. `failures`: why trials came to nothing, and how many did."""

    summary: str
    about: str
    ratios: list[RatioRow]
    models: list[ModelRow]
    tasks: list[TaskRow]
    more: int
    failures: list[tuple[str, int]]
    scripts: list[Script]
    problems: list[str]
    bars: str | None = None


def view(run: Run) -> TuningView | None:
    """None where nothing was tuned, and no records were given."""
    search = run.tuning
    if search is None and not run.facts.tuned:
        return None
    measured = run.benchmark or Benchmark()
    sides = [side for side in run.facts.tuned if side != FLOAT]
    gained = [(side, each) for side in sides if (each := _gain(measured, side)) is not None]
    shown = search or Tuning()
    tasks = [_task(task) for task in shown.tasks.values()]
    return TuningView(
        _summary(run, shown, gained),
        _about(run, shown),
        [_ratio(side, each) for side, each in gained],
        [_model(side, model) for side, ways in run.facts.tuned.items() for model in ways],
        tasks[:_SHOWN],
        len(tasks[_SHOWN:]),
        _failures(shown),
        list(_scripts(run)),
        [clip(text, 300) for text in (*shown.faults, *shown.problems)],
        _bars(measured, [FLOAT, *sides]) if gained else None,
    )


def _gain(measured: Benchmark, side: str) -> Gain | None:
    try:
        return gain(measured, side, FLOAT)
    except (ArithmeticError, ValueError):  # a time of 0 ms, or an interval beyond all numbers
        return None


def _summary(run: Run, search: Tuning, gained: list[tuple[str, Gain]]) -> str:
    if gained:
        side, first = gained[0]
        return f"{clip(side, 80)}: {gains.sentence(first)}"
    if any(model.taken for ways in run.facts.tuned.values() for model in ways):
        return "Models with tuned schedules were built, and not timed"
    if search.faults:
        return "Tuning failed"
    if not search.tasks:
        return "There was nothing to tune"
    if not search.complete:
        return "Tuning was cut off; what was tried is kept, and the next run goes on from there"
    if not any(task.trials or task.begins.known for task in search.tasks.values()):
        return "There was no time to try a schedule"
    if run.facts.tuned:
        return "No model with tuned schedules was surely faster than the untuned one"
    return "No schedule was faster than the default in turn with it"


def _about(run: Run, search: Tuning) -> str:
    if run.facts.tuning_records is not None:
        return f"Schedules of {clip(run.facts.tuning_records, 200)}; nothing was searched for"
    what = _SEARCHED[run.facts.dialect or RELAY]
    tried = sum(len(task.trials) for task in search.tasks.values())
    known = sum(task.begins.known for task in search.tasks.values())
    before = f" beside {known:,} that earlier runs had tried" if known else ""
    seconds = f"{search.facts.seconds or 0:g} s"
    if not tried and not known:
        return (
            f"{seconds} were asked for, of which timing {len(search.tasks)} kernels as they are "
            f"left none: ask for more (--tune). {what}"
        )
    when = f"In {seconds}" if search.complete else f"Before the end of {seconds}"
    return (
        f"{when} {tried:,} schedules of {len(search.tasks)} kernels "
        f"were tried{before}, most of those in which most of the time is spent, each in a process "
        f"of its own. {_TIMED if search.complete else ''}{what}"
    )


def _ratio(side: str, each: Gain) -> RatioRow:
    return RatioRow(
        clip(side, 80),
        in_figures(each.before),
        in_figures(each.after),
        in_figures(each.change),
        gains.became(each),
    )


def _model(side: str, model: TunedModel) -> ModelRow:
    fate = "taken" if model.taken else model.why or "another one is faster"
    return ModelRow(
        clip(side, 80),
        clip(model.what, 80),
        model.records,
        _figures(model.ratio),
        _outputs(model),
        clip(fate, 300),
        model.taken,
    )


def _outputs(model: TunedModel) -> str:
    if model.furthest is None:
        return DASH
    return "equal" if model.furthest == 0 else f"{model.furthest:.1e} apart"


def _figures(ratio: Ratio | None) -> str:
    return DASH if ratio is None else in_figures(ratio)


def _task(task: Task) -> TaskRow:
    begins = task.begins
    uses = "; ".join(f"{_use(use)} of {clip(side, 60)}" for side, use in begins.uses.items())
    tried = len(task.trials) + begins.known
    chosen = task.winner or next(iter(task.candidates), None)
    return TaskRow(
        clip(begins.name, 60),
        clip(begins.text, 160),
        uses,
        DASH if begins.ms is None else latency(begins.ms),
        f"{tried:,} of {begins.points:,}",
        str(task.failed) if task.failed else DASH,
        _figures(chosen.ratio) if chosen is not None else DASH,
        _fate(task),
    )


def _use(use: Use) -> str:
    times = "once" if use.calls == 1 else f"{use.calls} times"
    return f"{times}, {number(use.ms, 3)} ms" if use.ms is not None else times


def _fate(task: Task) -> str:
    if task.begins.error is not None:
        return clip(f"the default cannot be timed: {task.begins.error}", 200)
    if task.winner is not None:
        kept = "" if task.winner.keeps_layout else ", in another layout"
        return f"✓ faster{kept}{_wrong(task)}"
    if task.candidates:
        return f"no faster in turn{_wrong(task)}"
    tried = task.trials or task.begins.known
    return f"nothing was faster{_wrong(task)}" if tried else "nothing was tried"


def _wrong(task: Task) -> str:
    """Of schedules that seemed faster and do not compute what the default does."""
    default = task.begins.ms
    if not task.wrong or default is None:
        return ""
    least = min(task.wrong, key=lambda one: one.ms)
    many = "one that seemed" if len(task.wrong) == 1 else f"{len(task.wrong)} that seemed"
    what = least.error or "its results are others"
    if least.outputs is not None and least.outputs.difference is not None:
        what += f", by up to {least.outputs.difference:,.6g}"
    return clip(
        f"; ✗ {many} faster by a single timing ({least.ms / default:.2f} of the default), {what}",
        240,
    )


def _failures(search: Tuning) -> list[tuple[str, int]]:
    counts: dict[str, int] = {}
    for task in search.tasks.values():
        for trial in task.trials:
            if trial.error is not None:
                why = clip(trial.error, 120)
                counts[why] = counts.get(why, 0) + 1
    return sorted(counts.items(), key=lambda each: -each[1])[:5]


def _scripts(run: Run) -> list[Script]:
    folder = run.directory / RECORDS
    if not folder.is_dir():
        return []
    dialect = run.facts.dialect or RELAY
    pipelines = dict(filter(None, map(_pipeline, run.facts.tuned)))
    return [
        Script(
            clip(file.stem, 80),
            f"{RECORDS}/{file.name}",
            snippets.apply_records(file.name, dialect, pipelines.get(file.stem, "default")),
        )
        for file in sorted(folder.glob(f"*{RECORD_FILE}"))
    ]


def _pipeline(side: str) -> tuple[str, str] | None:
    """The name of a side's trace, and on Relax its pipeline; None of what is no configuration."""
    try:
        configuration = parse(side)
    except UsageError:
        return None
    return configuration.slug, str(configuration.fields.get("pipeline", "default"))


def _bars(measured: Benchmark, sides: list[str]) -> str | None:
    """Each model untuned, and tuned below it, with its ratio to its untuned self."""
    drawn = []
    for side in sides:
        look = "float" if side == FLOAT else "asked"
        for name, ratio in ((side, ""), (tuned(side), _own(measured, side))):
            if measured.times.get(name):
                drawn.append(Side(name, look, measured.times[name], ratio))
    return charts.bars(drawn, "tuning-bars", "Time of one inference, untuned and tuned")


def _own(measured: Benchmark, side: str) -> str:
    ratio = measured.ratio(tuned(side), side)
    return "" if ratio is None else in_figures(ratio)
