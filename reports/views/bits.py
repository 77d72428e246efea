"""How few bits stay right, as a page shows it: a sentence, and a line for each width tried."""

from __future__ import annotations

from dataclasses import dataclass

from tvmq_diag.analysis.accuracy import percent
from tvmq_diag.measurements.bit_search import BitSearch, BitTrial
from tvmq_diag.results.run import Run
from tvmq_diag.results.verdict import Verdict

from ..formatting import DASH, clip, number

_BOUND = 0.95
"""Of runs that do not say which cosine was enough."""


@dataclass(frozen=True)
class BitRow:
    """The best that was tried at so many bits; `compiled`: what came of it when it was compiled."""

    weights: int
    activations: int
    settings: str
    worst: str
    cosine: str
    sqnr: str
    same: str
    inputs: int
    right: bool
    compiled: str = ""


@dataclass(frozen=True)
class BitsView:
    """All that the template shows."""

    summary: str
    about: str
    weights: list[BitRow]
    activations: list[BitRow]
    problems: list[str]


def view(run: Run) -> BitsView | None:
    """What is shown of a run's search; None where there was none."""
    search = run.search
    if search is None:
        return None
    problems = [clip(text, 300) for text in (*search.faults, *search.problems)]
    bound = _BOUND if run.facts.min_cosine is None else run.facts.min_cosine
    verdicts = {result.verdict.configuration: result.verdict for result in run.results}
    right = search.right(bound)
    weights = _rows(search, [(bits, 8) for bits in range(8, 0, -1)], bound, verdicts)
    fewest = right[0].nbit_weight if right else None
    below = [(fewest, bits) for bits in range(7, 0, -1)] if fewest is not None else []
    return BitsView(
        _summary(search, fewest, bound),
        f"{len(search.trials)} settings in simulation, which rounds and clips in float; right is a "
        f"cosine to float of at least {bound:g} on the worst of {search.inputs} inputs. TVM keeps "
        "weights and activations in int8 whatever their bits: fewer save neither bytes nor time",
        weights,
        _rows(search, below, bound, verdicts),
        problems,
    )


def _summary(search: BitSearch, fewest: int | None, bound: float) -> str:
    if not search.trials:
        return "Not searched"
    up = " before the time was up" if search.facts.time_up else ""
    if fewest is None:
        return f"No setting that was tried{up} is right"
    bits = "1 bit" if fewest == 1 else f"{fewest} bits"
    return f"Weights of {bits} are the fewest that were found right in simulation{up}"


def _rows(
    search: BitSearch,
    widths: list[tuple[int, int]],
    bound: float,
    verdicts: dict[str, Verdict],
) -> list[BitRow]:
    tried = ((search.best(*bits), bits) for bits in widths)
    return [_row(trial, search, bound, verdicts) for trial, _ in tried if trial is not None]


def _row(trial: BitTrial, search: BitSearch, bound: float, verdicts: dict[str, Verdict]) -> BitRow:
    compiled = (v for name, v in verdicts.items() if _is(name, trial))
    verdict = next(compiled, None)
    return BitRow(
        trial.nbit_weight,
        trial.nbit_input,
        " ".join(trial.fields) or "as TVM sets it",
        number(trial.worst, 3),
        number(trial.cosine, 3),
        DASH if trial.sqnr_db is None else f"{trial.sqnr_db:.1f}",
        DASH if trial.same is None else percent(trial.same),
        trial.inputs,
        trial.worst >= bound,
        "" if verdict is None else _came_of(verdict),
    )


def _is(configuration: str, trial: BitTrial) -> bool:
    dtypes, *fields = configuration.split(":")
    return dtypes == "int8/int8/int32" and set(fields) == set(trial.fields)


def _came_of(verdict: Verdict) -> str:
    text = verdict.outcome
    if verdict.metrics is not None and verdict.metrics.cosine is not None:
        text += f", cosine {verdict.metrics.cosine:.3f}"
    if verdict.ratio is not None:
        text += f", {verdict.ratio.value:.2f} of float's time"
    return text
