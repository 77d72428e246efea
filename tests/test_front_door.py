"""`import tvmq_diag as td`: a finished run answers, on a machine without TVM, uv or a browser."""

from __future__ import annotations

import doctest
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.pages import CONTRAST, EVIL, Outline, opened
from support.paths import ROOT, InTvm
from support.runs import TINY, copied

import tvmq_diag as td
from tvmq_diag.errors import SetupError, UsageError
from tvmq_diag.instruments.protocol.schema import STAGES
from tvmq_diag.results.verdict import OpRef


@pytest.fixture
def run() -> td.Run:
    return td.load(TINY)


@pytest.fixture
def trace(run: td.Run) -> td.Trace:
    rejected = run["int4"].trace
    assert rejected is not None
    return rejected


def python(code: str) -> str:
    """What a script prints that begins with nothing imported."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


class TestImporting:
    def test_the_package_alone_imports_nothing_of_its_own(self) -> None:
        code = "import tvmq_diag, sys; print([m for m in sys.modules if 'tvmq_diag.' in m])"
        assert python(code) == "[]"

    def test_all_that_it_promises_is_there(self) -> None:
        assert dir(td) == sorted(["Run", "Trace", "Verdict", "__version__", "compare", "load"])
        assert all(getattr(td, name) for name in dir(td))

    def test_what_is_not_there_is_an_attribute_error(self) -> None:
        with pytest.raises(AttributeError, match="no attribute 'lode'"):
            td.lode  # type: ignore[attr-defined]  # noqa: B018

    def test_reading_and_comparing_imports_nothing_that_only_runs_and_pictures_need(self) -> None:
        code = (
            "import tvmq_diag as td, sys\n"
            f"run = td.load({str(TINY)!r}); trace = run['int4'].trace\n"
            "repr(run), trace.dtype_timeline(), trace.coverage(), td.compare(run, run).headline\n"
            "heavy = 'uv', 'matplotlib', 'pygraphviz', 'networkx', 'numpy', 'rich', 'pandas'\n"
            "ours = 'tvmq_diag.reports', 'tvmq_diag.driver', 'tvmq_diag.toolchains'\n"
            "print([name for name in (*heavy, *ours) if name in sys.modules])"
        )
        assert python(code) == "[]"


class TestLoading:
    def test_a_run_by_str_or_path(self, run: td.Run) -> None:
        assert td.load(str(TINY)).configurations == run.configurations
        assert run.configurations == ["int8/int8/int32", "int4", "float32"]
        assert run.directory == TINY and run.facts.model == "tiny"

    def test_what_quantize_trace_recorded_is_a_run_of_one_result(self) -> None:
        run = td.load(TINY / "traces" / "int4")
        (result,) = run
        assert result.verdict.toolchain == "in process" and result.verdict.op is not None
        assert (result.verdict.configuration, result.verdict.op.name) == ("int4", "add")

    @pytest.mark.parametrize(
        ("folder", "remedy"),
        [
            (ROOT / "nowhere", "there is no folder"),
            (ROOT / "README.md", "there is no folder"),
            (TINY.parent, "load one of those in it: tiny"),
            (ROOT / "tests", "neither the verdict.json of a run nor the journal.jsonl of a trace"),
        ],
    )
    def test_a_folder_without_a_run_says_what_to_do(self, folder: Path, remedy: str) -> None:
        with pytest.raises(UsageError, match=remedy):
            td.load(folder)


class TestRun:
    def test_its_results_by_configuration(self, run: td.Run) -> None:
        assert run["int4"].verdict.outcome == "rejected"
        assert run["int4"].verdict.op == OpRef(11, "add", None)
        assert run["int4/int4/int4"] is run["int4"]  # however it is written
        assert "int4" in run and "int8" not in run and "no dtype" not in run
        assert [result.verdict for result in run] == run.verdicts and len(run) == 3
        assert [result.role for result in run] == ["asked", "asked", "float"]

    def test_an_unknown_one_lists_those_there_are(self, run: td.Run) -> None:
        with pytest.raises(KeyError) as caught:
            run["int2"]
        assert isinstance(caught.value, UsageError)
        assert str(caught.value).endswith("it has int8/int8/int32, int4, float32")

    def test_what_is_not_on_record_is_none(self, run: td.Run) -> None:
        result = run["float32"]
        assert (result.trace, result.numerics, result.bisection, result.output) == (
            (None, None, None, "")
        )

    def test_it_is_printed_with_its_verdicts(self, run: td.Run) -> None:
        assert "int4 rejected by QuantizeRealize at add (op #11): unknown data type int4" in repr(
            run
        )

    def test_as_a_data_frame(self, run: td.Run) -> None:
        pandas = pytest.importorskip("pandas")
        frame = run.to_dataframe()
        assert list(frame.index) == run.configurations
        assert frame.loc["int4", "op"] == "add" and frame.loc["int4", "op_index"] == 11
        assert frame.loc["int8/int8/int32", "cosine"] == pytest.approx(0.978, abs=1e-3)
        assert pandas.isna(frame.loc["int4", "cosine"])

    def test_without_pandas_it_says_what_to_install(
        self, run: td.Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "pandas", None)
        with pytest.raises(SetupError, match="pip install pandas"):
            run.to_dataframe()

    def test_it_draws_its_page(self, tmp_path: Path) -> None:
        page = td.load(copied(tmp_path / "run")).write_html()
        assert page == tmp_path / "run" / "index.html"
        assert "int4 rejected by QuantizeRealize" in page.read_text(encoding="utf-8")


class TestCard:
    def test_a_run_shows_its_verdicts_and_no_page(self, run: td.Run) -> None:
        html = run._repr_html_()
        outline = Outline(html)
        assert not outline.open and len(html) < 20_000
        assert outline.elements[0] == ("div", {"class": "tvmq-diag"})
        assert not {name for name, _ in outline.elements} & {
            "html",
            "body",
            "script",
            "svg",
            "link",
        }
        cards = [attributes for name, attributes in outline.elements if name == "details"]
        assert cards == [{"open": None}, {}, {}]
        text = "".join(outline.text)
        assert "int4 rejected by QuantizeRealize" in text and "dtype_activation = int4" in text
        assert text.index("int4 rejected") < text.index("float32 works") < text.index("float model")

    def test_a_result_shows_its_own(self, run: td.Run) -> None:
        html = run["int4"]._repr_html_()
        assert Outline(html).count("details") == 1 and "TVM_DTYPE_DISPATCH" in html

    def test_what_comes_from_a_model_stays_text(self, run: td.Run) -> None:
        verdict = run["int4"].verdict
        verdict.message = verdict.reason = verdict.knob = EVIL
        verdict.op, verdict.pass_path = OpRef(0, EVIL, EVIL), [EVIL]
        outline = Outline(run._repr_html_())
        assert not outline.open and not outline.count("script") and not outline.count("img")

    def test_no_picture_is_drawn_for_it(self) -> None:
        code = (
            f"import tvmq_diag as td, sys; td.load({str(TINY)!r})._repr_html_()\n"
            "print([name for name in ('matplotlib', 'pygraphviz', 'uv') if name in sys.modules])"
        )
        assert python(code) == "[]"

    @pytest.mark.parametrize(
        ("scheme", "body"),
        [
            ("light", "<body>"),
            ("dark", "<body>"),
            ("dark", '<body data-jp-theme-light="true">'),
            ("light", '<body data-jp-theme-light="false">'),
            ("light", '<body class="vscode-dark">'),
        ],
    )
    def test_it_is_legible_in_every_theme(
        self, run: td.Run, tmp_path: Path, browser: Any, scheme: str, body: str
    ) -> None:
        page = tmp_path / "notebook.html"
        beside = '<p id="beside" class="card mark bad">the notebook\'s own</p>'
        page.write_text(f"<!doctype html>{body}{run._repr_html_()}{beside}", encoding="utf-8")
        tab = opened(browser, page, scheme=scheme)
        assert tab.evaluate(CONTRAST) == [] and not tab.complaints
        ground = "getComputedStyle(document.querySelector('.tvmq-diag')).backgroundColor"
        dark = "false" in body or "vscode-dark" in body or (scheme == "dark" and "true" not in body)
        assert tab.evaluate(ground) == ("rgb(13, 17, 23)" if dark else "rgb(255, 255, 255)")
        # Its style is its own.
        own = "getComputedStyle(document.querySelector('.tvmq-diag .card')).borderLeftWidth"
        other = "getComputedStyle(document.querySelector('#beside')).borderLeftWidth"
        assert (tab.evaluate(own), tab.evaluate(other)) == ("6px", "0px")


class TestPieces:
    """What a notebook shows of a trace: its verdict, its timeline, a step."""

    def pieces(self, run: td.Run) -> dict[str, str]:
        works, rejected = run["int8/int8/int32"].trace, run["int4"].trace
        assert works is not None and rejected is not None
        return {
            "verdict": rejected._repr_html_(),
            "timeline": works.dtype_timeline()._repr_html_(),
            "rejected timeline": rejected.dtype_timeline()._repr_html_(),
            "annotate": works.step("QuantizeAnnotate")._repr_html_(),
            "rejected": rejected.step()._repr_html_(),
            "the model": works.step("the model")._repr_html_(),
        }

    def test_each_is_html_of_its_own_without_the_size_of_a_page(self, run: td.Run) -> None:
        for name, html in self.pieces(run).items():
            outline = Outline(html)
            assert not outline.open and len(html) < 60_000, name
            assert outline.elements[0] == ("div", {"class": "tvmq-diag"})
            assert not outline.count("script") and not outline.count("svg")
            assert not [1 for _, given in outline.elements if {"id", "style"} & set(given)]

    def test_what_they_say(self, run: td.Run) -> None:
        text = {name: "".join(Outline(html).text) for name, html in self.pieces(run).items()}
        assert "rejected by QuantizeRealize" in text["verdict"]
        assert "int8 → int32" in text["timeline"] and "✗ rejected" in text["rejected timeline"]
        assert "+added" in text["annotate"] and "~changed" in text["annotate"]
        assert "as int8" in text["annotate"]
        assert "✗refused" in text["rejected"] and "refused here" in text["rejected"]
        assert text["rejected"].count("more") == 2  # what is not around it is folded

    def test_too_much_is_left_out_and_counted(
        self, run: td.Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from tvmq_diag.reports.pages import notebook
        from tvmq_diag.reports.views import step_listing

        monkeypatch.setattr(notebook, "ROWS", 2)
        monkeypatch.setattr(step_listing, "LIMIT", 3)
        text = {name: "".join(Outline(html).text) for name, html in self.pieces(run).items()}
        rows = len(run["int4"].trace.dtype_timeline().rows)  # type: ignore[union-attr]
        assert f"{rows - 2} of them are not shown here" in text["rejected timeline"]
        assert "✗ rejected" in text["rejected timeline"]
        works = run["int8/int8/int32"].trace
        assert works is not None
        changes = works.step("QuantizeAnnotate").changes
        assert f"{len(changes) - 3} lines are left out here" in text["annotate"]

    def test_what_comes_from_a_model_stays_text(self, run: td.Run) -> None:
        for result in run:
            trace = result.trace
            for number in trace.recorded.tables if trace is not None else ():
                snapshot = trace.recorded.snapshot(number) if trace is not None else None
                for node in snapshot.nodes if snapshot is not None else ():
                    node.span, node.attrs = EVIL, {**node.attrs, "x": EVIL}
        for html in self.pieces(run).values():
            outline = Outline(html)
            assert not outline.open and not outline.count("script") and not outline.count("img")

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    @pytest.mark.parametrize("width", [1000, 360])
    def test_they_are_legible(
        self, run: td.Run, tmp_path: Path, browser: Any, scheme: str, width: int
    ) -> None:
        page = tmp_path / "notebook.html"
        # As Jupyter styles a table that it is given.
        striped = "tbody tr:nth-child(odd) { background: #f5f5f5 } td { text-align: right }"
        theirs = f"<style>{striped}</style>"
        body = "".join(self.pieces(run).values())
        page.write_text(f"<!doctype html><body>{theirs}{body}", encoding="utf-8")
        tab = opened(browser, page, width=width, scheme=scheme)
        assert tab.evaluate(CONTRAST) == [] and not tab.complaints
        assert tab.evaluate("document.documentElement.scrollWidth") <= width

    def test_a_notebook_as_it_is_run(self, tmp_path: Path) -> None:
        nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
        pytest.importorskip("ipykernel")
        code = (
            f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
            f"import tvmq_diag as td; td.load({str(TINY)!r})['int4'].trace.step()"
        )
        book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
        nbclient.NotebookClient(book, timeout=120).execute()
        (output,) = book.cells[0].outputs
        assert "refused here" in output.data["text/html"]


class TestTrace:
    def test_its_passes(self, trace: td.Trace) -> None:
        (realize,) = trace.passes(stage="realize")
        assert realize.name == "QuantizeRealize" and realize.raised and realize.ms is None
        assert trace.passes(name="QuantizeRealize") == [realize]
        assert repr(realize) == f"<PassRun {realize.number} QuantizeRealize (realize): raised>"
        assert len(trace.passes()) > 20
        assert {run.stage for run in trace.passes()} <= set(STAGES)
        with pytest.raises(UsageError, match="no stage 'realise': stages are import, prepare"):
            trace.passes(stage="realise")

    def test_what_failed(self, trace: td.Trace) -> None:
        assert trace.failing_pass is trace.passes(stage="realize")[0]
        assert trace.failing_op == OpRef(11, "add", None)
        module = trace.failing_module
        assert module is not None and module.executed()[11].op == "add"
        assert "29 passes, failed in QuantizeRealize at add (op #11)" in repr(trace)
        assert trace.facts.qconfig["dtype_activation"] == "int4" and trace.facts.dialect == "relay"

    def test_where_nothing_failed_it_is_none(self, run: td.Run) -> None:
        works = run["int8/int8/int32"].trace
        assert works is not None and works.complete and not works.problems
        assert (works.failing_pass, works.failing_op, works.failing_module) == (None, None, None)

    def test_its_modules(self, trace: td.Trace) -> None:
        annotated = trace.module_after("QuantizeAnnotate")
        assert annotated is not None
        assert any("simulated_quantize" in call.op for call in annotated.calls)
        assert trace.module_after(trace.passes(name="QuantizeAnnotate")[0]) is annotated
        assert repr(annotated) == f"<Snapshot {annotated.number}: 40 operator calls>"
        before = trace.module_before("QuantizeAnnotate")
        assert before is not None and len(before.calls) < len(annotated.calls)
        imported = trace.imported
        assert imported is not None and imported.calls[0].op == "nn.conv2d"
        assert trace.module_after("QuantizeRealize") is None  # it raised
        assert trace.module_after("NoSuchPass") is None

    def test_its_steps(self, run: td.Run, trace: td.Trace) -> None:
        assert trace.steps[0] == "the model" and trace.steps[-1] == "QuantizeRealize"
        step = trace.step()
        assert (step.name, step.stage, step.failed, step.refused) == (
            ("QuantizeRealize", "realize", True, 11)
        )
        assert repr(step) == "<Step QuantizeRealize (realize): 41 ops, failed>"
        assert step.module is trace.failing_module and step.rows[11].op == "add"
        annotate = trace.step("QuantizeAnnotate")
        assert {change.mark for change in annotate.changes} <= {"+", "-", "~"}
        assert len(annotate.changes) < len(annotate.listing)
        with pytest.raises(UsageError, match="no step 'QuantizeNothing'"):
            trace.step("QuantizeNothing")

    def test_its_timeline_and_coverage(self, run: td.Run, trace: td.Trace) -> None:
        timeline = trace.dtype_timeline()
        assert [row.label for row in timeline.rows if row.rejected] == ["#4 add"]
        assert trace.coverage().share is None
        works = run["int8/int8/int32"].trace
        assert works is not None
        share = works.coverage().share
        assert share is not None and 0.8 < share < 0.9

    def test_it_can_be_loaded_alone(self, trace: td.Trace) -> None:
        alone = td.Trace.load(str(trace.path))
        assert alone.path == trace.path and alone.failing_op == trace.failing_op


class TestComparing:
    def test_a_run_with_itself(self, run: td.Run) -> None:
        compared = td.compare(run, str(TINY))
        assert compared.headline == "no difference" and compared.regressions() == []
        assert [delta.name for delta in compared.configurations] == run.configurations

    def test_two_traces(self, run: td.Run, trace: td.Trace) -> None:
        works = run["int8/int8/int32"].trace
        assert works is not None
        compared = td.compare(works, trace)
        assert compared.headline == (
            "first difference: QuantizePartition: all 6 cast_hint: dtype int8 -> int4, "
            "first at nn.conv2d #8; 4 of 4 differences behind QuantizeCalibrate depend on them"
        )
        assert compared.regressions() == ["int8/int8/int32 -> int4: regressed"]
        assert str(compared).splitlines()[0] == compared.headline
        assert compared.headline in repr(compared)
        assert compared._repr_html_().startswith("<pre>first difference: ")

    def test_a_run_and_a_trace_are_not_comparable(self, run: td.Run, trace: td.Trace) -> None:
        with pytest.raises(UsageError):
            td.compare(run, trace)


class TestDocumentation:
    def test_what_its_page_shows_is_so(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pytest.importorskip("pandas")
        copied(tmp_path / "runs" / "tiny")
        monkeypatch.chdir(tmp_path)
        text = (ROOT / "docs" / "front-door.md").read_text(encoding="utf-8")
        blocks = re.findall(r"```python\n(>>> .*?)```", text, flags=re.S)
        parser, runner = doctest.DocTestParser(), doctest.DocTestRunner()
        examples = parser.get_doctest("".join(blocks), {}, "front-door.md", None, None)
        complaints: list[str] = []
        outcome = runner.run(examples, out=complaints.append)
        assert outcome.attempted > 20 and not outcome.failed, "".join(complaints)

    def test_its_own_compile_on_the_real_tvm(self, in_tvm: InTvm, tmp_path: Path) -> None:
        text = (ROOT / "docs" / "front-door.md").read_text(encoding="utf-8")
        (snippet,) = re.findall(r"```python\n(from .*?)```", text, flags=re.S)
        before = (
            f"import os; os.chdir({str(tmp_path)!r})\n"
            "from tvm import relay\n"
            "from tvmq_diag.instruments.protocol.jobs import ModelSource\n"
            "from tvmq_diag.instruments.relay.compile import models\n"
            "model = models.load(ModelSource('tiny')); mod, params = model.module, model.params\n"
        )
        done = in_tvm(before + snippet)
        # That interpreter has TVM, and not what reading a trace needs.
        assert "ImportError: tvmq_diag cannot read a trace in this interpreter" in done.stderr
        (result,) = td.load(tmp_path / "runs" / "mine")
        assert result.verdict.outcome == "works" and result.trace is not None
        assert result.trace.dtype_timeline().rows
