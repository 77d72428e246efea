"""Decide what happened to a configuration: from its trace, how its process ended, and its numbers.

Pure: no process is started and no file read but the trace's own.
"""

from __future__ import annotations

import re
from collections import Counter

from ..configuration import (
    DTYPES,
    REFERENCE,
    Configuration,
    bits,
)
from ..measurements.benchmark import FLOAT
from ..measurements.bisection import Bisection
from ..measurements.metrics import Metrics
from ..results.verdict import (
    COMPILES,
    CRASHED,
    EXACT,
    INFERRED,
    INTERRUPTED,
    NO_DEVICE,
    NOT_IMPORTED,
    NOT_JUDGED,
    NOT_QUANTIZED,
    REJECTED,
    TIMED_OUT,
    UNKNOWN,
    WORKS,
    WRONG,
    OpRef,
    Verdict,
)
from ..trace.ending import Ending, How
from ..trace.ops import short
from ..trace.trace import Trace
from . import accuracy, advice, coverage, tvm_error
from .accuracy import Bounds
from .dtype_timeline import anchors_of
from .reasons import lookup, outcomes

_IMPORT_REJECTED = "ImportRejected"
"""The exception of instruments.inputs.errors: TVM's importer does not take the model."""

FLOAT_STAGES = ("lower", "codegen", "load", "run")
"""Stages that the float model goes through too."""


def of_failure(
    configuration: Configuration, toolchain: str, trace: Trace, ending: Ending
) -> Verdict:
    """The verdict on a compile that did not reach the end."""
    verdict = Verdict(configuration.text, toolchain, REJECTED)
    path = trace.blamed_path
    verdict.pass_path = [run.name for run in path]
    verdict.pass_name = trace.blamed_pass.name if trace.blamed_pass is not None else None
    verdict.stage = path[-1].stage if path else trace.stage
    if trace.failure is not None:  # whatever ended the process while it looked into that
        _rejected(verdict, trace)
    else:
        _stopped(verdict, ending)
    verdict.suggestion = advice.suggestion(configuration, verdict.outcome, trace.facts.dialect)
    blame(verdict, configuration, trace)
    if configuration.as_is:
        verdict.knob, verdict.suggestion = None, None
    elif verdict.is_general:
        verdict.knob, verdict.suggestion = None, None
        verdict.reason = verdict.reason or outcomes.BEFORE_QUANTIZING.clause
    return verdict


def of_import(toolchain: str, trace: Trace, ending: Ending) -> Verdict:
    """The verdict on a model that TVM's importer does not take, or dies of. It is of no
    configuration: its name is the float model's, which it is as well."""
    verdict = Verdict(FLOAT, toolchain, NOT_IMPORTED, "import", confidence=EXACT)
    failure = trace.failure
    if failure is None:
        _stopped(verdict, ending)
        verdict.outcome = NOT_IMPORTED
        verdict.message = outcomes.DIED_IMPORTING.clause.format(verdict.message)
        verdict.pass_name = trace.blamed_pass.name if trace.blamed_pass is not None else None
        return verdict
    texts = failure.diagnostics[:1] or [failure.message]
    verdict.message = " ".join(texts[0].split())[:600]
    if failure.python is not None:
        verdict.site = tvm_error.python_site(failure.python)
    if trace.failing_path:  # it made a module, and TVM's own passes refuse that
        verdict.pass_name = trace.failing_path[-1].name
        verdict.reason = outcomes.ILL_TYPED.clause
        if trace.blame is not None:  # of a module that no table was kept of
            verdict.op = OpRef(trace.blame.index, short(trace.blame.name))
    node = trace.facts.rejected_node
    if node is not None:
        verdict.suggestion = advice.importable(node.op)
    return verdict


def is_import(trace: Trace, ending: Ending) -> bool:
    """Did TVM's importer refuse the model, or the process end in it, in whatever way but by
    Ctrl-C?"""
    if trace.failure is not None:
        return trace.failure.error == _IMPORT_REJECTED
    failed = ending.how != How.FINISHED or ending.code != 0
    return trace.stage == "import" and failed and ending.how != How.INTERRUPTED


def fails_likewise(verdict: Verdict, trace: Trace, unquantized: Trace, ending: Ending) -> bool:
    """Does the float model fail as a configuration did: in that stage, with that message, or by
    dying as well? Both are known to have failed."""
    ours, theirs = trace.failure, unquantized.failure
    if verdict.stage not in FLOAT_STAGES or verdict.outcome not in (REJECTED, CRASHED):
        return False
    if ours is None or theirs is None:
        died = ours is None and theirs is None and ending.how != How.INTERRUPTED
        return died and unquantized.stage == verdict.stage
    same = tvm_error.read(ours.message).message == tvm_error.read(theirs.message).message
    return same and theirs.error == ours.error and theirs.stage == verdict.stage


