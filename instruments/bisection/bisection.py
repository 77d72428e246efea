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
4. If it is a pass of the build, or none: what the passes left of these ops is built plainly. If it
   is right so, the kernel that TVM chose for the op is to blame.

Events:

    facts    values: target, plain (the plain way's), bound, agreement, bound_db, places,
             inputs, output
    after    index, name, stage, of, right, figures, repeats, why: what a pass of quantize() left
             ("pass"); the whole build ("build"); it with the first `index` of the passes that may
             be left out, to the one of that name ("limit")
    culprit  name (null: no pass that can be left out), stage, last_right, over (passes that it may
             be as well, as what they leave cannot be run), exact
    tried    what, op, span, right, figures, repeats, why: an experiment on ops
    op       index, name, span, how, exact
    kernel   implementation, right, figures, repeats, why: the ops to that one as the build's passes
             left them, with plain kernels instead of the target's
    right    nothing is wrong
    another  why: it is not the quantizer, or not the TVM, that the result was made with
    unknown  why: what could not be told
    fault    where, message: nothing more follows
"""

from __future__ import annotations

from typing import Callable

from .. import identity
from ..inputs import target
from ..numerics import op_errors
from ..protocol.jobs import MIN_PLACES, BisectJob
from ..recording.journal import Journal
from ..tvm_types import IRModule
from .contract import Suspect
from .experiments import Experiments
from .findings import Findings
from .op_search import OpSearch
from .rightness import BOUND_DB, Bounds
from .search import Clock, Judged, OutOfTime, Turn, turn


def bisect(job: BisectJob, suspect: Suspect) -> int:
    """Run a job; 0: done, 1: the journal has a fault that says why not."""

    def work(journal: Journal) -> None:
        experiments = _prepared(job, suspect, journal)
        journal.event("stage", name="check")
        PassSearch(experiments, Findings(journal), Clock(job.seconds)).all()
        journal.event("end")

    return op_errors.journalled(job, "bisection", work)


def _prepared(job: BisectJob, suspect: Suspect, journal: Journal) -> Experiments:
    """The model imported and quantized, its passes captured. Raises what TVM raises."""
    if job.qconfig is None:
        raise ValueError("the float model has no quantization to bisect")
    journal.event("stage", name="import")
    model = suspect.load()
    text, _ = target.host(job.mcpu)
    plain, _ = target.host("none")
    host = target.parse(text)
    facts = {
        "target": text,
        "plain": plain,
        "bound": job.min_cosine,
        "agreement": job.min_agreement,
        "bound_db": BOUND_DB,
        "places": MIN_PLACES,
        "inputs": job.inputs,
        "output": job.output,
    }
    journal.event("facts", values=facts)
    if job.made_with is not None:
        why = identity.another(job.made_with, identity.identity(job.dialect))
        if why is not None:
            journal.event("another", why=why)
    journal.event("stage", name="calibrate")
    batches = suspect.batches(model, journal.progress("calibration"))
    passes = suspect.captured(model, host, batches)
    if not passes:
        raise ValueError("quantize() changes nothing in this model")
    bounds = Bounds(job.min_cosine, job.min_agreement, job.output)
    judged_on = suspect.judged_on(model)
    if max(job.inputs) >= len(judged_on):
        raise ValueError(f"input {max(job.inputs)} is none of {len(judged_on)}")
    inputs = [judged_on[number] for number in job.inputs]
    return Experiments(suspect, host, target.parse(plain), inputs, passes, bounds)


class PassSearch:
    """Looks for the pass behind which the result is wrong, then for the op."""

    def __init__(self, experiments: Experiments, findings: Findings, clock: Clock) -> None:
        self._experiments = experiments
        self._passes = experiments.passes
        self._findings = findings
        self._clock = clock
        self._ops = OpSearch(experiments, findings, clock)
        self._judged: dict[int, Judged] = {}

    def all(self) -> None:
        """The pass, the op, and then the whole table, as far as there is time."""
        try:
            runnable = self._runnable()
            result = turn(runnable, lambda count: self._after(count - 1), self._clock)
            if result is not None:
                self._in_quantize(result)
            elif runnable == len(self._passes):
                self._in_build()
            else:
                self._findings.unknown(
                    f"what {self._passes[-1].name} leaves cannot be run plainly, and what "
                    f"{self._passes[runnable - 1].name} leaves is right: it comes from behind that"
                )
            self._rest()
        except OutOfTime:
            self._findings.unknown("there was no time for more")

    def _runnable(self) -> int:
        """So many passes, up to the last one whose module can be run; 1 if none can."""
        count = len(self._passes)
        while count > 1 and self._after(count - 1).right is None:
            self._clock.check()
            count -= 1
        return count

    def _in_quantize(self, result: Turn) -> None:
        last, first = result.count - 1, result.right_before
        names = [passed.name for passed in self._passes[first : result.count]]
        before = self._passes[first - 1].name if first else None
        stage = self._experiments.stage(last)
        self._findings.culprit(names[-1], stage, before, names[:-1], result.exact)
        if stage == "calibrate":
            self._ops.quantized()
            return
        if stage == "annotate":
            why = "it is wrong even with every quantization step passing its values on"
            self._findings.unknown(why)
            return
        floating: Callable[[IRModule], IRModule] = lambda module: module  # noqa: E731
        if self._experiments.stage(first - 1) == "calibrate":
            floating = self._experiments.suspect.floating
        self._ops.first_ops(
            self._passes[first].before,
            lambda part: self._experiments.plain(floating(part)),
            lambda part: self._experiments.again(names, part),
            f"{' and '.join(names)} on the first ops, beside the same ops without it",
        )

    def _in_build(self) -> None:
        module = self._passes[-1].after
        optional: list[str] = []

        def every(_number: int, name: str) -> bool:
            optional.append(name)
            return True

        whole = self._experiments.limited(module, every)
        self._findings.after("build", len(self._passes), "", "lower", whole)
        if not whole.wrong:
            if whole.right is None:
                self._findings.unknown(f"it cannot be built here: {whole.why}")
            else:
                self._findings.right()
            return
        if not self._limit(module, optional):
            return
        index = self._ops.first_ops(
            module,
            self._experiments.plain,
            self._experiments.real,
            "the first ops of the quantized module built as asked, beside a plain build",
        )
        if index is not None:
            self._findings.kernel(*self._experiments.without_kernels(module, index))

    def _limit(self, module: IRModule, optional: list[str]) -> bool:
        """Find the first of the passes that may be left out; False if the result comes and goes."""
        written: set[int] = set()

        def up_to(limit: int) -> Judged:
            judged = self._experiments.limited(module, lambda number, name: number < limit)
            if limit not in written:
                name = optional[limit - 1] if limit else ""
                self._findings.after("limit", limit, name, "lower", judged)
            written.add(limit)
            return judged

        if up_to(0).wrong:
            self._findings.culprit(None, "lower", None, [], False)
            return True
        result = turn(len(optional), up_to, self._clock)
        if result is None:
            self._findings.unknown("it is wrong at one time and right at another")
            return False
        first = result.right_before
        over = optional[first : result.count - 1]
        before = optional[first - 1] if first else None
        self._findings.culprit(optional[result.count - 1], "lower", before, over, result.exact)
        return True

    def _rest(self) -> None:
        """What halving did not look at, to have the whole table."""
        for index in range(len(self._passes)):
            if not self._clock.left:
                self._findings.unknown("there was no time to look behind every pass")
                return
            self._after(index)

    def _after(self, index: int) -> Judged:
        """The model as a pass left it. A wrong one is run anew each time, others once."""
        judged = self._judged.get(index)
        if judged is not None and not judged.wrong:
            return judged
        again = self._experiments.after(index)
        if judged is None:
            name, stage = self._passes[index].name, self._experiments.stage(index)
            self._findings.after("pass", index, name, stage, again)
            self._findings.progress("passes", len(self._judged) + 1, len(self._passes))
        self._judged[index] = again
        return again
