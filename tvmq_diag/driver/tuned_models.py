"""Models built with tuned schedules: of the ways to put them together the one that is fastest in
turn with the model without them, if any is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .. import decoding, foreign
from ..analysis import tvm_error
from ..configuration import Configuration
from ..decoding import Damage
from ..errors import UsageError
from ..instruments.protocol.jobs import BenchmarkJob
from ..measurements import benchmark, outputs
from ..measurements.benchmark import FLOAT, Benchmark
from ..measurements.paired import Ratio
from ..measurements.tuning import TunedModel, Tuning, tuned
from ..trace.ending import How
from ..trace.layout import CHOICE, RECORD_FILE, RECORDS, TRACES
from ..trace.trace import Trace
from .compiler import Compiled
from .trials import Stopped, Trials

_CHOICE_ROUNDS = 100
_CHOICE_S = 20.0
"""For the rounds of the choice, or as long as the benchmark has, whichever ends first: of models
that hardly differ it takes many to tell which is faster."""

_ROUNDING = 1e-3
_SAME_COSINE = 0.999
"""Outputs of a tuned model are the untuned one's but for rounding, of floats and, where a float sum
in another order falls on the other side of a quantizer's step, of quantized values. Kernel by
kernel integers are compared exactly: see instruments.tuning."""

ANY, KEPT, GIVEN = "the fastest of each kernel", "layouts as they were", "the records given"


@dataclass(frozen=True)
class Untuned:
    """A model that is timed: its side of the benchmark, its trace's name, its trace, and where it
    is compiled. `configuration` None: the float model."""

    side: str
    slug: str
    trace: Trace
    artifact: Path
    configuration: Configuration | None = None


def of(trials: Trials) -> list[Untuned]:
    """The float model, and each configuration that ran."""
    floats = trials.float_model()
    models = []
    if floats.artifact is not None:
        models.append(Untuned(FLOAT, FLOAT, floats.trace, floats.artifact))
    for result in trials.ran():
        configuration = trials.configuration(result.verdict.configuration)
        artifact = trials.artifacts.get(configuration.text)
        if artifact is None or result.trace is None or configuration.as_is:
            continue
        models.append(
            Untuned(configuration.text, configuration.slug, result.trace, artifact, configuration)
        )
    return models


def choose(trials: Trials, tuning: Tuning) -> None:
    """Build each model in both ways, and take the one that is faster than without, if one is."""
    built: dict[str, list[Built]] = {}
    for model in of(trials):
        built[model.side] = [
            Built.of(trials, model, what, which, lines)
            for what, which, lines in _ways(tuning, model.side)
        ]
        trials.run.facts.tuned[model.side] = [one.model for one in built[model.side]]
    measured = _timed(trials, built)
    for side, ways in built.items():
        for way in ways:
            way.model.ratio = measured.ratio(way.side, side)
            if way.model.same:
                way.model.why = _slow(way.model.ratio)
        faster = [way for way in ways if way.model.why is None]
        if faster:
            _take(trials, side, min(faster, key=lambda way: way.ratio))
    trials.save()


def _slow(ratio: Ratio | None) -> str | None:
    """Why a model is not taken that has this ratio to the untuned one; None: it is faster."""
    if ratio is None:
        return "it was not timed"
    if ratio.high < 1:
        return None
    if ratio.low > 1:
        return "it is slower than the model without records"
    return "whether it is faster cannot be told from noise"


def check_given(given: Path) -> None:
    """Raises UsageError for what cannot be tuning records: each is a line with a JSON object, both
    AutoTVM's (python/tvm/autotvm/record.py, whose logs may have lines of comment) and ours."""
    files = sorted(given.glob(f"*{RECORD_FILE}")) if given.is_dir() else [given]
    if not files:
        raise UsageError(
            f"--tuning-records {given}: no records in this folder; a run that gained something by "
            f"tuning has them in {RECORDS}/"
        )
    for file in files:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
        records = [(n, line) for n, line in enumerate(lines, 1) if line and line[0] != "#"]
        if not records:
            raise UsageError(f"--tuning-records {file}: there is no record in it")
        for number, line in records:
            if not _is_object(line):
                raise UsageError(f"--tuning-records {file}, line {number}: that is no record")


