"""What the search for the fewest bits left behind, as it is read back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tvmq_diag.analysis import bit_trials
from tvmq_diag.configuration import REFERENCE, parse
from tvmq_diag.driver import searching
from tvmq_diag.instruments.protocol.schema import JOURNAL
from tvmq_diag.measurements import bit_search
from tvmq_diag.measurements.bit_search import BitTrial


def trial(weights: int, worst: float, inputs: int = 16, activations: int = 8) -> BitTrial:
    return BitTrial(weights, activations, "max", 16.0, inputs, worst, worst)


def written(folder: Path, *events: dict[str, Any]) -> Path:
    text = "".join(json.dumps({"t": 0.0, **event}) + "\n" for event in events)
    (folder / JOURNAL).write_text(text, encoding="utf-8")
    return folder


def test_only_what_is_right_on_all_inputs_is_right() -> None:
    trials = [trial(8, 0.99), trial(5, 0.96), trial(4, 0.97, inputs=4), trial(3, 0.9)]
    search = bit_search.BitSearch(trials)
    assert [one.nbit_weight for one in search.right(0.95)] == [5, 8]
    assert [one.nbit_weight for one in search.right(0.98)] == [8]


def test_of_equal_weights_more_bits_of_activations_come_first() -> None:
    search = bit_search.BitSearch([trial(4, 0.96, activations=6), trial(4, 0.99)])
    assert [one.nbit_input for one in search.right(0.95)] == [8, 6]


def test_what_falls_little_short_of_what_was_asked_for_counts_as_it() -> None:
    fewer = BitTrial(8, 8, "max", 16.0, 16, 0.96, 0.97, weight_bits="43", average=3.6)
    least = BitTrial(8, 8, "max", 16.0, 16, 0.96, 0.97, weight_bits="42", average=3.4)
    search = bit_search.BitSearch([trial(8, 0.99), trial(4, 0.98), fewer, least])
    assert searching.fewest_first(search, 0.95, 4) == [search.trials[1], search.trials[0]]
    assert searching.fewest_first(search, 0.95, 3)[0] == least


def test_a_setting_is_a_configuration_that_people_can_write() -> None:
    named = searching.configuration(REFERENCE, trial(4, 0.96))
    assert named.text == f"{REFERENCE.text}:nbit_weight=4:weight_scale=max:global_scale=16"
    plain = BitTrial(8, 8, "power2", 8.0, 16, 0.99, 0.99)
    assert searching.configuration(REFERENCE, plain).text == REFERENCE.text


def test_no_fewer_bits_than_were_asked_for_are_advised() -> None:
    search = bit_search.BitSearch([trial(bits, 0.99) for bits in (8, 6, 5, 3)])
    assert [one.nbit_weight for one in searching.fewest_first(search, 0.95, 4)] == [5, 6, 8]
    assert bit_trials.requested_bits(parse("int4")) == 4
    assert bit_trials.requested_bits(parse("int8/int8/int32:nbit_weight=3")) == 3


def test_what_came_before_the_end_is_read(tmp_path: Path) -> None:
    one = {"nbit_weight": 5, "nbit_input": 8, "weight_scale": "max", "global_scale": 16.0}
    figures = {"inputs": 4, "worst": 0.9, "cosine": 0.95, "sqnr_db": None, "same": 1.0}
    folder = written(
        tmp_path,
        {"kind": "start", "schema": 1},
        {"kind": "trial", **one, **figures},
        {"kind": "facts", "values": {"time_up": True}},
        {"kind": "fault", "where": "search", "message": "Unsupported: no"},
    )
    search = bit_search.load(folder)
    assert search.trials == [BitTrial(5, 8, "max", 16.0, 4, 0.9, 0.95, None, 1.0)]
    assert search.facts.time_up and not search.complete
    assert search.faults == ["search: Unsupported: no"]
