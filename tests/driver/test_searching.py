"""From where the driver searches, and how much time each search gets."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tvmq_diag.configuration import parse
from tvmq_diag.driver import searching
from tvmq_diag.measurements.bit_search import BitSearch, SearchFacts
from tvmq_diag.results.verdict import REJECTED, WRONG, Verdict
from tvmq_diag.trace.layout import SEARCHES
from tvmq_diag.trace.stages import RELAY


def verdict(text: str, outcome: str) -> Any:
    return SimpleNamespace(verdict=Verdict(text, "relay", outcome))


@pytest.mark.parametrize(("spent", "seconds"), [(18.0, [60.0, 42.0]), (57.0, [60.0])])
def test_a_second_search_has_what_the_first_left(
    monkeypatch: pytest.MonkeyPatch, spent: float, seconds: list[float]
) -> None:
    asked: list[tuple[str, float, bool]] = []

    def search(trials: Any, base: searching.Base, seconds: float) -> BitSearch:
        asked.append((base.folder, seconds, base.is_last))
        return BitSearch(facts=SearchFacts(spent=spent))

    monkeypatch.setattr(searching, "_search", search)
    monkeypatch.setattr(searching, "to_calibrate", lambda plan: None)
    trials: Any = SimpleNamespace(
        plan=SimpleNamespace(
            configurations=[],
            search=60.0,
            toolchain=SimpleNamespace(dialect=RELAY),
            bounds=SimpleNamespace(cosine=0.95),
        ),
        run=SimpleNamespace(
            here=[verdict("int4", REJECTED), verdict("int4/int8/int32", REJECTED)],
            directory=Path("run"),
        ),
        processes=SimpleNamespace(give_up=lambda trace: None),
        configuration=parse,
        verdict_on=lambda configuration, data=None: Verdict(configuration.text, "relay", WRONG),
        save=lambda: None,
    )
    searching.fewest_bits(trials)
    # Each once, for both configurations; ops are left in float from the last alone.
    assert [time for _, time, _ in asked] == seconds
    assert [(folder, last) for folder, _, last in asked] == [
        (SEARCHES[0], False),
        (SEARCHES[1], True),
    ][: len(seconds)]
