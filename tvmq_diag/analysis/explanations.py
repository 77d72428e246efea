"""What to try: the advice of a verdict. Why TVM says what it says is in `reasons`."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from ..configuration import CHOICES, REFERENCE, Configuration, bits, parse, reference
from ..results.verdict import (
    CRASHED,
    NOT_JUDGED,
    NOT_QUANTIZED,
    REJECTED,
    TIMED_OUT,
    WORKS,
    WRONG,
    Verdict,
)

_FAILED = (REJECTED, CRASHED, TIMED_OUT, WRONG, NOT_QUANTIZED)

NO_MESSAGE = ", with no message"
"""Behind the class of an exception that says nothing."""


def importable(node: str) -> str | None:
    """What to do about an ONNX node that TVM's importer refuses; None where nothing is known."""
    if node not in ("QuantizeLinear", "DequantizeLinear"):
        return None
    return "export what it quantizes as INT8 or UINT8: TVM imports those, and INT16 and UINT16"


def tried(verdict: Verdict) -> str:
    """What to try instead, after it was tried and worked."""
    text = f"--dtype {verdict.configuration}: it works here"
    if verdict.metrics is not None and verdict.metrics.cosine is not None:
        text += f", cosine {verdict.metrics.cosine:.3f} to float"
    if verdict.ratio is not None:
        text += f", {verdict.ratio.value:.2f} of float's time"
    return text


def suggestion(configuration: Configuration, outcome: str) -> str | None:
    """What to try instead, as a configuration to hand to --dtype; None where nothing is known."""
    if outcome == NOT_JUDGED:
        return "trained weights, or inputs that the model tells apart (--check-on)"
    if outcome not in (REJECTED, CRASHED, TIMED_OUT, WRONG):
        return None
    if configuration.dtypes == REFERENCE.dtypes:
        if configuration.fields and outcome != WRONG:
            return f"--dtype {reference(configuration).text}: TVM's default"
        if configuration.fields:
            return f"more bits, or another global_scale; --dtype {REFERENCE.text} is TVM's default"
        return None
    width = min(bits(dtype) for dtype in configuration.dtypes)
    if 2 <= width < 8:
        narrow = f"{reference(configuration).text}:nbit={width}"
        what = f"{width}-bit values kept in int8, accumulated in int32 (mind its accuracy)"
        return f"--dtype {narrow}: {what}"
    return (
        f"--dtype {reference(configuration).text}: int8 values accumulated in int32, TVM's default"
    )


def without(settings: Collection[str], configuration: Configuration, skip: str) -> str | None:
    """For a model of which no op got the dtype: the configuration without the settings that keep
    ops in float. None if there are none; `skip` is the name of the one that is a list."""
    if not settings:
        return None
    head, *extras = configuration.text.split(":")
    others = [extra for extra in extras if extra.partition("=")[0] not in settings]
    off = [f"{name}={'none' if name == skip else 0}" for name in sorted(settings)]
    these = "these settings keep" if len(off) > 1 else "this setting keeps"
    text = parse(":".join([head, *others, *off])).text
    return f"--dtype {text}: not tried; {these} ops in float"


def settle(verdicts: Sequence[Verdict]) -> None:
    """Hold what the verdicts of a run suggest against what it came to: what works is said to, and
    what failed, or keeps fewer bits of a default that failed, is no longer suggested."""
    outcomes = {verdict.configuration: verdict for verdict in verdicts}
    for verdict in verdicts:
        match = re.match(r"--dtype (\S+): ", verdict.suggestion or "")
        if match is None:
            continue
        other = outcomes.get(match[1])
        if other is not None and other.outcome == WORKS:
            verdict.suggestion = tried(other)
        elif any(one in outcomes and outcomes[one].outcome in _FAILED for one in _wider(match[1])):
            verdict.suggestion = None


def _wider(text: str) -> list[str]:
    """A configuration, and the default that it keeps fewer bits of, if it sets nothing else."""
    configuration = parse(text)
    narrowed = configuration.fields.keys() <= {"nbit_input", "nbit_weight", *CHOICES}
    if configuration.as_is or not narrowed:
        return [text]
    return [text, reference(configuration).text]
