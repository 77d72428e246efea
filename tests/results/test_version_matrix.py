"""The version matrix, on toolchains and sessions that are fakes; and once on the real TVM."""

from __future__ import annotations

import json
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from support.builders import tvm_identity

from tvmq_diag.commands import cli
from tvmq_diag.commands import versions as command
from tvmq_diag.driver import session
from tvmq_diag.driver.plan import Observer, Plan
from tvmq_diag.errors import SetupError
from tvmq_diag.measurements.metrics import Metrics
from tvmq_diag.reports.pages import version_matrix as page
from tvmq_diag.reports.text import version_matrix as text
from tvmq_diag.reports.views import version_matrix as view
from tvmq_diag.results import store
from tvmq_diag.results.facts import RunFacts
from tvmq_diag.results.run import Result, Role, Run
from tvmq_diag.results.verdict import (
    INTERRUPTED,
    NOT_IMPORTED,
    REJECTED,
    WORKS,
    Latency,
    OpRef,
    Ratio,
    Verdict,
)
from tvmq_diag.results.version_matrix import Column, Versions, VersionsFacts, columns, meaning
from tvmq_diag.toolchains import identity, recipes, resolution
from tvmq_diag.toolchains.toolchain import Toolchain

EVIL = "</script></style><script>alert(1)</script><img src=x onerror=alert(1)>'\"&{{7*7}}"


def works(configuration: str, chain: str) -> Verdict:
    decided = Verdict(configuration, chain, WORKS, "check")
    decided.metrics = Metrics(0.99851, 25.2, 0.1, 1.0)
    decided.ratio = Ratio(0.42, 0.41, 0.43)
    return decided


def rejected(configuration: str, chain: str) -> Verdict:
    decided = Verdict(configuration, chain, REJECTED, "realize", "QuantizeRealize")
    decided.op = OpRef(9, "add")
    decided.reason = "TVM has no constants of 4 bits"
    return decided


Outcome = Callable[[str, str], Verdict]


class Fakes:
    """Sessions that end as `outcomes` says, by toolchain and configuration (all work)."""

    def __init__(self) -> None:
        self.outcomes: dict[tuple[str, str], Outcome] = {}
        self.fails: dict[str, BaseException] = {}
        self.plans: list[Plan] = []

    def resolve(
        self,
        name: str | None = None,
        tvm_python: Path | None = None,
        dialect: str | None = None,
        *,
        echo: Callable[[str], None],
    ) -> Toolchain:
        called = str(tvm_python) if tvm_python is not None else name or "relay"
        if called in self.fails and isinstance(self.fails[called], SetupError):
            raise self.fails[called]
        return Toolchain(called, Path("/fake/python"), "relax" if "relax" in called else "relay")

    def carry_out(self, plan: Plan, run: Run, observer: Observer) -> None:
        self.plans.append(plan)
        store.write(run)
        chain = plan.toolchain.name
        for configuration in plan.configurations:
            if chain in self.fails:
                run.facts.interrupted = True
                return
            make = self.outcomes.get((chain, configuration.text), works)
            result = Result(make(configuration.text, chain), Role.REQUESTED)
            run.results.append(result)
            observer.decided(result)
        floats = Verdict("float32", chain, WORKS, "run")
        floats.latency_ms = Latency(1.0, 1.1, 1.05, 2.0)
        run.results.append(Result(floats, Role.FLOAT))


@pytest.fixture
def fakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fakes:
    made = Fakes()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(resolution, "resolve", made.resolve)
    monkeypatch.setattr(session, "carry_out", made.carry_out)
    monkeypatch.setattr(
        identity, "identify", lambda chain: tvm_identity(version=f"9.{len(chain.name)}")
    )
    return made


def run(*arguments: str) -> int:
    return cli.script(command, ["--model", "tiny", "--out", "out", *arguments])


def written() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path("out", command.RECORD).read_text())
    return found


