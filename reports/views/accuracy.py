"""How near a run's outputs are to the float model's: in a few words, and output by output."""

from __future__ import annotations

from dataclasses import dataclass

from tvmq_diag.analysis.accuracy import in_words, percent
from tvmq_diag.measurements.metrics import Accuracy, Agreement, Metrics, OutputMetrics, OverInputs
from tvmq_diag.results.run import Result, Role, Run

from ..formatting import DASH, clip, number


@dataclass(frozen=True)
class OutputRow:
    """An output: figures over all inputs, and those of the worst input with its number."""

    name: str
    differs: str
    cosine: str
    sqnr: str
    gain: str
    left: str
    same: str
    bad: str


@dataclass(frozen=True)
class AccuracyView:
    """The outputs one by one; `about` says on what they were judged."""

    about: str
    rows: list[OutputRow]


def figures(metrics: Metrics) -> list[str]:
    """Cosine and SQNR in a few words; empty where nothing can be said, or all are integers."""
    far = metrics.furthest
    cosine, sqnr = (far.cosine, far.sqnr_db) if far is not None else (None, None)
    if metrics.outputs and metrics.sqnr_db is None and metrics.cosine is None:
        return []
    if metrics.sqnr_db is None and metrics.max_abs_error == 0:
        return ["no difference at all"]
    return [
        f"cosine {number(metrics.cosine, 4)}{_worst(cosine, metrics, 4)}",
        f"SQNR {number(metrics.sqnr_db, 1)} dB{_worst(sqnr, metrics, 1)}",
    ]


def same(metrics: Metrics) -> list[str]:
    """What is the same as the float model's: the top-1 of scores, the value of integers."""
    if metrics.top1_agree is not None and not metrics.outputs:
        return [f"top-1 {percent(metrics.top1_agree)}"]
    each = (
        ("top-1", [output.top1 for output in metrics.outputs]),
        ("value", [output.equal for output in metrics.outputs]),
    )
    return [f"{what} {in_words(least)}" for what, all_of in each if (least := _least(all_of))]


def labels(metrics: Metrics) -> list[str]:
    """The top-1 of the run and of the float model against the labels; empty without labels."""
    accuracy = metrics.accuracy
    if accuracy is None:
        return []
    about = "{} [{}, {}]".format(*map(percent, (accuracy.share, *accuracy.interval)))
    return [f"{about} of {accuracy.of} labels, float {percent(accuracy.float_share)}"]


def top1(run: Run, result: Result) -> float | None:
    """The share of the labels that a result gives; None without labels. Every result that was
    compared knows it of the float model."""
    if result.role != Role.FLOAT:
        accuracy = _labelled(result)
        return accuracy.share if accuracy is not None else None
    labelled = (_labelled(other) for other in run.results)
    return next((accuracy.float_share for accuracy in labelled if accuracy is not None), None)


def _labelled(result: Result) -> Accuracy | None:
    metrics = result.verdict.metrics
    return metrics.accuracy if metrics is not None else None


def view(metrics: Metrics) -> AccuracyView | None:
    """The outputs one by one; None of an older run, which compared them as one."""
    if not metrics.outputs:
        return None
    if metrics.inputs == 1:
        about = "Judged on 1 input: how far the outputs depend on the input was not looked at."
    else:
        about = (
            f"Judged on {metrics.inputs} inputs: each figure is over all of them, and below it "
            "that of the worst, whose number is counted from 0."
        )
    places = metrics.places
    if places is not None:
        about += (
            f" Before the last pooling the spatial cosine is {number(places.mean, 3)} (worst"
            f" {number(places.worst, 3)}): of each channel less its mean, which is all that an"
            " average over the places lets through."
        )
    rows = [_row(output, metrics.inputs > 1) for output in metrics.outputs]
    return AccuracyView(about, rows)


def _row(output: OutputMetrics, several: bool) -> OutputRow:
    counts = [(output.nan, output.floats.nan, "NaN"), (output.inf, output.floats.inf, "Inf")]
    bad = [f"{count} {name} (float {floats})" for count, floats, name in counts if count or floats]
    agreement = output.agreement
    return OutputRow(
        clip(f"{output.index}: {output.dtype} {list(output.shape)}", 60),
        DASH if output.differs is None else percent(output.differs),
        _both(output.cosine, 4, several),
        _both(output.sqnr_db, 1, several),
        _both(output.gain, 3, several),
        _both(output.sqnr_left_db, 1, several),
        DASH if agreement is None else in_words(agreement),
        ", ".join(bad) or "none",
    )


def _least(each: list[Agreement | None]) -> Agreement | None:
    agreements = [agreement for agreement in each if agreement is not None]
    return min(agreements, key=lambda agreement: (agreement.right, agreement.share), default=None)


def _both(figure: OverInputs | None, digits: int, several: bool) -> str:
    if figure is None:
        return DASH
    if not several:
        return number(figure.mean, digits)
    at = "" if figure.at is None else f" (#{figure.at})"
    return f"{number(figure.mean, digits)}\n{number(figure.worst, digits)}{at}"


def _worst(figure: OverInputs | None, metrics: Metrics, digits: int) -> str:
    """Of several inputs."""
    if figure is None or figure.worst is None or metrics.inputs == 1:
        return ""
    return f" (worst {number(figure.worst, digits)})"
