"""JSON files as they should not be: hypothesis draws what is wrong with them."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

HOLE = "the value that is replaced"

WRONG = (
    "null",
    "true",
    "-7",
    "0.5",
    '"x"',
    "[]",
    "{}",
    "[[0, null], {}]",
    '{"x": [1]}',
    "NaN",
    "-Infinity",
    "1e400",
    "1" + "0" * 400,
    "1" * 5000,  # more digits than Python takes
    '"\\ud800"',
    '"\\u0000"',
    "[" * 3000 + "]" * 3000,
    '{"x":' * 3000 + "1" + "}" * 3000,
    "x",
)
"""Values of every type, numbers that no float holds, half a surrogate pair, deep nesting."""


@st.composite
def damaged(draw: st.DrawFn, text: bytes) -> bytes:
    """A JSON text with a value replaced or taken away, or some of its bytes gone or changed."""
    how = draw(st.sampled_from(("replaced", "replaced", "missing", "cut", "bytes")))
    if how == "cut":
        return text[: draw(st.integers(0, len(text)))]
    if how == "bytes":
        place = draw(st.integers(0, max(0, len(text) - 1)))
        return text[:place] + draw(st.binary(max_size=3)) + text[place + draw(st.integers(0, 3)) :]
    value = json.loads(text)
    places = list(_places(value))
    if not places:
        return text
    inside, key = draw(st.sampled_from(places))
    if how == "missing":
        del inside[key]
        return json.dumps(value).encode()
    inside[key] = HOLE
    return json.dumps(value).replace(json.dumps(HOLE), draw(st.sampled_from(WRONG))).encode()


@st.composite
def damaged_lines(draw: st.DrawFn, text: bytes) -> bytes:
    """A file of one JSON object a line, one of which is damaged."""
    lines = text.splitlines()
    number = draw(st.integers(0, len(lines) - 1))
    lines[number] = draw(damaged(lines[number]))
    return b"\n".join(lines) + b"\n"


def _places(value: Any) -> Any:
    """All values inside a value: what each is in, and under which key or number."""
    if isinstance(value, dict):
        items: list[tuple[Any, Any]] = list(value.items())
    else:
        items = list(enumerate(value)) if isinstance(value, list) else []
    for key, inside in items:
        yield value, key
        yield from _places(inside)
