"""The support matrix: on fake TVM processes that end in every way, its page, and two real ops."""

from __future__ import annotations

import json
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.builders import tvm_identity

from tvmq_diag.commands import cli
from tvmq_diag.commands import matrix as command
from tvmq_diag.commands.folders import fresh_directory
from tvmq_diag.driver import support_matrix as matrix_driver
from tvmq_diag.driver.support_matrix import Setup
from tvmq_diag.errors import SetupError, UsageError
from tvmq_diag.instruments.matrix import operands
from tvmq_diag.instruments.matrix.numbers import WRONG
from tvmq_diag.instruments.protocol.jobs import CellJob
from tvmq_diag.instruments.relax import cases as relax_cases
from tvmq_diag.instruments.relay import cases
from tvmq_diag.reports.pages import support_matrix as page
from tvmq_diag.results import support_matrix
from tvmq_diag.results.support_matrix import Cell, CellStep, Matrix, MatrixFacts
from tvmq_diag.toolchains import identity, process, resolution
from tvmq_diag.toolchains.cache import cache_dir
from tvmq_diag.toolchains.limits import Limits
from tvmq_diag.toolchains.toolchain import Toolchain
from tvmq_diag.trace.ending import Ending, How

FAKE = """
import json, os, pathlib, signal, sys, time
file = pathlib.Path(sys.argv[-1])
job = json.loads(file.read_text())
with open(os.environ["FAKE_CALLS"], "a") as calls: calls.write(json.dumps(job) + "\\n")
def begin(step): print(json.dumps({"step": step, "begins": True}), flush=True)
def end(step, ok, message=""): print(json.dumps(dict(step=step, ok=ok, message=message)))
def all_well():
    for step in job["steps"]:
        begin(step)
        end(step, True)
"""

EVIL = "</script></style><script>alert(1)</script><img src=x onerror=alert(1)>'\"&{{7*7}}"


