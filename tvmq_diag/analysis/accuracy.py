"""Are a run's numbers right, and if not, by which figure?

They are if, for each output, the cosine to the float model's is at least `Bounds.cosine` on the
worst input (and so in the mean), and of scores or integers not surely less than `Bounds.agreement`
are the same as the float model's: the whole 95 % interval of their share has to be below. A few
rows that differ prove nothing: of 16 with a bound of 0.9 three may have another top-1 and four may
not, of 599 seventy-four may. Close calls (measurements.outputs.compare) are no disagreement.

Where the float model itself hardly tells its inputs apart, nothing is said: any output would do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import msgspec

from ..instruments.protocol.jobs import MIN_AGREEMENT, MIN_COSINE, MIN_PLACES
from ..measurements.metrics import Agreement, Metrics, OutputMetrics

LEAST_DIFFERENCE = 0.01
"""By so much, relative, the float model's outputs for two inputs must differ at least."""

_CONSTANT = 0.01
"""Of the float model's difference between inputs: what has less is the same for every input."""

_GAIN_DB = 3.0
"""A factor whose loss gains so much is half of the error, and is named."""

_SHOWN = 4
"""So many inputs are enough to show that classes are others."""

_SMALL_DB = 20.0
"""An error of less than a tenth of the signal is not looked into."""


@dataclass(frozen=True)
class Bounds:
    """From where on a result is right: the least cosine, and the least share that must be the same.

    Both 0 to 1.
    """

    cosine: float = MIN_COSINE
    agreement: float = MIN_AGREEMENT

    @classmethod
    def of(cls, cosine: float | None, agreement: float | None) -> Bounds:
        """Those that are on record; None: the default, as of what is older than the bound."""
        return cls(
            MIN_COSINE if cosine is None else cosine,
            MIN_AGREEMENT if agreement is None else agreement,
        )


@dataclass(frozen=True)
class Fault:
    """What is wrong with a run's numbers.

    `inputs`: those that show it, from 0, the worst first; `output`: the one that does. None: it is
    not known.
    """

    sentence: str
    inputs: tuple[int, ...] = (0,)
    output: int | None = None


def unjudged(metrics: Metrics) -> str | None:
    """Why nothing can be said of a run's numbers; None where something can."""
    differs = metrics.differs
    if differs is None or differs >= LEAST_DIFFERENCE:
        return None
    return (
        f"the float model's own outputs differ by {percent(differs)} between two inputs (at least "
        f"{percent(LEAST_DIFFERENCE)} is needed): a wrong result could not be told from a right one"
    )


def without_figures(metrics: Metrics) -> Metrics:
    """Of metrics that say nothing what is still so: how much the outputs differ, NaN, infinity."""
    return msgspec.structs.replace(
        metrics,
        cosine=None,
        sqnr_db=None,
        max_abs_error=None,
        top1_agree=None,
        outputs=tuple(
            OutputMetrics(
                output.index,
                output.dtype,
                output.shape,
                differs=output.differs,
                differs_ours=output.differs_ours,
                nan=output.nan,
                inf=output.inf,
                floats=output.floats,
            )
            for output in metrics.outputs
        ),
    )


def broken(metrics: Metrics) -> Fault | None:
    """What is wrong whatever the float model's outputs say: NaN, infinity, nothing but zeros."""
    if not metrics.outputs:
        if not metrics.finite:
            return Fault("the outputs hold NaN or infinity")
        # Nothing else has a distance and no angle.
        zeros = metrics.cosine is None and metrics.sqnr_db is not None
        return Fault("the outputs are all zero") if zeros else None
    for output in metrics.outputs:
        at = output.not_finite_at
        if at is not None:
            return Fault(f"{_the(output, metrics)} holds NaN or infinity", (at,), output.index)
    for output in metrics.outputs:
        if output.zeros_at is not None:
            times = f" for {output.zeros} of {metrics.inputs} inputs"
            some = times if output.zeros < metrics.inputs else ""
            sentence = f"{_the(output, metrics)} is all zeros{some}"
            return Fault(sentence, (output.zeros_at,), output.index)
    return None


def fault(metrics: Metrics, bounds: Bounds) -> Fault | None:
    """What is wrong with numbers of which something can be said; None if nothing is."""
    if not metrics.outputs:
        return _as_a_whole(metrics, bounds)
    # What hardly depends on the input has no say beside what does.
    telling = [o for o in metrics.outputs if o.differs is None or o.differs >= LEAST_DIFFERENCE]
    for check in (_constant, _far, _other):
        for output in telling:
            problem = check(output, metrics, bounds)
            if problem is not None:
                return problem
    return None


def shown_by(metrics: Metrics | None, bounds: Bounds) -> Fault | None:
    """What is wrong, for whoever looks for where that comes from; None if nothing is."""
    if metrics is None:
        return None
    return broken(metrics) or fault(metrics, bounds) or hidden(metrics)


def is_hidden(metrics: Metrics | None, bounds: Bounds) -> bool:
    """Do a run's outputs look right, and what the last pooling reads does not?"""
    if metrics is None or broken(metrics) or fault(metrics, bounds):
        return False
    return hidden(metrics) is not None


