"""The frame of the campaigns: the same trouble again, and what counts as broken."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from campaigns import CAMPAIGNS, cuts, mutants
from campaigns.campaign import Campaign, expect


def test_the_same_seed_makes_the_same_trouble() -> None:
    drawn: list[float] = []
    campaign = Campaign("x", "y", lambda random, folder: drawn.append(random.random()))
    for seed, number in ((1, 1), (1, 1), (1, 2), (2, 1)):
        assert campaign.tried(seed, number) is None
    assert drawn[0] == drawn[1] and len(set(drawn)) == 3


def test_what_does_not_hold_and_what_raises_is_broken() -> None:
    def hold(random: Random, folder: Path) -> None:
        expect(folder.is_dir(), "a folder of its own")
        expect(False, "it does not hold")

    def trip(random: Random, folder: Path) -> None:
        raise KeyError("x")

    assert Campaign("x", "y", hold).tried(0, 0) == "it does not hold"
    assert "KeyError: 'x'" in (Campaign("x", "y", trip).tried(0, 0) or "")


def test_their_names_are_words_that_only_takes() -> None:
    names = [one.name for one in CAMPAIGNS]
    assert len(set(names)) == len(names) and not any("," in name or " " in name for name in names)


@pytest.mark.parametrize("campaign", [cuts.CAMPAIGN, *mutants.CAMPAIGNS], ids=lambda one: one.name)
def test_some_trouble_of_each_quick_kind(campaign: Campaign) -> None:
    broken = {number: campaign.tried(1, number) for number in range(12)}
    assert not any(broken.values()), broken
