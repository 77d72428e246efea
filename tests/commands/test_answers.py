"""docs/answers.md is what scripts/answers.py makes of figures, and says no more than they do."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.paths import ROOT
from support.runs import TINY

from tvmq_diag.measurements.paired import Ratio
from tvmq_diag.toolchains.toolchain import Toolchain

sys.path.append(str(ROOT / "scripts"))

from answering import distilled, page
from answering.facts import Answers, Part, Speed

DOCS = ROOT / "docs"


@pytest.fixture
def answers() -> Answers:
    """Of a run that was not timed."""
    return distilled.answers(TINY)


def section(text: str, title: str) -> str:
    return text.partition(f"## {title}")[2].partition("\n## ")[0]


def script(*arguments: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, str(ROOT / "scripts" / "answers.py"), *arguments]
    return subprocess.run(words, capture_output=True, text=True, cwd=ROOT, check=False)


def test_the_committed_page_is_made_of_the_committed_figures(tmp_path: Path) -> None:
    (tmp_path / "answers.json").write_bytes((DOCS / "answers.json").read_bytes())
    done = script("--page", "--docs", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "answers.md").read_text() == (DOCS / "answers.md").read_text()


def test_the_committed_page_answers_each_question_on_resnet_50() -> None:
    stored = msgspec.json.decode((DOCS / "answers.json").read_bytes(), type=Answers)
    assert stored.run.made.model == "torchvision:resnet50" and stored.tuned is not None
    asked = [verdict.configuration for verdict in stored.run.verdicts("asked")]
    assert asked == ["int8/int8/int32", "int8", "int4", "int2", "int1"]
    text = (DOCS / "answers.md").read_text()
    for title in ("Which precisions", "How did TVM know", "Was int8 slower", "What to do"):
        assert section(text, title).strip(), title
    assert not distilled.names_a_folder(text)


def test_its_links_lead_somewhere() -> None:
    text = (DOCS / "answers.md").read_text()
    own = [link for link in re.findall(r"\]\(([^)]+)\)", text) if not link.startswith("https:")]
    assert own
    for link in own:
        path, _, anchor = link.partition("#")
        target = (DOCS / path).resolve() if path else DOCS / "answers.md"
        assert target.is_file(), link
        titles = re.findall(r"^#+ (.+)$", target.read_text(), flags=re.M)
        slugs = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
        assert not anchor or anchor in slugs, link


def test_a_verdict_is_told_as_it_is(answers: Answers) -> None:
    told = section(page.page(answers), "Which precisions")
    assert "**`int8/int8/int32` works; `int4` is rejected by QuantizeRealize.**" in told
    assert "| `int4` | rejected | `QuantizeRealize` | `add`, op #11 |" in told
    assert "src/relay/transforms/pattern_utils.h:290](https://github.com/apache/tvm/blob/" in told


def test_how_tvm_knew_is_told_from_the_trace(answers: Answers) -> None:
    told = section(page.page(answers), "How did TVM know")
    assert "`dtype_input` = `int8`" in told and "no field is other than TVM has it" in told
    assert "| import | `nn.conv2d` | float32, float32 | float32 |" in told
    assert "| realize | `nn.conv2d` | int8, int8 | int32 |" in told
    assert re.search(r"`QuantizeAnnotate`: .*\+12 `simulated_quantize`", told)
    assert re.search(r"- 3 `nn.conv2d` read int8 and int8, and make int32", told)


def test_a_field_that_was_set_is_no_default(answers: Answers) -> None:
    assert answers.run.chain is not None
    answers.run.chain.changed = ["dtype_input"]
    told = section(page.page(answers), "How did TVM know")
    assert "not TVM's own: `dtype_input`" in told and "by defaults" not in told


def test_what_was_not_measured_is_not_told(answers: Answers) -> None:
    text = page.page(answers)
    assert "Was int8 slower" not in text and "What tuning gained" not in text
    assert "- What tuning gains: no run with `--tune`" in section(text, "What is not known")


@pytest.mark.parametrize(
    ("here", "said"),
    [
        (Ratio(2.4, 2.1, 3.1), "2.40 [2.10, 3.10] of the float model's time: slower."),
        (Ratio(0.8, 0.7, 0.9), "0.80 [0.70, 0.90] of the float model's time: faster."),
        (Ratio(1.2, 0.9, 1.5), "neither faster nor slower, as far as these rounds tell."),
    ],
)
def test_slower_is_only_said_of_an_interval_that_says_so(
    answers: Answers, here: Ratio, said: str
) -> None:
    parts = [Part("convolution", 5.0, 9.0, 4, 4), Part("pooling", 1.0, 1.1, 1, 1)]
    answers.run.speed = Speed("int8/int8/int32", {}, here, parts=parts)
    told = section(page.page(answers), "Was int8 slower")
    assert said in told and "What takes longer is convolution (+4.0 ms).**" in told


@pytest.mark.parametrize("words", [["--run", "nowhere"], ["--page", "--docs", "nowhere"]])
def test_bad_usage_is_one_line(words: list[str]) -> None:
    done = script(*words)
    assert done.returncode == 2 and done.stderr.count("\n") == 1, done.stderr


@pytest.mark.parametrize(
    ("option", "said"),
    [("--tuned", "has nothing that was tuned"), ("--searched", "has no search")],
)
def test_a_run_without_what_it_is_given_for(tmp_path: Path, option: str, said: str) -> None:
    done = script("--run", str(TINY), option, str(TINY), "--docs", str(tmp_path))
    assert done.returncode == 2 and said in done.stderr


@pytest.mark.slow
def test_from_a_model_to_the_page(relay: Toolchain, tmp_path: Path) -> None:
    out = ["--out", str(tmp_path / "run"), "--docs", str(tmp_path)]
    done = script("--model", "tiny", *out, "--", "--search", "0", "--rounds", "2", "--seconds", "1")
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "answers.md").read_text()
    decoded: dict[str, Any] = msgspec.json.decode((tmp_path / "answers.json").read_bytes())
    ratio = decoded["run"]["speed"]["here"]
    assert f"Here it takes {ratio['value']:.2f} [{ratio['low']:.2f}, " in text
    told = section(text, "Which precisions")
    assert "`int4`, `int2` and `int1` are rejected by QuantizeRealize" in told
    assert "no fast int8 path" in section(text, "Was int8 slower")  # the run is without -mcpu
    assert "`nbit_input + nbit_weight`" in text
