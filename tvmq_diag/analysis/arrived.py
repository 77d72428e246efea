"""The verdict on a model that arrives quantized, and is judged as it is or after
FakeQuantizationToInteger. Pure, as judge."""

from __future__ import annotations

from ..configuration import REFERENCE, Configuration
from ..measurements.metrics import Metrics
from ..results.verdict import EXACT, NOT_JUDGED, NOT_QUANTIZED, UNKNOWN, WORKS, WRONG, Verdict
from ..trace.snapshot import is_float
from ..trace.trace import Trace
from . import accuracy
from .accuracy import Bounds
from .dtype_timeline import anchors_of
from .judge import by_numbers
from .reasons import outcomes

UNFOLDED = "the unfolded model"
"""A model that arrives quantized before FakeQuantizationToInteger, to compare what that makes of it
with."""


def of_as_is(
    configuration: Configuration,
    toolchain: str,
    trace: Trace,
    metrics: Metrics | None,
    bounds: Bounds,
    other: str,
) -> Verdict:
    """The verdict on a model that arrived as it was run, or after FakeQuantizationToInteger.

    `metrics` are against the outputs of another runtime, or of the model as it is, which `other`
    names; without them it says why there are none.
    """
    verdict = Verdict(configuration.text, toolchain, WORKS, "check", metrics=metrics)
    verdict.deterministic = trace.deterministic
    verdict.confidence = EXACT
    if metrics is None:
        verdict.outcome = NOT_JUDGED
        verdict.message = f"it runs, and its numbers were compared with nothing: {other}"
    else:
        verdict.outcome, verdict.message = by_numbers(trace, metrics, bounds)
        if verdict.message is not None:
            verdict.message = verdict.message.replace("the float model", other)
        verdict.against = other
        verdict.reason = outcomes.COMPARED.clause.format(other)
        if accuracy.unjudged(metrics):
            verdict.metrics = accuracy.without_figures(metrics)
    if verdict.outcome == NOT_JUDGED:
        verdict.confidence = UNKNOWN
    unquantized = _all_float(configuration, trace)
    if unquantized is not None and verdict.outcome != WRONG:
        verdict.outcome, verdict.stage, verdict.message = NOT_QUANTIZED, None, unquantized
        verdict.confidence = EXACT
    if trace.facts.quantized_ops == 0:
        verdict.suggestion = f"--dtype {REFERENCE.text}: not tried; TVM takes it for a float model"
    return verdict


def offer_fold(verdict: Verdict, trace: Trace) -> None:
    """Suggest FakeQuantizationToInteger for a model that was judged as it is, where there is
    something to fold."""
    if verdict.suggestion is None and trace.facts.islands:
        verdict.suggestion = (
            "--dtype as-is:fq2i: not tried; FakeQuantizationToInteger makes integer ops"
        )


def _all_float(configuration: Configuration, trace: Trace) -> str | None:
    """That nothing of a model that arrived is quantized; None where something is, or nobody
    looked."""
    if trace.facts.quantized_ops == 0:
        return "none of its operators reads quantized values: as TVM imports it, it is float"
    module = next(trace.modules_of("realize"), None) if configuration.fq2i else None
    if module is None:
        return None
    reads = [module.nodes[call.inputs[0]].dtype for call in anchors_of(module) if call.inputs]
    if not reads or not all(map(is_float, reads)):
        return None
    return "FakeQuantizationToInteger left all of it in float"
