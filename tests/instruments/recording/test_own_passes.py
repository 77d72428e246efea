"""Passes that somebody's own script runs: which one failed, at which op, and what is not its fault.

On the real TVM, all in one process: tests/support/scripts/own_passes_script.py.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.paths import SCRIPTS, InTvm

from tvmq_diag.analysis import recording
from tvmq_diag.results.verdict import EXACT, FAILED, REJECTED, SCRIPT, Verdict
from tvmq_diag.trace import reader

Verdicts = Callable[[str], Verdict]


@pytest.fixture(scope="module")
def folder(in_tvm: InTvm, tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("own")
    code = (SCRIPTS / "own_passes_script.py").read_text().replace("from __future__", "# ")
    done = in_tvm(code, str(where))
    assert done.returncode == 0, done.stderr
    (where / "printed").write_text(done.stdout)
    return where


@pytest.fixture
def verdict(folder: Path) -> Verdicts:
    return lambda name: recording.judged(reader.load(folder / name))


@pytest.mark.parametrize(
    ("name", "headline"),
    [
        # The pass with its own options, of a sequence.
        ("convert", "ConvertLayout failed at nn.conv2d (op #1): Layout NHWC3 is not yet supported"),
        # Of its name there are three tables, of which one has the rule.
        ("legalize", "Legalize failed at nn.relu (op #0): "),
        # A pass that nobody but the script can make.
        ("mine", "QnnLegalize failed at nn.conv2d (op #1): no convolutions here"),
        ("no_rule", "FakeQuantizationToInteger failed at sin (op #2), surfacing at qnn.quantize "
                    "(op #4): Found no rewrite rule for sin"),
        ("broken_rule", "FakeQuantizationToInteger failed at reshape (op #3), surfacing at "
                        "qnn.quantize (op #5): "),
    ],
)  # fmt: skip
def test_the_pass_is_named_and_the_op_that_it_failed_at(
    verdict: Verdicts, name: str, headline: str
) -> None:
    said = verdict(name)
    assert said.headline.startswith(headline)
    assert (said.outcome, said.configuration, said.confidence) == (REJECTED, SCRIPT, EXACT)
    assert said.knob is None and said.suggestion is None


def test_the_op_of_a_region_is_proven(verdict: Verdicts) -> None:
    assert "FakeQuantizationToInteger has no rule for sin" in (verdict("no_rule").reason or "")
    assert "right behind reshape #3 it fails" in (verdict("broken_rule").reason or "")


def test_what_was_caught_is_not_blamed_for_what_came_later(verdict: Verdicts, folder: Path) -> None:
    said = verdict("caught")
    assert (said.outcome, said.pass_name, said.op) == (FAILED, None, None)
    assert said.headline == "the script failed: RuntimeError: mine, of no pass"
    assert "ConvertLayout" in [
        run.name for run in reader.load(folder / "caught").pass_runs.values()
    ]


def test_one_recorder_inside_of_another_writes_down_the_same(
    verdict: Verdicts, folder: Path
) -> None:
    assert verdict("inner").headline == verdict("inside").headline == verdict("convert").headline
    # What the inner one tried to find the op is on no record.
    runs = [len(reader.load(folder / name).pass_runs) for name in ("convert", "inner", "inside")]
    assert len(set(runs)) == 1


def test_a_context_shows_what_it_would_without_the_recorder(
    verdict: Verdicts, folder: Path
) -> None:
    printed = (folder / "printed").read_text().splitlines()
    assert printed == ["shown 1 True", "replaced 0", "restored True 0"]
    assert verdict("shown").pass_name == "ConvertLayout"


def test_a_file_that_reproduces_is_only_of_a_pass_that_a_name_makes(folder: Path) -> None:
    # Without its options ConvertLayout is none that fails, and FakeQuantizationToInteger skips.
    made = {path.parent.parent.name for path in folder.glob("*/repro/repro.py")}
    assert made == set()
