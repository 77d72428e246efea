"""A package of somebody's own adds one thing of each kind: the one in examples/, installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.paths import ROOT
from support.runs import TINY

from tvmq_diag.toolchains.toolchain import Toolchain

EXAMPLE = ROOT / "examples" / "extension"
HEADLINE = "int4 rejected by QuantizeRealize at add (op #11): unknown data type int4"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the example is installed in."""
    folder = tmp_path_factory.mktemp("site")
    source = folder.with_name("acme")
    shutil.copytree(EXAMPLE, source)  # setuptools builds beside what it builds
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(folder)]
    subprocess.run([*pip, str(source)], check=True)
    return folder


def python(site: Path | str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(ROOT), str(site)])
    return subprocess.run(
        [sys.executable, *arguments],
        env=os.environ | {"PYTHONPATH": path} | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def tvmq(site: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return python(site, "-m", "tvmq_diag", *arguments, **variables)


def test_an_exporter(site: Path) -> None:
    done = tvmq(site, "export", str(TINY), "--to", "headlines", "--out", "-")
    assert done.returncode == 0 and HEADLINE in done.stdout.splitlines()


def test_a_reason_goes_before_ours(site: Path) -> None:
    ask = (
        "from tvmq_diag.analysis.reasons.lookup import of_message\n"
        "print(of_message('acme: no multiplier for int4'))\n"
        "print(of_message('unknown data type int4'))"
    )
    first, second = python(site, "-c", ask).stdout.splitlines()
    assert first == "Acme's chip multiplies whole bytes only, and int4 is none"
    assert second != "None"
    assert python("", "-c", ask).stdout.splitlines()[0] == "None"


RULES = """
from tvmq_diag import configuration, extensions
from tvmq_diag.analysis import hazards
from tvmq_diag.measurements.benchmark import Benchmark, Kernel
from tvmq_diag.trace.trace import Trace
from pathlib import Path
kernels = [Kernel(0, name, ms, "") for name, ms in (("long", 3.0), ("short", 1.0))]
one = configuration.parse("int8")
case = hazards.Case(one, Trace(Path(".")), Benchmark(kernels={"int8": kernels}), side="int8")
print([hazard.name for hazard in hazards.find(case)])
case.benchmark = None
print([hazard.name for hazard in hazards._of_extensions(case)])
"""


def test_a_hazard_and_one_whose_rule_raises(site: Path) -> None:
    done = python(site, "-c", RULES)
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert "one kernel takes most of the time" in first
    assert second == "['the rule one-kernel failed']"


def test_a_source_of_models(site: Path, tmp_path: Path, relay: Toolchain) -> None:
    out = tmp_path / "run"
    common = ["trace", "--dtype", "int4", "--no-reference", "--out", str(out)]
    refused = tvmq(site, *common, "--model", "shelf:net", ACME_SHELF=str(tmp_path))
    assert refused.returncode == 2 and "has no model called 'net'" in refused.stderr
    net = """#[version = "0.0.5"]
def @main(%data: Tensor[(1, 8, 8, 8), float32], %w: Tensor[(8, 8, 3, 3), float32]) {
  nn.conv2d(%data, %w, padding=[1, 1, 1, 1], channels=8, kernel_size=[3, 3])
}
"""
    (tmp_path / "net.relay").write_text(net)
    done = tvmq(site, *common, "--model", "shelf:net", ACME_SHELF=str(tmp_path))
    assert done.returncode == 1, done.stderr
    facts = json.loads((out / "run.json").read_text())
    assert facts["model"] == f"relay:{tmp_path / 'net.relay'}"


def test_a_dialect(site: Path, tmp_path: Path, relax: Toolchain) -> None:
    out = tmp_path / "run"
    common = ["trace", "--model", "tiny", "--dtype", "int8/int8/int32:pipeline=default"]
    common += ["--no-reference", "--tvm", "relax", "--out", str(out)]
    done = tvmq(site, *common, "--dialect", "acme-relax")
    assert done.returncode == 0, done.stderr
    assert json.loads((out / "run.json").read_text())["dialect_extension"] == "acme-relax"
    journals = list(out.glob("traces/int8*/journal.jsonl"))
    assert any('"DeadCodeElimination"' in path.read_text() for path in journals)
    refused = tvmq(site, *common[:-1], str(tmp_path / "other"), "--dialect", "nobody-s")
    assert refused.returncode == 2 and "none of relay, relax, acme-relax" in refused.stderr


def test_what_cannot_be_loaded_is_named_before_a_run(tmp_path: Path) -> None:
    about = tmp_path / "broken-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[tvmq_diag.hazards]\nlate = no_such_module:rule\n")
    out = tmp_path / "run"
    done = tvmq(tmp_path, "trace", "--model", "tiny", "--dtype", "int4", "--out", str(out))
    assert done.returncode == 3 and not out.exists()
    assert "the extension late (no_such_module:rule) cannot be loaded" in done.stderr
