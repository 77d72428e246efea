"""What a page says about one configuration, worked out before any HTML is written."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from tvmq_diag.analysis.hazards import elsewhere
from tvmq_diag.measurements.benchmark import FLOAT
from tvmq_diag.results.verdict import (
    EXACT,
    INFERRED,
    WORKS,
    WRONG,
    Result,
    Run,
    Site,
    Verdict,
)
from tvmq_diag.trace.snapshot import Snapshot
from tvmq_diag.trace.trace import Trace

from ..figures import graph
from ..figures.graph import NO_FATES, Picture
from ..formatting import (
    DASH,
    clip,
    milliseconds,
    outcome_class,
    outcome_mark,
    printable,
)
from . import benchmark as benchmark_view
from . import (
    bisection,
    coverage,
    numerics,
    passes,
    rejections,
    stages,
)
from . import (
    reduction as analyses,
)
from .benchmark import in_words
from .listing import Listing, listing
from .reduction import Reduction
from .rejections import Rejections

T = TypeVar("T")

ROLES = {
    "asked": "",
    "instead": "tried instead",
    "reference": "reference",
    "float": "float model",
}
"""The roles of results in the order they are shown, and what each is called."""

_QUANTIZED = ("fold", "realize", "calibrate", "annotate", "partition", "prepare")


@dataclass
class Section:
    """Everything the templates show of one result. `key` begins every id in its HTML."""

    key: str
    result: Result
    steps: list[stages.Step]
    role: str = ""
    notes: list[str] = field(default_factory=list)
    dtypes: str | None = None
    timeline: stages.TimelineView | None = None
    around: Picture | None = None
    rejections: Rejections | None = None
    no_map: str | None = None
    go_on: str | None = None
    reduction: Reduction | None = None
    coverage: coverage.View | None = None
    whole: Picture | None = None
    whole_of: str = ""
    ir: Listing | None = None
    ir_file: str | None = None
    tree: list[passes.Line] = field(default_factory=list)
    changes: list[passes.Change] = field(default_factory=list)
    lowered: list[passes.Change] = field(default_factory=list)
    benchmark: benchmark_view.View | None = None
    numerics: numerics.View | None = None
    bisection: bisection.View | None = None
    settings: list[tuple[str, str, bool]] = field(default_factory=list)
    environment: list[tuple[str, str]] = field(default_factory=list)
    error: str = ""
    tail: str = ""
    faults: list[str] = field(default_factory=list)

    @property
    def verdict(self) -> Verdict:
        """The verdict of the result."""
        return self.result.verdict

    @property
    def name(self) -> str:
        """The configuration, short enough for a heading."""
        return clip(self.verdict.configuration, 80)

    @property
    def headline(self) -> str:
        """The verdict in one line."""
        return clip(self.verdict.headline, 400)

    @property
    def look(self) -> str:
        """good, bad or odd."""
        return outcome_class(self.verdict.outcome)

    @property
    def mark(self) -> str:
        """The outcome as a symbol."""
        return outcome_mark(self.verdict.outcome)

    @property
    def passes_run(self) -> int:
        """How many passes the compile ran."""
        return len(self.result.trace.passes) if self.result.trace else 0

    @property
    def pass_time(self) -> str:
        """What the outermost passes took together."""
        return milliseconds(sum(line.ms or 0.0 for line in self.tree)) if self.tree else DASH

    @property
    def failing_pass(self) -> str:
        """The pass the shown module was given to."""
        return clip(self.verdict.pass_name or "the failing step", 60)

    @property
    def confidence(self) -> str:
        """What the verdict's confidence rests on, in words."""
        found = self.result.bisection
        if found is not None and found.culprit is not None:
            return (
                f"{self.verdict.confidence}: the pass{' and the op' if found.op else ''} by halving"
            )
        return _confidence(self.verdict, self.result.trace)

    @property
    def knob(self) -> str | None:
        """The fields to blame with their values: `dtype_activation = int4`."""
        return knob_text(self.result)

    @property
    def speed(self) -> str:
        """Its time, and how that compares with float's."""
        latency, ratio = self.verdict.latency_ms, self.verdict.ratio
        if latency is None or ratio is None:
            return ""
        return f"{milliseconds(latency.median)}, {in_words(ratio, None)} ({ratio})"

    @property
    def site(self) -> str | None:
        """The function that threw: `MakeConstantScalar (pattern_utils.h:290)`."""
        return site_text(self.verdict.site)

    @property
    def via(self) -> list[str]:
        """The functions on the way to the site, without what all of their names share."""
        site = self.verdict.site
        names = [name for name in self.verdict.via if site is None or name != site.function]
        return [clip(name.removeprefix("tvm::"), 80) for name in names[:8]]

    @property
    def attempt(self) -> tuple[str, str]:
        """What to try: the option to type, if it is one, and the words about it."""
        said = clip(self.verdict.suggestion or "", 400)
        option, _, words = said.partition(": ")
        return (option, words) if option.startswith("--") else ("", said)

    @property
    def wanted(self) -> str:
        """The dtype that the knobs to blame ask for; empty if they do not agree on one."""
        qconfig = _qconfig(self.result.trace)
        names = [name.strip() for name in (self.verdict.knob or "").split(",")]
        dtypes = {str(qconfig[n]) for n in names if n.startswith("dtype_") and n in qconfig}
        return clip(dtypes.pop(), 20) if len(dtypes) == 1 else ""

    @property
    def fused(self) -> str | None:
        """The fused function that the rejected op is in."""
        blame = self.result.trace.blame if self.result.trace else None
        return clip(blame.within, 200) if blame is not None and blame.within else None


