"""The words of a verdict, as the card at the top of a page has them, and in part the terminal."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tvmq_diag.results.run import Result
from tvmq_diag.results.verdict import EXACT, INFERRED, NOT_JUDGED, WORKS, WRONG, ThrowSite, Verdict
from tvmq_diag.trace.facts import Island
from tvmq_diag.trace.trace import Trace

from ..formatting import clip, duration, outcome_class, outcome_mark
from . import accuracy
from .addresses import Addresses
from .environment import qconfig
from .passes import dtypes_of
from .ratios import in_words
from .stages import newest_module


@dataclass
class Card:
    """A result in the words of its card (templates/card.html.j2).

    `dtypes`: how many operator calls of the quantized model give which dtype; None where nothing
    was quantized. Everything else follows from the result; None or empty where it does not apply.
    """

    result: Result
    dtypes: str | None = None
    addresses: Addresses = field(init=False)
    """Where the page's viewer shows its passes and ops."""

    def __post_init__(self) -> None:
        self.addresses = Addresses(self.verdict.configuration, None)

    @property
    def verdict(self) -> Verdict:
        """The verdict of the result."""
        return self.result.verdict

    @property
    def name(self) -> str:
        """The configuration, short enough for a heading."""
        return clip(self.verdict.configuration, 80)

    @property
    def headline(self) -> str:
        """The verdict in one line."""
        return clip(self.verdict.headline, 400)

    @property
    def parted(self) -> tuple[str, str, str]:
        """The headline: up to the op that it names, that op, and the rest."""
        op = self.verdict.op
        named = f"{op.name} (op #{op.index})" if op is not None else ""
        return self.headline.partition(named) if named else (self.headline, "", "")

    @property
    def look(self) -> str:
        """How it looks: good, bad or odd."""
        return outcome_class(self.verdict.outcome)

    @property
    def mark(self) -> str:
        """The outcome as a symbol."""
        return outcome_mark(self.verdict.outcome)

    @property
    def confidence(self) -> str:
        """What the verdict's confidence rests on, in words."""
        bisection = self.result.bisection
        if bisection is not None and bisection.culprit is not None:
            what = f"the pass{' and the op' if bisection.op else ''}"
            return f"{self.verdict.confidence}: {what} by halving"
        return _confidence(self.verdict, self.result.trace)

    @property
    def knob(self) -> str | None:
        """The fields to blame with their values: `dtype_activation = int4`."""
        if not self.verdict.knob:
            return None
        values = qconfig(self.result.trace)
        names = [name.strip() for name in self.verdict.knob.split(",")]
        fields = [f"{name} = {values[name]}" if name in values else name for name in names]
        return clip(", ".join(fields), 300)

    @property
    def accuracy(self) -> list[str]:
        """How near it comes to the float model, figure by figure."""
        metrics = self.verdict.metrics
        if metrics is None:
            return []
        return accuracy.figures(metrics) + [f"same {what}" for what in accuracy.same(metrics)]

    @property
    def top1(self) -> str:
        """How many labels it gives, and the float model; empty without labels."""
        metrics = self.verdict.metrics
        return ", ".join(accuracy.labels(metrics)) if metrics is not None else ""

    @property
    def speed(self) -> str:
        """Its time, and how that compares with float's."""
        latency, ratio = self.verdict.latency_ms, self.verdict.ratio
        if latency is None or ratio is None:
            return ""
        return f"{duration(latency.median)}, {in_words(ratio, None)} ({ratio})"

    @property
    def site(self) -> str | None:
        """The function that threw: `MakeConstantScalar (pattern_utils.h:290)`."""
        return site_text(self.verdict.site)

    @property
    def via(self) -> list[str]:
        """The functions on the way to the site, without what all of their names share."""
        site = self.verdict.site
        names = [name for name in self.verdict.via if site is None or name != site.function]
        return [clip(name.removeprefix("tvm::"), 80) for name in names[:8]]

    @property
    def attempt(self) -> tuple[str, str]:
        """What to try: the option to type, if it is one, and the words about it."""
        suggestion = clip(self.verdict.suggestion or "", 400)
        option, _, words = suggestion.partition(": ")
        return (option, words) if option.startswith("--") else ("", suggestion)

    @property
    def fused(self) -> str | None:
        """The fused function that the rejected op is in."""
        blame = self.result.trace.blame if self.result.trace else None
        return clip(blame.within, 200) if blame is not None and blame.within else None

    @property
    def islands(self) -> str | None:
        """Of a model that arrives quantized: what computes in float on dequantized values, and what
        FakeQuantizationToInteger stopped at, where it ran."""
        trace = self.result.trace
        islands = trace.facts.islands if trace is not None else []
        if not islands:
            return None
        named = ", ".join(f"{one.op} #{one.index}" for one in islands[:6])
        more = f" and {len(islands) - 6} more" if len(islands) > 6 else ""
        text = f"these compute in float on dequantized values: {named}{more}"
        job = trace.facts.job if trace is not None else None
        if job is not None and job.fq2i:
            text += _stops(islands)
        return clip(text, 400)

    @property
    def bitserial(self) -> str | None:
        """Of realize=bitserial: how many ops it took, and why it left others, the most first."""
        trace = self.result.trace
        facts = trace.facts.bitserial if trace is not None else None
        if facts is None:
            return None
        text = f"{facts.taken} op{'s' * (facts.taken != 1)} computed by TVM's bitserial ops"
        left = sorted(facts.left.items(), key=lambda item: -item[1])
        reasons = "; ".join(f"{count} {reason}" for reason, count in left)
        return clip(f"{text}; left to TVM's own realize: {reasons}" if reasons else text, 400)

    @property
    def notes(self) -> list[str]:
        """What a reader should know before relying on the numbers."""
        notes = []
        accumulator = str(qconfig(self.result.trace).get("dtype_activation", ""))
        ran = self.verdict.outcome in (WORKS, WRONG, NOT_JUDGED)
        if ran and re.fullmatch(r"u?int[1-8]|bool", accumulator):
            notes.append(
                "dtype_activation is also the accumulator's type: sums overflow "
                f"{accumulator}, so its numbers are noise and its speed is no use to anybody."
            )
        if self.islands is not None:
            notes.append(f"{self.islands[0].upper()}{self.islands[1:]}.")
        if self.bitserial is not None:
            notes.append(f"{self.bitserial}.")
        if self.verdict.deterministic is False:
            notes.append("The same input gives a different answer each time.")
        return notes


