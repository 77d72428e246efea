"""Model files that are damaged: each ends in a model, in one line of what is wrong with it, or in
the importer's refusal. The real importers try them, in processes forked from one that has a TVM."""

from __future__ import annotations

import atexit
import copy
import functools
import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from support.paths import CASES, ROOT, SCRIPTS

from tvmq_diag.toolchains import resolution
from tvmq_diag.toolchains.recipes import EVERY

from . import wire
from .campaign import Campaign, expect

SECONDS = 30.0
"""How long one import may take: of these nets they take one or two."""

TOLD = ("model", "ModelError", "ImportRejected", "Died", "Hung")
"""How an import may end: the last two are of TVM's own parsers, and the tool says so of them."""


class Importer:
    """A process with a TVM, which forks for each import."""

    def __init__(self, dialect: str) -> None:
        chain = resolution.resolve(dialect, echo=print, layers=EVERY)
        self._process = subprocess.Popen(
            [str(chain.python), str(SCRIPTS / "import_server.py"), dialect],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=chain.environment | {"PYTHONPATH": str(ROOT), "TVM_NUM_THREADS": "1"},
            text=True,
        )
        atexit.register(self.end)
        self._answer()

    def ended(self, source: str) -> tuple[str, str]:
        """How an import ends: one of TOLD or the class of an exception, and its text."""
        assert self._process.stdin is not None
        print(json.dumps([source, SECONDS]), file=self._process.stdin, flush=True)
        name, text = json.loads(self._answer())
        return name, text

    def end(self) -> None:
        """End it: nothing more is asked of it."""
        self._process.kill()
        self._process.communicate()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the process with the TVM ended")
        return line


@functools.cache
def importer(dialect: str) -> Importer:
    """The one for a dialect, started when it is first needed."""
    return Importer(dialect)


def trial(random: Random, folder: Path) -> None:
    """Import a file with one to three things changed."""
    dialect, kind, damaged = random.choice(_KINDS)
    file = folder / f"model.{kind}"
    seed = random.choice(sorted(CASES.glob(f"*.{kind}")))
    file.write_bytes(damaged(seed.read_bytes(), random))
    source = f"{kind.partition('.')[0]}:{file}"
    check(seed.name, *importer(dialect).ended(source))


def check(what: str, name: str, text: str) -> None:
    """Raises Broken unless an import that ended like this is told as it should be."""
    expect(name in TOLD, f"{what}: {name}: {text[:500]}")
    if name == "ModelError":
        expect("\n" not in text and 10 < len(text) < 1000, f"{what}: no line to read: {text!r}")
    if name == "ImportRejected":
        expect(text.strip(), f"{what} is refused without a word")


def flipped(data: bytes, random: Random) -> bytes:
    """Some bytes are others, or it is cut off, or it has a part twice."""
    changed = bytearray(data)
    what = random.randrange(3)
    start, end = sorted(random.randrange(len(data) + 1) for _ in range(2))
    if what == 0:
        return bytes(changed[:start])
    if what == 1:
        return bytes(changed[:start] + changed[start:end] * random.randrange(3) + changed[end:])
    for _ in range(random.choice((1, 2, 10))):
        changed[random.randrange(len(changed))] = random.randrange(256)
    return bytes(changed)


def of_tflite(data: bytes, random: Random) -> bytes:
    """Some offsets, sizes or numbers are others; the mark stays."""
    changed = bytearray(flipped(data, random) if random.random() < 0.2 else data)
    for _ in range(random.randint(1, 3)):
        at = random.randrange(2, max(3, len(changed) // 4)) * 4
        number = random.choice((0, 1, 2, 4, 97, 2**31 - 1, 2**31, 2**32 - 1, random.randrange(400)))
        changed[at : at + 4] = number.to_bytes(4, "little")
    return bytes(changed)


def of_onnx(data: bytes, random: Random) -> bytes:
    """Some fields are gone, others', or have other values."""
    if random.random() < 0.2:
        return flipped(data, random)
    fields = wire.read(data)
    for _ in range(random.randint(1, 3)):
        wire.damage(fields, random)
    return wire.written(fields)


def of_text(data: bytes, random: Random) -> bytes:
    """Some words are gone, or others of the text, or odd ones."""
    if random.random() < 0.2:
        return flipped(data, random)
    words = re.findall(r"\s+|[%@]?[\w.]+|.", data.decode(), re.S)
    for _ in range(random.randint(1, 3)):
        at = random.randrange(len(words))
        words[at] = random.choice((random.choice(words), random.choice(_ODD), "", words[at] * 2))
    return "".join(words).encode()


def of_json(data: bytes, random: Random) -> bytes:
    """Some values are gone, or others of the file, or odd ones."""
    if random.random() < 0.2:
        return flipped(data, random)
    value = json.loads(data)
    for _ in range(random.randint(1, 3)):
        places = list(_places(value))
        holder, key = random.choice(places)
        other, of_it = random.choice(places)
        if random.random() < 0.2:
            del holder[key]
        else:
            holder[key] = copy.deepcopy(random.choice((other[of_it], random.choice(_ODD))))
    return json.dumps(value).encode()


def _places(value: Any) -> Any:
    """Each place of a value in JSON: a list or an object, and the index or the key in it."""
    keys = list(value) if isinstance(value, dict) else range(len(value))
    for key in keys:
        yield value, key
        if isinstance(value[key], (dict, list)):
            yield from _places(value[key])


_ODD = (
    "0", "1", "-1", "99", "99999999999999999999", "1e999", "nan", "int4", "float33", "void", "()",
    "(", "}", "\"", "#", "%x", "@main", "?", "\x00", "é", "meta[relay.Constant][7]", "nn.conv2d",
)  # fmt: skip

_KINDS: list[tuple[str, str, Callable[[bytes, Random], bytes]]] = [
    ("relay", "onnx", of_onnx),
    ("relax", "onnx", of_onnx),
    ("relay", "tflite", of_tflite),
    ("relax", "tflite", of_tflite),
    ("relay", "relay", of_text),
    ("relay", "relay.json", of_json),
    ("relax", "relax", of_text),
    ("relax", "relax.json", of_json),
]

CAMPAIGN = Campaign(
    "imports", "a damaged model is told in a line, or the importer's refusal is", trial
)
