"""For a result that is wrong: after which pass it is, and from which op on.

(Not bisect.py: `import bisect` of a child process could find that.)

Quantizing and building are done anew
here, and looked at in parts:

1. quantize() again. What each of its passes leaves is built in a plain way (for no particular
   processor, nothing optimised) and run: the first that is wrong is the culprit. What annotate
   leaves has no scales; it is run with every quantization step passing its values on as they are.
2. If all that is right, the real build is to blame, and the passes that it may leave out are left
   out from the end on, as by LLVM's opt-bisect-limit: the first with which it is wrong.
3. The op. Of QuantizeCalibrate by quantizing one op at a time in the simulation, then, if none of
   them alone is enough, the first ones together. Of any other pass: the pass on the first ops of
   the module it was given, beside those ops without it.

Events:

    facts    values: target, plain (the plain way's), bound, bound_db
    after    index, name, stage, of, right, figures, repeats, why: what a pass of quantize() left
             ("pass"); the whole build ("build"); it with the first `index` of the passes that may
             be left out, to the one of that name ("limit")
    culprit  name (null: no pass that can be left out), stage, last_right, over (passes that it may
             be as well, as what they leave cannot be run), exact
    tried    what, op, span, right, figures, repeats, why: an experiment on ops
    op       index, name, span, how, exact
    right    nothing is wrong
    unknown  why: what could not be told
    fault    where, message: nothing more follows
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Callable, Sequence

import numpy as np

from ..inputs import target
from ..numerics import op_errors
from ..numerics.measurement import telling
from ..numerics.probe import Executor, Probe
from ..protocol.jobs import BisectJob
from ..recording.journal import Journal
from ..tvm_types import IRModule, PassInfo
from .capture import Left, only
from .contract import Op, Suspect
from .search import (
    BOUND_DB,
    Clock,
    Judged,
    OutOfTime,
    Ran,
    as_float,
    as_trusted,
    attempted,
    turn,
)

MOST_OPS = 400
"""So many experiments on ops are written down."""


def bisect(job: BisectJob, suspect: Suspect) -> int:
    """Run a job; 0: done, 1: the journal has a fault that says why not."""
    return op_errors.journalled(job, "bisection", lambda journal: _Job(journal, job, suspect).all())


class _Job:
    def __init__(self, journal: Journal, job: BisectJob, suspect: Suspect) -> None:
        self._journal = journal
        self._suspect = suspect
        self._job = job
        self._bound = job.min_cosine
        self._clock = Clock(0)
        self._inputs: dict[str, np.ndarray] = {}
        self._judge: Callable[[Ran], Judged] = lambda ran: Judged(True)
        self._lefts: list[Left] = []
        self._known: dict[int, Judged] = {}
        self._probe: tuple[Probe, Executor] | None = None
        self._tries = 0

    def all(self) -> None:
        if self._job.qconfig is None:
            raise ValueError("the float model has no quantization to bisect")
        self._journal.event("stage", name="import")
        model = self._suspect.load()
        self._inputs = model.inputs
        text, _ = target.host(self._job.mcpu)
        plain, _ = target.host("none")
        self._host, self._plain_host = target.made(text), target.made(plain)
        facts = {"target": text, "plain": plain, "bound": self._bound, "bound_db": BOUND_DB}
        self._journal.event("facts", values=facts)
        self._journal.event("stage", name="calibrate")
        batches = self._suspect.batches(model.inputs, telling(self._journal, "calibration"))
        self._lefts = self._suspect.followed(model, self._host, batches)
        if not self._lefts:
            raise ValueError("quantize() changes nothing in this model")
        self._journal.event("stage", name="check")
        self._clock = Clock(self._job.seconds)
        floats = self._plain(self._lefts[0].before).outputs
        self._judge = as_float(floats, self._bound)
        try:
            self._find()
            self._rest()
        except OutOfTime:
            self._journal.event("unknown", why="there was no time for more")
        self._journal.event("end")

    def _find(self) -> None:
        """The pass, and then the op."""
        found = turn(len(self._lefts), lambda count: self._after(count - 1), self._clock)
        if found is None:
            self._find_in_build()
            return
        left, first = self._lefts[found.count - 1], found.right_before
        over = [passed.name for passed in self._lefts[first : found.count - 1]]
        before = self._lefts[first - 1].name if first else None
        self._culprit(left.name, self._stage(found.count - 1), before, over, found.exact)
        if self._stage(found.count - 1) == "calibrate":
            self._find_quantized()
            return
        if self._stage(found.count - 1) == "annotate":
            why = "it is wrong even with every quantization step passing its values on"
            self._journal.event("unknown", why=why)
            return
        module = self._lefts[first].before
        trusted = self._suspect.floating if self._stage(first - 1) == "calibrate" else _same
        names = [passed.name for passed in self._lefts[first : found.count]]
        self._find_op(
            module,
            lambda part: self._plain(trusted(part)),
            lambda part: self._plain(self._suspect.again(names, part, self._host)),
            f"{' and '.join(names)} on the first ops, beside the same ops without it",
        )

    def _find_in_build(self) -> None:
        module = self._lefts[-1].after
        asked: list[str] = []

        def every(_number: int, name: str) -> bool:
            asked.append(name)
            return True

        whole = self._build(module, every)
        self._say("build", len(self._lefts), "", "lower", whole)
        if not whole.wrong:
            if whole.right is None:
                self._journal.event("unknown", why=f"it cannot be built here: {whole.why}")
            else:
                self._journal.event("right")
            return

        said: set[int] = set()

        def up_to(limit: int) -> Judged:
            judged = self._build(module, lambda number, name: number < limit)
            if limit not in said:
                self._say("limit", limit, asked[limit - 1] if limit else "", "lower", judged)
            said.add(limit)
            return judged

        if up_to(0).wrong:
            self._culprit(None, "lower", None, [], False)
        else:
            found = turn(len(asked), up_to, self._clock)
            if found is None:
                self._journal.event("unknown", why="it is wrong at one time and right at another")
                return
            first = found.right_before
            over = asked[first : found.count - 1]
            before = asked[first - 1] if first else None
            self._culprit(asked[found.count - 1], "lower", before, over, found.exact)
        self._find_op(
            module,
            self._plain,
            lambda part: self._suspect.real(part, self._host, self._inputs, None),
            "the first ops of the quantized module built as asked, beside a plain build",
        )

    def _find_quantized(self) -> None:
        """The op whose quantization is too coarse, or clips too much."""
        try:
            probed, _ = self._probing()
        except Exception as failure:
            self._journal.event("unknown", why=f"no op can be quantized alone: {failure}"[:300])
            return
        module = self._calibrated()
        ops, calls = self._suspect.calls(module), self._suspect.anchors(module)
        alone: list[tuple[float, int]] = []
        for number, anchor in enumerate(probed.anchors):
            if not anchor.sites:
                continue
            if not self._clock.left:
                why = f"there was no time to quantize op {calls[number]} and the later ones alone"
                self._journal.event("unknown", why=why)
                break
            judged = self._with_sites(anchor.sites)
            self._tried("only this op quantized", ops[calls[number]], judged)
            if judged.wrong:
                alone.append((_badness(judged), number))
            telling(self._journal, "ops")(number + 1, len(probed.anchors))
        if alone:
            worst = max(alone, key=lambda one: (one[0], -one[1]))[1]
            exact = self._with_sites(probed.anchors[worst].sites).wrong
            how = "the simulation with only this op quantized"
            if len(alone) > 1:
                how += f": the worst of {len(alone)} that each make it wrong alone"
            self._op(calls[worst], ops[calls[worst]], how, exact)
            return

        def first(count: int) -> Judged:
            if count == len(probed.anchors):
                judged = self._with_sites(range(len(probed.sites)))
            else:
                sites = {site for anchor in probed.anchors[:count] for site in anchor.sites}
                judged = self._with_sites(sorted(sites))
            self._tried("all ops up to this one quantized", ops[calls[count - 1]], judged)
            return judged

        found = turn(len(probed.anchors), first, self._clock)
        if found is None:
            self._journal.event("unknown", why="no set of quantized ops makes the result wrong")
            return
        how = "the simulation with all ops up to this one quantized; none of them alone is enough"
        index = calls[found.count - 1]
        self._op(index, ops[index], how, found.exact)

    def _find_op(
        self,
        module: IRModule,
        trusted: Callable[[Any], Ran],
        suspected: Callable[[Any], Ran],
        how: str,
    ) -> None:
        """The first op with which two ways to run the first ops of a module part."""
        ops = self._suspect.calls(module)
        right: dict[int, list[np.ndarray]] = {}
        known = {0: Judged(True)}

        def first(count: int) -> Judged:
            part = self._suspect.prefix(module, count)
            if count not in right:
                right[count] = trusted(part).outputs
            known[count] = attempted(lambda: suspected(part), as_trusted(right[count]))
            self._tried(f"the first {count} of {len(ops)} ops", ops[count - 1], known[count])
            telling(self._journal, "prefixes")(len(known) - 1, len(ops).bit_length() + 3)
            return known[count]

        try:
            found = turn(len(ops), first, self._clock)
        except OutOfTime:
            wrong = [count for count in known if known[count].wrong]
            if not wrong:
                raise
            last = min(wrong)
            above = max(count for count in known if count < last and known[count].right)
            why = f"there was no time for more: it enters between ops {above} and {last - 1}"
            self._journal.event("unknown", why=why)
            return
        if found is None:
            why = f"no op by itself: the two ways to run the whole are not {BOUND_DB:.0f} dB apart"
            self._journal.event("unknown", why=why)
            return
        self._op(found.count - 1, ops[found.count - 1], how, found.exact)

    def _rest(self) -> None:
        """What halving did not look at, to have the whole table."""
        for index in range(len(self._lefts)):
            if not self._clock.left:
                self._journal.event("unknown", why="there was no time to look behind every pass")
                return
            self._after(index)

    def _after(self, index: int) -> Judged:
        """The model as a pass left it. A wrong one is run anew each time, others once."""
        known = self._known.get(index)
        if known is not None and not known.wrong:
            return known
        left = self._lefts[index]
        judged = attempted(lambda: self._left(index), self._judge)
        if known is None:
            self._say("pass", index, left.name, self._stage(index), judged)
            telling(self._journal, "passes")(len(self._known) + 1, len(self._lefts))
        self._known[index] = judged
        return judged

    def _left(self, index: int) -> Ran:
        stage, module = self._stage(index), self._lefts[index].after
        if stage == "annotate":
            _, executor = self._probing()
            executor.run(())
            return self._results()
        return self._plain(self._suspect.floating(module) if stage == "calibrate" else module)

    def _stage(self, index: int) -> str:
        """Of a pass. What comes behind realize folds, what comes before partition prepares."""
        own = self._suspect.stages
        named = [own[left.name] for left in self._lefts[: index + 1] if left.name in own]
        if not named:
            return "prepare"
        return "fold" if self._lefts[index].name not in own else named[-1]

    def _calibrated(self) -> Any:
        return next(left.after for left in self._lefts if left.name == "QuantizeCalibrate")

    def _probing(self) -> tuple[Probe, Executor]:
        if self._probe is None:
            probed = self._suspect.probed(self._calibrated())
            executor = self._suspect.build(probed, self._plain_host, self._inputs)
            self._probe = probed, executor
        return self._probe

    def _with_sites(self, sites: Sequence[int]) -> Judged:
        self._probing()[1].run(sites)
        return attempted(self._results, self._judge)

    def _results(self) -> Ran:
        probed, executor = self._probing()
        return Ran([executor.output(number) for number in probed.results])

    def _plain(self, module: IRModule) -> Ran:
        return self._suspect.plain(module, self._plain_host, self._inputs)

    def _build(self, module: IRModule, allowed: Callable[[int, str], bool]) -> Judged:
        """`allowed` says which of the passes that may be left out are run, by number and name."""
        count = 0

        def allow(info: PassInfo) -> bool:
            nonlocal count
            if not self._suspect.may_be_left_out(info):
                return True
            count += 1
            return allowed(count - 1, str(info.name))

        return attempted(
            lambda: self._suspect.real(module, self._host, self._inputs, only(allow)), self._judge
        )

    def _say(self, kind: str, index: int, name: str, stage: str, judged: Judged) -> None:
        values = asdict(judged)
        self._journal.event("after", index=index, name=name, stage=stage, of=kind, **values)

    def _culprit(
        self, name: str | None, stage: str, before: str | None, over: list[str], exact: bool
    ) -> None:
        self._journal.event(
            "culprit", name=name, stage=stage, last_right=before, over=over, exact=exact
        )

    def _tried(self, what: str, op: Op, judged: Judged) -> None:
        self._tries += 1
        if self._tries <= MOST_OPS:
            values = asdict(judged)
            self._journal.event("tried", what=what, op=op.name, span=op.span, **values)

    def _op(self, index: int, op: Op, how: str, exact: bool) -> None:
        self._journal.event("op", index=index, name=op.name, span=op.span, how=how, exact=exact)


def _same(module: IRModule) -> Any:
    return module


def _badness(judged: Judged) -> float:
    """The more, the worse."""
    cosine = (judged.figures or {}).get("cosine")
    return 2.0 if cosine is None else -float(cosine)
