"""Which op of a module a wrong result enters at, once the pass is known."""

from __future__ import annotations

from typing import Callable

from ..tvm_types import IRModule
from .experiments import Experiments
from .findings import Findings
from .rightness import BOUND_DB, as_trusted
from .search import Clock, Judged, OutOfTime, Ran, attempted, turn


class OpSearch:
    """Looks for the op, and writes down what it finds."""

    def __init__(self, experiments: Experiments, findings: Findings, clock: Clock) -> None:
        self._experiments = experiments
        self._suspect = experiments.suspect
        self._findings = findings
        self._clock = clock

    def quantized(self) -> None:
        """The op whose quantization is too coarse, or clips too much."""
        try:
            probe = self._experiments.probe()
        except Exception as failure:
            self._findings.unknown(f"no op can be quantized alone: {failure}"[:300])
            return
        module = self._experiments.calibrated
        ops, calls = self._suspect.calls(module), self._suspect.anchors(module)
        alone: list[tuple[float, int]] = []
        for number, anchor in enumerate(probe.anchors):
            if not anchor.sites:
                continue
            if not self._clock.left:
                why = f"there was no time to quantize op {calls[number]} and the later ones alone"
                self._findings.unknown(why)
                break
            judged = self._experiments.with_sites(anchor.sites)
            self._findings.tried("only this op quantized", ops[calls[number]], judged)
            if judged.wrong:
                alone.append((_badness(judged), number))
            self._findings.progress("ops", number + 1, len(probe.anchors))
        if alone:
            worst = max(alone, key=lambda one: (one[0], -one[1]))[1]
            exact = self._experiments.with_sites(probe.anchors[worst].sites).wrong
            how = "the simulation with only this op quantized"
            if len(alone) > 1:
                how += f": the worst of {len(alone)} that each make it wrong alone"
            self._findings.op(calls[worst], ops[calls[worst]], how, exact)
            return

        def first(count: int) -> Judged:
            sites = {site for anchor in probe.anchors[:count] for site in anchor.sites}
            chosen = sorted(sites) if count < len(probe.anchors) else range(len(probe.sites))
            judged = self._experiments.with_sites(chosen)
            what = "all ops up to this one quantized"
            self._findings.tried(what, ops[calls[count - 1]], judged)
            return judged

        result = turn(len(probe.anchors), first, self._clock)
        if result is None:
            self._findings.unknown("no set of quantized ops makes the result wrong")
            return
        how = "the simulation with all ops up to this one quantized; none of them alone is enough"
        index = calls[result.count - 1]
        self._findings.op(index, ops[index], how, result.exact)

    def first_ops(
        self,
        module: IRModule,
        trusted: Callable[[IRModule], Ran],
        suspected: Callable[[IRModule], Ran],
        how: str,
    ) -> int | None:
        """The first op with which two ways to run the first ops of a module part, by its number in
        running order; None where it is not known."""
        ops = self._suspect.calls(module)
        right: dict[int, Ran] = {}
        tried = {0: Judged(True)}

        def first(count: int) -> Judged:
            part = self._suspect.prefix(module, count)
            if count not in right:
                right[count] = trusted(part)
            tried[count] = attempted(lambda: suspected(part), as_trusted(right[count]))
            what = f"the first {count} of {len(ops)} ops"
            self._findings.tried(what, ops[count - 1], tried[count])
            self._findings.progress("prefixes", len(tried) - 1, len(ops).bit_length() + 3)
            return tried[count]

        try:
            result = turn(len(ops), first, self._clock)
        except OutOfTime:
            wrong = [count for count in tried if tried[count].wrong]
            if not wrong:
                raise
            last = min(wrong)
            above = max(count for count in tried if count < last and tried[count].right)
            if above == last - 1:  # only a second look was missing
                self._findings.op(above, ops[above], how, False)
                return above
            self._findings.unknown(
                f"there was no time for more: it enters between ops {above} and {last - 1}"
            )
            return None
        if result is None:
            self._findings.unknown(
                f"no op by itself: the two ways to run the whole are not {BOUND_DB:.0f} dB apart"
            )
            return None
        self._findings.op(result.count - 1, ops[result.count - 1], how, result.exact)
        return result.count - 1


def _badness(judged: Judged) -> float:
    """The more, the worse."""
    cosine = (judged.figures or {}).get("cosine")
    return 2.0 if cosine is None else -float(cosine)
