"""What each field of the configuration does by itself, on the first ops of the model.

Answers "how did TVM know it was int8?" with evidence. A field is set as in the configuration while
all others have TVM's default; the first pass whose result is another than with the default alone,
and the first op in that result, show where the field takes effect.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from ..configuration import (
    DTYPES,
    REFERENCE,
    Configuration,
    bits,
    parse,
    reference,
)
from ..results.verdict import KnobRun, Verdict
from ..trace.snapshot import Node, Snapshot
from ..trace.trace import Trace
from .dtype_timeline import timeline

RUNS = "runs"
"""Outcome of a part that went through: its numbers are compared with nothing."""

_BEYOND = 3
"""Ops after the rejected one that a part still has, so that its result is used."""


def questions(configuration: Configuration) -> list[tuple[str, Configuration]]:
    """What to try: names of fields, and the configuration that has only them set.

    Each dtype field that differs from TVM's default, alone; where all three do, inputs and weights
    with sums in int32; and the bits without the type. Empty where a single field differs: it is the
    one.
    """
    requested = dict(zip(DTYPES, configuration.dtypes, strict=True))
    default = dict(zip(DTYPES, REFERENCE.dtypes, strict=True))
    differing = [name for name in DTYPES if requested[name] != default[name]]
    if len(differing) < 2:
        return []
    sets = [[name] for name in differing]
    if differing == list(DTYPES):
        sets.append(["dtype_input", "dtype_weight"])
    tries = []
    own = REFERENCE.text
    for names in sets:
        chosen = {**default, **{name: requested[name] for name in names}}
        dtypes = "/".join(chosen[name] for name in DTYPES)
        tries.append((" + ".join(names), parse(reference(configuration).text.replace(own, dtypes))))
    width = min(bits(dtype) for dtype in configuration.dtypes)
    if 2 <= width < 8:
        tries.append(
            ("nbit_input + nbit_weight", parse(f"{reference(configuration).text}:nbit={width}"))
        )
    return tries


def first_ops(trace: Trace) -> int | None:
    """How many calls of the imported model it takes to have the rejected op and some behind it.

    An op that the quantizer wrote counts as the model's op that follows it. None where none of the
    imported model is known. The last call is none that makes a tuple
    (a batch_norm): the results of a part must be tensors.
    """
    imported = trace.imported()
    rows = timeline(trace).rows
    place = next((place for place, row in enumerate(rows) if row.rejected), None)
    if imported is None or place is None:
        return None
    nearest = [*rows[place:], *reversed(rows[:place])]
    node = next((row.cells["import"].node for row in nearest if "import" in row.cells), None)
    if node is None:
        return None
    calls = imported.calls
    rejected = [call.number for call in calls].index(node)
    count = min(len(calls), rejected + 1 + _BEYOND)
    while count < len(calls) and calls[count - 1].dtype is None:
        count += 1
    return count


def run(field: str, verdict: Verdict, ran: bool, trace: Trace, reference: Trace) -> KnobRun:
    """What came of one try: its verdict, or RUNS, and where its compile left `reference`'s."""
    return KnobRun(
        field,
        verdict.configuration,
        RUNS if ran else verdict.outcome,
        "run" if ran else verdict.stage,
        None if ran else verdict.pass_name,
        None if ran else verdict.message,
        first_change(reference, trace),
    )


def guilty_fields(knob: str | None, runs: Sequence[KnobRun]) -> str | None:
    """The fields of a verdict's knob, without those that were set alone and went through."""
    innocent = {run.field for run in runs if run.outcome == RUNS}
    fields = [field for field in (knob or "").split(", ") if field not in innocent]
    return ", ".join(fields) or knob


def first_change(reference: Trace, trace: Trace) -> str | None:
    """The first pass whose result differs, and the first op in it that does; None if none does."""
    for (name, ours), (other, theirs) in zip(_results(trace), _results(reference), strict=False):
        if name != other:
            return f"after {other} another pass runs: {name}"
        a, b = Counter(_described(ours)), Counter(_described(theirs))
        if a != b:
            new, old = next(iter(a - b), "nothing"), next(iter(b - a), "nothing")
            return f"{name}: {old} becomes {new}"
    return None


def _results(trace: Trace) -> Iterator[tuple[str, Snapshot]]:
    """Passes that changed the module, with what each left, in order of ending."""
    seen = set()
    for ended in sorted(trace.pass_runs.values(), key=lambda run: run.end or 0.0):
        # Of a pass and the type inference inside it, the inner one ends first.
        if ended.after is None or ended.after in seen or ended.stage == "import":
            continue
        seen.add(ended.after)
        snapshot = trace.snapshot(ended.after)
        if snapshot is not None and snapshot.nodes:
            yield ended.owner.name, snapshot


def _described(snapshot: Snapshot) -> list[str]:
    return [_op(snapshot, call) for call in snapshot.calls]


def _op(snapshot: Snapshot, call: Node) -> str:
    """An op in words, with what a configuration can change of it: types, bounds and scales."""
    scalars = [
        f"{snapshot.nodes[i].value:g}"
        for i in call.inputs
        if isinstance(snapshot.nodes[i].value, (int, float))
    ]
    attrs = [
        f"{name}={call.attrs[name]}"
        for name in ("dtype", "out_dtype", "a_min", "a_max", "kind")
        if call.attrs.get(name) not in (None, "")
    ]
    name = call.op.rpartition(".")[2]
    return f"{name}({', '.join([*scalars, *attrs])}) of {call.dtype or '?'}"
