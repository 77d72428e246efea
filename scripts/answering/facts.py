"""What docs/answers.md is made of: figures of runs, as plain data, kept in docs/answers.json."""

from __future__ import annotations

import msgspec

from tvmq_diag.measurements.paired import Latency, Ratio
from tvmq_diag.results.verdict import Verdict
from tvmq_diag.trace.facts import Setting


class Made(msgspec.Struct):
    """How a run was made. `command` without its folders, `created` as a date; `llvm_target` is
    TVM's, `target_reason` why it is that. None where the run does not say."""

    command: str
    created: str
    tool_version: str | None = None
    model: str | None = None
    weights: str | None = None
    judged_on: str | None = None
    min_cosine: float | None = None
    versions: dict[str, str] = {}
    cpu: str | None = None
    threads: int | None = None
    target: str | None = None
    target_reason: str | None = None
    rounds: int = 0
    cut_off: bool = False
    """Was it ended before it had done all that it does?"""


class Tried(msgspec.Struct):
    """A configuration, with the role that verdict.json has for it."""

    role: str
    verdict: Verdict


class Stage(msgspec.Struct):
    """The first quantized convolution, or other op with weights, behind a stage: dtypes of what it
    reads and makes, and what these are simulated as (between annotate and realize)."""

    stage: str
    op: str
    inputs: list[str]
    output: str
    stands_for: list[str] = []


class Rewritten(msgspec.Struct):
    """Of a pass of the quantizer, how many more calls of an op there are behind it, or fewer."""

    pass_name: str
    ops: dict[str, int]


class LeftInFloat(msgspec.Struct):
    """An op that the quantizer left in float, and the setting that does it, if one does."""

    op: str
    count: int
    reason: str
    setting: str | None = None


class Computed(msgspec.Struct):
    """How many ops with weights read and make these dtypes in the end."""

    op: str
    inputs: list[str]
    output: str
    count: int


class Chain(msgspec.Struct):
    """How a configuration's dtypes got into the module. `qconfig`: all fields in force; `changed`:
    those that are not TVM's default. `share` of the multiply-accumulates that are quantized."""

    configuration: str
    qconfig: dict[str, Setting]
    changed: list[str]
    label: str = ""
    stages: list[Stage] = []
    passes: list[Rewritten] = []
    computed: list[Computed] = []
    left: list[LeftInFloat] = []
    share: float | None = None


class Part(msgspec.Struct):
    """Kernels of one kind, in both models: milliseconds, and how many."""

    name: str
    float_ms: float
    ms: float
    of_float: int
    of_ours: int


class Speed(msgspec.Struct):
    """Of a configuration: `latency` ms by who ran it. `here` and `host`: its time as a multiple of
    float's, both for the run's target and both for the host's own -mcpu; `gain`: the second build's
    time as a multiple of the first's, `float_gain` that of float. `noise`: float against itself."""

    configuration: str
    latency: dict[str, Latency]
    here: Ratio | None = None
    noise: Ratio | None = None
    host: Ratio | None = None
    gain: Ratio | None = None
    float_gain: Ratio | None = None
    parts: list[Part] = []


class Search(msgspec.Struct):
    """The search for the fewest bits, in simulation: trials, and how many of them are right on all
    inputs. `best`: by bits of all weights alike, the highest worst cosine at that many. `time_up`:
    was there no time to try all?"""

    trials: int
    right: int
    inputs: int
    best: dict[int, float]
    time_up: bool = False


class Whole(msgspec.Struct):
    """One run."""

    made: Made
    tried: list[Tried]
    chain: Chain | None = None
    speed: Speed | None = None
    search: Search | None = None

    def verdicts(self, *roles: str) -> list[Verdict]:
        """Those of these roles, in the order in which they were tried."""
        return [one.verdict for one in self.tried if one.role in roles]


class Answers(msgspec.Struct):
    """The run that tried the precisions; one whose kernels were tuned, and another one that looked
    for fewer bits, if there are."""

    run: Whole
    tuned: Whole | None = None
    searched: Whole | None = None
