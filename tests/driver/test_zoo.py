"""A zoo's own logic: which models, what a cell is, how a run is packed, sent and kept."""

from __future__ import annotations

import dataclasses
import io
import subprocess
import sys
import time
import zipfile
from collections.abc import Generator, Mapping
from pathlib import Path

import pytest
from support.runs import TINY

from tvmq_diag.driver.zoo import cell, rounds, shelf, sources
from tvmq_diag.driver.zoo.cell import Answer, Task
from tvmq_diag.driver.zoo.cluster import Cluster, work
from tvmq_diag.driver.zoo.maker import Maker
from tvmq_diag.driver.zoo.rounds import Setup
from tvmq_diag.driver.zoo.shelf import Contents, Shelf
from tvmq_diag.errors import SetupError, UsageError
from tvmq_diag.results import store
from tvmq_diag.results.zoo import Zoo, ZooCell, ZooTvm

MAKER = Maker("0.16", "relay", "tvm", "tool", "cpu")


# Which models


def test_a_set_is_written_out_and_nothing_comes_twice() -> None:
    found = sources.listed(f"tiny, {sources.SMALL},torchvision:resnet18,tiny")
    assert found[0] == "tiny" and found.count("tiny") == 1
    assert found[1:] == sources.SETS[sources.SMALL]
    assert "torchvision:resnet18" in found and "torchvision:resnet101" not in found


def test_a_pattern_gives_its_files_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("b.onnx", "a.onnx", "a.txt", "deep/c.onnx"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    assert sources.listed("onnx:*.onnx") == ["onnx:a.onnx", "onnx:b.onnx"]
    assert sources.listed("onnx:**/c.onnx") == ["onnx:deep/c.onnx"]
    absolute = sources.listed(f"onnx:{tmp_path}/?.onnx")
    assert absolute == [f"onnx:{tmp_path}/a.onnx", f"onnx:{tmp_path}/b.onnx"]
    (tmp_path / "[a].onnx").touch()
    assert sources.listed("onnx:[a].onnx") == ["onnx:[a].onnx"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (" , ", "names no model"),
        ("onnx:*.nothing", "no file fits"),
        ("onnx:not_there.onnx", "has no file"),
        ("torchvision:all-big", "there is no set"),
    ],
)
def test_what_is_no_model_is_said_at_once(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        sources.listed(text)


def test_the_set_is_what_torchvision_says(relay: object) -> None:
    code = (
        "from torchvision import models as m; print(*(n for n in m.list_models(module=m) if"
        f" m.get_model_weights(n).DEFAULT.meta['num_params'] < {sources.SMALL_MILLIONS}e6))"
    )
    python = str(relay.python)  # type: ignore[attr-defined]
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    names = [name.partition(":")[2] for name in sources.SETS[sources.SMALL]]
    assert sorted(names) == sorted(done.stdout.split())


# What a cell is


def key_of(task: Task, maker: Maker = MAKER) -> str:
    return shelf.key(task, maker, Contents.of([task]))


def test_a_file_counts_by_its_content_and_not_by_its_place(tmp_path: Path) -> None:
    keys = []
    for folder, content in (("a", b"1"), ("b", b"1"), ("c", b"2")):
        file = tmp_path / folder / "net.onnx"
        file.parent.mkdir()
        file.write_bytes(content)
        keys.append(key_of(Task(f"onnx:{file}", "int4", "relay", None, (), (str(file),))))
    assert keys[0] == keys[1] != keys[2]


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Maker)])
def test_another_tvm_tool_or_processor_is_another_cell(name: str) -> None:
    task = Task("tiny", "int4", "relay", None)
    other = {"dialect": "relax"}.get(name, "other")
    assert key_of(task) != key_of(task, dataclasses.replace(MAKER, **{name: other}))


def test_two_names_of_one_meaning_are_one_cell_and_memory_makes_no_other() -> None:
    relax = dataclasses.replace(MAKER, dialect="relax")
    one, same = (Task("tiny", text, "relax", None) for text in ("int8", "int8/int8/int32"))
    assert key_of(one, relax) == key_of(same, relax)
    assert key_of(one) != key_of(same)  # on Relay they are two
    roomy = dataclasses.replace(one, room=("--memory-limit", "3"))
    assert key_of(one) == key_of(roomy)
    assert key_of(one) != key_of(dataclasses.replace(one, arguments=("--seed", "1")))


# A run, packed


def test_a_run_is_the_same_after_it_was_sent(tmp_path: Path) -> None:
    cell.unpack(cell.packed(TINY), tmp_path / "run")
    before, now = store.read(TINY), store.read(tmp_path / "run")
    assert now.verdicts == before.verdicts
    names = [sorted(p.relative_to(r) for p in r.rglob("*")) for r in (TINY, tmp_path / "run")]
    assert names[0] == names[1]


def test_no_name_in_an_archive_leads_out_of_its_folder(tmp_path: Path) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("../../out.txt", "x")
        archive.writestr("/absolute.txt", "x")
    cell.unpack(content.getvalue(), tmp_path / "deep" / "run")
    assert {p.name for p in (tmp_path / "deep" / "run").iterdir()} == {"out.txt", "absolute.txt"}
    assert not (tmp_path / "out.txt").exists()


