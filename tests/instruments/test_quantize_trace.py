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
from support.pages import Outline
from support.paths import ROOT, InTvm
from support.runs import TINY

import tvmq_diag as td
from tvmq_diag.instruments import QuantizeTrace
from tvmq_diag.instruments.recording import shown
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


class TestShown:
    """What a notebook shows of one."""

    def test_where_it_can_be_read_it_is_the_card(self, tmp_path: Path) -> None:
        trace = QuantizeTrace(tmp_path / "t")
        assert "will record into" in trace._repr_html_()
        shutil.copytree(TINY / "traces" / "int4", tmp_path / "t", dirs_exist_ok=True)
        assert "int4 rejected by QuantizeRealize" in trace._repr_html_()
        assert 'class="tvmq-diag"' in trace._repr_html_()

    def test_elsewhere_it_is_plain_and_says_what_to_call(self, tmp_path: Path) -> None:
        folder = tmp_path / "a <b> & c"
        shutil.copytree(TINY / "traces" / "int4", folder)
        html = shown.plain(folder, is_open=False)
        outline = Outline(html)
        text = "".join(outline.text)
        assert not outline.open and outline.count("b") == 2  # the folder's name is no element
        assert "failed in QuantizeRealize at add (op #11): " in text
        assert "unknown data type int4" in text and f"tvmq_diag.load({str(folder)!r})" in text
        assert "annotate2" in text  # a stage and its passes
        assert "is recording" in shown.plain(folder, is_open=True)

    def test_a_journal_that_was_cut(self, tmp_path: Path) -> None:
        folder = tmp_path / "t"
        folder.mkdir()
        whole = (TINY / "traces" / "int4" / "journal.jsonl").read_bytes()
        (folder / "journal.jsonl").write_bytes(b"[]\nnull\n\xff\n" + whole[: len(whole) // 2])
        assert "has no end" in shown.plain(folder, is_open=False)

    def test_in_a_tvm_that_has_nothing_else(self, in_tvm: InTvm, tmp_path: Path) -> None:
        done = in_tvm(
            f"""
            from tvm import relay
            from instruments import QuantizeTrace
            with QuantizeTrace({str(tmp_path / "t")!r}) as trace:
                relay.transform.InferType()(__import__("tvm").IRModule())
                print("is recording" in trace._repr_html_())
            print(trace._repr_html_())
            """
        )
        assert done.returncode == 0, done.stderr
        during, _, after = done.stdout.partition("\n")
        assert during == "True" and "is recorded: " in after and not Outline(after).open
