"""Two runs, or two traces, side by side: what changed in the compile, and is anything worse for it?

Configurations are paired by their text, their compiles pass by pass (see pass_diff) and op by op
(see alignment).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..analysis import coverage, recording, recovery
from ..analysis.coverage import Coverage
from ..errors import UsageError
from ..measurements import numerics
from ..results.run import Result, Role, Run
from ..trace import layout, reader
from ..trace.ops import short
from ..trace.trace import Trace
from . import figures, lasting, outcome_diff, pass_diff
from .figures import AGREEMENT, COSINE, NOISE, SHARE, SQNR, TIME, TOP1, WORST, Figure, Tolerances
from .outcome_diff import (
    EARLIER,
    MISSING,
    NEW,
    REGRESSED,
    SAME,
)
from .pass_diff import RAISED_NEW, RAISED_OLD, Modules, PassDelta

ACCURACY, COVERAGE, SLOWER = "accuracy", "coverage", "slower"

REGRESSIONS = (REGRESSED, EARLIER, MISSING, ACCURACY, COVERAGE, SLOWER)
"""What makes a comparison a bad one, unless it is allowed."""

_WORSE_OP_DB = 3.0
"""An op whose own error doubles in power is worth naming."""

_FACTS = (
    "model", "input_shape", "seed", "weights", "calibrated_on", "checked_on", "check_samples",
    "preprocess",
)  # fmt: skip
"""What two runs must share for their differences to be the compiler's."""


@dataclass
class ConfigurationDelta:
    """A configuration in both runs. `old` or `new` is None where only one of them has it."""

    name: str
    role: Role
    outcome: str
    old: Result | None
    new: Result | None
    passes: list[PassDelta] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    settings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def first(self) -> PassDelta | None:
        """The first pass whose result differs."""
        return pass_diff.first(self.passes)

    @property
    def different(self) -> bool:
        """Is there anything to say about it?"""
        others = self.figures or self.settings or self.notes
        return bool(self.outcome != SAME or self.first or others)

    @property
    def regressions(self) -> list[str]:
        """In what it became worse: members of REGRESSIONS."""
        outcomes = [self.outcome] if self.outcome in REGRESSIONS else []
        worse = [_CLASSES[figure.name] for figure in self.figures if figure.worse]
        return outcomes + [name for name in dict.fromkeys(worse) if name not in outcomes]


