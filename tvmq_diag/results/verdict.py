"""A verdict, as plain data: what `analysis.judge` decides and `reports` shows."""

from __future__ import annotations

from typing import Any

import msgspec

from ..decoding import Natural
from ..measurements.metrics import Metrics
from ..measurements.paired import Latency, Ratio
from ..measurements.tuning import Gain

WORKS = "works"
COMPILES = "compiles"
REJECTED = "rejected"
CRASHED = "crashed"
TIMED_OUT = "timed out"
WRONG = "wrong"
NOT_QUANTIZED = "not quantized"
NOT_JUDGED = "not judged"
NOT_IMPORTED = "not imported"
NOT_TRIED = "not tried"
FAILED = "failed"
INTERRUPTED = "interrupted"

GOOD = (WORKS, COMPILES)
"""As far as could be tried, nothing is wrong."""

SCRIPT = "script"
"""Stands for the configuration of somebody's own script in which no quantizer ran."""

EXACT = "exact"
INFERRED = "inferred"
UNKNOWN = "unknown"

NO_DEVICE = "its numbers and its time were not checked: no device"


class OpRef(msgspec.Struct, frozen=True):
    """An op of the module before the failing pass; `index` counts from 0 in running order."""

    index: Natural
    name: str
    span: str | None = None


class ThrowSite(msgspec.Struct, frozen=True):
    """The C++ function that threw, and where; None where the error did not say."""

    function: str | None = None
    file: str | None = None
    line: int | None = None


class Hazard(msgspec.Struct, frozen=True):
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


class Alternative(msgspec.Struct, frozen=True):
    """What was tried in place of a configuration, and works. `option`: what it takes beside
    --dtype, with a space in front."""

    configuration: str
    metrics: Metrics | None = None
    latency_ms: Latency | None = None
    option: str = ""


class KnobRun(msgspec.Struct, frozen=True):
    """What came of one field, or two, set as in the configuration, and the rest as TVM's default.

    Compiled are the first ops of the model only. `outcome` is "runs" or one of a verdict's.
    `change`: the first pass whose result differs for it, and how (see tvmq_diag.analysis.ablation).
    """

    field: str
    configuration: str
    outcome: str
    stage: str | None = None
    pass_name: str | None = None
    message: str | None = None
    change: str | None = None


class LevelRun(msgspec.Struct, frozen=True):
    """What becomes of a configuration where Relay's quantize() runs at another opt_level.

    `first_ops`: how many calls of the model were tried, None for all. `outcome` is "runs" for those
    that go through (their numbers are compared with nothing), or one of a verdict's.
    """

    level: int
    outcome: str
    stage: str | None = None
    pass_name: str | None = None
    op: OpRef | None = None
    message: str | None = None
    first_ops: int | None = None

    @property
    def sentence(self) -> str:
        """What was tried, and what came of it."""
        tried = f", tried on its first {self.first_ops} ops" if self.first_ops else ""
        place = _place(self.outcome, self.pass_name, self.op)
        message = f": {self.message}" if self.message else ""
        result = f"{self.outcome} {place}".rstrip() + message
        return f"with --quantize-opt-level {self.level}{tried}: {result}"


class CalibrationRun(msgspec.Struct, frozen=True):
    """What became of a wrong configuration, calibrated on data instead.

    `mode` is calibrate_mode, `data` the option that says on what. `outcome` is one of a verdict's,
    or `not tried`; `message` then says why. `cosine` and `worst` are of its outputs to float.
    """

    mode: str
    data: str
    outcome: str
    message: str | None = None
    cosine: float | None = None
    worst: float | None = None

    @property
    def sentence(self) -> str:
        """What was tried, and what came of it."""
        figures = f", cosine {self.cosine:.3f}" if self.cosine is not None else ""
        if figures and self.worst is not None:
            figures += f" (worst {self.worst:.3f})"
        message = f": {self.message}" if self.message and not figures else ""
        return f"calibrate_mode={self.mode}{self.data}: {self.outcome}{figures}{message}"


class FixRun(msgspec.Struct, frozen=True):
    """A change of TVM's Python quantizer with which the model works, by trying.

    `file`: the unified diff, as seen from the run. `cosine` of the model's outputs to float, None
    where there is none. `reduced`: the reduced module was run with it too, and passes.
    """

    name: str
    what: str
    file: str
    cosine: float | None
    reduced: bool

    @property
    def sentence(self) -> str:
        """What it changes, and what came of it."""
        cosine = f", cosine {self.cosine:.3f} to float" if self.cosine is not None else ""
        reduced = ", and the reduced module passes" if self.reduced else ""
        return f"{self.file}: {self.what}; tried on this TVM: it works{cosine}{reduced}"