def knob_text(result: Result) -> str | None:
    """The fields to blame with their values: `dtype_activation = int4`."""
    if not result.verdict.knob:
        return None
    qconfig = _qconfig(result.trace)
    names = [name.strip() for name in result.verdict.knob.split(",")]
    said = [f"{name} = {qconfig[name]}" if name in qconfig else name for name in names]
    return clip(", ".join(said), 300)


def site_text(site: Site | None) -> str | None:
    """The function that threw: `MakeConstantScalar (pattern_utils.h:290)`."""
    if site is None:
        return None
    place = f"{site.file or '?'}:{site.line}" if site.line is not None else site.file
    if site.function is None:
        return clip(place or "?", 200)
    return clip(f"{site.function} ({place})" if place else site.function, 300)


def build(run: Run, result: Result, key: str) -> Section:
    """Work out a section. What cannot be shown is listed among its faults; the rest still is."""
    section = Section(key, result, stages.strip(result), ROLES.get(result.role, result.role))
    section.notes = _notes(result)
    section.benchmark = _try(section, "the benchmark", lambda: _benchmark(run, result, key))
    if result.numerics is not None:
        measured = result.numerics
        section.numerics = _try(section, "the numbers", lambda: numerics.view(measured, key))
    if result.bisection is not None:
        found = result.bisection
        section.bisection = _try(section, "the bisection", lambda: bisection.view(found))
    section.tail = printable(result.tail, 20_000)
    trace = result.trace
    if trace is None:
        section.faults.append("there is no trace: the process left nothing behind")
        return section
    section.error = _error_text(trace)
    section.settings = _settings(trace)
    section.environment = _environment(run, trace)
    _evidence(section, trace)
    _pictures(section, trace)
    section.rejections = _try(section, "the rejection map", lambda: rejections.table(trace))
    section.no_map = analyses.missing_map(result)
    if not trace.ended or (trace.map is not None and trace.map.left):
        section.go_on = analyses.go_on(run, trace)
    section.reduction = _try(
        section, "the smallest module", lambda: analyses.reduction(run, result)
    )
    section.coverage = _try(section, "the coverage", lambda: coverage.table(trace))
    section.ir_file = _raw_file(run, trace)
    # Last: reading the snapshots above may have added to them.
    section.faults += [clip(fault, 300) for fault in [*trace.faults, *trace.problems]]
    if not trace.ended:
        section.faults.append("the journal stops without an end: the process died or was stopped")
    return section


def _benchmark(run: Run, result: Result, key: str) -> benchmark_view.View | None:
    name = result.verdict.configuration
    if run.benchmark is None or result.role == "float" or not run.benchmark.times.get(name):
        return None
    there = [elsewhere(FLOAT), elsewhere(name)]
    names = [name, *(side for side in there if run.benchmark.times.get(side))]
    return benchmark_view.view(run.benchmark, names, f"{key}-bench", [name])


def _evidence(section: Section, trace: Trace) -> None:
    section.timeline = _try(section, "the dtype timeline", lambda: stages.timeline(trace))
    section.tree = passes.tree(trace)
    found = _try(section, "what each pass changed", lambda: passes.changes(trace, section.tree))
    section.changes, section.lowered = found or ([], [])
    snapshot, stage = _newest(trace, _QUANTIZED[:2])
    if snapshot is not None:
        section.dtypes = f"{passes.dtypes_of(snapshot)} (operator calls after {stage})"


def _pictures(section: Section, trace: Trace) -> None:
    failing = trace.failing_snapshot()
    row = trace.blame.row if trace.blame is not None and failing is not None else None
    fates = _try(section, "the map's colours", lambda: rejections.fates(trace)) or NO_FATES
    if failing is not None:
        if row is not None and row < len(failing.nodes):
            section.around = _try(
                section,
                "the graph around the op",
                lambda: graph.around(failing, row, prefix=f"{section.key}-around", fates=fates),
            )
        section.ir = _try(section, "the module", lambda: listing(failing, row))
        shown, section.whole_of = failing, f"before {section.failing_pass}"
    else:
        newest, stage = _newest(trace, _QUANTIZED)
        if newest is None:
            return
        shown, section.whole_of = newest, f"after {stage}"
    section.whole = _try(
        section,
        "the graph of the model",
        lambda: graph.whole(shown, row, prefix=f"{section.key}-whole", fates=fates),
    )


