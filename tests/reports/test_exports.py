"""Exports, each read by the program, schema or reader that it is for, where there is one here."""

from __future__ import annotations

import csv
import dataclasses
import importlib
import importlib.util
import io
import json
import re
import sys
import types
import xml.etree.ElementTree
from pathlib import Path
from typing import Any

import msgspec
import networkx as nx
import pytest
from support.pages import EVIL
from support.runs import CRASHED, MEASURED, TINY

from tvmq_diag.analysis import recovery
from tvmq_diag.errors import UsageError
from tvmq_diag.reports.exports import texts
from tvmq_diag.reports.exports.choice import Choice
from tvmq_diag.reports.exports.formats import FORMATS
from tvmq_diag.results.run import Run
from tvmq_diag.results.verdict import OpRef

HOSTILE = [
    EVIL,
    '=HYPERLINK("http://x","y")',
    "@SUM(A1)|`x` ``y``| [a](http://x) ![i](j) <b> #12 @torvalds www.x.com",
    'a"\\\n"; } digraph { x\x1b[31m\x00\ud800\ufffe\u202e',
    "{0} [x](1) {{y}} \\",
    "",
]


@pytest.fixture
def tiny() -> Run:
    return recovery.load(TINY)


def hostile(text: str) -> Run:
    """A run in which a model, an error and a pass are called so."""
    run = recovery.load(TINY)
    run.facts.model = run.facts.toolchain = text
    for result in run.results:
        told = result.verdict
        told.message = told.reason = told.suggestion = told.knob = told.pass_name = text
        told.reproducer, told.op = text or None, OpRef(0, text, text)
        trace = result.trace
        if trace is None:
            continue
        for number in trace.tables:
            snapshot = trace.snapshot(number)
            for node in snapshot.nodes if snapshot is not None else ():
                node.span = text
                node.attrs = {**node.attrs, text: text}
        for ran in trace.pass_runs.values():
            ran.name = f"{ran.name}{text}"
    return run


def exported(run: Run, to: str, **choice: str) -> dict[str, str]:
    return FORMATS[to].write(run, Choice(**choice))


@pytest.mark.parametrize("to", FORMATS)
@pytest.mark.parametrize("folder", [TINY, MEASURED, CRASHED], ids=lambda folder: folder.name)
def test_runs_of_every_kind(to: str, folder: Path) -> None:
    run = recovery.load(folder)
    if folder == MEASURED and to in ("dot", "graphml", "model-explorer"):  # it has no trace
        with pytest.raises(UsageError, match="has a module"):
            exported(run, to)
        return
    files = exported(run, to)
    assert files and all(files.values())
    assert FORMATS[to].several or len(files) == 1


@pytest.mark.parametrize("to", FORMATS)
@pytest.mark.parametrize("text", HOSTILE)
def test_texts_of_others_obey_nothing(to: str, text: str) -> None:
    for name, content in exported(hostile(text), to).items():
        assert re.fullmatch(r"[\w.=-]+", name), name
        assert content.encode("utf-8")
        assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202e\ufffe]", content)
        if to == "graphml":
            xml.etree.ElementTree.fromstring(content.encode())
        elif to == "dot":
            graph(content)
        elif to in ("perfetto", "model-explorer", "sarif"):
            json.loads(content)


class TestChoice:
    def test_a_configuration_however_it_is_written(self, tiny: Run) -> None:
        (name,) = exported(tiny, "dot", configuration="int4/int4/int4")
        assert name == "int4-QuantizeRealize.dot"  # the step that failed

    def test_what_does_not_work_comes_first_and_a_step_can_be_asked_for(self, tiny: Run) -> None:
        assert list(exported(tiny, "dot")) == ["int4-QuantizeRealize.dot"]
        asked = exported(tiny, "dot", configuration="int8/int8/int32", step="QuantizeAnnotate")
        assert list(asked) == ["int8_int8_int32-QuantizeAnnotate.dot"]

    @pytest.mark.parametrize("to", FORMATS)
    def test_one_that_was_not_tried_names_those_that_were(self, tiny: Run, to: str) -> None:
        with pytest.raises(UsageError, match="it has int8/int8/int32, int4, float32"):
            exported(tiny, to, configuration="int2")

    @pytest.mark.parametrize("to", ["dot", "graphml", "model-explorer", "csv"])
    def test_a_step_that_there_is_not_names_those_there_are(self, tiny: Run, to: str) -> None:
        with pytest.raises(UsageError, match=r"it has the model, .*QuantizeAnnotate"):
            exported(tiny, to, step="QuantiseRealize")