def test_each_tvm_has_a_run_of_its_own_and_each_cell_leads_there(fakes: Fakes) -> None:
    fakes.outcomes["mine/bin/python", "int4"] = rejected
    arguments = ("--tvm", "relay", "--tvm-python", "mine/bin/python", "--dtype", "int8,int4")
    assert run(*arguments) == 0
    found = written()
    assert found["complete"] and found["configurations"] == ["int8", "int4"]
    relay, mine = found["toolchains"]
    assert (relay["name"], relay["version"], relay["problem"]) == ("relay", "9.5", None)
    assert relay["float32"]["latency_ms"]["median"] == 1.05
    assert relay["cells"]["int4"][0]["ratio"]["value"] == 0.42
    assert relay["cells"]["int8"][0]["metrics"]["cosine"] == 0.99851
    (cell,) = mine["cells"]["int4"]
    assert (cell["outcome"], cell["stage"], cell["pass"]) == (
        REJECTED,
        "realize",
        "QuantizeRealize",
    )
    assert cell["op"]["name"] == "add" and "4 bits" in cell["reason"]
    assert cell["page"] == "own-1/index.html#c1"
    html = Path("out", "own-1", "index.html").read_text()
    assert 'id="c1"' in html and "int4" in html.partition('id="c1"')[2][:300]
    matrix = Path("out", "index.html").read_text()
    assert 'href="own-1/index.html#c1"' in matrix and 'href="relay/index.html"' in matrix


def test_a_tvm_that_cannot_be_set_up_says_so_and_the_others_go_on(
    fakes: Fakes, capsys: pytest.CaptureFixture[str]
) -> None:
    fakes.fails["absent"] = SetupError("absent: no such file")
    assert run("--tvm-python", "absent", "--tvm", "relay", "--dtype", "int8") == 3
    relay, absent = written()["toolchains"]
    assert relay["cells"]["int8"][0]["outcome"] == WORKS
    assert absent["problem"] == "absent: no such file" and absent["page"] is None
    assert absent["cells"] == {"int8": []}
    html = Path("out", "index.html").read_text()
    assert "absent: no such file" in html and "not run" in html
    assert "absent: no such file" in capsys.readouterr().out


def test_a_tvm_that_does_not_take_the_model_says_so_in_each_cell() -> None:
    refused = Result(Verdict("float32", "relax", NOT_IMPORTED, "import"), Role.REQUESTED)
    column = Column("relax", "relax", dialect="relax", run=Run(Path(), RunFacts(), [refused]))
    work = Versions(["int8/int8/int32", "int4"], [column], VersionsFacts())
    assert work.complete and work.done == 2
    (relax,) = work.to_json()["toolchains"]
    outcomes = {cell["outcome"] for cells in relax["cells"].values() for cell in cells}
    assert outcomes == {NOT_IMPORTED}


