"""How few bits stay right, as a page shows it: a sentence, a chart, a line for each width tried,
and which weight got how many."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tvmq_diag.analysis import advice, bit_trials, snippets, units
from tvmq_diag.analysis.accuracy import percent
from tvmq_diag.configuration import REFERENCE, parse
from tvmq_diag.measurements.bit_search import BitSearch, BitTrial, WeightNoise
from tvmq_diag.results.run import Role, Run
from tvmq_diag.results.verdict import WORKS, Verdict
from tvmq_diag.trace.layout import BITS, TRACES
from tvmq_diag.trace.stages import RELAX

from ..figures import bits as figure
from ..figures.beside_float import Beside, beside_float
from ..figures.bits import BitPoint
from ..formatting import DASH, TIMES, clip, number

_BOUND = 0.95
"""Of runs that do not say which cosine was enough."""


_RIGHT, _SEEMS, _WRONG = (
    "✓\N{NO-BREAK SPACE}right", "≈\N{NO-BREAK SPACE}seems right", "≠\N{NO-BREAK SPACE}wrong",
)  # fmt: skip
"""On all inputs, on fewer of them, on those that it was tried on."""


@dataclass(frozen=True)
class BitRow:
    """The best that was tried at so many bits; `compiled`: what came of it when it was compiled."""

    weights: str
    activations: int
    settings: str
    worst: str
    cosine: str
    sqnr: str
    same: str
    inputs: int
    right: str
    compiled: str = ""


@dataclass(frozen=True)
class WeightRow:
    """A weight, and the bits it has in the fewest that are right. `noise`: by itself."""

    op: str
    shape: str
    values: str
    noise: str
    bits: str


@dataclass(frozen=True)
class Instead:
    """What works in place of a configuration that was `requested`: the file of its bits of each
    weight, if it has any, and lines of Python that quantize like it."""

    requested: str
    works: str
    file: str | None
    script: str | None


@dataclass(frozen=True)
class SearchView:
    """A search. `origin`: what it starts from; "" where there is but one."""

    origin: str
    summary: str
    about: str
    chart: str | None
    weights: list[BitRow]
    assigned: list[BitRow]
    activations: list[BitRow]
    each: list[WeightRow]
    apart: list[BitRow]
    """As many bits for all weights, and biases in 8, where that is something else."""
    problems: list[str]


@dataclass(frozen=True)
class BitsView:
    """All that the template shows."""

    compiled: str | None
    """A chart of what was compiled, beside float."""
    searches: list[SearchView]
    instead: list[Instead]


_ORIGINS = ("From TVM's default", "With the ranges of activations from data")
"""Of the searches on Relay."""


def view(run: Run) -> BitsView | None:
    """What is shown of a run's searches; None where there was none."""
    if not run.searches:
        return None
    views = [_search(run, search, _origin(run, search)) for search in run.searches]
    return BitsView(_compiled(run), views, _instead(run))


def summaries(run: Run) -> list[tuple[str, str]]:
    """Of each search what it starts from, "" where there is but one, and what it came to."""
    bound = _bound(run)
    return [
        (_origin(run, search), f"{_summary(search, search.right(bound))}{_fewer(run, search)}")
        for search in run.searches
    ]


def _fewer(run: Run, search: BitSearch) -> str:
    """Why what is suggested has more bits than the fewest that are right."""
    suggested = [result for result in run.here if result.verdict.instead is not None]
    asked = min(
        (bit_trials.requested_bits(parse(r.verdict.configuration)) for r in suggested), default=0
    )
    right = search.right(_bound(run))
    if not right or right[0].bits > asked - 0.5:
        return ""
    return f". Suggested are no fewer than the {asked} that were asked for"


def _origin(run: Run, search: BitSearch) -> str:
    return _ORIGINS[search.over_data] if len(run.searches) > 1 else ""


def _bound(run: Run) -> float:
    """The cosine from which on a result is right."""
    return _BOUND if run.facts.min_cosine is None else run.facts.min_cosine