def blame_float(verdict: Verdict, configuration: Configuration) -> None:
    """Say of a verdict that the float model, or the model as it is, fails likewise: no field is to
    blame, and no other configuration helps."""
    verdict.float_fails = True
    verdict.knob, verdict.suggestion = None, None
    why = outcomes.AS_IS_FAILS if configuration.as_is else outcomes.FLOAT_FAILS
    what = why.clause
    verdict.reason = f"{what}; {verdict.reason}" if verdict.reason else what


def of_result(
    configuration: Configuration,
    toolchain: str,
    trace: Trace,
    metrics: Metrics | None,
    bounds: Bounds | None = None,
) -> Verdict:
    """The verdict on a compile that ran; `metrics` None means its outputs cannot be compared.

    `bounds` None: those of tvmq_diag.analysis.accuracy.
    """
    verdict = Verdict(configuration.text, toolchain, WORKS, "check", metrics=metrics)
    verdict.deterministic = trace.deterministic
    verdict.weight_bytes = trace.facts.weight_bytes
    verdict.confidence = EXACT
    verdict.outcome, verdict.message = by_numbers(trace, metrics, bounds or Bounds())
    if metrics is not None and accuracy.unjudged(metrics):
        verdict.metrics = accuracy.without_figures(metrics)
    if not got_dtype(configuration, trace):
        _not_quantized(verdict, configuration, trace)
        return verdict
    verdict.reason = _in_float(configuration)
    if verdict.outcome == NOT_JUDGED:
        verdict.confidence = UNKNOWN
    one_bit = [
        name for name in ("nbit_input", "nbit_weight") if configuration.fields.get(name) == 1
    ]
    if one_bit and verdict.outcome == WRONG:
        verdict.knob = ", ".join(one_bit)
        verdict.reason = outcomes.ONE_BIT.clause
    if configuration.narrow and verdict.outcome == WRONG:
        verdict.knob = "dtype_activation"
        verdict.reason = outcomes.NARROW.clause.format(configuration.dtypes[2])
    elif verdict.outcome == WRONG and verdict.reason is None and configuration.short_sums:
        verdict.reason = outcomes.SHORT_SUMS.clause.format(configuration.dtypes[2])
    if metrics is not None or verdict.outcome != NOT_JUDGED:
        verdict.suggestion = advice.suggestion(configuration, verdict.outcome, trace.facts.dialect)
    return verdict


def of_build(configuration: Configuration, toolchain: str, trace: Trace) -> Verdict:
    """The verdict on a compile for another machine that came to code: nothing of it was run."""
    verdict = Verdict(configuration.text, toolchain, COMPILES, stage="codegen", message=NO_DEVICE)
    verdict.weight_bytes = trace.facts.weight_bytes
    verdict.confidence = EXACT
    if not configuration.as_is and not got_dtype(configuration, trace):
        _not_quantized(verdict, configuration, trace)
    return verdict


def got_dtype(configuration: Configuration, trace: Trace) -> bool:
    """Does any anchor op of the quantized model read the configuration's dtypes? Where it is to
    compute in float (realize=qdq), does anything make them?

    True where no module after realize was recorded: nothing is claimed without evidence.
    """
    wanted = set(configuration.dtypes[:2])
    for stage in ("fold", "realize"):
        for module in trace.modules_of(stage):
            if _in_float(configuration) is not None:
                return any(node.dtype in wanted for node in module.nodes if node.kind == "call")
            reads = {module.nodes[i].dtype for call in anchors_of(module) for i in call.inputs}
            return bool(wanted & reads)
    return True


def _not_quantized(verdict: Verdict, configuration: Configuration, trace: Trace) -> None:
    """Fill in why the quantizer left every op in float: the reasons, the most frequent first."""
    verdict.outcome, verdict.stage = NOT_QUANTIZED, "realize"
    verdict.message = f"no op of the quantized model works in {configuration.dtypes[0]}"
    unquantized = coverage.coverage(trace).unquantized
    reasons = Counter(op.reason for op in unquantized).most_common()
    each = (f"{count} op{'s' * (count > 1)}: {reason}" for reason, count in reasons)
    verdict.reason = "; ".join(each) or nothing_to_quantize(trace)
    settings = {op.setting for op in unquantized if op.setting is not None}
    skip = trace.vocabulary.quantizer.skip
    verdict.suggestion = advice.without(settings, configuration, skip)