@dataclass
class Comparison:
    """All configurations; `facts` are settings of the two runs that differ."""

    configurations: list[ConfigurationDelta]
    facts: list[str] = field(default_factory=list)

    @property
    def different(self) -> list[ConfigurationDelta]:
        """The configurations with something to say."""
        return [delta for delta in self.configurations if delta.different]

    @property
    def headline(self) -> str:
        """The comparison in one line."""
        first = next((delta for delta in self.configurations if delta.first is not None), None)
        if first is not None and first.first is not None:
            return f"first difference: {first.first.headline}"
        both = [delta for delta in self.different if delta.old and delta.new]
        if any(delta.outcome != SAME or delta.figures or delta.notes for delta in both):
            return "the compiles are the same; what came of them differs"
        if both:
            return "no difference but in the settings"
        missing = [delta.name for delta in self.different if delta.outcome == MISSING]
        if self.different:
            also = f"; not tried again: {', '.join(missing)}" if missing else ""
            return f"no difference in what both ran{also}"
        return "no difference" + (
            " in the compile, though asked for otherwise" if self.facts else ""
        )

    def regressions(self, allowed: frozenset[str] = frozenset()) -> list[str]:
        """What became worse, each as `configuration: class`."""
        return [
            f"{delta.name}: {name}"
            for delta in self.configurations
            for name in delta.regressions
            if name not in allowed
        ]

    def to_json(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {
            "headline": self.headline,
            "facts": self.facts,
            "regressions": self.regressions(),
            "configurations": [_json(delta) for delta in self.configurations],
        }


_CLASSES = {
    COSINE: ACCURACY,
    WORST: ACCURACY,
    SQNR: ACCURACY,
    AGREEMENT: ACCURACY,
    TOP1: ACCURACY,
    SHARE: COVERAGE,
    TIME: SLOWER,
}


def compare(old: Path, new: Path, tolerances: Tolerances | None = None) -> Comparison:
    """Compare two folders: two runs, or two traces. Raises UsageError when they are not."""
    runs = is_run(old), is_run(new)
    if runs[0] != runs[1]:
        run, single = (old, new) if runs[0] else (new, old)
        raise UsageError(
            f"{run} is a run and {single} a trace: give two of a kind, such as {run}/traces/…"
        )
    tolerances = tolerances or Tolerances()
    if not runs[0]:
        before, now = load(old), load(new)
        names = dict.fromkeys((before.verdict.configuration, now.verdict.configuration))
        return Comparison([_configuration(" -> ".join(names), before, now, tolerances)])
    return of_runs(recovery.load(old), recovery.load(new), tolerances)


def of_runs(old: Run, new: Run, tolerances: Tolerances) -> Comparison:
    """Compare two runs, configuration by configuration, in the order of the new one."""
    before = {result.verdict.configuration: result for result in old.results}
    now = {result.verdict.configuration: result for result in new.results}
    deltas = []
    for name in dict.fromkeys([*now, *before]):
        ours, theirs = before.get(name, old.not_imported), now.get(name, new.not_imported)
        if ours is not None and theirs is not None:
            deltas.append(_configuration(name, ours, theirs, tolerances))
            continue
        there = now.get(name) or before[name]
        # What was tried instead is tried where the search led, which is no promise.
        kind = NEW if name in now else MISSING if there.role != Role.INSTEAD else outcome_diff.GONE
        delta = ConfigurationDelta(name, there.role, kind, before.get(name), now.get(name))
        deltas.append(delta)
    facts = [
        f"{name}: {getattr(old.facts, name)} -> {getattr(new.facts, name)}"
        for name in _FACTS
        if getattr(old.facts, name) != getattr(new.facts, name)
    ]
    return Comparison(deltas, facts)


def is_run(folder: Path) -> bool:
    """Is it the folder of a run, and not of a single trace?"""
    return (folder / layout.VERDICTS).exists()


def load(folder: Path) -> Result:
    """The trace in a folder, with the verdict of the run that it belongs to, if it does."""
    around = folder.resolve().parent.parent
    if is_run(around):
        for result in recovery.load(around).results:
            if result.trace is not None and result.trace.path.name == folder.resolve().name:
                return result
    recorded = reader.load(folder)
    return Result(recording.judged(recorded), Role.REQUESTED, recorded)


def _configuration(
    name: str, old: Result, new: Result, tolerances: Tolerances
) -> ConfigurationDelta:
    delta = ConfigurationDelta(name, new.role, SAME, old, new)
    modules = None
    if old.trace is not None and new.trace is not None:
        modules = Modules(old.trace, new.trace)
        delta.passes = pass_diff.compare(modules)
        lasting.mark(modules, delta.passes)
        _blame(delta.passes, old, new)
        delta.settings = _settings(old.trace, new.trace)
        if delta.first is not None:  # equal compiles cover the same
            _cover(delta, coverage.coverage(old.trace), coverage.coverage(new.trace))
    delta.outcome = outcome_diff.classify(old.verdict, new.verdict, modules)
    delta.figures += figures.accuracy(old.verdict, new.verdict, tolerances)
    delta.figures += figures.time(old.verdict, new.verdict, tolerances)
    incomparable = figures.comparable(old.verdict, new.verdict)
    delta.notes += [incomparable] if incomparable else []
    delta.notes += _worse_op(old, new)
    for side, result in (("before", old), ("now", new)):
        if result.trace is not None:  # what could not be read could not be compared
            delta.notes += [f"{side}: {problem}" for problem in result.trace.problems]
    return delta


def _blame(passes: list[PassDelta], old: Result, new: Result) -> None:
    """Give a pass that failed in one of the compiles the op at which it did."""
    for delta in passes:
        side = {RAISED_OLD: old, RAISED_NEW: new}.get(delta.state)
        if side is not None and side.verdict.op and side.verdict.pass_name == delta.name:
            delta.op = f"{short(side.verdict.op.name)} #{side.verdict.op.index}"


def _settings(old: Trace, new: Trace) -> list[str]:
    """What was not the same from the beginning: the quantizer's fields, the target, the TVM."""
    before, now = old.facts, new.facts
    parts: tuple[tuple[str, Mapping[str, object], Mapping[str, object]], ...] = (
        ("qconfig", before.qconfig, now.qconfig),
        ("versions", before.versions, now.versions),
    )
    settings = []
    for part, ours, theirs in parts:
        if not ours or not theirs:
            settings += [f"{part}: {_any(ours)} -> {_any(theirs)}"] if ours or theirs else []
            continue
        for name in sorted(ours.keys() | theirs.keys()):
            if ours.get(name) != theirs.get(name):
                settings.append(f"{name}: {ours.get(name)} -> {theirs.get(name)}")
    single: tuple[tuple[str, object, object], ...] = (
        ("target", before.target, now.target),
        ("opt_level of quantize()", before.quantized_at, now.quantized_at),
        ("threads", before.threads, now.threads),
    )
    return settings + [f"{name}: {a} -> {b}" for name, a, b in single if a != b]


def _any(part: Mapping[str, object]) -> str:
    return "some" if part else "none"


def _cover(delta: ConfigurationDelta, old: Coverage, new: Coverage) -> None:
    """The share of the multiplying that is quantized, and the ops that were not left in float."""
    if not (old.quantized and new.quantized):
        return  # of a compile that failed before, nobody knows what it would have left in float
    before, now = old.share, new.share
    if before is not None and now is not None and abs(before - now) > NOISE:
        delta.figures.append(Figure(SHARE, before, now, worse=now < before))
    before_too = {(op.op, op.span, op.reason) for op in old.unquantized}
    for op in new.unquantized:
        if (op.op, op.span, op.reason) not in before_too:
            delta.notes.append(f"{op.op} #{op.index} is left in float now: {op.reason}")


def _worse_op(old: Result, new: Result) -> list[str]:
    """The first op whose own error is markedly larger; the two list the float model's ops."""
    if old.numerics is None or new.numerics is None:
        return []
    ours, theirs = old.numerics.anchors, new.numerics.anchors
    if [anchor.op for anchor in ours] != [anchor.op for anchor in theirs]:
        return []
    for a, b in zip(ours, theirs, strict=True):
        if _decibels(a) - _decibels(b) > _WORSE_OP_DB:
            return [
                f"the error of {b.op} #{b.index} alone is larger: "
                f"SQNR {_decibels(a):.1f} -> {_decibels(b):.1f} dB"
            ]
    return []


def _decibels(anchor: numerics.Anchor) -> float:
    """Of the op alone; what was left in float has no error of its own."""
    return min(anchor.alone.sqnr, 200.0) if anchor.alone is not None else 200.0


def _json(delta: ConfigurationDelta) -> dict[str, Any]:
    first = delta.first
    return {
        "configuration": delta.name,
        "role": delta.role.value,
        "outcome": delta.outcome,
        "old": delta.old.verdict.headline if delta.old else None,
        "new": delta.new.verdict.headline if delta.new else None,
        "regressions": delta.regressions,
        "first": None if first is None else {**asdict(first), "headline": first.headline},
        "passes": [asdict(one) for one in delta.passes if one.differs],
        "figures": [asdict(figure) for figure in delta.figures],
        "settings": delta.settings,
        "notes": delta.notes,
    }