class Fake:
    """Runs a one-cell matrix on a fake process, and knows which jobs processes were given."""

    def __init__(self, folder: Path) -> None:
        self.calls = folder / "calls.jsonl"

    @property
    def jobs(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.calls.read_text().splitlines()]

    def run(self, code: str, timeout: float = 30, **options: Any) -> Cell:
        tvm = tvm_identity(**options.pop("tvm", {}))
        setup = Setup(
            Toolchain("fake", Path(sys.executable)),
            tvm,
            Limits(timeout, 2**40),
            command=[sys.executable, "-c", FAKE + code],
            **options,
        )
        work = Matrix(["add"], ["int4"])
        matrix_driver.run(work, setup)
        return work.cells[0]


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    monkeypatch.setenv("TVMQ_DIAG_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("FAKE_CALLS", str(tmp_path / "calls.jsonl"))
    return Fake(tmp_path)


def said(cell: Cell) -> dict[str, bool | None]:
    return {step.name: step.ok for step in cell.steps}


def step(cell: Cell, name: str) -> CellStep:
    return next(step for step in cell.steps if step.name == name)


def test_all_goes_well(fake: Fake) -> None:
    cell = fake.run("all_well()")
    assert list(said(cell)) == list(support_matrix.STEPS)
    assert (cell.reached, cell.stopped_at, cell.blockers) == ("numbers", None, [])


def test_an_independent_step_that_kills_the_process_hides_nothing(fake: Fake) -> None:
    cell = fake.run(
        "if 'realize' in job['steps']:\n"
        "    begin('type inference'); end('type inference', True); begin('realize')\n"
        "    os.kill(os.getpid(), signal.SIGSEGV)\n"
        "all_well()"
    )
    assert step(cell, "realize").message == "the process died (SIGSEGV)"
    assert (cell.reached, cell.stopped_at) == ("type inference", "realize")
    assert [s.name for s in cell.blockers] == ["realize"]
    assert [job["steps"] for job in fake.jobs] == [
        list(support_matrix.STEPS),
        list(support_matrix.STEPS[2:]),
    ]


def test_a_step_that_others_need_ends_it(fake: Fake) -> None:
    cell = fake.run(
        "for name in job['steps'][:3]: begin(name); end(name, True)\n"
        "begin('lower'); end('lower', True); begin('codegen'); os.abort()"
    )
    assert step(cell, "codegen").message == "the process died (SIGABRT)"
    assert step(cell, "run") == CellStep("run", None, "not tried: it needs codegen")
    assert len(fake.jobs) == 1


def test_a_failed_type_inference_leaves_the_quantizer_to_try(fake: Fake) -> None:
    cell = fake.run("if len(job['steps']) > 1: begin('type inference'); os.abort()\nall_well()")
    assert fake.jobs[1]["steps"] == ["realize"]
    assert (cell.reached, cell.stopped_at) == (None, "type inference")
    assert [s.ok for s in cell.steps] == [False, True] + 6 * [None]


def test_a_hang_is_ended_and_not_remembered(fake: Fake) -> None:
    code = "begin('lower'); time.sleep(1000)"
    cell = fake.run(code, timeout=1.0)
    assert step(cell, "lower").message == "no end within 1 s"
    before = len(fake.jobs)
    fake.run(code, timeout=1.0)
    assert len(fake.jobs) > before


def test_garbage_between_the_lines(fake: Fake) -> None:
    cell = fake.run(
        "print('{', 'null', '[]', '7', '{\"step\": \"rubbish\", \"ok\": true}', sep='\\n')\n"
        "print(json.dumps({'step': ['no'], 'ok': 1}))\n"
        "sys.stdout.flush(); os.write(1, b'\\xff\\xfe\\x00\\n')\n"
        "all_well()"
    )
    assert cell.stopped_at is None


def test_a_process_that_never_began(fake: Fake) -> None:
    with pytest.raises(SetupError, match="before it began: KeyError"):
        fake.run("{}['cell']")


def test_an_exit_between_two_steps_is_a_failure_of_the_next(fake: Fake) -> None:
    cell = fake.run("begin('type inference'); end('type inference', True); sys.exit(3)")
    assert step(cell, "realize").message == "the process ended with exit code 3"


def test_messages_are_cleaned_and_placed(fake: Fake) -> None:
    text = (
        "Traceback (most recent call last):\n"
        "  1: tvm::relay::quantize::AddRealize(tvm::Call const&)\n"
        "  0: tvm::relay::MakeConstantScalar<int>(tvm::DataType, int)\n"
        '  File "/build/tvm/src/relay/quantize/../transforms/pattern_utils.h", line 290\n'
        "TVMError: unknown data type int4"
    )
    cell = fake.run(
        f"begin('realize'); print(json.dumps(dict(step='realize', ok=False, message={text!r},"
        " passes=['sequential', 'QuantizeRealize'])))"
    )
    failed = step(cell, "realize")
    assert failed.message == "unknown data type int4"
    assert failed.where.startswith("QuantizeRealize, ")
    assert failed.where.endswith("src/relay/transforms/pattern_utils.h:290")
    assert failed.detail == text


def test_the_cache(fake: Fake) -> None:
    first = fake.run("all_well()")
    assert fake.run("os.abort()") == first
    assert len(fake.jobs) == 1
    fake.run("all_well()", mcpu="none")
    fake.run("all_well()", tvm={"newest_file_ns": 2})  # somebody has edited that TVM
    fake.run("all_well()", fresh=True)
    assert len(fake.jobs) == 4
    for kept in (cache_dir() / "matrix").iterdir():
        kept.write_text('{"op": "add"')
    assert fake.run("all_well()") == first
    assert len(fake.jobs) == 5


def test_ctrl_c_keeps_what_is_done(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = process.run

    def second_is_interrupted(chain: Toolchain, job: CellJob, *rest: Any, **more: Any) -> Any:
        ending = ran(chain, job, *rest, **more)
        if job.dtype == "int2":
            return Ending(How.INTERRUPTED, -9, 0.0, 0, "")
        return ending

    monkeypatch.setattr(process, "run", second_is_interrupted)
    work = Matrix(["add"], ["int4", "int2", "int1"])
    program = [sys.executable, "-c", FAKE + "all_well()"]
    chain, limits = Toolchain("f", Path(sys.executable)), Limits(30, 2**40)
    setup = Setup(chain, tvm_identity(), limits, command=program)
    with pytest.raises(KeyboardInterrupt):
        matrix_driver.run(work, setup)
    assert [cell.dtype for cell in work.cells] == ["int4"]
    assert "1 of 3 cells are done" in page.render(work)


def made(op: str, dtype: str, **failures: str) -> Cell:
    """A cell in which the named steps (with _ for a blank) fail."""
    failing = {name.replace("_", " "): message for name, message in failures.items()}
    steps = [
        CellStep(name, name not in failing, failing.get(name, ""), failing.get(name, ""))
        for name in support_matrix.STEPS
    ]
    return Cell(op, dtype, steps)


def test_blockers_are_grouped_in_the_order_of_the_steps() -> None:
    cells = [
        made("clip", "int4", run="x"),
        made("add", "int4", realize="unknown", lower="refused"),
        made("relu", "int4", realize="unknown"),
        made("relu", "int4", fold="the process died (SIGSEGV)"),
        made("clip", "int4", fold="the process died (SIGABRT)"),
        made("dense", "int4", realize="other"),
    ]
    found = [(b.step, b.message, b.ops) for b in support_matrix.blockers(cells)]
    assert found == [
        ("realize", "unknown", ["add", "relu"]),
        ("realize", "other", ["dense"]),
        ("fold", "the process died", ["relu", "clip"]),
        ("lower", "refused", ["add"]),
        ("run", "x", ["clip"]),
    ]


class Elements(HTMLParser):
    """Names and ids of a page's elements, and where its links go."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        given = dict(attrs)
        self.ids += [given["id"] or ""] if "id" in given else []
        self.links += [given["href"] or ""] if "href" in given else []


def test_the_page_is_whole_and_safe(tmp_path: Path) -> None:
    work = Matrix(["add", "relu", EVIL], ["int4", EVIL])
    work.facts = MatrixFacts(command=EVIL, tvm_version=EVIL, created=EVIL)
    work.cells = [
        made("add", "int4", realize=EVIL, numbers=EVIL),
        made("add", EVIL, numbers=EVIL),
        made("relu", "int4"),
        made(EVIL, EVIL, lower=EVIL),
    ]
    text = page.write(work, tmp_path).read_text(encoding="utf-8")
    found = Elements(text)
    assert found.names.count("script") == 1 and "img" not in found.names
    assert len(found.ids) == len(set(found.ids))
    assert {link[1:] for link in found.links} <= set(found.ids)
    assert "http:" not in text and "https:" not in text
    assert "not run" in text and "then numbers" in text


def test_options() -> None:
    assert command._ops("add, relu,add", "relay") == ["add", "relu"]
    assert command._dtypes(None) == list(support_matrix.DTYPES)
    with pytest.raises(UsageError, match="none of conv2d"):
        command._ops("lstm", "relay")
    with pytest.raises(UsageError, match="float16"):
        command._dtypes("float16")


def test_the_command_puts_the_matrix_among_all_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fill(work: Matrix, *_: Any) -> None:
        work.cells = [made("add", "int8"), made("add", "int4", realize="no")]

    chain = Toolchain("fake", Path(sys.executable))
    monkeypatch.setattr(resolution, "resolve", lambda *_, **__: chain)
    monkeypatch.setattr(identity, "identify", lambda _: tvm_identity(version="9.9"))
    monkeypatch.setattr(matrix_driver, "run", fill)
    asked = [
        "matrix",
        "--ops",
        "add",
        "--dtypes",
        "int8,int4",
        "--out",
        str(tmp_path / "runs" / "mine"),
    ]
    assert cli.main(asked) == 0
    text = (tmp_path / "runs" / "index.html").read_text(encoding="utf-8")
    assert '<a href="mine/index.html">mine</a>' in text
    assert "support matrix of TVM 9.9 (fake)" in text
    assert "1 of 2 cells work: 1 of 1 in int8, 0 of 1 in int4" in text
    assert capsys.readouterr().out.splitlines()[-1].startswith("report: ")


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("")
    with pytest.raises(UsageError, match="there already"):
        fresh_directory(tmp_path, "support-matrix")


@pytest.mark.parametrize("dtype", ["int8", "int4", "uint4", "int3", "int2", "int1", "bool"])
@pytest.mark.parametrize(
    ("dialect", "op"),
    [(cases, op) for op in support_matrix.OPS["relay"]]
    + [(relax_cases, op) for op in support_matrix.OPS["relax"]],
)
def test_the_right_numbers_fit_the_dtype(dialect: Any, op: str, dtype: str) -> None:
    low, high = operands.bounds(dtype)
    case = dialect.case(op, dtype)
    held = [case.first, case.expected, *([] if case.second is None else [case.second])]
    for values in held:
        assert values.min() >= low and values.max() <= high
    for name, value in case.inputs.items():
        assert value.shape and np.array_equal(value, np.round(value)), name


@pytest.mark.slow
def test_real_ops(relay: Toolchain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Goes through instruments/__main__.py."""
    monkeypatch.setenv("TVMQ_DIAG_CACHE", str(tmp_path))
    work = Matrix(["add", "conv2d"], ["int8", "int4", "int2"])
    tvm = identity.identify(relay)
    assert tvm.version == "0.16.dev0"
    matrix_driver.run(work, Setup(relay, tvm, Limits(120, 2**40)))
    found = {(cell.op, cell.dtype): cell for cell in work.cells}
    assert found["add", "int8"].stopped_at is None
    int4 = found["add", "int4"]
    assert int4.stopped_at == "realize" and int4.reached == "type inference"
    assert step(int4, "realize").message == "unknown data type int4"
    # It compiles and runs, and nobody would be told:
    assert step(int4, "numbers").message == WRONG
    assert "dtype.bits % 8 == 0" in step(found["conv2d", "int2"], "realize").message
    assert all(cell.steps[0].ok for cell in work.cells)
