"""How few bits keep a model right, in simulation: what instruments.search leaves behind."""

from __future__ import annotations

from pathlib import Path

import msgspec

from ..decoding import Natural
from ..trace import journal
from ..trace.events import End, Facts, Fault, Progress, Stage, Start
from ..trace.journal import Event


class BitTrial(Event, frozen=True, tag="trial"):
    """A setting of TVM's QConfig on the first `inputs` inputs: cosine to the float model of the
    `worst` of them and in the mean, SQNR in dB, and the share of rows with float's top-1. None: not
    a finite number, or no rows of scores."""

    nbit_weight: Natural
    nbit_input: Natural
    weight_scale: str
    global_scale: float
    inputs: Natural
    worst: float
    cosine: float
    sqnr_db: float | None = None
    same: float | None = None

    @property
    def fields(self) -> tuple[str, ...]:
        """What it sets otherwise than TVM does, as a configuration has it."""
        given = (
            ("nbit_weight", self.nbit_weight, 8),
            ("nbit_input", self.nbit_input, 8),
            ("weight_scale", self.weight_scale, "power2"),
            ("global_scale", f"{self.global_scale:g}", "8"),
        )
        return tuple(f"{name}={value}" for name, value, default in given if value != default)


class SearchFacts(msgspec.Struct):
    """`time_up`: was there no time to try all?"""

    time_up: bool = False


class BitSearch(msgspec.Struct):
    """All that was tried, in order. `problems` says what of the journal could not be read."""

    trials: list[BitTrial] = []
    facts: SearchFacts = msgspec.field(default_factory=SearchFacts)
    faults: list[str] = []
    problems: list[str] = []
    complete: bool = False

    @property
    def inputs(self) -> int:
        """The most inputs that anything was tried on."""
        return max((trial.inputs for trial in self.trials), default=0)

    def right(self, min_cosine: float) -> list[BitTrial]:
        """What is right on all inputs, the fewest bits of weights first, of those the most bits of
        activations, which cost no bytes."""
        whole = [t for t in self.trials if t.inputs == self.inputs and t.worst >= min_cosine]
        return sorted(whole, key=lambda trial: (trial.nbit_weight, -trial.nbit_input, -trial.worst))

    def best(self, nbit_weight: int, nbit_input: int) -> BitTrial | None:
        """The best at so many bits: on the most inputs, then by its worst cosine; None: untried."""
        same = [
            t for t in self.trials if (t.nbit_weight, t.nbit_input) == (nbit_weight, nbit_input)
        ]
        return max(same, key=lambda trial: (trial.inputs, trial.worst), default=None)


SearchEvent = Start | Facts | Stage | Progress | BitTrial | Fault | End

_WHOSE = "the search's journal"

_DECODER: msgspec.json.Decoder[SearchEvent] = msgspec.json.Decoder(SearchEvent)


def load(folder: Path) -> BitSearch:
    """Read a search's journal, complete or not. Raises UsageError when there is none."""
    events, problems = journal.read(folder, _DECODER, _WHOSE)
    search = BitSearch(problems=problems)
    for event in events:
        match event:
            case BitTrial():
                search.trials.append(event)
            case Facts():
                problems += event.add_to(search.facts, _WHOSE)
            case Fault():
                search.faults.append(f"{event.where}: {event.message}")
            case End():
                search.complete = True
            case Start() | Stage() | Progress():
                pass
    return search