def hidden(metrics: Metrics) -> Fault | None:
    """What a mean over the places may hide in outputs that are right: values before the last
    pooling that are at other places than float's. None where they are where they should be.

    A wrong kernel does that, and so does right quantization to few bits: it has to be looked into.
    """
    places = metrics.places
    if places is None or places.mean is None or places.worst is None or places.mean >= MIN_PLACES:
        return None
    sentence = (
        f"spatial cosine {places.mean:.3f} (worst {places.worst:.3f}) to the float model before "
        "the last pooling"
    )
    return Fault(sentence, (places.at or 0,))


def gain_error(metrics: Metrics) -> str | None:
    """How an error that is a factor for the most part is called; None where there is none."""
    for output in metrics.outputs:
        if output.gain is None or output.sqnr_db is None or output.sqnr_left_db is None:
            continue
        gain, before, after = output.gain.mean, output.sqnr_db.mean, output.sqnr_left_db.mean
        if gain is None or gain <= 0 or before is None or before >= _SMALL_DB:
            continue
        if (math.inf if after is None else after) - before < _GAIN_DB:
            continue
        rest = "nothing" if after is None else f"{after:.1f} dB"
        which = f"output {output.index} is " if len(metrics.outputs) > 1 else ""
        return f"{which}off by a factor of {gain:.2f}: {before:.1f} dB, {rest} once it is taken out"
    return None


def percent(share: float) -> str:
    """A share as people read it: 0.0002 %, 1.0 %, 12 %, 99.7 %; 0 % is nothing and 100 % is all."""
    if 0 < share < 0.0995:
        digits = 1 - math.floor(math.log10(100 * share))
    elif 0.99 <= share < 1:
        digits = -math.floor(math.log10(100 * (1 - share)))
    else:
        digits = 0
    return f"{100 * share:.{digits}f} %"


def _as_a_whole(metrics: Metrics, bounds: Bounds) -> Fault | None:
    """As before each output was looked at for itself."""
    if metrics.cosine is None:
        return Fault("its outputs cannot be compared with the float model's")
    if metrics.cosine < bounds.cosine:
        return Fault(f"cosine {metrics.cosine:.3f} to the float model {_least(bounds.cosine)}")
    return None


def _constant(output: OutputMetrics, metrics: Metrics, bounds: Bounds) -> Fault | None:
    ours, floats = output.differs_ours, output.differs
    if ours is None or not floats or ours > _CONSTANT * floats:
        return None
    most = "" if not ours else f" but for {percent(ours)}"
    how = f"the float model's differs by {percent(floats)}"
    if output.equal is not None:
        how = f"the float model's changes at {percent(floats)} of its places"
    first = output.agreement.against if output.agreement is not None else ()
    inputs = (*first, *(i for i in range(metrics.inputs) if i not in first))
    sentence = f"{_the(output, metrics)} is the same for every input{most}; {how}"
    return Fault(sentence, inputs[:2], output.index)


def _far(output: OutputMetrics, metrics: Metrics, bounds: Bounds) -> Fault | None:
    """The cosine, first of the worst input: the mean is no worse."""
    cosine = output.cosine
    if cosine is None:
        return None
    if cosine.mean is None or cosine.worst is None:
        if not output.max_abs_error:
            return None
        sentence = f"{_the(output, metrics)} cannot be compared with the float model's"
        return Fault(sentence, output=output.index)
    if cosine.worst >= bounds.cosine:
        return None
    where = ""
    if metrics.inputs > 1:
        where = f" on input {cosine.at}, the worst of {metrics.inputs}"
        where += f", {cosine.mean:.3f} in the mean"
    figure = f"{_which(output, metrics)}cosine {cosine.worst:.3f} to the float model{where}"
    return Fault(f"{figure} {_least(bounds.cosine)}", (cosine.at or 0,), output.index)


def _other(output: OutputMetrics, metrics: Metrics, bounds: Bounds) -> Fault | None:
    """Classes, and integers."""
    same = output.agreement
    if same is None or same.most >= bounds.agreement:
        return None
    what = "the top-1" if output.top1 is not None else "the value"
    count = f"{in_words(same)}: surely less than {bounds.agreement}"
    sentence = f"{_which(output, metrics)}{what} is the float model's {count}"
    return Fault(sentence, same.against[:_SHOWN] or (0,), output.index)


def in_words(same: Agreement) -> str:
    """`14 of 16 times (88 % [64 %, 97 %]), and 1 more is a close call`."""
    close = ""
    if same.close:
        close = (
            f", and {same.close} more {'is a close call' if same.close == 1 else 'are close calls'}"
        )
    about = "{} [{}, {}]".format(*map(percent, (same.share, *same.interval)))
    return f"{same.same} of {same.of} times ({about}){close}"


def _the(output: OutputMetrics, metrics: Metrics) -> str:
    return f"output {output.index}" if len(metrics.outputs) > 1 else "the output"


def _which(output: OutputMetrics, metrics: Metrics) -> str:
    """Before a figure of an output; empty where there is only one."""
    return f"output {output.index}: " if len(metrics.outputs) > 1 else ""


def _least(bound: float) -> str:
    return f"(at least {bound} is right)"
