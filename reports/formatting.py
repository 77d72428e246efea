"""How things are called and written in every report: marks, short names, numbers, clipped text."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from tvmq_diag import foreign
from tvmq_diag.results import verdict
from tvmq_diag.results.run import Result, Role
from tvmq_diag.trace import steps
from tvmq_diag.trace.snapshot import Node, Snapshot

OUTCOME_MARKS = {
    verdict.WORKS: "✓",
    verdict.COMPILES: "⚙",
    verdict.REJECTED: "✗",
    verdict.CRASHED: "‼",
    verdict.TIMED_OUT: "⧖",
    verdict.WRONG: "≠",
    verdict.NOT_QUANTIZED: "○",
    verdict.NOT_JUDGED: "?",
    verdict.NOT_IMPORTED: "⊘",
    verdict.INTERRUPTED: "‖",
    verdict.FAILED: "⚠",
}
"""An outcome is never told by colour alone."""

ROLES = {
    Role.REQUESTED: "",
    Role.INSTEAD: "tried instead",
    Role.REFERENCE: "reference",
    Role.FLOAT: "float model",
}
"""The roles of results in the order they are shown, and what each is called."""

_PLACES = {role: place for place, role in enumerate(ROLES)}

FAMILY_MARKS = {"float": "●", "int8": "■", "wide": "▲", "low": "◆", "bool": "◐", "other": "○"}
FAMILY_NAMES = {
    "float": "float",
    "int8": "8-bit integer",
    "wide": "wider integer",
    "low": "integer under 8 bits",
    "bool": "bool",
    "other": "other or unknown",
}

DASH = "\N{EN DASH}"
"""Stands where there is nothing to say."""

FATE_MARKS = {"rejected": "✗", "accepted": "✓", "cannot be judged alone": "?", "not reached": DASH}
"""How an op can fare alone (see reports.views.rejections), the worst first."""

REJECTED, ACCEPTED, UNJUDGED, UNREACHED = FATE_MARKS

TIMES = "\N{MULTIPLICATION SIGN}"
WITHIN = " \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} "
"""Between a pass and a pass inside it."""

_INTEGER = re.compile(r"u?int(\d+)")

_DULL = {"channels", "units", "rounding", "out_layout", "data_layout", "kernel_layout", "layout"}
"""Attributes that repeat what the shapes say, or are the same all over a model."""


def dtype_family(dtype: str | None) -> str:
    """The family a dtype is coloured and marked by: a key of FAMILY_MARKS."""
    name = dtype or ""
    if name.startswith(("float", "bfloat")):
        return "float"
    if name == "bool":
        return "bool"
    match = _INTEGER.fullmatch(name)
    if match is None:
        return "other"
    bits = int(match.group(1))
    return "int8" if bits == 8 else "low" if bits < 8 else "wide"


def in_order(results: Iterable[Result]) -> list[Result]:
    """What was asked for first, then what was tried instead, the reference and the float model."""
    return sorted(results, key=lambda result: _PLACES[result.role])


def outcome_mark(name: str) -> str:
    """The symbol of an outcome."""
    return OUTCOME_MARKS.get(name, "?")


def outcome_class(name: str) -> str:
    """Which of three looks an outcome has: good, bad or odd."""
    if name in verdict.GOOD:
        return "good"
    odd = (verdict.NOT_QUANTIZED, verdict.NOT_JUDGED, verdict.INTERRUPTED)
    return "odd" if name in odd else "bad"


def duration(ms: float | None) -> str:
    """How long something took, as people read it: `0.12 ms`, `34 ms`, `5.9 s`; DASH for None."""
    if ms is None:
        return DASH
    if ms < 10:
        return f"{ms:.2f} ms"
    return f"{ms:.0f} ms" if ms < 1000 else f"{ms / 1000:.1f} s"


KEPT = "↻"
"""Behind the time of what another process did, and this one took from it."""


def latency(ms: float) -> str:
    """A measured time with as many digits as tell something: 0.123 ms, 46.2 ms, 1,234 ms."""
    if ms and not 1e-3 <= abs(ms) < 1e7:
        return f"{ms:.3g} ms"
    digits = min(max(2 - math.floor(math.log10(abs(ms))), 0), 3) if ms else 0
    return f"{ms:,.{digits}f} ms"


def signed(ms: float) -> str:
    """A difference of times: +0.12 ms, or with a minus sign."""
    sign = "+" if ms > 0 else "\N{MINUS SIGN}" if ms < 0 else ""
    return f"{sign}{latency(abs(ms))}"


def percent(share: float) -> str:
    """A share (1 is all) as people read it: `0.4 %`, `12 %`."""
    if share >= 10:
        return f"{100 * share:,.4g} %"
    return f"{100 * share:.0f} %" if share >= 0.1 else f"{100 * share:.1f} %"


def number(value: float | None, digits: int = 2) -> str:
    """A number with so many decimals; DASH for None."""
    return DASH if value is None else f"{value:.{digits}f}"


def clip(text: object, limit: int) -> str:
    """At most `limit` characters on one line, without control characters."""
    line = foreign.printable(" ".join(str(text)[: 4 * limit + 64].split()))
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def arrows(text: str) -> str:
    """Plain text for a page: ` -> ` becomes an arrow; at most 400 characters."""
    return clip(text.replace(" -> ", " → "), 400)


def printable(text: object, limit: int = 200_000) -> str:
    """Many lines as they are, without control characters; the middle goes if there are too many."""
    whole = foreign.printable(str(text))
    if len(whole) <= limit:
        return whole
    half = limit // 2
    return f"{whole[:half]}\n… {len(whole) - limit:,} characters left out …\n{whole[-half:]}"


def labelled(facts: object, labels: Mapping[str, str]) -> list[tuple[str, str]]:
    """The facts under the labels that people read, in the labels' order; without what is None."""
    values = ((label, getattr(facts, name)) for name, label in labels.items())
    return [(label, clip(value, 1000)) for label, value in values if value is not None]


def brief(node: Node, snapshot: Snapshot) -> list[str]:
    """The attributes of a call that tell it from its like, each as `name=value`."""
    step = steps.read(node, snapshot)
    if step is not None:
        return _step(step)
    return [
        f"{clip(name, 24)}={clip(_value(value), 24)}"
        for name, value in node.attrs.items()
        if not _dull(name, value)
    ][:5]


def _step(step: steps.StepSettings) -> list[str]:
    signed = "signed" if step.signed else "unsigned"
    pieces = [f"as {clip(step.kind, 12)}, {signed}"]
    if step.scale is not None:
        pieces.append(f"scale {step.scale:.6g}")
    elif step.scales > 1:
        pieces.append(f"{step.scales} scales")
    if step.low is not None and step.high is not None:
        pieces.append(f"clip {step.low:.6g} to {step.high:.6g}")
    return pieces


def _dull(name: str, value: Any) -> bool:
    if name in _DULL or value in ("", None, 0, 1):
        return True
    return isinstance(value, list) and all(item in (0, 1) for item in value)


def _value(value: Any) -> str:
    if isinstance(value, list) and value and all(item == value[0] for item in value):
        return f"{value[0]}{TIMES}{len(value)}" if len(value) > 2 else f"{value[0]},{value[-1]}"
    return str(value).replace("'", "").replace(" ", "")