class Verdict(msgspec.Struct):
    """What happened to one configuration, why, and what to try. None where it does not apply."""

    configuration: str
    """As people type it: `int8/int8/int32:nbit=4`; the float model is `float32`; what no quantizer
    ran in is `script`."""
    toolchain: str
    """The name of one, or `in process` for what QuantizeTrace recorded."""
    outcome: str
    """works, compiles (for another machine, as far as its code: nothing was run), rejected,
    crashed, timed out, wrong (it runs, and its numbers are not those of the float model), not
    judged (it runs, and whether its numbers are right cannot be said), not quantized (it compiles,
    and no op got the dtype), not imported (TVM does not take the model, at whatever configuration),
    failed (a script of somebody's own, by an exception of its own or an exit code), or
    interrupted."""
    stage: str | None = None
    """Where it failed, or how far it came: one of trace.stages.STAGES."""
    pass_name: str | None = msgspec.field(default=None, name="pass")
    """The pass to blame."""
    pass_path: list[str] | None = None
    """From the outermost pass to the one that failed."""
    op: OpRef | None = None
    """The op that it comes from."""
    surfaced: OpRef | None = None
    """The op that fails, where it comes from another."""
    kernel: str | None = None
    """TVM's name for the target's kernel for that op, where it is wrong and no pass."""
    message: str | None = None
    """On one line: what TVM said, or the figure by which a result is wrong. Of one that works: how
    it is off by a factor, if it is, and what the last pooling may hide."""
    site: ThrowSite | None = None
    knob: str | None = None
    """The fields of the configuration that cause it, with commas between: `dtype_activation`."""
    confidence: str | None = None
    """exact (found by trying, or measured), inferred (from open passes and C++ frames), unknown."""
    suggestion: str | None = None
    """What to try: a command line option and, behind a colon, what speaks for it; or a sentence."""
    metrics: Metrics | None = None
    """Its outputs against those of the float model, or of what `against` names."""
    against: str | None = None
    """What its outputs were compared with, where that is not the float model: ONNX Runtime."""
    weight_bytes: int | None = None
    """Of the compiled model's weights and other constants."""
    latency_ms: Latency | None = None
    """Milliseconds of one inference."""
    ratio: Ratio | None = None
    """Its latency as a multiple of the float model's, timed in turn."""
    tuning: Gain | None = None
    """What tuning gained, where both were built with tuned schedules too."""
    reason: str | None = None
    """One sentence: why."""
    via: list[str] = []
    """C++ functions from the quantizer's or compiler's own rule down to the one that threw."""
    deterministic: bool | None = None
    reproducer: str | None = None
    """A file that fails in the same way in a fresh process; its path as seen from the run."""
    reproducer_note: str | None = None
    """Why there is none, where a reduced module was found."""
    float_fails: bool = False
    """Does the model fail in the same way unquantized? Then it is not for the configuration."""
    instead: Alternative | None = None
    knob_map: list[KnobRun] | None = None
    """What each field does alone."""
    fix: FixRun | None = None
    """A change of TVM that cures it."""
    fix_note: str | None = None
    """Why there is none: whose code raised it, where that is C++."""
    calibrations: list[CalibrationRun] = []
    """Of a result that is wrong: what calibrating on data came to, as far as that was tried."""
    other_level: LevelRun | None = None
    """Of Relay: what becomes of it where quantize() runs at another opt_level."""
    hazards: list[Hazard] = []
    """Why it is slower or less exact than float."""
    explained: float | None = None
    """Share (0 to 1) of the difference in time to float, by kind of kernel, that they explain."""
    target: str | None = None
    """TVM's target, where it was compiled for another machine."""

    def __repr__(self) -> str:
        return f"<Verdict {self.headline}>"

    def to_json(self) -> dict[str, Any]:
        """The object that verdict.json holds, without its role: `pass_name` is called `pass`."""
        record: dict[str, Any] = msgspec.to_builtins(self)
        return record

    @property
    def headline(self) -> str:
        """The verdict in one line, the first thing a person reads."""
        if self.outcome == NOT_IMPORTED:
            place = f" {self.place}" if self.place else ""
            return f"the model is not imported{place}: {self.message}"
        if self.configuration == SCRIPT:
            return self._done
        place = f" {self.place}" if self.place else ""
        message = f": {self.message}" if self.message else ""
        return f"{self.configuration} {self.outcome}{place}{message}"

    @property
    def _done(self) -> str:
        """The headline of a script in which no quantizer ran: what was done, or what failed."""
        message = f": {self.message}" if self.message else ""
        if self.outcome in (WORKS, FAILED):
            return ("no quantizer ran" if self.outcome == WORKS else "the script failed") + message
        what = self.pass_name or ("TVM" if self.outcome == REJECTED else "the script")
        verb = "failed" if self.outcome == REJECTED else self.outcome
        at = _place(self.outcome, None, self.op, self.surfaced)
        return f"{what} {verb} {at}".rstrip() + message

    @property
    def is_general(self) -> bool:
        """Is it the same at every configuration? The model fails unquantized in the same way, or
        it fails in a pass that prepares it for the quantizer, which reads no configuration."""
        failed = self.outcome in (REJECTED, CRASHED, TIMED_OUT)
        return self.float_fails or (failed and self.stage == "prepare" and bool(self.pass_path))

    @property
    def cause(self) -> str:
        """The headline without the configuration and its outcome; empty where all is well."""
        return ": ".join(part for part in (self.place, self.message) if part)

    @property
    def place(self) -> str:
        """The pass, or the kernel, and the op to blame, as far as they are known."""
        place = _place(self.outcome, self.pass_name, self.op, self.surfaced)
        return f"in the kernel {self.kernel} {place}" if self.kernel else place

    @property
    def level_difference(self) -> LevelRun | None:
        """What happens at the other level, where that is something else: outcome, pass or op."""
        other = self.other_level
        if other is None:
            return None
        same = (other.outcome, other.pass_name, other.op and other.op.name)
        here = (self.outcome, self.pass_name, self.op and self.op.name)
        return other if same != here else None


def _place(
    outcome: str, pass_name: str | None, op: OpRef | None, surfaced: OpRef | None = None
) -> str:
    parts = []
    if pass_name and outcome in (REJECTED, CRASHED, TIMED_OUT, WRONG, NOT_IMPORTED):
        parts.append(f"{'by' if outcome == REJECTED else 'in'} {pass_name}")
    if op is not None:
        parts.append(f"at {op.name} (op #{op.index})")
    place = " ".join(parts)
    if surfaced is not None:
        place += f", surfacing at {surfaced.name} (op #{surfaced.index})"
    return place
