"""docs/reasons.md is what the script makes of the catalogue."""

from __future__ import annotations

import runpy

import pytest
from support.paths import ROOT

from tvmq_diag.analysis.reasons.catalogue import CATALOGUE, form
from tvmq_diag.analysis.reasons.reason import Reason

SCRIPT = ROOT / "scripts" / "reasons.py"
PAGE = ROOT / "docs" / "reasons.md"


def test_it_is_up_to_date() -> None:
    text = runpy.run_path(str(SCRIPT))["page"]()
    assert PAGE.read_text(encoding="utf-8") == text, "run scripts/reasons.py"


def test_every_reason_has_a_source_and_a_clause_that_its_pattern_fills() -> None:
    for entries in CATALOGUE.values():
        for entry in entries:
            assert entry.source and entry.clause
            if isinstance(entry, Reason):
                filled = entry.clause.format(*("x" * 8))
                assert form(entry).search(filled)


@pytest.mark.parametrize("heading", CATALOGUE)
def test_every_clause_is_on_the_page(heading: str) -> None:
    text = PAGE.read_text(encoding="utf-8").replace("\\", "")
    section = text.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    missing = [e.clause for e in CATALOGUE[heading] if e.clause.replace("\\", "") not in section]
    assert not missing
