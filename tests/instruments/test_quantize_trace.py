"""The options of QuantizeTrace, which dialect it takes, and what it answers afterwards.

What it records is in recording/test_recorder.py.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.fake_tvm import BOTH_TVM, RELAX_TVM, RELAY_TVM, python_with_tvm
from support.paths import ROOT, InTvm
from support.runs import TINY

import tvmq_diag as td
from tvmq_diag.instruments import QuantizeTrace
from tvmq_diag.toolchains.toolchain import Toolchain

NEITHER = {"__init__.py": "__version__ = '0.99'"}
BROKEN = {**BOTH_TVM, "relay/quantize/__init__.py": "import no_such_package"}

ONE_PASS = """
import sys
import numpy as np
from tvm import relax
from instruments import QuantizeTrace
one = relax.const(np.ones(4, "float32"))
builder = relax.BlockBuilder()
with builder.function("main", []):
    builder.emit_func_output(builder.emit(relax.op.add(one, one)))
with QuantizeTrace(sys.argv[1]) as trace:
    relax.transform.FoldConstant()(builder.get())
print(trace.dialect.name)
"""


def in_checkout(python: Path, code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a script as the README says: the folder of the checkout on the path, nothing more."""
    return subprocess.run(
        [str(python), "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{code}", *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


class TestOptions:
    @pytest.mark.parametrize("option", ["texts", "save_irs", "model"])
    def test_one_that_it_does_not_know_is_refused(self, tmp_path: Path, option: str) -> None:
        options: dict[str, Any] = {option: True}
        with pytest.raises(TypeError, match=option):
            QuantizeTrace(tmp_path / "t", **options)
        assert not (tmp_path / "t").exists()

    def test_a_dialect_that_there_is_not_names_those_there_are(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="no dialect 'relaxed': there are relay and relax"):
            QuantizeTrace(tmp_path / "t", dialect="relaxed")
        assert not (tmp_path / "t").exists()


class TestDialect:
    SCRIPT = "from instruments import dialects; print('dialect:', dialects.present())"

    @pytest.mark.parametrize(
        ("tvm", "dialect"), [(RELAY_TVM, "relay"), (RELAX_TVM, "relax"), (BOTH_TVM, "relay")]
    )
    def test_it_is_that_of_the_tvm(self, tmp_path: Path, tvm: dict[str, str], dialect: str) -> None:
        done = in_checkout(python_with_tvm(tmp_path, tvm), self.SCRIPT)
        assert f"dialect: {dialect}" in done.stdout, done.stderr

    @pytest.mark.parametrize(
        ("tvm", "message"),
        [
            (NEITHER, "ImportError: TVM 0.99 has neither Relay's quantizer nor Relax"),
            (BROKEN, "ModuleNotFoundError: No module named 'no_such_package'"),
        ],
    )
    def test_without_one_it_says_so(
        self, tmp_path: Path, tvm: dict[str, str], message: str
    ) -> None:
        done = in_checkout(python_with_tvm(tmp_path, tvm), self.SCRIPT)
        assert done.returncode == 1 and done.stderr.splitlines()[-1] == message

    def test_todays_tvm_needs_not_be_told(self, relax: Toolchain, tmp_path: Path) -> None:
        done = in_checkout(relax.python, ONE_PASS, str(tmp_path / "t"))
        assert done.stdout.strip() == "relax", done.stderr[-2000:]
        assert next(run.name for run in td.Trace.load(tmp_path / "t").passes()) == "FoldConstant"


class TestLoading:
    def test_it_answers_where_tvmq_diag_is_installed(self, tmp_path: Path) -> None:
        tracing = QuantizeTrace(tmp_path / "t")
        shutil.copytree(TINY / "traces" / "int4", tracing.path, dirs_exist_ok=True)
        trace = tracing.load()
        assert isinstance(trace, td.Trace) and trace.path == tmp_path / "t"
        assert trace.failing_op is not None and trace.failing_op.name == "add"

    def test_elsewhere_it_says_how_to_open_it(self, in_tvm: InTvm, tmp_path: Path) -> None:
        code = (
            "from instruments import QuantizeTrace\n"
            "with QuantizeTrace('t') as trace: pass\n"
            "trace.load()\n"
        )
        done = in_tvm(f"import os; os.chdir({str(tmp_path)!r})\n{code}")
        message = done.stderr.splitlines()[-1]
        assert message.startswith("ImportError: tvmq_diag cannot read a trace in this interpreter")
        (call,) = [part for part in message.split(": ") if part.startswith("tvmq_diag.load(")]
        assert len(eval(call, {"tvmq_diag": td})) == 1  # and so it does

    def test_an_old_python_says_so_too(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tracing = QuantizeTrace(tmp_path / "t")
        monkeypatch.setattr(sys, "version_info", (3, 8, 18))
        with pytest.raises(ImportError, match=r"\(Python 3\.8 is too old\); it can where it is"):
            tracing.load()
