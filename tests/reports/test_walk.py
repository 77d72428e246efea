"""From the verdict to everything about the refused op, by keyboard alone and by mouse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.runs import TINY
from support.walk import Walk

from tvmq_diag.reports.pages import run as page
from tvmq_diag.results import store
from tvmq_diag.results.run import Role


@pytest.mark.parametrize("keyboard", [True, False], ids=["keyboard", "mouse"])
def test_from_the_verdict_to_a_link(tmp_path: Path, browser: Any, keyboard: bool) -> None:
    run = store.load(TINY)
    run.directory = tmp_path
    for result in run.results:  # as where int4 alone was asked for
        if result.verdict.configuration != "int4":
            result.role = Role.REFERENCE
    walk = Walk(browser, page.write(run), keyboard)
    sent = walk.all_of_it("QuantizeRealize", 11, "add")
    assert "#int8/int8/int32/" in sent and walk.tab.complaints == []
