"""A verdict, as plain data: what `analysis.judge` decides and `reports` shows."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from ..measurements.metrics import Metrics
from ..measurements.paired import Latency, Ratio

WORKS = "works"
REJECTED = "rejected"
CRASHED = "crashed"
TIMED_OUT = "timed out"
WRONG = "wrong"
NOT_QUANTIZED = "not quantized"
INTERRUPTED = "interrupted"

EXACT = "exact"
INFERRED = "inferred"
UNKNOWN = "unknown"


@dataclass(frozen=True)
class OpRef:
    """An op of the module before the failing pass; `index` counts from 0 in running order."""

    index: int
    name: str
    span: str | None = None


@dataclass(frozen=True)
class Site:
    """The C++ function that threw, and where; None where the error did not say."""

    function: str | None
    file: str | None
    line: int | None


@dataclass(frozen=True)
class Hazard:
    """Something in a trace that costs time or accuracy (see tvmq_diag.analysis.hazards).

    `kind` is the kind of kernel whose time it explains; None where it is not about one. `gained`:
    the mitigation was tried; the latency with it as a multiple of that without.
    """

    name: str
    hazard: str
    evidence: list[str]
    mitigation: str
    kind: str | None = None
    gained: Ratio | None = None


@dataclass
class Verdict:
    """What happened to one configuration, why, and what to try. None where it does not apply."""

    configuration: str
    toolchain: str
    outcome: str
    stage: str | None = None
    pass_name: str | None = None
    pass_path: list[str] = field(default_factory=list)
    op: OpRef | None = None
    message: str | None = None
    site: Site | None = None
    knob: str | None = None
    confidence: str | None = None
    suggestion: str | None = None
    metrics: Metrics | None = None
    latency_ms: Latency | None = None
    ratio: Ratio | None = None
    """Its latency as a multiple of the float model's, timed in turn."""
    reason: str | None = None
    """One sentence: why."""
    via: list[str] = field(default_factory=list)
    """C++ functions from the quantizer's or compiler's own rule down to the one that threw."""
    deterministic: bool | None = None
    reproducer: str | None = None
    """A file that fails in the same way in a fresh process; its path as seen from the run."""
    reproducer_note: str | None = None
    """Why there is none, where a reduced module was found."""
    instead: dict[str, Any] | None = None
    """What was tried and works: configuration, metrics, latency_ms."""
    knob_map: list[dict[str, Any]] | None = None
    """What each field does alone (see tvmq_diag.analysis.ablation.KnobRun)."""
    hazards: list[Hazard] = field(default_factory=list)
    """Why it is slower or less exact than float."""
    explained: float | None = None
    """Share (0 to 1) of the difference in time to float, by kind of kernel, that they explain."""

    def to_json(self) -> dict[str, Any]:
        """The object verdict.json holds: `pass_name` is called `pass` there."""
        record = asdict(self)
        renamed = {"pass" if name == "pass_name" else name: record[name] for name in record}
        renamed["pass_path"] = self.pass_path or None
        return renamed

    @property
    def headline(self) -> str:
        """The verdict in one line, the first thing a person reads."""
        if self.outcome == WORKS:
            return f"{self.configuration} works"
        where = f" by {self.pass_name}" if self.pass_name and self.outcome == REJECTED else ""
        if self.pass_name and self.outcome in (CRASHED, TIMED_OUT, WRONG):
            where = f" in {self.pass_name}"
        at = f" at {self.op.name} (op #{self.op.index})" if self.op else ""
        said = f": {self.message}" if self.message else ""
        return f"{self.configuration} {self.outcome}{where}{at}{said}"