def _compiled(run: Run) -> str | None:
    """Accuracy, bytes and time of what was compiled and ran, as a chart."""
    floats = [r.trace.facts.weight_bytes for r in run.with_role(Role.FLOAT) if r.trace is not None]
    size = next(iter(floats), None)
    ran = [r.verdict for r in run.with_role(Role.REFERENCE, Role.REQUESTED, Role.INSTEAD) if r.ran]
    title = "Compiled and run: accuracy, bytes of weights and time beside the float model's"
    return beside_float([_beside(verdict, size) for verdict in ran], "beside", title)


def _beside(verdict: Verdict, floats: int | None) -> Beside:
    cosine = verdict.metrics.cosine if verdict.metrics is not None else None
    kept, ratio = verdict.weight_bytes, verdict.ratio
    told = [verdict.outcome]
    told += [f"cosine {cosine:.3f}"] if cosine is not None else []
    told += [f"{ratio.value:.2f} of the time"] if ratio is not None else []
    return Beside(
        verdict.configuration.removeprefix(f"{REFERENCE.text}:"),  # it is that of nearly all
        cosine,
        kept / floats if kept is not None and floats else None,
        ratio.value if ratio is not None else None,
        (ratio.low, ratio.high) if ratio is not None else None,
        ", ".join(told),
    )


def _search(run: Run, search: BitSearch, origin: str) -> SearchView:
    bound = _bound(run)
    rows = _Rows(search, bound, {r.verdict.configuration: r.verdict for r in run.results})
    right = search.right(bound)
    fewest = right[0] if right else None
    prefix = "bits-data" if search.over_data else "bits"
    return SearchView(
        origin,
        _summary(search, right),
        f"{len(search.trials)} settings in simulation, which rounds and clips in float; right is a "
        f"cosine to float of at least {bound:g} on the worst of {search.inputs} inputs, and that "
        "nothing else that a verdict asks for is missed; what is right on fewer inputs seems so. "
        f"{_kept(run)}{_no_better(search)}",
        figure.accuracy(_series(search), bound, prefix, "Bits of weights against accuracy"),
        [rows.of(trial) for trial in bit_trials.uniform_widths(search)],
        [rows.of(trial) for trial in reversed(bit_trials.front(search))],
        [rows.of(trial) for trial in bit_trials.narrower_activations(search, fewest)],
        _each(search, fewest),
        [rows.of(trial) for trial in reversed(bit_trials.biases_apart(search))],
        [clip(text, 300) for text in (*search.faults, *search.problems)],
    )


def _no_better(search: BitSearch) -> str:
    averages = ", ".join(map(str, bit_trials.no_better(search)))
    if not averages:
        return ""
    return (
        ". Bits of its own for each weight did no better than as many for all at an average of "
        f"{averages}"
    )


def _kept(run: Run) -> str:
    """What fewer bits save on this dialect."""
    dialects = {r.trace.facts.dialect for r in run.results if r.trace is not None}
    if RELAX in dialects:
        return (
            "Weights of up to 4 bits are kept several to a byte (realize=packed), all others in "
            "int8, and so are activations"
        )
    return (
        "TVM keeps weights and activations in int8 whatever their bits: fewer save neither bytes "
        "nor time"
    )


def _instead(run: Run) -> list[Instead]:
    entries = []
    for result in run.with_role(Role.REQUESTED):
        instead, trace = result.verdict.instead, result.trace
        if instead is None or trace is None or trace.facts.dialect is None:
            continue
        works = parse(instead.configuration)
        file = f"{TRACES}/{works.slug}/{BITS}"
        entries.append(
            Instead(
                clip(result.verdict.configuration, 100),
                clip(works.text, 300),
                file if (run.directory / file).is_file() else None,
                snippets.snippet(works, trace.facts.dialect),
            )
        )
    return entries


def _summary(search: BitSearch, right: list[BitTrial]) -> str:
    if not search.trials:
        return "Not searched"
    up = " before the time was up" if search.facts.time_up else ""
    up = up or ("" if search.complete else " before it was interrupted")
    if not right:
        return f"No setting that was tried{up} is right"
    text = f"{_bits(right[0])} a weight are the fewest that were found right in simulation{up}"
    uniform = next((trial for trial in right if trial.is_uniform), None)
    if not right[0].is_uniform:
        text += ", each with as many as it needs"
    if uniform is not None and uniform.bits > right[0].bits:
        text += f"; with as many for all it is {_bits(uniform)}"
    if right[0].skip:
        text += f". Ops are in float ({right[0].skip}), and their weights count as such"
    return text