def test_a_file_that_a_worker_has_not_is_sent_and_one_that_it_has_stays(tmp_path: Path) -> None:
    here, gone = tmp_path / "here.onnx", tmp_path / "gone.onnx"
    here.write_bytes(b"1")
    for file, content in ((here, b"1"), (gone, b"2"), (here, b"other")):
        task = Task(f"onnx:{file}", "int4", "relay", None, ("--weights", str(file)), (str(file),))
        found = cell.with_files(task, {str(file): content}, tmp_path / "sent")
        path = Path(found.model.removeprefix("onnx:"))
        assert path.read_bytes() == content and path.name == file.name
        assert found.arguments == ("--weights", str(path))
        assert (path == file) == (content == b"1")


def test_the_shelf_gives_what_was_kept_and_makes_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Shelf(tmp_path)
    assert kept.find("a", MAKER) is None
    kept.keep("a", Answer(b"x" * 100, 1.5, MAKER))
    assert kept.find("a", MAKER) == Answer(b"x" * 100, 1.5, MAKER)
    time.sleep(0.02)
    kept.keep("b", Answer(b"y" * 100, 2.0, MAKER))
    monkeypatch.setattr(shelf, "KEPT_BYTES", 150)
    kept.tidy()
    assert kept.find("a", MAKER) is None and kept.find("b", MAKER) is not None


def test_a_shelf_that_cannot_be_written_costs_only_time(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    Shelf(tmp_path / "file" / "folder").keep("a", Answer(b"x", 1.0, MAKER))


# All cells


class Fakes:
    """A Workplace whose cells all come to the run in tests/data, but those of `lost`."""

    def __init__(self, lost: str = "") -> None:
        self.lost = lost
        self.done: list[Task] = []

    def maker(self, tvm: str, python: str | None) -> Maker:
        if tvm == "absent":
            raise SetupError("absent: no such file")
        return MAKER

    def answers(
        self, tasks: Mapping[str, Task], makers: Mapping[str, Maker]
    ) -> Generator[tuple[str, Answer], None, None]:
        for key, task in tasks.items():
            self.done.append(task)
            lost = task.model == self.lost
            run = None if lost else cell.packed(TINY)
            yield key, Answer(run, 1.0, MAKER, "its worker was lost" if lost else None)

    def close(self) -> None:
        pass


def carry_out(place: Fakes, folder: Path, models: list[str], tvms: list[ZooTvm]) -> Zoo:
    work_ = Zoo(models=models, configurations=["int8/int8/int32", "int4"], tvms=tvms)
    makers = rounds.look(work_, place, lambda name: None)
    setup = Setup(folder / "zoo", place, Shelf(folder / "shelf"))
    told: list[ZooCell] = []
    rounds.run(work_, makers, setup, told.append)
    assert told == work_.cells
    return work_


def relay_tvm() -> ZooTvm:
    return ZooTvm(name="relay")


def test_a_second_run_takes_what_was_kept_and_runs_what_was_lost(tmp_path: Path) -> None:
    first = carry_out(Fakes("digits"), tmp_path / "a", ["tiny", "digits"], [relay_tvm()])
    assert [one.problem for one in first.cells] == [None, None, *["its worker was lost"] * 2]
    assert not any(one.kept for one in first.cells)
    (tmp_path / "b").mkdir()
    (tmp_path / "a" / "shelf").rename(tmp_path / "b" / "shelf")
    place = Fakes()
    second = carry_out(place, tmp_path / "b", ["tiny", "digits"], [relay_tvm()])
    assert [task.model for task in place.done] == ["digits", "digits"]
    assert [(one.model, one.kept) for one in second.cells[:2]] == [("tiny", True)] * 2
    assert all(one.entries for one in second.cells)
    for one in second.cells:
        page = one.entries[0].page
        assert page is not None
        assert store.read((tmp_path / "b" / "zoo" / page).parent).verdicts


def test_a_tvm_that_cannot_be_used_has_no_cells_and_the_others_go_on(tmp_path: Path) -> None:
    found = carry_out(Fakes(), tmp_path, ["tiny"], [relay_tvm(), ZooTvm(name="absent")])
    assert found.tvms[1].problem == "absent: no such file"
    assert {one.tvm for one in found.cells} == {"relay"}


def test_options_go_only_to_cells_that_take_them() -> None:
    arguments = ("--seed", "0", "--weights", "imagenet", "--quantize-opt-level", "3")
    setup = Setup(Path("x"), Fakes(), Shelf(), arguments)
    relax = ZooTvm(name="relax", dialect="relax")
    relay = ZooTvm(name="relay", dialect="relay")
    assert rounds._task("tiny", "int4", relax, setup).arguments == ("--seed", "0")
    assert rounds._task("torchvision:resnet18", "int4", relay, setup).arguments == arguments


# On a cluster


def test_a_worker_with_another_tvm_gives_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    own = dataclasses.replace(MAKER, tvm="patched")
    monkeypatch.setattr("tvmq_diag.driver.zoo.cluster.maker", lambda *_: own)
    answer = work(Task("tiny", "int4", "relay", None), MAKER, "run", [])
    assert answer.run is None and "has another TVM than" in str(answer.problem)


def test_without_dask_it_is_said_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(SetupError, match=r"pip install 'tvmq_diag\[zoo\]'"):
        Cluster("tcp://127.0.0.1:1", print)


def test_a_trace_that_cannot_have_its_model_is_a_problem_and_no_outcome(tmp_path: Path) -> None:
    answer = cell.do(Task("onnx:/not/there.onnx", "int4", "relay", None), MAKER)
    assert answer.run is None and "there.onnx" in str(answer.problem)
