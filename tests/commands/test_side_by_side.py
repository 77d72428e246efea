"""A run comes to the same however many processes it has at a time."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Command = Callable[..., int]

TIMES = {"latency_ms", "ratio", "hazards", "explained", "tuning"}
"""Of a verdict: what is measured in time, and what is said because of it."""


def _but_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _but_times(inside) for name, inside in value.items() if name not in TIMES}
    return [_but_times(inside) for inside in value] if isinstance(value, list) else value


def _verdicts(run: Path) -> Any:
    found: list[dict[str, Any]] = json.loads((run / "verdict.json").read_text())
    for verdict in found:
        said = verdict.get("suggestion") or ""
        verdict["suggestion"] = re.sub(r", [\d.]+( \[[^\]]*\])? of float's time", "", said)
    return _but_times(found)


def _traces(run: Path) -> set[str]:
    return {path.name for path in (run / "traces").iterdir()}


@pytest.mark.slow
def test_verdicts_and_files_are_the_same_with_one_process_and_with_several(
    trace_quantize: Command, tmp_path: Path
) -> None:
    common = ["--model", "tiny", "--dtype", "int4", "--fresh", "--search", "0"]
    common += ["--rounds", "2", "--seconds", "5"]
    codes = [trace_quantize(*common, "--jobs", jobs, "--out", f"jobs{jobs}") for jobs in ("1", "4")]
    assert codes == [1, 1]
    one, several = tmp_path / "jobs1", tmp_path / "jobs4"
    assert _verdicts(several) == _verdicts(one)
    assert _traces(several) == _traces(one)