def _bits(trial: BitTrial) -> str:
    return "1 bit" if trial.bits == 1 else f"{trial.bits:.3g} bits"


def _series(search: BitSearch) -> dict[str, list[BitPoint]]:
    """Lines of the chart."""
    whole = bit_trials.on_all_inputs(search)
    plain = bit_trials.best_by_bits([t for t in whole if not t.weight_bits])
    lines = {
        "as many for all weights": plain,
        "each as many as it needs": bit_trials.front(search),
    }
    apart = bit_trials.biases_apart(search)
    if apart:
        lines["as many for all weights, biases in 8 bits"] = apart
    else:
        lines["as many for all weights"] = bit_trials.best_by_bits(
            [t for t in whole if t.is_uniform]
        )
    return {name: [_point(t) for t in trials] for name, trials in lines.items() if trials}


def _point(trial: BitTrial) -> BitPoint:
    return BitPoint(trial.bits, trial.worst, " ".join(trial.fields) or "as by default")


def _each(search: BitSearch, fewest: BitTrial | None) -> list[WeightRow]:
    digits = fewest.weight_bits if fewest is not None else ""
    weights = search.weights
    if len(digits) != len(weights):
        return []
    return [_weight(weight, digit) for weight, digit in zip(weights, digits, strict=True)]


def _weight(weight: WeightNoise, digit: str) -> WeightRow:
    decibels = f"{10 * math.log10(weight.noise):.1f}" if weight.noise > 0 else DASH
    shape = TIMES.join(map(str, weight.shape))
    return WeightRow(clip(weight.op, 40), shape, f"{weight.values:,}", decibels, digit)


@dataclass(frozen=True)
class _Rows:
    search: BitSearch
    bound: float
    verdicts: dict[str, Verdict]

    def of(self, trial: BitTrial) -> BitRow:
        fields = {*trial.fields, *(_OVER_DATA if self.search.over_data else ())}
        compiled = [v for name, v in self.verdicts.items() if _is(name, fields)]
        verdict = next(iter(sorted(compiled, key=lambda v: v.outcome != WORKS)), None)
        return BitRow(
            _bits(trial),
            trial.nbit_input,
            " ".join(trial.fields) or "as by default",
            _rounded_down(trial.worst),
            _rounded_down(trial.cosine),
            DASH if trial.sqnr_db is None else f"{trial.sqnr_db:.1f}",
            DASH if trial.same is None else percent(trial.same),
            trial.inputs,
            self._right(trial),
            "" if verdict is None else _came_of(verdict),
        )

    def _right(self, trial: BitTrial) -> str:
        if not trial.is_right(self.bound):
            return _WRONG
        return _RIGHT if trial.inputs == self.search.inputs else _SEEMS


def _is(configuration: str, tried: set[str]) -> bool:
    dtypes, *fields = configuration.split(":")
    return dtypes == "int8/int8/int32" and set(fields) - _MANNER == tried


def _rounded_down(cosine: float) -> str:
    """What is just below the bound does not look as if it were not; -1 stands for none at all."""
    there = math.isfinite(cosine) and cosine > -1
    return number(math.floor(cosine * 1000) / 1000, 3) if there else DASH


_MANNER = {
    "pipeline=default",
    "pipeline=target",
    "realize=packed",
    "rounding=TONEAREST",
}
"""How it was compiled, which no trial sets."""

_OVER_DATA = ("calibrate_mode=percentile",)
"""How all is calibrated in a search over data."""


def _came_of(verdict: Verdict) -> str:
    text = verdict.outcome
    if verdict.metrics is not None and verdict.metrics.cosine is not None:
        text += f", cosine {verdict.metrics.cosine:.3f}"
    if verdict.ratio is not None:
        text += f", {advice.times(verdict.ratio)} of float's time"
    if verdict.weight_bytes is not None:
        text += f", {units.size(verdict.weight_bytes)} of weights"
    return text