def nothing_to_quantize(trace: Trace) -> str | None:
    """That none of a model's operators is an anchor, in a clause; None where one is."""
    model = trace.imported()
    if model is None or list(anchors_of(model)):
        return None
    return outcomes.NO_ANCHOR.clause


def _in_float(configuration: Configuration) -> str | None:
    """That a configuration asks for a model that computes in float, in a clause; else None."""
    if configuration.fields.get("realize") == "qdq":
        return outcomes.DEQUANTIZED.clause
    if configuration.fields.get("do_simulation") is True:
        return outcomes.SIMULATED.clause
    return None


def blamed_op(trace: Trace) -> OpRef | None:
    """The op that a failure comes from; None where nothing failed, or the replay found no op."""
    blamed = trace.blamed()
    if blamed is not None:
        index, node = blamed
        return OpRef(index, short(node.op), node.span)
    kernel = trace.facts.failing_kernel
    # If there is one, it failed in no pass: the virtual machine itself stopped at this kernel.
    return OpRef(kernel.index, kernel.name, kernel.builtin) if kernel is not None else None


def _rejected(verdict: Verdict, trace: Trace) -> None:
    failure = trace.failure
    assert failure is not None
    thrown = tvm_error.read(failure.message)
    verdict.message = thrown.message
    if failure.diagnostics:
        verdict.message = " ".join(failure.diagnostics[0].split())
    verdict.site, verdict.via = thrown.site, thrown.via
    if verdict.site is None and failure.python is not None:
        verdict.site = tvm_error.python_site(failure.python)
    verdict.message = verdict.message or failure.error + outcomes.NO_MESSAGE
    if not thrown.silent:
        culprit = trace.culprit.name if trace.culprit is not None else None
        verdict.reason = lookup.of_message(
            verdict.message, verdict.stage, trace.facts.dialect, verdict.site, culprit
        )
    else:
        verdict.reason = lookup.of_silence(trace, verdict.site, thrown.statement)
    verdict.confidence = INFERRED if verdict.pass_name or verdict.via else UNKNOWN


def _stopped(verdict: Verdict, ending: Ending) -> None:
    if ending.how == How.TIMED_OUT:
        verdict.outcome = TIMED_OUT
        verdict.message = f"still running after {ending.seconds:.0f} s"
    elif ending.how == How.OUT_OF_MEMORY:
        verdict.outcome = CRASHED
        verdict.message = f"out of memory: it took {ending.peak_bytes / 2**30:.1f} GiB"
    elif ending.how == How.INTERRUPTED:
        verdict.outcome = INTERRUPTED
        verdict.message = "stopped by Ctrl-C or a signal"
    else:
        verdict.outcome = CRASHED
        name = ending.signal_name
        verdict.message = f"the process was ended by {name}" if name else _exit(ending)
        last_words = re.search(r"^LLVM ERROR: (.+)$", ending.tail, re.M)
        if last_words is not None:  # LLVM says why, and aborts
            verdict.message += f": {last_words[0]}"
        if name == "SIGKILL":  # the kernel says nothing, and it is memory that it kills for
            verdict.message += f"; it had taken {ending.peak_bytes / 2**30:.1f} GiB of memory"
    verdict.confidence = INFERRED if verdict.pass_name else UNKNOWN


def _exit(ending: Ending) -> str:
    lines = [line.strip() for line in ending.tail.splitlines() if line.strip()]
    last = f": {lines[-1][:200]}" if lines else ""
    return f"the process ended with exit code {ending.code}{last}"


def blame(verdict: Verdict, configuration: Configuration, trace: Trace) -> None:
    """Fill in the op and the knob, as far as the replay or the message tells them."""
    op = blamed_op(trace)
    if op is not None:
        verdict.op = op
        verdict.confidence = EXACT
    blame_culprit(verdict, trace)
    blamed = trace.blamed()
    if blamed is not None and verdict.outcome == CRASHED and verdict.reason is None:
        verdict.reason = lookup.of_death(verdict.pass_name, blamed[1].dtype)
    ended = verdict.outcome in (INTERRUPTED, TIMED_OUT)  # which says nothing of a field
    knobs = trace.knobs if not ended else []
    if knobs is None:
        knobs = _mentioned(verdict.message, configuration)
        named = (name for name in configuration.fields if "_" in name)  # no words of English
        knobs += [name for name in named if name in (verdict.reason or "")]
    verdict.knob = ", ".join(knobs) or None
    if trace.knobs == [] and advice.helpless(configuration):
        verdict.suggestion = None  # whatever the dtypes are, it fails likewise


