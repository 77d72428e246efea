"""Whatever happens to a trace, the compile, its exception and TVM are as they would be without."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.paths import InTvm

from tvmq_diag.trace import reader


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("traces")


@pytest.fixture(scope="module")
def answers(in_tvm: InTvm, folder: Path, small_disk: Path) -> dict[str, Any]:
    script = "import runpy; runpy.run_module('robust_script', run_name='__main__')"
    done = in_tvm(script, str(folder), str(small_disk))
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said


def test_tvm_is_as_it_was_after_each(answers: dict[str, Any]) -> None:
    assert answers["patched after"] == []


@pytest.mark.parametrize("case", ["full_disk", "unspeakable"])
def test_the_exception_that_leaves_is_theirs(answers: dict[str, Any], case: str) -> None:
    assert answers[case] == "own"


def test_what_json_cannot_write_is_said_in_words(answers: dict[str, Any], folder: Path) -> None:
    facts = reader.load(folder / "facts").facts.extra
    assert facts["plain"] == 7 and "(1, 2)" in str(facts["pairs"])
    assert "Unspeakable, whose text raises ValueError" in str(facts["silent"])
    assert answers["facts_beyond_json"] > 0


def test_traces_of_two_threads_are_each_of_its_own(answers: dict[str, Any]) -> None:
    first, second = answers["threads"]
    assert first == second > 0


def test_the_one_that_is_still_open_goes_on(answers: dict[str, Any]) -> None:
    one, two = answers["wrong_order"]
    assert one == 0 and two > 0


def test_a_trace_stays_where_it_was_begun(answers: dict[str, Any], folder: Path) -> None:
    assert answers["elsewhere"] == len(reader.load(folder / "relative").pass_runs) > 0


def test_a_forked_process_writes_nothing_into_it(answers: dict[str, Any]) -> None:
    between, after = answers["forked"]
    assert between == 0 and after > 0


def test_one_object_used_twice_makes_two_traces(answers: dict[str, Any]) -> None:
    first, second, name, refusal = answers["twice"]
    assert first == second > 0 and name == "twice-2"
    assert refusal == "make another QuantizeTrace"
