"""How things are called and written in every report: marks, short names, numbers, clipped text."""

from __future__ import annotations

import re
from typing import Any

from tvmq_diag.results import verdict
from tvmq_diag.trace.snapshot import Node, Snapshot

OUTCOME_MARKS = {
    verdict.WORKS: "✓",
    verdict.REJECTED: "✗",
    verdict.CRASHED: "‼",
    verdict.TIMED_OUT: "⧖",
    verdict.WRONG: "≠",
    verdict.NOT_QUANTIZED: "○",
    verdict.INTERRUPTED: "‖",
}
"""An outcome is never told by colour alone."""

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
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")

# What simulated_quantize's attribute `kind` means (python/tvm/relay/quantize, QAnnotateKind).
_KINDS = {0: "identity", 1: "input", 2: "weight", 3: "activation"}

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


def outcome_mark(name: str) -> str:
    """The symbol of an outcome."""
    return OUTCOME_MARKS.get(name, "?")


def outcome_class(name: str) -> str:
    """Which of three looks an outcome has: good, bad or odd."""
    if name == verdict.WORKS:
        return "good"
    return "odd" if name in (verdict.NOT_QUANTIZED, verdict.INTERRUPTED) else "bad"


def op_name(op: str) -> str:
    """An operator without the namespaces that every annotation repeats."""
    return op.removeprefix("relay.op.").removeprefix("annotation.")


def milliseconds(value: float | None) -> str:
    """A time as people read it: `0.12 ms`, `34 ms`, `5.9 s`."""
    if value is None:
        return DASH
    if value < 10:
        return f"{value:.2f} ms"
    return f"{value:.0f} ms" if value < 1000 else f"{value / 1000:.1f} s"


def number(value: float | None, digits: int = 2) -> str:
    """A number with so many decimals, or a dash."""
    return DASH if value is None else f"{value:.{digits}f}"


def clip(text: object, limit: int) -> str:
    """At most `limit` characters on one line, without control characters."""
    line = _CONTROL.sub("�", " ".join(str(text)[: 4 * limit + 64].split()))
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def printable(text: object, limit: int = 200_000) -> str:
    """Many lines as they are, without control characters; the middle goes if there are too many."""
    whole = _CONTROL.sub("�", str(text).replace("\r\n", "\n"))
    if len(whole) <= limit:
        return whole
    half = limit // 2
    return f"{whole[:half]}\n… {len(whole) - limit:,} characters left out …\n{whole[-half:]}"


def brief(node: Node, snapshot: Snapshot) -> list[str]:
    """The attributes of a call that tell it from its like, each as `name=value`."""
    if op_name(node.op) == "simulated_quantize":
        return _simulated_quantize(node, snapshot)
    return [
        f"{clip(name, 24)}={clip(_value(value), 24)}"
        for name, value in node.attrs.items()
        if not _dull(name, value)
    ][:5]


def _simulated_quantize(node: Node, snapshot: Snapshot) -> list[str]:
    kind = node.attrs.get("kind")
    signed = "signed" if node.attrs.get("sign", True) else "unsigned"
    said = [f"as {clip(_KINDS.get(kind, kind), 12)}, {signed}"]  # type: ignore[arg-type]
    scale, low, high = ([_scalar(snapshot, i) for i in node.inputs[1:4]] + [None] * 3)[:3]
    if scale is not None:
        said.append(f"scale {scale}")
    if low is not None and high is not None:
        said.append(f"clip {low} to {high}")
    return said


def _scalar(snapshot: Snapshot, row: int) -> str | None:
    value = snapshot.nodes[row].value if 0 <= row < len(snapshot.nodes) else None
    return None if value is None else f"{value:.6g}"


def _dull(name: str, value: Any) -> bool:
    if name in _DULL or value in ("", None, 0, 1):
        return True
    return isinstance(value, list) and all(item in (0, 1) for item in value)


def _value(value: Any) -> str:
    if isinstance(value, list) and value and all(item == value[0] for item in value):
        return f"{value[0]}{TIMES}{len(value)}" if len(value) > 2 else f"{value[0]},{value[-1]}"
    return str(value).replace("'", "").replace(" ", "")
