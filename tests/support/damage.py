"""Files as they should not be: `Random` draws what is wrong with them.

A campaign gives a seeded one, hypothesis one that it can shrink (`st.randoms`).
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

HOLE = "the value that is replaced"

WRONG = (
    "null",
    "true",
    "-7",
    "0.5",
    "1000000000000000000",
    "-9223372036854775809",
    '"x"',
    '""',
    "[]",
    "{}",
    "[[0, null], {}]",
    '{"x": [1]}',
    "NaN",
    "-Infinity",
    "1e308",
    "1e400",
    "1" + "0" * 400,
    "1" * 5000,  # more digits than Python takes
    '"\\ud800"',
    '"\\u0000\\u001b[2J\\u202e"',
    '"' + "../" * 40 + 'etc/passwd"',
    '"/dev/zero"',
    '"' + "w" * 100_000 + '"',
    "[" + ",".join("0" for _ in range(20_000)) + "]",
    "[" * 3000 + "]" * 3000,
    '{"x":' * 3000 + "1" + "}" * 3000,
    "x",
)
"""Values of every type, numbers that no float holds, half a surrogate pair, deep nesting, names of
files elsewhere, and what is longer than anybody would think."""


def damaged(random: Random, text: bytes) -> bytes:
    """A JSON text with values replaced or taken away, or some of its bytes gone or changed."""
    how = random.choice(("replaced", "replaced", "moved", "missing", "cut", "bytes"))
    if how == "cut":
        return text[: random.randint(0, len(text))]
    if how == "bytes":
        place, gone = random.randint(0, max(0, len(text) - 1)), random.randint(0, 3)
        fresh = bytes(random.randint(0, 255) for _ in range(random.randint(0, 3)))
        return text[:place] + fresh + text[place + gone :]
    try:
        value = json.loads(text)
    except ValueError:
        return text
    places = list(_places(value))
    if not places:
        return text
    inside, key = random.choice(places)
    if how == "missing":
        del inside[key]
        return json.dumps(value).encode()
    if how == "moved":  # a value of the right kind in the wrong place
        other, name = random.choice(places)
        inside[key] = json.loads(json.dumps(other[name]))
        return json.dumps(value).encode()
    inside[key] = HOLE
    return json.dumps(value).replace(json.dumps(HOLE), random.choice(WRONG)).encode()


def damaged_lines(random: Random, text: bytes) -> bytes:
    """A file of one JSON object a line: one is damaged, or some stand twice, elsewhere, nowhere."""
    lines = text.splitlines()
    number = random.randint(0, len(lines) - 1)
    how = random.choice(("damaged", "damaged", "damaged", "twice", "gone", "swapped"))
    if how == "damaged":
        lines[number] = damaged(random, lines[number])
    elif how == "twice":
        lines.insert(random.randint(0, len(lines)), lines[number])
    elif how == "gone":
        del lines[number : number + random.randint(1, 5)]
    else:
        other = random.randint(0, len(lines) - 1)
        lines[number], lines[other] = lines[other], lines[number]
    return b"\n".join(lines) + b"\n"


def damage(random: Random, file: Path) -> None:
    """Damage a file, by what is in it or by what it is."""
    if random.random() < 0.1:
        _replace(random, file)
        return
    text = file.read_bytes()
    if file.suffix in (".json", ".jsonl") and text.strip():
        broken = damaged_lines if file.suffix == ".jsonl" else damaged
        file.write_bytes(broken(random, text))
    else:
        place = random.randint(0, len(text))
        file.write_bytes(text[:place] + bytes(random.randint(0, 255) for _ in range(4)))


def _replace(random: Random, file: Path) -> None:
    """Something else in its place: nothing, a folder, a pipe, a link out or in a circle."""
    file.unlink()
    how = random.choice(("gone", "empty", "folder", "pipe", "out", "device", "circle", "forbidden"))
    if how in ("empty", "forbidden"):
        file.touch(0o000 if how == "forbidden" else 0o644)
    elif how == "folder":
        file.mkdir()
    elif how == "pipe":
        os.mkfifo(file)
    elif how != "gone":
        file.symlink_to({"out": "/etc/passwd", "device": "/dev/zero", "circle": file.name}[how])


def copied(source: Path, folder: Path) -> Path:
    """A copy of a folder, to damage."""
    return Path(shutil.copytree(source, folder))


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """All values inside a value: what each is in, and under which key or number."""
    if isinstance(value, dict):
        items: list[tuple[Any, Any]] = list(value.items())
    else:
        items = list(enumerate(value)) if isinstance(value, list) else []
    for key, inside in items:
        yield value, key
        yield from _places(inside)
