"""How few bits keep a model right, in simulation: what instruments.search leaves behind."""

from __future__ import annotations

from pathlib import Path

import msgspec

from ..decoding import Natural
from ..trace import journal
from ..trace.events import End, Facts, Fault, Progress, Stage, Start
from ..trace.journal import Event
from ..trace.layout import SEARCHES


class BitTrial(Event, frozen=True, tag="trial"):
    """A setting of a configuration on the first `inputs` inputs: cosine to the float model of the
    `worst` of them and in the mean, SQNR in dB, and the share of rows with float's top-1. None: not
    a finite number, or no rows of scores. `average`: bits a value of the weights, 32 those of ops
    that `skip` leaves in float, a field of the configuration; "": none beside the default's.
    `right` goes by the top-1 of scores, too; None: not told, then it goes by the cosine alone."""

    nbit_weight: Natural
    nbit_input: Natural
    weight_scale: str
    global_scale: float
    inputs: Natural
    worst: float
    cosine: float
    sqnr_db: float | None = None
    same: float | None = None
    weight_bits: str = ""
    average: float | None = None
    skip: str = ""
    right: bool | None = None

    def is_right(self, min_cosine: float) -> bool:
        """On the inputs that it was tried on."""
        return self.worst >= min_cosine if self.right is None else self.right

    @property
    def bits(self) -> float:
        """Bits a value of the weights."""
        return float(self.nbit_weight) if self.average is None else self.average

    @property
    def is_uniform(self) -> bool:
        """Has each weight as many bits?"""
        return len(set(self.weight_bits)) <= 1

    @property
    def narrowest(self) -> int:
        """The fewest bits that any weight has."""
        return min(map(int, self.weight_bits)) if self.weight_bits else self.nbit_weight

    @property
    def fields(self) -> tuple[str, ...]:
        """What it sets otherwise than TVM does, as a configuration has it."""
        given = (
            ("nbit_weight", self.nbit_weight, 8),
            ("nbit_input", self.nbit_input, 8),
            ("weight_scale", self.weight_scale, "power2"),
            ("global_scale", f"{self.global_scale:g}", "8"),
            ("weight_bits", self.weight_bits, ""),
        )
        fields = [f"{name}={value}" for name, value, default in given if value != default]
        return (*fields, self.skip) if self.skip else tuple(fields)


class WeightNoise(Event, frozen=True, tag="weight"):
    """What a quantized weight adds to the outputs by itself, all else in float: `noise` power for
    signal power at so many `bits`. `index` is its place in weight_bits; `shape` in elements."""

    index: Natural
    op: str
    shape: list[Natural]
    values: Natural
    bits: Natural
    noise: float
    inputs: Natural


class SearchFacts(msgspec.Struct):
    """`time_up`: was there no time to try all? `spent`: seconds that all trials took, None where
    the search did not come to its end."""

    time_up: bool = False
    spent: float | None = None


class BitSearch(msgspec.Struct):
    """All that was tried, in order. `problems` says what of the journal could not be read."""

    trials: list[BitTrial] = []
    noises: list[WeightNoise] = []
    facts: SearchFacts = msgspec.field(default_factory=SearchFacts)
    faults: list[str] = []
    problems: list[str] = []
    complete: bool = False
    over_data: bool = False
    """Were the ranges of activations found on data, where the default has one range for all?"""

    @property
    def inputs(self) -> int:
        """The most inputs that anything was tried on."""
        return max((trial.inputs for trial in self.trials), default=0)

    def right(self, min_cosine: float) -> list[BitTrial]:
        """What is right on all inputs, the fewest bits of weights first, of those what TVM can by
        itself, and then the most bits of activations, which cost no bytes."""
        whole = [t for t in self.trials if t.inputs == self.inputs and t.is_right(min_cosine)]
        return sorted(whole, key=lambda t: (t.bits, bool(t.weight_bits), -t.nbit_input, -t.worst))

    @property
    def weights(self) -> list[WeightNoise]:
        """The weights that weight_bits counts, each once, in its order."""
        first = {noise.index: noise for noise in reversed(self.noises)}
        return [first[index] for index in sorted(first)]


SearchEvent = Start | Facts | Stage | Progress | BitTrial | WeightNoise | Fault | End

_WHOSE = "the search's journal"

_DECODER: msgspec.json.Decoder[SearchEvent] = msgspec.json.Decoder(SearchEvent)


def load(folder: Path) -> BitSearch:
    """Read a search's journal, complete or not. Raises UsageError when there is none."""
    events, problems = journal.read(folder, _DECODER, _WHOSE)
    search = BitSearch(problems=problems, over_data=folder.name == SEARCHES[1])
    for event in events:
        match event:
            case BitTrial():
                search.trials.append(event)
            case WeightNoise():
                search.noises.append(event)
            case Facts():
                problems += event.add_to(search.facts, _WHOSE)
            case Fault():
                search.faults.append(f"{event.where}: {event.message}")
            case End():
                search.complete = True
            case Start() | Stage() | Progress():
                pass
    return search
