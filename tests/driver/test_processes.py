"""Processes side by side: taken in the order in which they are asked for, and never too many."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tvmq_diag.driver import processes
from tvmq_diag.driver.plan import Plan
from tvmq_diag.driver.processes import Processes
from tvmq_diag.instruments.protocol.jobs import CompileJob, ModelSource
from tvmq_diag.toolchains.follower import Progress
from tvmq_diag.toolchains.limits import Limits
from tvmq_diag.toolchains.toolchain import Toolchain
from tvmq_diag.trace.ending import Ending, How


class Machine:
    """In place of process.run: notes what runs, and how many at a time."""

    def __init__(self) -> None:
        self.began: list[str] = []
        self.ended: list[str] = []
        self.most = 0
        self.running = 0
        self.lock = threading.Lock()
        self.hold = threading.Event()

    def run(
        self,
        chain: Toolchain,
        job: CompileJob,
        limits: Limits,
        watch: Callable[[Progress], None],
        stop: Callable[[], bool],
    ) -> Ending:
        name = Path(job.trace).name
        Path(job.trace).mkdir(parents=True)
        with self.lock:
            self.began.append(name)
            self.running += 1
            self.most = max(self.most, self.running)
        watch(Progress("lower", "", 1))
        while name.startswith("long") and not self.hold.is_set() and not stop():
            time.sleep(0.01)
        time.sleep(0.05)
        with self.lock:
            self.running -= 1
            self.ended.append(name)
            if name.startswith("large") and (self.running or self.began[-1] != name):
                return Ending(How.SIGNAL, -signal.SIGKILL, 0.0, 1, name)
        how = How.INTERRUPTED if stop() else How.FINISHED
        return Ending(how, 0, 0.0, 1, name)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine()
    monkeypatch.setattr(processes.process, "run", made.run)
    return made


Make = Callable[[int], Processes]


@pytest.fixture
def make() -> Iterator[Make]:
    opened: list[Processes] = []

    def processes_of(jobs: int) -> Processes:
        chain = Toolchain("relay", Path("python"))
        plan = Plan(ModelSource("tiny"), [], chain, Limits(1.0, 1), jobs=jobs)
        opened.append(Processes(plan, lambda what, progress: None))
        return opened[-1]

    yield processes_of
    for one in opened:
        one.close()


@pytest.fixture
def job(tmp_path: Path) -> Callable[[str], CompileJob]:
    return lambda name: CompileJob(str(tmp_path / name), "relay", ModelSource("tiny"))


def nothing(progress: Progress) -> None:
    """Watch nothing."""


def eventually(true: Callable[[], bool]) -> None:
    for _ in range(500):
        if true():
            return
        time.sleep(0.01)
    pytest.fail("it did not come about")


def test_each_gets_its_own_ending_in_whatever_order_they_end(
    machine: Machine, make: Make, job: Callable[[str], CompileJob]
) -> None:
    side_by_side = make(2)
    for name in ("b", "c", "d"):
        side_by_side.ahead(name, job(name))
    assert [side_by_side.run(job(name), nothing).tail for name in "adcb"] == [*"adcb"]
    assert machine.most == 2 and sorted(machine.began) == [*"abcd"]


def test_with_one_at_a_time_nothing_begins_before_its_turn(
    machine: Machine, make: Make, job: Callable[[str], CompileJob]
) -> None:
    one = make(1)
    one.ahead("b", job("b"))
    assert [one.run(job(name), nothing).tail for name in "ab"] == ["a", "b"]
    assert machine.most == 1 and machine.began == ["a", "b"]


def test_nothing_begins_ahead_before_the_first_has_begun(
    machine: Machine, make: Make, job: Callable[[str], CompileJob]
) -> None:
    side_by_side = make(2)
    side_by_side.ahead("b", job("b"))
    time.sleep(0.3)
    assert machine.began == []
    side_by_side.run(job("a"), nothing)
    eventually(lambda: machine.ended == ["a", "b"])


def test_what_measures_times_runs_alone(
    machine: Machine, make: Make, job: Callable[[str], CompileJob]
) -> None:
    side_by_side = make(3)
    for name in ("long1", "long2", "later"):
        side_by_side.ahead(name, job(name))
    side_by_side.run(job("a"), nothing)
    eventually(lambda: machine.running == 2)
    side_by_side.ahead("last", job("last"))
    threading.Timer(0.2, machine.hold.set).start()
    with side_by_side.room.alone():
        assert machine.running == 0
        before = [*machine.began]
        assert side_by_side.run(job("timed"), nothing).tail == "timed"
        assert machine.began == [*before, "timed"]
    assert side_by_side.run(job("last"), nothing).tail == "last"


def test_what_does_not_fit_into_memory_waits(
    machine: Machine,
    make: Make,
    job: Callable[[str], CompileJob],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(processes, "available_bytes", lambda: 0)
    side_by_side = make(2)
    for name in ("b", "c"):
        side_by_side.ahead(name, job(name))
    for name in ("a", "b", "c"):
        side_by_side.run(job(name), nothing)
    assert machine.most == 1


def test_what_was_never_wanted_is_ended_and_leaves_nothing(
    machine: Machine, make: Make, job: Callable[[str], CompileJob], tmp_path: Path
) -> None:
    side_by_side = make(2)
    side_by_side.ahead("long", job("long"))
    side_by_side.run(job("a"), nothing)
    eventually(lambda: "long" in machine.began)
    side_by_side.close()
    assert machine.ended == ["a", "long"]
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_what_need_not_be_done_is_not(
    machine: Machine, make: Make, job: Callable[[str], CompileJob]
) -> None:
    side_by_side = make(2)
    side_by_side.ahead("b", job("b"), unless=lambda: True)
    side_by_side.ahead("c", job("c"))
    side_by_side.run(job("a"), nothing)
    eventually(lambda: machine.ended == ["a", "c"])
    assert side_by_side.run(job("b"), nothing).tail == "b"  # unless it is wanted after all


def test_what_is_given_up_ends_and_leaves_nothing(
    machine: Machine, make: Make, job: Callable[[str], CompileJob], tmp_path: Path
) -> None:
    side_by_side = make(2)
    for name in ("long", "b", "c"):
        side_by_side.ahead(name, job(name))
    side_by_side.give_up(str(tmp_path / "b"))  # before it began
    side_by_side.run(job("a"), nothing)
    eventually(lambda: "long" in machine.began)
    side_by_side.give_up(str(tmp_path / "long"))
    assert side_by_side.run(job("c"), nothing).tail == "c"
    side_by_side.give_up(str(tmp_path / "c"))  # it was wanted already
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "c"]
    assert "b" not in machine.began and not machine.hold.is_set()


def test_what_follows_one_that_ends_begins_before_anybody_waits_for_it(
    machine: Machine, make: Make, job: Callable[[str], CompileJob]
) -> None:
    side_by_side = make(2)
    side_by_side.ahead("b", job("b"), then=lambda: side_by_side.ahead("c", job("c")))
    side_by_side.run(job("a"), nothing)
    eventually(lambda: machine.ended == ["a", "b", "c"])
    assert side_by_side.run(job("c"), nothing).tail == "c"
    assert machine.began == ["a", "b", "c"], "each once"


def test_nothing_follows_what_was_given_up(
    machine: Machine, make: Make, job: Callable[[str], CompileJob], tmp_path: Path
) -> None:
    side_by_side = make(2)
    side_by_side.ahead("long", job("long"), then=lambda: side_by_side.ahead("c", job("c")))
    side_by_side.run(job("a"), nothing)
    eventually(lambda: "long" in machine.began)
    side_by_side.give_up(str(tmp_path / "long"))
    side_by_side.run(job("b"), nothing)
    assert machine.began == ["a", "long", "b"]


def test_another_job_in_the_same_folder_is_not_taken_for_it(
    machine: Machine, make: Make, job: Callable[[str], CompileJob]
) -> None:
    side_by_side = make(2)
    side_by_side.ahead("long", job("long"))
    side_by_side.run(job("a"), nothing)
    eventually(lambda: "long" in machine.began)
    threading.Timer(0.3, machine.hold.set).start()
    other = replace(job("long"), mcpu="other")
    assert side_by_side.run(other, nothing).how == How.FINISHED
    assert machine.began == ["a", "long", "long"]


@pytest.mark.parametrize("ahead", [True, False])
def test_what_is_killed_beside_others_is_done_again_by_itself(
    machine: Machine, make: Make, job: Callable[[str], CompileJob], ahead: bool
) -> None:
    side_by_side = make(2)
    side_by_side.run(job("a"), nothing)
    side_by_side.ahead("long", job("long"))
    eventually(lambda: machine.running == 1)
    if ahead:
        side_by_side.ahead("large", job("large"))
        eventually(lambda: machine.began.count("large") == 1)
    threading.Timer(0.3, machine.hold.set).start()
    repeated: list[bool] = []
    ending = side_by_side.run(job("large"), nothing, lambda: repeated.append(True))
    assert (ending.how, ending.tail) == (How.FINISHED, "large") and repeated == [True]
    assert machine.began == ["a", "long", "large", "large"]


def test_what_is_killed_by_itself_is_not_done_again(
    machine: Machine, make: Make, job: Callable[[str], CompileJob], monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = Ending(How.SIGNAL, -signal.SIGKILL, 0.0, 1, "killed")
    monkeypatch.setattr(processes.process, "run", lambda *given, **named: killed)
    assert make(2).run(job("a"), nothing) == killed
