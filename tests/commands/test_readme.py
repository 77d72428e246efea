"""What the README tells people to type works."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from support.paths import ROOT, InTvm
from support.readme_commands import README, command

from tvmq_diag.configuration import parse_list

TEXT = README.read_text(encoding="utf-8")


def script(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=cwd, capture_output=True, text=True, check=False
    )


def test_the_trace_command_rejects_int4(tmp_path: Path) -> None:
    words = shlex.split(command(TEXT, "trace").rpartition("&&")[2])
    assert words[0] == ".venv/bin/python"
    path = str(ROOT / words[1])
    quick = ["--model", "tiny", "--no-reference"]  # CI runs ResNet-50 itself in another test
    done = script(path, *words[2:], *quick, cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    first = done.stdout.splitlines()[0]
    assert "int4 rejected by QuantizeRealize" in first
    (run,) = [path for path in (tmp_path / "runs").iterdir() if path.is_dir()]
    assert {"index.html", "verdict.json", "graphs", "traces"} <= {p.name for p in run.iterdir()}


def test_the_test_command_is_pytest_with_the_dev_extra() -> None:
    assert "-e '.[dev]'" in command(TEXT, "tests")
    assert command(TEXT, "tests").rstrip().endswith(".venv/bin/pytest -m 'not slow'")


@pytest.mark.parametrize("path", sorted((ROOT / "scripts").glob("*.py")), ids=lambda p: p.name)
def test_every_script_explains_itself_with_examples(path: Path, tmp_path: Path) -> None:
    done = script(str(path), "--help", cwd=tmp_path)
    assert done.returncode == 0
    assert "examples:" in done.stdout and path.name in done.stdout
    assert "%(prog)s" not in done.stdout


def test_every_option_the_readme_names_exists(tmp_path: Path) -> None:
    scripts = sorted((ROOT / "scripts").glob("*.py"))
    known = "".join(script(str(path), "--help", cwd=tmp_path).stdout for path in scripts)
    known += script("-m", "pytest", "--help", cwd=tmp_path).stdout
    for option in set(re.findall(r"`(--[a-z-]+)", TEXT)) - {"--help"}:
        assert option in known, option
    for configurations in re.findall(r"`--dtype ([^`\s]+)", TEXT):
        parse_list(configurations)


def test_the_snippet_for_your_own_script(in_tvm: InTvm, tmp_path: Path) -> None:
    snippet, questions = re.findall(r"```python\n(.*?)```", TEXT, flags=re.S)
    before = (
        f"import os; os.chdir({str(tmp_path)!r})\n"
        "from tvm import relay\n"
        "from instruments.relay.compile import models\n"
        "from instruments.protocol.jobs import ModelSource\n"
        "model = models.load(ModelSource('tiny')); mod, params = model.module, model.params\n"
    )
    done = in_tvm(before + snippet)
    assert done.returncode == 0, done.stderr[-2000:]
    answered = script("-c", questions, cwd=tmp_path)
    assert answered.returncode == 0, answered.stderr
    op, share = answered.stdout.split()
    assert op and 0 < float(share) <= 1
    made = script(str(ROOT / "scripts" / "make_report.py"), "runs/mine", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    assert "int8/int8/int32" in (tmp_path / "runs" / "mine" / "index.html").read_text()