def blame_culprit(verdict: Verdict, trace: Trace) -> None:
    """Name the op that handed on what the failing one could not take, as replay proved it."""
    culprit, failing = trace.culprit, trace.failing_snapshot()
    if culprit is None or failing is None:
        return
    proof = outcomes.CONTAINER.clause.format(culprit.name)
    if culprit.index is not None:
        spans = [node.span for node in failing.executed()]
        span = spans[culprit.index] if culprit.index < len(spans) else None
        verdict.surfaced = verdict.op
        verdict.op = OpRef(culprit.index, short(culprit.name), span)
        proof = culprit.proof or outcomes.CULPRIT.clause.format(
            short(culprit.name), culprit.index, culprit.dtype
        )
    verdict.reason = f"{verdict.reason}; {proof}" if verdict.reason else proof


def blame_bisected(verdict: Verdict, bisection: Bisection) -> None:
    """Fill in the pass and the op that a wrong result comes from, as far as they were found.

    What was found in another quantizer than the result's explains nothing.
    """
    if bisection.another is not None:
        return
    culprit = bisection.culprit
    if verdict.outcome == WORKS:
        _judge_hidden(verdict, bisection)
    if culprit is None or verdict.outcome != WRONG:
        return
    verdict.stage, verdict.pass_name = culprit.stage, culprit.name
    verdict.pass_path = [culprit.name] if culprit.name else []
    op = bisection.op
    verdict.op = OpRef(op.index, op.name, op.span) if op is not None else None
    verdict.confidence = EXACT if bisection.exact else INFERRED
    if bisection.wrong_kernel is not None:  # no pass is to blame
        verdict.pass_name, verdict.pass_path = None, []
        verdict.kernel = bisection.wrong_kernel.implementation
    if verdict.knob is None:  # else the reason is known, and better: sums that overflow
        verdict.reason = bisection.answer


def _judge_hidden(verdict: Verdict, bisection: Bisection) -> None:
    """The outcome of what is right but for what a mean over the places may hide, now that it has
    been looked into."""
    hidden = accuracy.hidden(verdict.metrics) if verdict.metrics is not None else None
    if hidden is None:
        return
    if bisection.culprit is not None:
        verdict.outcome = WRONG
        verdict.message = f"{hidden.sentence}, which hides it from the outputs"
    elif bisection.right and bisection.saw_places:
        simulated = f"{hidden.sentence}: so it is in the simulation, by rounding alone"
        gain = accuracy.gain_error(verdict.metrics) if verdict.metrics is not None else None
        verdict.message = f"{gain}; {simulated}" if gain else simulated


def _mentioned(message: str | None, configuration: Configuration) -> list[str]:
    """The dtype fields whose value the message speaks of, where that leaves a choice at all."""
    if message is None:
        return []
    named = set(re.findall(r"\b(?:u?int\d+|bool|bfloat16|float\d+)\b", message))
    named |= {f"int{n}" for n in re.findall(r"\((\d) vs", message)}
    fields = zip(DTYPES, configuration.dtypes, REFERENCE.dtypes, strict=True)
    odd = [(field, dtype) for field, dtype, default in fields if dtype != default]
    return [
        field
        for field, dtype in odd
        if dtype in named or f"int{bits(dtype)}" in named or len(odd) == 1
    ]


def by_numbers(trace: Trace, metrics: Metrics | None, bounds: Bounds) -> tuple[str, str | None]:
    """The outcome by a run's numbers, and what to say of them."""
    if trace.deterministic is False:
        return WRONG, "a different answer each time, from the same input"
    if metrics is None:
        return NOT_JUDGED, "its outputs cannot be compared with the float model's"
    gain = accuracy.gain_error(metrics)
    wrong = accuracy.broken(metrics)
    if wrong is not None:
        return WRONG, wrong.sentence
    unjudged = accuracy.unjudged(metrics)
    if unjudged is not None:
        return NOT_JUDGED, unjudged
    wrong = accuracy.fault(metrics, bounds)
    if wrong is None:
        hidden = accuracy.hidden(metrics)
        untried = f"{hidden.sentence}; where that comes from was not tried" if hidden else None
        return WORKS, "; ".join(remark for remark in (gain, untried) if remark) or None
    return WRONG, f"{wrong.sentence}; {gain}" if gain else wrong.sentence