def test_ctrl_c_leaves_a_page_with_what_there_is(fakes: Fakes) -> None:
    fakes.fails["mine"] = KeyboardInterrupt()
    others = ("--tvm-python", "mine", "--tvm-python", "never")
    assert run("--tvm", "relay", *others, "--dtype", "int8,int4") == 130
    found = written()
    assert not found["complete"] and len(fakes.plans) == 2
    assert found["toolchains"][0]["cells"]["int8"][0]["outcome"] == WORKS
    assert found["toolchains"][2]["cells"] == {"int8": [], "int4": []}
    html = Path("out", "index.html").read_text()
    assert "2 of 6 cells are done" in html and "never" in html
    assert Path("out", "own-1", "index.html").is_file()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--tvm", "relux"), "unknown toolchain 'relux'"),
        (("--tvm", ","), "names no toolchain"),
        (("--dtype", "nonsense"), "'nonsense' is not a configuration"),
    ],
)
def test_bad_usage_runs_nothing(
    fakes: Fakes, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    assert run(*arguments) == 2
    assert said in capsys.readouterr().err
    assert not fakes.plans and not Path("out").exists()


def test_the_default_is_every_recipe(fakes: Fakes) -> None:
    assert sorted(command.TVMS.split(",")) == sorted(recipes.RECIPES)


def matrix(*outcomes: tuple[str, Outcome | None]) -> Versions:
    """int4 on some toolchains; None was not run. On Relax it has two meanings, that fare alike."""
    made = columns([name for name, _ in outcomes], [])
    for column, (name, outcome) in zip(made, outcomes, strict=True):
        column.version, column.dialect = "0.27.0", name.partition("-")[0]
        if outcome is not None:
            meant = meaning("int4", column.dialect)
            results = [Result(outcome(same.text, name), Role.REQUESTED) for same in meant]
            column.run = Run(Path("x"), RunFacts(), results)
    return Versions(["int4"], made, VersionsFacts(model="tiny"))


def test_where_tvms_differ_is_said() -> None:
    assert view.differences(matrix(("relay", works), ("relax", works))) == []
    three = matrix(("relay", rejected), ("relax-0.26", works), ("relax", works))
    assert view.differences(three) == [
        "int4: rejected (QuantizeRealize) on relay; works on relax-0.26, relax"
    ]
    assert view.summary(three).endswith("0 of 1 on relay, 2 of 2 on relax-0.26, 2 of 2 on relax")
    assert view.summary(matrix(("relay", None))) == "Nothing was tried"


@pytest.mark.parametrize(
    ("path", "short"),
    [
        ("/opt/my-tvm/bin/python", "my-tvm"),
        ("~/tvm/bin/python3", "tvm"),
        ("env/python", "env"),
        ("python3.8", "python3.8"),
        ("/bin/python", "/bin/python"),
    ],
)
def test_a_tvm_of_ones_own_has_a_short_name(path: str, short: str) -> None:
    assert Column(path, "own-1", Path(path)).short == short


def test_the_terminal_table_fits_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    from rich.console import Console

    names = command.TVMS.split(",")
    work = matrix(*((name, rejected) for name in names))
    Console(width=80).print(text.table(work))
    said = capsys.readouterr().out
    assert max(map(len, said.splitlines())) <= 80
    for name in names:
        assert name in said
    assert "add, op #9" in said and "✗ rejected" in said


class Checker(HTMLParser):
    """Tags in order, and all text that a browser would show or run."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)


def test_what_came_from_outside_is_only_text() -> None:
    def evil(configuration: str, chain: str) -> Verdict:
        decided = rejected(configuration, chain)
        decided.reason = decided.pass_name = EVIL
        decided.op = OpRef(0, EVIL)
        return decided

    harmless = matrix(("relay", rejected))
    work = matrix(("relay", evil))
    work.facts = VersionsFacts(model=EVIL, command=EVIL, created=EVIL)
    work.columns[0].version = work.columns[0].problem = EVIL
    work.columns[0].python = Path(EVIL)
    checker, usual = Checker(), Checker()
    checker.feed(page.render(work))
    usual.feed(page.render(harmless))
    assert checker.tags.count("script") == usual.tags.count("script")
    assert "img" not in checker.tags and "49" not in page.render(work).partition("<main")[2]


def test_an_interrupted_configuration_is_odd_not_bad() -> None:
    stopped = matrix(("relay", lambda name, chain: Verdict(name, chain, INTERRUPTED, "check")))
    assert [entry.look for entry in view.cell(stopped.columns[0], "int4")] == ["odd"]


def test_each_meaning_of_a_configuration_is_shown_once(fakes: Fakes) -> None:
    fakes.outcomes["relax", "int8/int8/int32:pipeline=target"] = rejected
    configurations = "int8/int8/int32,int8,int4:pipeline=target,int8:nbit_activation=8"
    assert run("--tvm", "relay,relax", "--dtype", configurations) == 0
    relay, relax = fakes.plans
    assert [c.text for c in relay.configurations] == [
        "int8/int8/int32", "int8", "int8:nbit_activation=8",
    ]  # fmt: skip
    assert [c.text for c in relax.configurations] == [
        "int8/int8/int32:pipeline=default",
        "int8/int8/int32:pipeline=target",
        "int4/int4/int32:pipeline=target",
    ]
    found = written()
    assert found["complete"]
    there = found["toolchains"][1]["cells"]
    assert [entry["outcome"] for entry in there["int8/int8/int32"]] == [WORKS, REJECTED]
    assert there["int8"] == there["int8/int8/int32"]
    assert there["int8:nbit_activation=8"] == []
    html = Path("out", "index.html").read_text()
    assert "not for relay" in html and "not for relax" in html
    assert "<small>int8/int8/int32, pipeline=default</small>" in html
    assert "works at pipeline=default, rejected (QuantizeRealize) at pipeline=target on" in html


@pytest.mark.slow
def test_the_real_thing(relay: Toolchain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    options = ("--dtype", "int8/int8/int32,int4", "--rounds", "4", "--seconds", "5")
    assert run("--tvm", "relay", "--tvm-python", str(relay.python), *options) == 0
    for column in written()["toolchains"]:
        assert column["version"] == "0.16.dev0" and column["dialect"] == "relay"
        assert column["cells"]["int8/int8/int32"][0]["outcome"] == WORKS
        assert column["cells"]["int8/int8/int32"][0]["ratio"]["value"] > 0
        assert column["cells"]["int4"][0]["pass"] == "QuantizeRealize"