def _try(section: Section, what: str, make: Callable[[], T]) -> T | None:
    """A trace may be cut or damaged anywhere, and one bad piece must not cost the report."""
    try:
        return make()
    except (LookupError, ValueError, TypeError, AttributeError) as error:
        section.faults.append(f"{what} cannot be shown: {type(error).__name__}: {error}")
        return None


def _newest(trace: Trace, names: tuple[str, ...]) -> tuple[Snapshot | None, str]:
    """The module that the latest of these stages left behind; else the model as imported."""
    for name in names:
        snapshot = next(trace.modules_of(name), None)
        if snapshot is not None:
            return snapshot, name
    return (None, "") if names == _QUANTIZED[:2] else (trace.imported(), "import")


def _confidence(verdict: Verdict, trace: Trace | None) -> str:
    blame = trace.blame if trace is not None else None
    if verdict.confidence == EXACT and blame is not None:
        return (
            f"exact: found by {clip(blame.how, 60)}, running what failed {blame.runs} times "
            f"on pieces of the module ({milliseconds(blame.ms)})"
        )
    if verdict.confidence == EXACT:
        return "exact: it ran, and its outputs were compared" if verdict.metrics else "exact"
    if verdict.confidence == INFERRED:
        return "inferred: from the passes that were open and the C++ frames; the op is not proven"
    return "unknown: neither the error nor the journal says more" if verdict.confidence else ""


def _notes(result: Result) -> list[str]:
    verdict = result.verdict
    ran = verdict.outcome in (WORKS, WRONG)
    notes = []
    accumulator = str(_qconfig(result.trace).get("dtype_activation", ""))
    if ran and re.fullmatch(r"u?int[1-8]|bool", accumulator):
        notes.append(
            f"dtype_activation is also the accumulator's type: sums overflow {accumulator}, so its "
            "numbers are noise and its speed is no use to anybody."
        )
    if verdict.deterministic is False:
        notes.append("The same input gives a different answer each time.")
    return notes


def _qconfig(trace: Trace | None) -> dict[str, Any]:
    found = trace.facts.get("qconfig") if trace is not None else None
    return found if isinstance(found, dict) else {}


def _settings(trace: Trace) -> list[tuple[str, str, bool]]:
    """The fields of the QConfig: name, value, and whether this configuration set it."""
    job = trace.facts.get("job")
    chosen = job.get("qconfig") if isinstance(job, dict) else None
    chosen = chosen if isinstance(chosen, dict) else {}
    return [
        (clip(name, 60), clip(value, 200), name in chosen)
        for name, value in _qconfig(trace).items()
    ]


def _environment(run: Run, trace: Trace) -> list[tuple[str, str]]:
    facts = trace.facts
    job = facts.get("job") if isinstance(facts.get("job"), dict) else {}
    rows = [
        ("target", facts.get("target")),
        ("why this target", facts.get("target_reason")),
        ("opt_level", job.get("opt_level")),  # type: ignore[union-attr]
        ("threads", facts.get("threads")),
        ("inputs", _inputs(facts.get("inputs"))),
        ("versions", _pairs(facts.get("versions"))),
        ("interpreter", run.facts.get("python")),
        ("recorded", facts.get("time")),
        ("process", " ".join(map(str, facts.get("command") or []))),
        ("trace", _relative(trace.path, run.directory)),
    ]
    return [(name, clip(value, 1000)) for name, value in rows if value not in (None, "")]


def _inputs(inputs: Any) -> str:
    if not isinstance(inputs, dict):
        return ""
    said = []
    for name, value in inputs.items():
        shape = value.get("shape", []) if isinstance(value, dict) else []
        dtype = value.get("dtype", "?") if isinstance(value, dict) else "?"
        said.append(f"{name}: {dtype}[{','.join(map(str, shape))}]")
    return "; ".join(said)


def _pairs(values: Any) -> str:
    if not isinstance(values, dict):
        return ""
    return ", ".join(f"{name} {value}" for name, value in values.items())


def _error_text(trace: Trace) -> str:
    if trace.failure is None:
        return ""
    diagnostics = "".join(f"diagnostic: {text}\n" for text in trace.failure.diagnostics)
    return printable(f"{trace.failure.error}\n{diagnostics}{trace.failure.message}", 60_000)


def _raw_file(run: Run, trace: Trace) -> str | None:
    """Where the text of the failing module is, as TVM prints it, seen from the page."""
    return _relative(trace.path / trace.text, run.directory) if trace.text else None


def _relative(path: Path, start: Path) -> str:
    return Path(os.path.relpath(path, start)).as_posix()