class TestPerfetto:
    """Against the "Trace Event Format" document: trace_processor, which would read it, is
    downloaded when it is first asked for."""

    @pytest.fixture
    def events(self, tiny: Run) -> list[dict[str, Any]]:
        (text,) = exported(tiny, "perfetto").values()
        document = json.loads(text)
        assert document["displayTimeUnit"] in ("ms", "ns")
        found: list[dict[str, Any]] = document["traceEvents"]
        return found

    def test_every_event_is_one_of_the_format(self, events: list[dict[str, Any]]) -> None:
        for event in events:
            assert {"name", "ph", "pid", "tid", "ts"} <= set(event), event
            assert isinstance(event["pid"], int) and isinstance(event["tid"], int)
            assert event["ph"] in "XMi" and event["ts"] >= 0
            assert event["ph"] != "X" or event["dur"] >= 0
            assert event["ph"] != "i" or event["s"] in "gpt"
            if event["ph"] == "M":
                key = "sort_index" if event["name"] == "process_sort_index" else "name"
                assert set(event["args"]) == {key}

    def test_passes_nest(self, tiny: Run, events: list[dict[str, Any]]) -> None:
        for pid in {event["pid"] for event in events}:
            for tid in {event["tid"] for event in events if event["pid"] == pid}:
                open_until = [float("inf")]
                for event in events:
                    if (event["pid"], event["tid"], event["ph"]) == (pid, tid, "X"):
                        while event["ts"] >= open_until[-1] - 0.002:
                            open_until.pop()
                        end = event["ts"] + event["dur"]
                        assert end <= open_until[-1] + 0.002
                        open_until.append(end)
        trace = tiny.results[1].trace
        assert trace is not None
        passes = [e for e in events if e["ph"] == "X" and (e["pid"], e["tid"]) == (2, 2)]
        assert [event["name"] for event in passes] == [
            run.name for root in trace.roots for run in root.walk()
        ]

    def test_what_raised_says_so_and_the_verdict_is_at_its_end(
        self, events: list[dict[str, Any]]
    ) -> None:
        (raised,) = [
            e for e in events if e["name"] == "QuantizeRealize" and "ended" in e.get("args", {})
        ]
        assert raised["args"]["ended"] == "raised" and raised["cat"] == "realize"
        (told,) = [event for event in events if event["ph"] == "i"]
        assert told["name"].startswith("int4 rejected by QuantizeRealize")
        assert told["ts"] >= raised["ts"]

    def test_kernels_are_a_process_of_their_own(self) -> None:
        run = recovery.load(MEASURED)
        assert run.benchmark is not None
        (text,) = exported(run, "perfetto").values()
        events = json.loads(text)["traceEvents"]
        threads = [e["args"]["name"] for e in events if e["name"] == "thread_name"]
        assert set(run.benchmark.kernels) <= set(threads)
        kernels = sum(len(kernels) for kernels in run.benchmark.kernels.values())
        assert sum("kernel" in event["args"] for event in events) == kernels > 0


def graph(text: str) -> Any:
    """A DOT text as Graphviz reads it."""
    pygraphviz = pytest.importorskip("pygraphviz")
    return pygraphviz.AGraph(string=text)


class TestGraphs:
    def test_graphviz_reads_every_op(self, tiny: Run) -> None:
        (text,) = exported(tiny, "dot").values()
        read = graph(text)
        trace = tiny.results[1].trace
        assert trace is not None
        failing, blamed = trace.failing_snapshot(), trace.blamed()
        assert failing is not None and blamed is not None
        labels = [node.attr["label"] for node in read.nodes()]
        assert len(labels) == len(failing.calls) + 1  # and the input
        (refused,) = [node for node in read.nodes() if node.attr["peripheries"] == "2"]
        assert refused.attr["index"] == str(blamed[0])
        assert "refused here" in refused.attr["label"]
        assert any("as int4 · [-127, 127]" in label for label in labels)
        assert "\\n" in labels[0] and len(read.edges()) > len(labels) - 5

    def test_networkx_reads_the_same_from_graphml(self, tiny: Run, tmp_path: Path) -> None:
        (text,) = exported(tiny, "graphml").values()
        path = tmp_path / "x.graphml"
        path.write_text(text, encoding="utf-8")
        read = nx.read_graphml(path)
        ((_, drawn),) = exported(tiny, "dot").items()
        assert len(read) == len(graph(drawn).nodes())
        assert (read.graph["configuration"], read.graph["step"]) == ("int4", "QuantizeRealize")
        (conv,) = [data for _, data in read.nodes(data=True) if data.get("index") == 0]
        assert conv["label"] == "nn.conv2d" and conv["attribute groups"] == "1"
        assert isinstance(conv["index"], int) and conv["makes"] == "float32[1,16,32,32]"

    def test_an_op_keeps_its_name_from_step_to_step(self, tiny: Run) -> None:
        names = []
        for step in ("QuantizeAnnotate", "QuantizeCalibrate"):
            (text,) = exported(tiny, "graphml", configuration="int4", step=step).values()
            read = nx.parse_graphml(text.partition("\n")[2])
            ops = [node for node in read.nodes(data=True) if "index" in node[1]]
            names.append({name: data["label"] for name, data in ops})
        assert names[0] == names[1]