def _stops(islands: list[Island]) -> str:
    """What the fold stopped at, of each reason the first; empty where nothing is in its way."""
    chosen = [one for one in islands if one.stops] or [one for one in islands if one.reason]
    first = {one.reason: f"{one.op} #{one.index} ({one.reason})" for one in reversed(chosen)}
    shown = ", ".join(list(first.values())[::-1][:3])
    return f"; the fold stopped at {shown}" if shown else ""


def site_text(site: ThrowSite | None) -> str | None:
    """The function that threw: `MakeConstantScalar (pattern_utils.h:290)`; None without a site."""
    if site is None:
        return None
    place = f"{site.file or '?'}:{site.line}" if site.line is not None else site.file
    if site.function is None:
        return clip(place or "?", 200)
    return clip(f"{site.function} ({place})" if place else site.function, 300)


def quantized_dtypes(trace: Trace) -> str | None:
    """How many operator calls give which dtype once the model is quantized; None if it is not."""
    newest = newest_module(trace, ("fold", "realize"))
    if newest is None:
        return None
    snapshot, stage = newest
    return f"{dtypes_of(snapshot)} (operator calls after {stage})"


def _confidence(verdict: Verdict, trace: Trace | None) -> str:
    blame = trace.blame if trace is not None else None
    if verdict.confidence == EXACT and blame is not None:
        return (
            f"exact: found by {clip(blame.how, 60)}, running what failed {blame.runs} times "
            f"on pieces of the module ({duration(blame.ms)})"
        )
    if verdict.confidence == EXACT:
        return "exact: it ran, and its outputs were compared" if verdict.metrics else "exact"
    if verdict.outcome == NOT_JUDGED:
        return ""
    if verdict.confidence == INFERRED:
        return "inferred: from the passes that were open and the C++ frames; the op is not proven"
    return "unknown: neither the error nor the journal says more" if verdict.confidence else ""
