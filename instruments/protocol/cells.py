"""A cell of the support matrix: one op in one dtype, and the steps it goes through.

A process prints a line of JSON before each step begins, and one when it has ended: if it dies, it
has said where. Types are written as Python 3.8 can evaluate them: see records.
"""

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any, Dict, Iterator, List, Optional, Tuple, Type, Union

from .records import dataclass_of
from .schema import RELAX, RELAY

STEPS = (
    "type inference",
    "realize",
    "fold",
    "lower",
    "codegen",
    "allocation",
    "run",
    "numbers",
)
"""In the order in which a quantized model goes through them."""

NEEDS = {
    "fold": "type inference",
    "lower": "type inference",
    "codegen": "lower",
    "allocation": "codegen",
    "run": "allocation",
    "numbers": "run",
}
"""Steps that mean nothing without another; all others are tried whatever happened before."""

OPS: Dict[str, Tuple[str, ...]] = {
    RELAY: (
        "conv2d",
        "dense",
        "add",
        "multiply",
        "relu",
        "max_pool2d",
        "avg_pool2d",
        "concatenate",
        "clip",
        "cast",
    ),
    RELAX: (
        "conv2d",
        "matmul",
        "add",
        "multiply",
        "relu",
        "max_pool2d",
        "avg_pool2d",
        "concat",
        "clip",
        "astype",
    ),
}
"""The ops that there are cells for, by each dialect's own names for them."""


@dataclass(frozen=True)
class Raised:
    """Where an exception was raised."""

    function: str
    file: str
    line: int


@dataclass(frozen=True)
class StepBegins:
    """A step is under way."""

    step: str


@dataclass(frozen=True)
class StepEnds:
    """How a step went. `ok` None: it was not tried, and `message` says why.

    Of one that failed: `message` is the error's text, `detail` more than that if there is more,
    `passes` those that were open, outermost first, `raised` where in TVM.
    """

    step: str
    ok: Optional[bool]
    message: str = ""
    detail: str = ""
    passes: List[str] = field(default_factory=list)
    raised: Optional[Raised] = None


StepEvent = Union[StepBegins, StepEnds]


def line(event: StepEvent) -> str:
    """What a process prints."""
    record: Dict[str, Any] = dataclasses.asdict(event)
    if isinstance(event, StepBegins):
        record["begins"] = True
    return json.dumps(record)


def events(output: str) -> Iterator[StepEvent]:
    """What a process told of its steps; anything else that it printed is passed over."""
    for printed in output.splitlines():
        try:
            record = json.loads(printed)
            begins = isinstance(record, dict) and record.pop("begins", False)
            kind: Type[StepEvent] = StepBegins if begins else StepEnds
            event = dataclass_of(kind, record, "a step")
        except (ValueError, RecursionError):  # of json, or a RecordError
            continue
        if event.step in STEPS:
            yield event
