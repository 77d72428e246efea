"""The command line itself: quick to start, with defaults from a file, and readable by programs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.paths import ROOT
from support.runs import TINY

from tvmq_diag.commands import cli, defaults

HEAVY = {"numpy", "networkx", "matplotlib", "jinja2", "pygraphviz", "shtab"}


def tvmq(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tvmq_diag", *arguments],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("word", ["--version", "--help"])
def test_starting_imports_nothing_that_takes_long(word: str) -> None:
    code = (
        "import sys\nfrom tvmq_diag.commands import cli\n"
        f"try: cli.main([{word!r}])\nexcept SystemExit: pass\n"
        f"print(sorted({HEAVY!r} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_help_has_a_sentence_for_each_command() -> None:
    told = " ".join(tvmq("--help").stdout.split())
    for name in cli.COMMANDS:
        summary = cli._summary(name)
        assert summary.endswith(".") and " ".join(summary.split()) in told


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_each_command_explains_itself_and_has_json(name: str) -> None:
    told = tvmq(name, "--help")
    assert told.returncode == 0 and "--json" in told.stdout and "exit code" in told.stdout


@pytest.mark.parametrize("path", sorted((ROOT / "scripts").glob("*.py")), ids=lambda p: p.name)
def test_each_script_says_the_version(path: Path) -> None:
    if "cli.script" not in path.read_text():
        pytest.skip("for this repository only")
    done = subprocess.run([sys.executable, str(path), "--version"], capture_output=True, text=True)
    assert done.stdout.startswith("tvmq_diag ")


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_completion_knows_commands_and_options(shell: str) -> None:
    done = tvmq("--print-completion", shell)
    assert done.returncode == 0 and "trace" in done.stdout and "tuning-records" in done.stdout


def test_completion_knows_common_values(tmp_path: Path) -> None:
    file = tmp_path / "completion"
    file.write_text(tvmq("--print-completion", "bash").stdout)
    typed = (
        "COMP_WORDS=(tvmq-diag trace {}); COMP_CWORD=3; _shtab_tvmq_diag; echo ${{COMPREPLY[@]}}"
    )
    for words, values in (("--tvm rela", "relay relay-0.9 relax"), ("--model di", "digits")):
        bash = ["bash", "-c", f"source {file}; {typed.format(words)}"]
        done = subprocess.run(bash, capture_output=True, text=True, check=True)
        assert done.stdout.startswith(values), done.stderr


def test_json_is_all_there_is_on_standard_output() -> None:
    done = tvmq("compare", str(TINY), str(TINY), "--text", "--json")
    answer = json.loads(done.stdout)
    assert answer["exit_code"] == done.returncode == 0
    assert done.stderr  # what a person reads


def test_what_is_behind_two_dashes_is_the_script_s(tmp_path: Path) -> None:
    done = tvmq("trace", "--script", str(tmp_path / "none.py"), "--", "--json", "--help")
    assert done.returncode == 2 and done.stdout == "" and "no such file" in done.stderr


def test_what_is_wrong_is_in_the_json_too(tmp_path: Path) -> None:
    done = tvmq("report", str(tmp_path / "none"), "--json")
    answer = json.loads(done.stdout)
    assert answer["exit_code"] == done.returncode == 2
    assert f"error: {answer['error']}" in done.stderr


class TestDefaults:
    def test_a_file_above_gives_them_and_what_is_typed_wins(self, tmp_path: Path) -> None:
        (tmp_path / "tvmq.toml").write_text("[compare]\ntext = true\ncosine = 0.5\n")
        inside = tmp_path / "a" / "b"
        inside.mkdir(parents=True)
        same = [str(TINY), str(TINY)]
        done = tvmq("compare", *same, cwd=inside)
        assert done.returncode == 0 and not (inside / "runs").exists()
        assert f"defaults of {tmp_path / 'tvmq.toml'}: --text --cosine=0.5" in done.stderr
        done = tvmq("compare", *same, "--cosine", "0.1", cwd=inside)
        assert "--cosine" not in done.stderr

    def test_a_project_s_table(self, tmp_path: Path) -> None:
        project = tmp_path / "pyproject.toml"
        project.write_text('[tool.tvmq_diag]\ntvm = "no-such"\n[tool.tvmq_diag.compare]\ntext=true')
        done = tvmq("trace", "--model", "tiny", "--dtype", "int4", cwd=tmp_path)
        assert done.returncode == 2 and "no-such" in done.stderr
        assert tvmq("compare", str(TINY), str(TINY), cwd=tmp_path).returncode == 0

    def test_another_tool_s_project_is_not_read(self, tmp_path: Path) -> None:
        (tmp_path / "pyproject.toml").write_text("[tool.other]\nbroken =\n")
        assert defaults.find(tmp_path) is None

    @pytest.mark.parametrize(
        ("text", "wanted"),
        [
            ("[compare]\nfaster = 1\n", "compare has no option --faster"),
            ("[compare]\ntext = 1\n", "--text is true or false, not 1"),
            ("[compare]\ncosine = true\n", "--cosine takes a text or a number, not True"),
            ("compare = 1\n", "compare is a command, and has to be a table"),
            ("compare = \n", "cannot be read"),
        ],
    )
    def test_what_is_wrong_is_said_in_a_line(self, tmp_path: Path, text: str, wanted: str) -> None:
        (tmp_path / "tvmq.toml").write_text(text)
        done = tvmq("compare", str(TINY), str(TINY), cwd=tmp_path)
        (line,) = done.stderr.splitlines()
        assert done.returncode == 2 and wanted in line and "tvmq.toml" in line

    def test_of_rivals_the_typed_one_counts(self, tmp_path: Path) -> None:
        (tmp_path / "tvmq.toml").write_text('tvm-python = "/nowhere/python"\n')
        done = tvmq("trace", "--tvm", "no-such", "--dtype", "int4", cwd=tmp_path)
        assert "no-such" in done.stderr and "/nowhere" not in done.stderr
