"""The events of a trace's journal, a struct a kind, as instruments.recording and
instruments.diagnosis write them.

A field that older traces do not have yet has a default. Times are milliseconds.
"""

from __future__ import annotations

from typing import Any

import msgspec

from .. import decoding
from ..instruments.protocol.schema import SCHEMA
from .failure import Blame, Culprit, Failure, RejectionMap, Smallest
from .journal import Timed


class Start(Timed, frozen=True, tag="start"):
    """A journal begins; measurements say no more than the version of its layout."""

    schema: int = SCHEMA
    time: str | None = None
    pid: int | None = None
    dialect: str | None = None
    command: list[str] = msgspec.field(default_factory=list)
    versions: dict[str, str] = msgspec.field(default_factory=dict)


class Facts(Timed, frozen=True, tag="facts"):
    """Facts about the work, by name: see tvmq_diag.trace.facts for a compile's."""

    values: dict[str, Any]

    def add_to(self, facts: msgspec.Struct, whose: str) -> list[str]:
        """Set the fields of a struct of facts; returns a sentence for each that is not as declared.

        `whose` is what the sentences call the journal.
        """
        lost = decoding.update(facts, self.values)
        return [f"fact {name!r} in {whose} is damaged" for name in lost]


class Stage(Timed, frozen=True, tag="stage"):
    """A stage of schema.STAGES begins."""

    name: str


class Enter(Timed, frozen=True, kw_only=True, tag="enter"):
    """A pass begins, given the module of a snapshot; `own` is the recorder's time until then."""

    t: float
    id: int
    parent: int | None
    name: str
    stage: str
    snapshot: int | None
    own: float = 0.0


class Leave(Timed, frozen=True, kw_only=True, tag="leave"):
    """A pass ends, and the module it hands on; `inside` passes in it were only counted."""

    t: float
    id: int
    snapshot: int | None
    own: float = 0.0
    inside: int = 0


class Unwind(Timed, frozen=True, tag="unwind"):
    """An exception leaves passes, outermost first."""

    passes: list[int]


class PrimFunc(msgspec.Struct, frozen=True):
    """A lowered function: its name, and the dtypes of its parameters."""

    name: str
    params: tuple[str, ...] = ()


class Written(Timed, frozen=True, tag="snapshot"):
    """A snapshot: the file of its op table, or the lowered functions of a module without one."""

    id: int
    table: str | None = None
    primfuncs: tuple[PrimFunc, ...] = ()


class Text(Timed, frozen=True, tag="text"):
    """The text of the failing module is in a file."""

    file: str


class Taken(Timed, frozen=True, tag="taken"):
    """A stage, `what`, was not gone through: its result is that of another process, which made it
    at the time `made` in `ms`. `passes`: the first and the last number of the passes that made it,
    whose times are theirs; empty where there are none on record."""

    what: str
    made: str
    ms: float
    passes: list[int] = msgspec.field(default_factory=list)

    def covers(self, number: int) -> bool:
        """Is that pass one of those that made it?"""
        return len(self.passes) == 2 and self.passes[0] <= number <= self.passes[1]


class Compiling(Timed, frozen=True, tag="compiling"):
    """The module of a snapshot is handed to the compiler."""

    snapshot: int | None


class Warned(Timed, frozen=True, tag="warning"):
    """TVM warned of something: in Python, or in C++, whose lines are read off the output."""

    text: str
    file: str
    line: int


class Knobs(Timed, frozen=True, tag="knobs"):
    """The fields that cause a failure by themselves; None where that cannot be told."""

    fields: list[str] | None


class Looking(Timed, frozen=True, tag="looking"):
    """What the diagnosis is looking for, or how many experiments it has made."""

    what: str | None = None
    queries: int | None = None


class Progress(Timed, frozen=True, tag="progress"):
    """How far something has got."""

    what: str
    done: int
    of: int


class Investigation(Timed, frozen=True, tag="investigation"):
    """A process begins to look into a failure that is on record."""


class Skipped(Timed, frozen=True, tag="skipped"):
    """An analysis of the failure (op, survey, smallest, map) cannot be made."""

    what: str
    reason: str


class Outputs(Timed, frozen=True, tag="outputs"):
    """The model ran: the file of its outputs, and whether they were the same each time.

    `inputs`: how many there were; each array has them as its first axis. None: one, without it.
    """

    file: str
    deterministic: bool | None = None
    inputs: int | None = None


class KernelCode(Timed, frozen=True, tag="kernel_code"):
    """The file that says of which instructions the kernels of the compiled model consist."""

    file: str


class Fault(Timed, frozen=True, tag="fault"):
    """Something in the recorder or the measurement itself went wrong."""

    where: str
    message: str


class End(Timed, frozen=True, tag="end"):
    """The process came to its end."""


TraceEvent = (
    Enter | Leave | Written | Unwind | Start | Facts | Stage | Text | Compiling | Failure | Blame
    | Culprit | Warned | Knobs | Looking | Progress | Smallest | RejectionMap | Investigation
    | Skipped | Taken | Outputs | KernelCode | Fault | End
)  # fmt: skip

DECODER: msgspec.json.Decoder[TraceEvent] = msgspec.json.Decoder(TraceEvent)
