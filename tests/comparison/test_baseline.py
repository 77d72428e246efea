"""Baselines: what a run promises, what breaks a promise, and the command that tries it again."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tvmq_diag.commands import check, cli
from tvmq_diag.comparison import baseline
from tvmq_diag.comparison.baseline import Baseline, BaselineModel, Promise
from tvmq_diag.errors import UsageError
from tvmq_diag.measurements import outputs
from tvmq_diag.measurements.metrics import Metrics
from tvmq_diag.measurements.outputs import Outputs
from tvmq_diag.results import store
from tvmq_diag.results.facts import RunFacts
from tvmq_diag.results.run import Result, Role, Run
from tvmq_diag.results.verdict import NOT_IMPORTED, OpRef, Verdict

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TEXT = """
model = "tiny"

[configuration.int4]
outcome = "rejected"
op = "add #9"

[configuration."int8/int8/int32"]
outcome = "works"
cosine = 0.9
"""


def run(folder: Path, *, op: int = 9, cosine: float = 0.95, outcome: str = "works") -> Run:
    """A run that keeps what TEXT promises, unless asked otherwise."""
    rejected = Verdict("int4", "relay", "rejected", "realize", "QuantizeRealize")
    rejected.op = OpRef(op, "add")
    works = Verdict("int8/int8/int32", "relay", outcome, "check")
    works.metrics = Metrics(cosine, 12.34, 0.1, 1.0)
    facts = RunFacts(model="tiny", seed=3, weights="seeded random", toolchain="relay")
    folder.mkdir(exist_ok=True)
    return Run(folder, facts, [Result(rejected, Role.REQUESTED), Result(works, Role.REFERENCE)])


def saved(folder: Path, **how: Any) -> Path:
    store.write(run(folder, **how))
    return folder


def checked(arguments: list[str | Path]) -> int:
    return cli.script(check, [str(argument) for argument in arguments])


def test_what_several_inputs_and_labels_say_is_promised_too(tmp_path: Path) -> None:
    kept = run(tmp_path)
    floats, labels = np.eye(4)[:, np.newaxis], np.arange(4)[:, np.newaxis]
    ours = floats.copy()
    ours[3, 0] = 0, 0, 1, 0.9
    kept.results[1].verdict.metrics = outputs.compare(Outputs([ours]), Outputs([floats], labels))
    made = baseline.of_run(kept)
    promise = made.promises["int8/int8/int32"]
    assert (promise.worst_cosine, promise.agreement, promise.top1) == (0.658, 0.72, 0.74)
    assert not any(check.broken for check in baseline.check(made, kept))
    kept.results[1].verdict.metrics = outputs.compare(Outputs([floats]), Outputs([floats], labels))
    assert not any(check.broken for check in baseline.check(made, kept))
    ours[2, 0] = 1, 0, 0, 0
    kept.results[1].verdict.metrics = outputs.compare(Outputs([ours]), Outputs([floats], labels))
    broken = baseline.check(made, kept)[1].broken
    assert [line.split(":")[0] for line in broken] == [
        "cosine", "worst_cosine", "sqnr_db", "agreement", "top1",
    ]  # fmt: skip


def test_a_run_becomes_a_baseline_and_keeps_it(tmp_path: Path) -> None:
    made = baseline.of_run(run(tmp_path))
    assert made.model == BaselineModel("tiny", seed=3)
    assert made.promises["int4"] == Promise("rejected", "realize", "QuantizeRealize", "add #9")
    # A bound a little lower: the same thing measured again is not a digit less.
    assert made.promises["int8/int8/int32"] == Promise("works", "check", cosine=0.945, sqnr_db=11.3)
    baseline.write(made, tmp_path / "b.toml")
    read = baseline.read(tmp_path / "b.toml")
    assert read == made
    assert all(not found.broken for found in baseline.check(read, run(tmp_path)))


def test_what_is_broken_is_said(tmp_path: Path) -> None:
    (tmp_path / "b.toml").write_text(TEXT)
    promised = baseline.read(tmp_path / "b.toml")
    assert [c.broken for c in baseline.check(promised, run(tmp_path))] == [[], []]
    int4, int8 = baseline.check(promised, run(tmp_path, op=12, cosine=0.5, outcome="wrong"))
    assert int4.broken == ["op: add #12, not add #9"]
    assert int8.broken == ["outcome: wrong, not works", "cosine: 0.5000, less than 0.9"]
    empty = Run(tmp_path, RunFacts())
    assert [c.broken for c in baseline.check(promised, empty)] == [["it was not tried"]] * 2
    refused = Verdict("float32", "relay", NOT_IMPORTED, "import", message="no such operator")
    empty.results = [Result(refused, Role.REQUESTED)]
    for found in baseline.check(promised, empty):
        assert found.broken[0].startswith("outcome: not imported, not ")
        assert found.headline == "the model is not imported: no such operator"


@given(st.dictionaries(st.sampled_from(["model", "weights"]), st.text(), min_size=1))
def test_any_text_survives_the_file(facts: dict[str, str]) -> None:
    text = "\n".join(f"{name} = {baseline._toml(value)}" for name, value in facts.items())
    if all(not "\ud800" <= c <= "\udfff" for value in facts.values() for c in value):
        assert tomllib.loads(text) == facts


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("model = ", "is no TOML"),
        ('model = "tiny"', "promises nothing"),
        (TEXT.replace("model", "modell"), "modell is none of"),
        (TEXT.replace('model = "tiny"', ""), "does not say which model"),
        (TEXT.replace("outcome", "outcom"), "outcom of int4 is none of"),
        (TEXT.replace("0.9", '"0.9"'), "cosine of int8/int8/int32 = '0.9' is no float"),
        (TEXT.replace('"tiny"', "7"), "model = 7 is no str"),
        (TEXT.replace("int4", "four"), "'four' is not a configuration"),
        ('model = "tiny"\nconfiguration.int4 = 7', "int4 is no table"),
    ],
)
def test_a_file_that_is_no_baseline(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "b.toml").write_text(text)
    with pytest.raises(UsageError, match=said):
        baseline.read(tmp_path / "b.toml")


def test_junit_says_what_broke_and_holds_any_message(tmp_path: Path) -> None:
    promised = Baseline(BaselineModel("tiny"), {"int4": Promise("works"), "int2": Promise()})
    odd = Verdict("int4", "relay", "rejected", message="\x00<b>\ud800&")
    found = baseline.check(promised, Run(tmp_path, RunFacts(), [Result(odd, Role.REQUESTED)]))
    baseline.junit(found, tmp_path / "j.xml")
    suite = ET.parse(tmp_path / "j.xml").getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("2", "2")
    failures = suite.findall("testcase/failure")
    assert failures[0].get("message") == "outcome: rejected, not works"
    assert "<b>" in (failures[0].text or "")


def test_the_command_writes_and_checks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, good = tmp_path / "b.toml", saved(tmp_path / "good")
    assert checked([file, "--run", good]) == 2  # there is none yet
    assert "--write" in capsys.readouterr().err
    assert checked([file, "--run", good, "--write"]) == 0
    assert checked([file, "--run", good]) == 0
    bad = saved(tmp_path / "bad", op=11)
    capsys.readouterr()
    assert checked([file, "--run", bad, "--junit", tmp_path / "j.xml"]) == 1
    said = capsys.readouterr().out
    assert "✗ int4\n  op: add #11, not add #9\n" in said
    assert "1 of 2 as the baseline says" in said
    assert (tmp_path / "j.xml").exists()
    assert checked([file, "--run", bad, "--update"]) == 0
    assert checked([file, "--run", bad]) == 0


def test_it_is_tried_again_on_the_real_tvm(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    relay: Any,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("b.toml").write_text(
        'model = "tiny"\n[configuration.int4]\noutcome = "rejected"\nop = "simulated_quantize #8"\n'
        '[configuration."int8/int8/int32"]\noutcome = "works"\ncoverage = 0.8\n'
    )
    assert checked(["b.toml", "--out", "o"]) == 0
    assert "2 of 2 as the baseline says" in capsys.readouterr().out
    assert checked(["b.toml", "--run", "o", "--write"]) == 0
    promised = baseline.read(Path("b.toml")).promises
    assert promised["int4"].pass_name == "QuantizeRealize"
    assert promised["int8/int8/int32"].coverage == 0.841
    assert checked(["b.toml", "--run", "o"]) == 0