def _is_object(line: str) -> bool:
    try:
        return isinstance(decoding.loose(line.encode()), dict)
    except Damage:
        return False


def with_given(trials: Trials, given: Path) -> None:
    """Build each model with somebody's records: those of a file, or those that a run left."""
    for model in of(trials):
        file = given / f"{model.slug}{RECORD_FILE}" if given.is_dir() else given
        if not file.exists():
            continue
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
        built = Built.of(trials, model, GIVEN, "", lines)
        trials.run.facts.tuned[model.side] = [built.model]
        if built.model.same:
            _take(trials, model.side, built)
    trials.save()


@dataclass
class Built:
    """A model with records, and the file of these."""

    side: str
    slug: str
    model: TunedModel
    artifact: Path | None
    records: Path

    @property
    def ratio(self) -> float:
        """To the model without; of one that was not timed, more than any."""
        return self.model.ratio.value if self.model.ratio is not None else float("inf")

    @classmethod
    def of(cls, trials: Trials, untuned: Untuned, what: str, which: str, lines: list[str]) -> Built:
        """Build it, and compare what it computes."""
        records = trials.scratch / f"{untuned.slug}{which}{RECORD_FILE}"
        foreign.write(records, "".join(f"{line}\n" for line in lines))
        compiled = trials.with_records(untuned.configuration, records, which)
        model = _compared(TunedModel(what, len(lines)), compiled, untuned.trace)
        side = f"{tuned(untuned.side)}: {what}"
        return cls(side, untuned.slug, model, compiled.artifact, records)


def _ways(tuning: Tuning, side: str) -> Iterator[tuple[str, str, list[str]]]:
    """What it is called, what ends the name of its folder, and the records; each set once."""
    fastest, kept = tuning.records(side), tuning.records(side, keep_layout=True)
    if fastest:
        yield ANY, "", fastest
    if kept and kept != fastest:
        yield KEPT, "-kept", kept


def _take(trials: Trials, side: str, built: Built) -> None:
    """It is the model's tuned side from here on, and its records are left in the run."""
    if built.artifact is None:
        return
    built.model.taken = True
    trials.tuned[tuned(side)] = built.artifact
    file = trials.run.directory / RECORDS / f"{built.slug}{RECORD_FILE}"
    file.parent.mkdir(exist_ok=True)
    foreign.write(file, built.records.read_text(encoding="utf-8"))


def _compared(model: TunedModel, compiled: Compiled, untuned: Trace) -> TunedModel:
    """With what came of it, and what it computes."""
    if not compiled.finished:
        failure = compiled.trace.failure
        said = failure.message if failure is not None else compiled.ending.how.value
        model.why = tvm_error.sentence(said)
        return model
    model.runs = True
    try:
        ours, theirs = outputs.of_trace(compiled.trace), outputs.of_trace(untuned)
        model.furthest = outputs.apart(ours, theirs)
        model.cosine = outputs.compare(ours, theirs).cosine
    except (OSError, ValueError) as error:
        model.why = f"its outputs cannot be compared: {error}"
        return model
    close = model.cosine is not None and model.cosine >= _SAME_COSINE
    model.same = model.furthest <= _ROUNDING or close
    if not model.same:
        model.why = "its outputs are not those of the model without records"
    return model


def _timed(trials: Trials, built: dict[str, list[Built]]) -> Benchmark:
    """All of them that compute the same, in turn with those without records."""
    sides = {model.side: str(model.artifact) for model in of(trials) if built.get(model.side)}
    for ways in built.values():
        sides.update({way.side: str(way.artifact) for way in ways if way.model.same})
    plan, folder = trials.plan, trials.run.directory / TRACES / CHOICE
    if len(sides) < 2:
        return Benchmark()
    trials.observer.begin("which tuned models are faster")
    seconds = max(_CHOICE_S, plan.seconds)
    job = BenchmarkJob(str(folder), plan.toolchain.dialect, sides, _CHOICE_ROUNDS, seconds)
    ending = trials.processes.run(job, trials.observer.progress)
    if ending.how == How.INTERRUPTED:
        raise Stopped
    try:
        return benchmark.load(folder)
    except UsageError:  # it died before it began
        return Benchmark()
