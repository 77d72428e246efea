"""What a page says about one configuration, worked out before any HTML is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from tvmq_diag.analysis import advice, int8_instructions
from tvmq_diag.analysis.hazards import elsewhere
from tvmq_diag.measurements.benchmark import FLOAT, Kernel
from tvmq_diag.measurements.tuning import tuned
from tvmq_diag.results.run import Result, Role, Run
from tvmq_diag.results.verdict import Verdict
from tvmq_diag.trace.trace import Trace

from ..figures import graph
from ..figures.graph import NO_FATES, Picture
from ..formatting import DASH, ROLES, clip, duration, printable
from . import (
    accuracy,
    benchmark,
    bisection,
    change,
    coverage,
    environment,
    kernel_code,
    numerics,
    passes,
    reduction,
    rejections,
    stages,
    timeline,
)
from .accuracy import AccuracyView
from .addresses import Addresses
from .benchmark import BenchmarkView
from .bisection import BisectionView
from .card import Card, quantized_dtypes
from .change import Change
from .coverage import CoverageView
from .kept import Kept
from .kernel_code import CodeView
from .listing import Listing, listing
from .numerics import NumericsView
from .passes import PassChange, PassLine
from .reduction import Reduction
from .rejections import Rejections
from .stages import StripStage
from .timeline import TimelineView

T = TypeVar("T")

DAMAGED = (LookupError, ValueError, TypeError, AttributeError, ArithmeticError)
"""What a view raises of a trace that is cut or damaged somewhere."""

_QUANTIZED = ("fold", "realize", "calibrate", "annotate", "partition", "prepare")
"""Stages whose module shows the quantization, the last first."""


@dataclass
class Section:
    """Everything the templates show of one result. `key` begins every id in its HTML.

    None or empty is what there is nothing to show of; `faults` says what could not be shown.
    """

    key: str
    result: Result
    card: Card
    strip: list[StripStage]
    role: str = ""
    kernels: list[Kernel] = field(default_factory=list)
    """As they were profiled, in running order."""
    accuracy: AccuracyView | None = None
    timeline: TimelineView | None = None
    around: Picture | None = None
    change: Change | None = None
    rejections: Rejections | None = None
    no_map: str | None = None
    go_on: str | None = None
    reduction: Reduction | None = None
    coverage: CoverageView | None = None
    whole: Picture | None = None
    whole_of: str = ""
    whole_at: str | None = None
    """Where the viewer shows that module, which is also the one around the op."""
    ir: Listing | None = None
    ir_file: str | None = None
    tree: list[PassLine] = field(default_factory=list)
    changes: list[PassChange] = field(default_factory=list)
    lowered: list[PassChange] = field(default_factory=list)
    benchmark: BenchmarkView | None = None
    code: CodeView | None = None
    numerics: NumericsView | None = None
    bisection: BisectionView | None = None
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
    def addresses(self) -> Addresses:
        """Where the viewer shows its passes and ops."""
        return self.card.addresses

    @property
    def passes_run(self) -> int:
        """How many passes the compile ran."""
        return len(self.result.trace.pass_runs) if self.result.trace else 0

    @property
    def pass_time(self) -> str:
        """What the outermost passes took together."""
        return duration(sum(line.ms or 0.0 for line in self.tree)) if self.tree else DASH

    @property
    def failing_pass(self) -> str:
        """The pass the shown module was given to."""
        return clip(self.verdict.pass_name or "the failing step", 60)

    @property
    def reference(self) -> str:
        """What the configuration is called that the others are compared with."""
        trace = self.result.trace
        return advice.reference_name(trace.facts.dialect if trace is not None else None)

    @property
    def wanted(self) -> str:
        """The dtype that the knobs to blame ask for; empty if they do not agree on one."""
        values = environment.qconfig(self.result.trace)
        names = [name.strip() for name in (self.verdict.knob or "").split(",")]
        dtypes = {str(values[n]) for n in names if n.startswith("dtype_") and n in values}
        return clip(dtypes.pop(), 20) if len(dtypes) == 1 else ""


def build(run: Run, result: Result, key: str, kept: Kept | None = None) -> Section:
    """Work out a section. What cannot be shown is listed among its faults; the rest still is.

    `kept` has what the same section was made of before.
    """
    kept = Kept() if kept is None else kept
    role = ROLES[result.role]
    kernels = _kernels(run, result)
    section = Section(key, result, Card(result), stages.strip(result), role, kernels)
    _measurements(section, run)
    section.tail = printable(result.tail, 20_000)
    trace = result.trace
    if trace is None:
        section.faults.append("there is no trace: the process left nothing behind")
        return section
    section.card.addresses = (
        _try(section, "where the viewer shows what", lambda: _addresses(result, kernels, kept))
        or section.addresses
    )
    code = result.code
    if code is not None:
        section.code = _try(
            section,
            "the kernels' instructions",
            lambda: kernel_code.view(code, kernels, section.addresses, key),
        )
    section.error = environment.error_text(trace)
    section.settings = environment.settings(trace)
    section.environment = environment.environment(run, trace)
    _passes(section, trace, kept)
    _pictures(section, run, trace, kept)
    _failure(section, run, trace)
    section.coverage = _once(section, kept, "the coverage", lambda: coverage.table(trace))
    section.ir_file = environment.module_file(run, trace)
    # Last: reading the snapshots above may have added to them.
    section.faults += [clip(fault, 300) for fault in [*trace.faults, *trace.problems]]
    if not trace.ended:
        section.faults.append("the journal stops without an end: the process died or was stopped")
    return section


def _kernels(run: Run, result: Result) -> list[Kernel]:
    name = FLOAT if result.role == Role.FLOAT else result.verdict.configuration
    return run.benchmark.kernels.get(name, []) if run.benchmark is not None else []


def _addresses(result: Result, kernels: list[Kernel], kept: Kept) -> Addresses:
    name = result.verdict.configuration
    called = kernel_code.calls(result.code) if result.code is not None else []
    return Addresses(name, result.trace, result.numerics, kernels or called, kept.graphs)


def _measurements(section: Section, run: Run) -> None:
    result, key = section.result, section.key
    section.benchmark = _try(section, "the benchmark", lambda: _benchmark(run, result, key))
    errors, steps, metrics = result.numerics, result.bisection, result.verdict.metrics
    if metrics is not None:
        section.accuracy = _try(section, "the outputs", lambda: accuracy.view(metrics))
    if errors is not None:
        section.numerics = _try(section, "the numbers", lambda: numerics.view(errors, key))
    if steps is not None:
        section.bisection = _try(section, "the bisection", lambda: bisection.view(steps))


def _benchmark(run: Run, result: Result, key: str) -> BenchmarkView | None:
    name = result.verdict.configuration
    if run.benchmark is None or result.role == Role.FLOAT or not run.benchmark.times.get(name):
        return None
    there = [elsewhere(FLOAT), elsewhere(name), tuned(FLOAT), tuned(name)]
    names = [name, *(side for side in there if run.benchmark.times.get(side))]
    return benchmark.view(run.benchmark, names, f"{key}-bench", [name], _idle(result))


def _idle(result: Result) -> list[str]:
    """Kernels that multiply bytes without the instruction that the target has for it."""
    features = result.trace.facts.target_features if result.trace is not None else {}
    feature = int8_instructions.best_of(features)
    if result.code is None or feature is None:
        return []
    return [kernel.name for kernel in int8_instructions.idle(result.code, feature)]


def _passes(section: Section, trace: Trace, kept: Kept) -> None:
    addresses = section.addresses
    section.timeline = _once(
        section,
        kept,
        "the dtype timeline",
        lambda: timeline.timeline(trace, addresses, kept.graphs),
    )
    section.tree = kept.of(trace, "passes", lambda: passes.tree(trace))
    changes = _once(
        section, kept, "what each pass changed", lambda: passes.changes(trace, section.tree)
    )
    section.changes, section.lowered = changes or ([], [])
    section.card.dtypes = quantized_dtypes(trace)


def _pictures(section: Section, run: Run, trace: Trace, kept: Kept) -> None:
    failing = trace.failing_snapshot()
    row = trace.blame.row if trace.blame is not None and failing is not None else None
    fates = _try(section, "the map's colours", lambda: rejections.fates(trace)) or NO_FATES
    if failing is not None:
        if row is not None and row < len(failing.nodes):
            section.around = _once(
                section,
                kept,
                "the graph around the op",
                lambda: graph.around(failing, row, prefix=f"{section.key}-around", fates=fates),
            )
        section.ir = _once(section, kept, "the module", lambda: listing(failing, row))
        shown, section.whole_of = failing, f"before {section.failing_pass}"
    else:
        newest = stages.newest_module(trace, _QUANTIZED)
        snapshot, stage = newest if newest is not None else (trace.imported(), "import")
        if snapshot is None:
            return
        shown, section.whole_of = snapshot, f"after {stage}"
    section.whole = _once(
        section,
        kept,
        "the graph of the model",
        lambda: graph.whole(shown, row, prefix=f"{section.key}-whole", fates=fates),
    )
    addresses = section.addresses
    section.whole_at = addresses.module(shown.number)
    section.change = _try(
        section, "what was changed", lambda: _change(section, run, trace, kept, addresses)
    )


def _change(
    section: Section, run: Run, trace: Trace, kept: Kept, addresses: Addresses
) -> Change | None:
    asked = change.question(run, trace)
    if asked is None:
        return None
    return kept.of(  # what is asked may change while the run goes on
        trace,
        repr(asked),
        lambda: change.change(asked, trace, addresses, kept.graphs, f"{section.key}-change"),
    )


def _failure(section: Section, run: Run, trace: Trace) -> None:
    """What was found out about a failure, or why it was not."""
    result = section.result
    section.rejections = _try(section, "the rejection map", lambda: rejections.table(trace))
    section.no_map = reduction.missing_map(result)
    if not trace.ended or (trace.map is not None and trace.map.remaining):
        section.go_on = reduction.go_on(run, trace)
    section.reduction = _try(
        section, "the smallest module", lambda: reduction.reduction(run, result)
    )


def _try(section: Section, what: str, view: Callable[[], T]) -> T | None:
    """A trace may be cut or damaged anywhere, and one bad piece must not cost the report."""
    try:
        return view()
    except DAMAGED as error:
        section.faults.append(f"{what} cannot be shown: {type(error).__name__}: {error}")
        return None


def _once(section: Section, kept: Kept, what: str, view: Callable[[], T]) -> T | None:
    """The same of what depends on the trace alone."""
    trace = section.result.trace
    assert trace is not None
    return _try(section, what, lambda: kept.of(trace, what, view))
