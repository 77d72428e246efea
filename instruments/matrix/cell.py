"""The steps of one cell of the support matrix, whatever the dialect, told on stdout as they go."""

from __future__ import annotations

import contextlib
import sys
import traceback
from typing import Any, Callable, ClassVar, Iterator, Mapping

from ..protocol import cells
from ..protocol.cells import NEEDS, Raised, StepBegins, StepEnds, StepEvent
from ..protocol.jobs import CellJob
from ..recording import diagnostic_texts
from ..tvm_types import IRModule, PassInfo, Target
from .numbers import WRONG, WrongNumbers

_LONGEST = 20_000


class CellSteps:
    """The steps of one cell. `ended` has each step that ended, and whether it went well."""

    GOES_ON: ClassVar[Mapping[str, str]] = {"lower": "codegen"}
    """Steps that go on into the next: it is said there when that one begins."""

    CONFIG: ClassVar[Mapping[str, Any]] = {}
    """Of the PassContext."""

    def __init__(self, job: CellJob) -> None:
        self.job = job
        self.ended: dict[str, bool | None] = {}
        self.passes: list[str] = []
        """The passes open now, outermost first."""

    def functions(self) -> dict[str, Callable[[], str]]:
        """What to call for each step but those that others go on into (GOES_ON); each returns "",
        or why it was not tried."""
        raise NotImplementedError

    def all(self) -> int:
        """Try the steps of the job; returns 0 whatever they came to."""
        failed: set[str] = set()
        for name in self.job.steps:
            if name not in self.ended and NEEDS.get(name) not in failed:
                self.step(name)
            if self.ended.get(name) is not True:
                failed.add(name)
        return 0

    def step(self, name: str) -> None:
        """Try one step and say how it went."""
        say(StepBegins(name))
        self.passes = []
        texts: list[str] = []
        try:
            with diagnostic_texts.collected(texts):
                skipped = self.functions()[name]()
        except Exception as error:
            name = self.GOES_ON[name] if self.ended.get(name) is True else name
            self.end(failed(name, error, texts, self.passes, self.raised(error)))
        else:
            self.end(StepEnds(self.GOES_ON.get(name, name), None if skipped else True, skipped))

    def end(self, event: StepEnds) -> None:
        """Say how a step went."""
        self.ended[event.step] = event.ok
        say(event)

    def go_on(self, name: str) -> None:
        """A step went well, and the one that it goes on into begins."""
        self.end(StepEnds(name, True))
        say(StepBegins(self.GOES_ON[name]))

    @contextlib.contextmanager
    def context(self) -> Iterator[None]:
        """TVM's usual optimisation, and the open passes known."""
        import tvm

        passes = self.passes

        @tvm.instrument.pass_instrument
        class Open:
            def run_before_pass(self, _module: IRModule, info: PassInfo) -> None:
                passes.append(str(info.name))

            def run_after_pass(self, _module: IRModule, info: PassInfo) -> None:
                while passes and passes.pop() != str(info.name):
                    pass  # an error was caught inside TVM: that pass never ended

        config = dict(self.CONFIG)
        with tvm.transform.PassContext(opt_level=3, config=config, instruments=[Open()]):
            yield

    @contextlib.contextmanager
    def generating(self) -> Iterator[None]:
        """Announce `codegen` when TVM comes to generate the code of the module itself."""
        import tvm

        name = "target.build.llvm"
        original = tvm.get_global_func(name)
        # TVM 0.16 has the second name only, 0.25 the first.
        register = getattr(tvm, "register_global_func", None) or tvm.register_func

        def generate(module: IRModule, target: Target) -> Any:
            if not self.passes and "lower" not in self.ended:  # else it folds a constant
                self.go_on("lower")
            return original(module, target)

        register(name, generate, override=True)
        try:
            yield
        finally:
            register(name, original, override=True)

    def raised(self, error: Exception) -> Raised:
        """Where an exception comes from."""
        last = traceback.extract_tb(error.__traceback__)[-1]
        return Raised(last.name, last.filename, last.lineno or 0)


def failed(
    step: str, error: Exception, texts: list[str], passes: list[str], raised: Raised
) -> StepEnds:
    """What is told of a step that failed; `texts` are what TVM printed as its diagnostics."""
    if isinstance(error, WrongNumbers):
        return StepEnds(step, False, WRONG, str(error))
    text = "\n".join(texts) or str(error) or f"{type(error).__name__} without a message"
    return StepEnds(step, False, text[-_LONGEST:], passes=list(passes), raised=raised)


def say(event: StepEvent) -> None:
    """Print an event; on a line of its own even if TVM has left one unfinished."""
    sys.stdout.write(f"\n{cells.line(event)}\n")
    sys.stdout.flush()