@pytest.fixture(scope="module")
def explorer() -> Any:
    """The data classes of the package ai-edge-model-explorer, without the rest of it, which wants
    128 MB of adapters."""
    found = importlib.util.find_spec("model_explorer")
    if found is None or found.origin is None:
        pytest.skip("ai-edge-model-explorer is not here: pip install --no-deps it")
    package = types.ModuleType("explorer_classes")
    package.__path__ = [str(Path(found.origin).parent)]
    sys.modules[package.__name__] = package
    names = ("graph_builder", "node_data_builder")
    return [importlib.import_module(f"{package.__name__}.{name}") for name in names]


class TestModelExplorer:
    def test_its_graph_is_whole(self, tiny: Run) -> None:
        files = exported(tiny, "model-explorer")
        collection = json.loads(files["graph.json"])
        (drawn,) = collection["graphs"]
        ids = [node["id"] for node in drawn["nodes"]]
        assert len(ids) == len(set(ids)) > 40
        for node in drawn["nodes"]:
            assert {edge["sourceNodeId"] for edge in node["incomingEdges"]} <= set(ids)
        assert set(files) == {"graph.json", "node_data_dtype.json", "node_data_fate.json"}
        for name in set(files) - {"graph.json"}:
            ((graph_id, data),) = json.loads(files[name]).items()
            assert graph_id == drawn["id"] and set(data["results"]) <= set(ids)
        fates = json.loads(files["node_data_fate.json"])[drawn["id"]]["results"].values()
        assert {"rejected", "accepted"} <= {fate["value"] for fate in fates}

    def test_it_is_made_of_the_classes_of_its_package(self, tiny: Run, explorer: Any) -> None:
        builder, data = explorer
        files = exported(tiny, "model-explorer")
        collection = json.loads(files["graph.json"])
        typed = msgspec.convert(collection, builder.GraphCollection)
        _has(dataclasses.asdict(typed), collection)
        for name in set(files) - {"graph.json"}:
            for told in json.loads(files[name]).values():
                for result in told["results"].values():  # what it draws may be a text
                    result["value"] = result["value"] if type(result["value"]) is float else 0
                _has(dataclasses.asdict(msgspec.convert(told, data.GraphNodeData)), told)


def _has(whole: Any, part: Any) -> None:
    """All keys and values of a part are in the whole: no field was made up."""
    if isinstance(part, dict):
        for key, value in part.items():
            assert key in whole, key
            _has(whole[key], value)
    elif isinstance(part, list):
        assert len(whole) == len(part)
        for left, right in zip(whole, part, strict=True):
            _has(left, right)
    else:
        assert whole == part


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


class TestTables:
    def test_each_table(self, tiny: Run) -> None:
        files = exported(tiny, "csv")
        assert set(files) == {"verdicts.csv", "passes.csv", "ops.csv", "timeline.csv"}
        told = rows(files["verdicts.csv"])
        assert [row["configuration"] for row in told] == ["int8/int8/int32", "int4", "float32"]
        assert (told[1]["op"], told[1]["op_index"], told[1]["pass"]) == (
            ("add", "11", "QuantizeRealize")
        )
        ops = [row for row in rows(files["ops.csv"]) if row["configuration"] == "int4"]
        (refused,) = [row for row in ops if row["index"] == "11"]
        assert (refused["op"], refused["fate"], refused["step"]) == (
            ("add", "rejected", "QuantizeRealize")
        )
        stages = [row["stage"] for row in rows(files["timeline.csv"])]
        assert stages.index("annotate") < stages.index("calibrate")
        passes = rows(files["passes.csv"])
        assert any(row["failed"] == "True" and row["name"] == "QuantizeRealize" for row in passes)

    def test_kernels(self) -> None:
        run = recovery.load(MEASURED)
        assert run.benchmark is not None
        told = rows(exported(run, "csv")["kernels.csv"])
        assert {row["configuration"] for row in told} <= set(run.benchmark.kernels)
        assert all(float(row["ms"]) > 0 for row in told)

    @pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1"])
    def test_a_text_is_no_formula(self, text: str) -> None:
        assert texts.cell(text) == f"'{text}"
        told = rows(exported(hostile(text), "csv")["verdicts.csv"])
        assert told[0]["message"] == f"'{text}"

    def test_a_number_stays_one(self) -> None:
        assert [texts.cell(value) for value in (-1.5, 0, None, "a")] == [-1.5, 0, "", "a"]


