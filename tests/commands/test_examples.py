"""What stands in examples/ci and examples/bisect does what it says, on the real TVM."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.paths import ROOT

from tvmq_diag.toolchains import identity
from tvmq_diag.toolchains.toolchain import Toolchain

WORKFLOW: dict[str, Any] = yaml.safe_load((ROOT / "examples/ci/quantizer.yml").read_text())
(JOB,) = WORKFLOW["jobs"].values()
BISECT = ROOT / "examples" / "bisect" / "quantizer.sh"
PATCHES = ROOT / "tests" / "patches"

BASELINE = """\
model = "tiny"
checked_on = "natural:2"
[configuration."int8/int8/int32"]
outcome = "works"
coverage = {coverage}
"""

Done = subprocess.CompletedProcess[str]


def bash(script: str, folder: Path, environment: dict[str, str]) -> Done:
    """As a runner of GitHub's runs a step."""
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=900,
    )  # fmt: skip


def git(folder: Path, *words: str) -> str:
    own = ["-c", "user.name=T", "-c", "user.email=t@example.org", "-c", "core.hooksPath=/dev/null"]
    done = subprocess.run(
        ["git", *own, *words], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


class TestWorkflow:
    def test_the_report_and_the_summary_come_whatever_the_check_says(self) -> None:
        steps = JOB["steps"]
        names = [step.get("name") for step in steps]
        behind = steps[names.index("Check the baseline") + 1 :]
        assert behind and all(step["if"] == "${{ !cancelled() }}" for step in behind)
        kept = next(step for step in behind if "upload-artifact" in step.get("uses", ""))
        assert kept["with"]["path"].split() == ["${{", "env.RUN", "}}", "check.xml"]
        assert not any("${{" in step.get("run", "") for step in steps)  # nothing to inject into

    @pytest.mark.slow
    def test_its_steps_run(self, relay: Toolchain, tmp_path: Path) -> None:
        source, work = tmp_path / "source", tmp_path / "tvm"
        ignored = shutil.ignore_patterns(".*", "*.egg-info", "build", "dist", "runs", "__pycache__")
        shutil.copytree(ROOT, source, symlinks=True, ignore=ignored)
        summary = tmp_path / "summary.md"
        environment = {**os.environ, **WORKFLOW["env"], "TVM_PYTHON": str(relay.python)}
        environment |= {"TVMQ_DIAG": str(source), "GITHUB_STEP_SUMMARY": str(summary)}
        environment |= {"PIP_NO_DEPS": "1"}  # what it needs is this environment's, see below
        environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment.pop("PYTHONPATH", None)
        baseline = work / environment["BASELINE"]
        baseline.parent.mkdir(parents=True)
        baseline.write_text(BASELINE.format(coverage=0.8))
        codes = {}
        for step in JOB["steps"]:
            if "run" not in step:
                continue
            done = bash(step["run"], work, environment)
            codes[step["name"]] = done.returncode
            assert done.returncode == 0, f"{step['name']}: {done.stdout}{done.stderr}"
            if step["name"].startswith("Install"):
                (packages,) = (work / ".tvmq").glob("lib/python*/site-packages")
                paths = [path for path in sys.path if path.endswith("site-packages")]
                (packages / "these.pth").write_text("\n".join(paths))
        assert list(codes) == ["Install tvmq_diag", "Check the baseline", "Summary"]
        suite = ET.parse(work / "check.xml").getroot()
        assert (suite.get("tests"), suite.get("failures")) == ("1", "0")
        assert "`int8/int8/int32 works" in summary.read_text().splitlines()[0]
        assert (work / environment["RUN"] / "index.html").is_file()

        baseline.write_text(BASELINE.format(coverage=0.99))
        shutil.rmtree(work / environment["RUN"])
        steps = {step["name"]: step["run"] for step in JOB["steps"] if "run" in step}
        assert bash(steps["Check the baseline"], work, environment).returncode == 1
        assert ET.parse(work / "check.xml").getroot().get("failures") == "1"


class TestBisecting:
    @pytest.fixture
    def clone(self, relay: Toolchain, tmp_path: Path) -> Path:
        """A repository laid out as TVM's, with the installed TVM's quantizer."""
        package = Path(identity.identify(relay).package)
        clone = tmp_path / "clone"
        shutil.copytree(
            package / "relay" / "quantize",
            clone / "python" / "tvm" / "relay" / "quantize",
            ignore=shutil.ignore_patterns("__pycache__"),
        )
        git(tmp_path, "init", "-q", str(clone))
        self.commit(clone, "As installed")
        git(clone, "tag", "good")
        return clone

    def commit(self, clone: Path, message: str) -> str:
        git(clone, "add", "-A")
        git(clone, "commit", "-q", "-m", message)
        return git(clone, "rev-parse", "HEAD")

    def remark(self, clone: Path, text: str) -> str:
        path = clone / "python/tvm/relay/quantize/__init__.py"
        path.write_text(path.read_text() + text)
        return self.commit(clone, text.strip())

    def environment(self, clone: Path) -> dict[str, str]:
        baseline = clone.parent / "quantizer.toml"
        baseline.write_text(BASELINE.format(coverage=0.8))
        named = {"TVMQ_BASELINE": str(baseline), "TVMQ_GOOD": "good"}
        call = f"{sys.executable} -m tvmq_diag"
        return {**os.environ, **named, "TVMQ_DIAG": call, "PYTHONPATH": str(ROOT)}

    @pytest.mark.slow
    def test_the_commit_that_broke_it_is_found(self, clone: Path) -> None:
        self.remark(clone, "# a remark\n")
        self.remark(clone, "import tvm.relay.no_such_module\n")
        self.remark(clone, "# broken still\n")
        git(clone, "checkout", "-q", "HEAD~2", "--", "python/tvm/relay/quantize/__init__.py")
        self.commit(clone, "It imports again")
        git(clone, "apply", str(PATCHES / "skip_one_more.diff"))
        guilty = self.commit(clone, "Skip one more convolution")
        self.remark(clone, "# another remark\n")
        git(clone, "bisect", "start", "HEAD", "good")
        done = bash(f"git bisect run {BISECT}", clone, self.environment(clone))
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"{guilty} is the first bad commit" in done.stdout
        assert re.search(r"coverage: 0\.\d+, less than 0\.8", done.stdout)

    def test_what_cannot_be_tried_is_skipped(self, clone: Path) -> None:
        (clone / "src").mkdir()
        (clone / "src" / "quantize.cc").write_text("int x;\n")
        self.commit(clone, "Change C++")
        done = bash(str(BISECT), clone, self.environment(clone))
        assert done.returncode == 125 and "must be compiled" in done.stderr
        git(clone, "reset", "-q", "--hard", "good")
        self.remark(clone, "import tvm.relay.no_such_module\n")
        done = bash(str(BISECT), clone, self.environment(clone))
        assert done.returncode == 125 and "no_such_module" in done.stderr

    @pytest.mark.parametrize("name", ["TVMQ_BASELINE", "TVMQ_GOOD"])
    @pytest.mark.parametrize("value", ["", "nowhere"])
    def test_what_is_set_wrongly_ends_the_bisection(
        self, clone: Path, name: str, value: str
    ) -> None:
        environment = self.environment(clone) | {name: value}
        assert bash(str(BISECT), clone, environment).returncode == 128
