"""What to try instead. It was tried, and is told with what came of it, or it is told as not tried.

Nothing is suggested that failed in the run, or that cannot help.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from ..configuration import (
    CALIBRATION,
    CHOICES,
    Configuration,
    bits,
    over_data,
    parse,
    reference,
)
from ..measurements.paired import Ratio
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
from ..trace.stages import RELAX
from .units import size

_FAILED = (REJECTED, CRASHED, TIMED_OUT, WRONG, NOT_QUANTIZED)

_WHICH_OPS = {"skip_conv_layers", "skip_dense_layer", "skip"}
"""Fields that say which ops are quantized."""

_NARROWING = {"nbit_input", "nbit_weight", *CHOICES}
"""Fields of a default that keeps fewer bits, and is else the default."""


def reference_name(dialect: str | None) -> str:
    """What int8/int8/int32 is called: on Relax TVM has no quantizer that could have a default."""
    return "the reference" if dialect == RELAX else "TVM's default"


def importable(node: str) -> str | None:
    """What to do about an ONNX node that TVM's importer refuses; None where nothing is known."""
    if node not in ("QuantizeLinear", "DequantizeLinear"):
        return None
    return "export what it quantizes as INT8 or UINT8: TVM imports those, and INT16 and UINT16"


def tried(
    verdict: Verdict,
    option: str = "",
    floats: int | None = None,
    default: Verdict | None = None,
    disturbed: str | None = None,
) -> str:
    """What to try instead, after it was tried and worked; `option`: what it takes beside --dtype,
    with a space in front; `floats`: bytes of the float model's weights; `default`: what it changes,
    told beside it where that works too; `disturbed`: what makes the times mean little."""
    text = f"--dtype {verdict.configuration}{option}: it works here"
    if verdict.metrics is not None and verdict.metrics.cosine is not None:
        text += f", cosine {verdict.metrics.cosine:.3f} to float"
    if verdict.ratio is not None:
        text += f", {times(verdict.ratio)} of float's time"
        text += f" ({disturbed})" if disturbed else ""
    if verdict.weight_bytes is not None and floats is not None:
        text += f", {size(verdict.weight_bytes)} of weights for float's {size(floats)}"
    if verdict.message:
        text += f"; {verdict.message}"
    if default is not None and default.outcome == WORKS and default is not verdict:
        text += f" ({default.configuration}: {_figures(default)})"
    return text


def _figures(verdict: Verdict) -> str:
    figures = ["works"]
    if verdict.metrics is not None and verdict.metrics.cosine is not None:
        figures.append(f"cosine {verdict.metrics.cosine:.3f}")
    if verdict.ratio is not None:
        figures.append(f"{times(verdict.ratio)} of float's time")
    if verdict.weight_bytes is not None:
        figures.append(size(verdict.weight_bytes))
    return ", ".join(figures)


def times(ratio: Ratio) -> str:
    """A ratio of times, with its interval where that says little."""
    text = f"{ratio.value:.2f}"
    if ratio.high > _SURE * ratio.low:
        text += f" [{ratio.low:.2g}, {ratio.high:.2g}]"
    return text


_SURE = 1.5
"""An interval whose ends lie within this factor says what its middle says."""


def suggestion(configuration: Configuration, outcome: str, dialect: str | None) -> str | None:
    """What to try instead, as a configuration to hand to --dtype; None where nothing is known."""
    if outcome == NOT_JUDGED:
        return "trained weights, or inputs that the model tells apart (--check-on): not tried"
    if outcome not in (REJECTED, CRASHED, TIMED_OUT, WRONG):
        return None
    default = quantized_alike(configuration)
    called = reference_name(dialect)
    if configuration.dtypes == default.dtypes:
        widths = (configuration.fields.get(name) for name in ("nbit_input", "nbit_weight"))
        # Of one bit nothing is left but 0, whatever the scale (reasons.outcomes.ONE_BIT).
        scaled = outcome == WRONG and 1 not in widths
        calibrated = over_data(configuration, str(dialect)) if scaled else []
        if calibrated and configuration.fields.keys() <= _NARROWING | _WHICH_OPS | CALIBRATION:
            return (
                f"--dtype {calibrated[0].text}: not tried; it calibrates on data (--calibrate-on; "
                "natural:16 where none is given)"
            )
        if configuration.untargeted == default.text:
            return None
        return f"--dtype {default.text}: not tried; {called}"
    width = min(bits(dtype) for dtype in configuration.dtypes)
    if 2 <= width < 8:
        weights_only = bits(configuration.dtypes[0]) >= 8 > bits(configuration.dtypes[1])
        narrow = f"{default.text}:{'nbit_weight' if weights_only else 'nbit'}={width}"
        what = f"{width}-bit values kept in int8, accumulated in int32 (mind its accuracy)"
        return f"--dtype {narrow}: not tried; {what}"
    return f"--dtype {default.text}: not tried; int8 values accumulated in int32, {called}"


def quantized_alike(configuration: Configuration) -> Configuration:
    """TVM's default with the fields that say which ops are quantized, as they are set."""
    same = [f for f in configuration.untargeted.split(":")[1:] if f.partition("=")[0] in _WHICH_OPS]
    return parse(":".join([reference(configuration).text, *same]))


def helpless(configuration: Configuration) -> bool:
    """Can no advice of `suggestion` help, where the dtype fields were found not to matter? It
    changes nothing else of a configuration with no other fields."""
    return configuration.fields.keys() <= _NARROWING


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
    outcomes = {_key(verdict.configuration): verdict for verdict in verdicts}
    for verdict in verdicts:
        match = re.match(r"--dtype (\S+): ", verdict.suggestion or "")
        if match is None:
            continue
        failed = {run.mode for run in verdict.calibrations if run.outcome in _FAILED}
        if parse(match[1]).fields.get("calibrate_mode") in failed:
            verdict.suggestion = None
            continue
        other = outcomes.get(_key(match[1]))
        if other is not None and other.outcome == WORKS:
            verdict.suggestion = tried(other)
        elif _fails(outcomes, match[1]):
            verdict.suggestion = None


def _key(text: str) -> frozenset[str]:
    """Of a configuration, in whatever order its fields are written."""
    return frozenset(text.split(":"))


def _fails(outcomes: dict[frozenset[str], Verdict], text: str) -> bool:
    tried = (outcomes.get(_key(one)) for one in _wider(text))
    return any(verdict is not None and verdict.outcome in _FAILED for verdict in tried)


def _wider(text: str) -> list[str]:
    """A configuration, and the default that it keeps fewer bits of, if it sets nothing else."""
    configuration = parse(text)
    if configuration.as_is or not configuration.fields.keys() <= _NARROWING:
        return [text]
    return [text, reference(configuration).text]