class TestMarkdown:
    def test_what_it_says(self, tiny: Run) -> None:
        (text,) = exported(tiny, "markdown").values()
        assert text.startswith("### 1 of 2 configurations work; 1 rejected\n")
        assert "| ✗ | `int4` | rejected | `QuantizeRealize` | `add #11` |" in text
        assert "- **setting** `dtype_activation`" in text
        (alone,) = exported(tiny, "markdown", configuration="int4").values()
        assert alone.startswith("### ✗ `int4 rejected by QuantizeRealize at add (op #11): ")

    @pytest.mark.parametrize("text", HOSTILE)
    def test_what_a_reader_makes_of_it(self, text: str) -> None:
        markdown = pytest.importorskip("markdown_it")
        (written,) = exported(hostile(text), "markdown").values()
        tokens = markdown.MarkdownIt("commonmark").enable("table").parse(written)
        inner = [child for token in tokens for child in token.children or []]
        assert not {token.type for token in inner} & {"link_open", "image", "html_inline"}
        blocks = {token.content.strip() for token in tokens if token.type == "html_block"}
        ours = re.compile(r"<details><summary>. [\w/ ]+</summary>|</details>")
        assert all(ours.fullmatch(block) for block in blocks)
        cells = [token.type for token in tokens].count("td_open")
        assert cells == 9 * 3  # as many as the table has, for each of three results

    def test_nobody_is_notified(self) -> None:
        said = texts.plain("@torvalds broke #12, see http://x and www.x.com")
        assert not re.search(r"@\w|#\d|http:|www\.", said)


class TestSarif:
    def log(self, run: Run) -> dict[str, Any]:
        (text,) = exported(run, "sarif").values()
        log: dict[str, Any] = json.loads(text)
        return log

    def test_what_the_standard_demands(self, tiny: Run) -> None:
        log = self.log(tiny)
        assert log["version"] == "2.1.0" and log["$schema"].endswith("sarif-schema-2.1.0.json")
        (run,) = log["runs"]
        rules = run["tool"]["driver"]["rules"]
        assert len({rule["id"] for rule in rules}) == len(rules)
        for result in run["results"]:
            assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
            assert result["message"]["text"]
            assert result["kind"] == "fail" or result["level"] == "none"
            (place,) = result["locations"]
            assert place["physicalLocation"]["artifactLocation"]["uri"]

    def test_what_it_says(self, tiny: Run) -> None:
        (run,) = self.log(tiny)["runs"]
        told = {r["properties"]["configuration"]: r for r in run["results"] if "properties" in r}
        assert (told["int4"]["kind"], told["int4"]["level"]) == ("fail", "error")
        assert told["int8/int8/int32"]["kind"] == "pass"
        names = [place["name"] for place in told["int4"]["locations"][0]["logicalLocations"]]
        assert names == ["QuantizeRealize", "add #11"]
        assert told["int4"]["ruleId"].startswith("rejected/")

    def test_the_same_verdict_has_the_same_fingerprint(self, tiny: Run) -> None:
        prints = [
            [result["partialFingerprints"] for result in self.log(run)["runs"][0]["results"]]
            for run in (tiny, recovery.load(TINY))
        ]
        assert prints[0] == prints[1] and len({str(one) for one in prints[0]}) == len(prints[0])

    @pytest.mark.parametrize("text", [None, *HOSTILE])
    def test_against_its_schema(self, tiny: Run, text: str | None) -> None:
        model = pytest.importorskip("pydantic_sarif.model")  # made from the schema
        schema = model.StaticAnalysisResultsFormatSarifVersion210JsonSchema
        schema.model_validate(self.log(tiny if text is None else hostile(text)))
