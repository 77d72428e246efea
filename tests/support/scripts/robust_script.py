"""QuantizeTrace where everything goes wrong: prints what came of each case as one JSON object.

python robust_script.py FOLDER FULL      FULL is a folder on a disk of 64 KB
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import tvm
from tvm import relay

from instruments import QuantizeTrace

FOLDER, FULL = Path(sys.argv[1]), Path(sys.argv[2])
CONTEXT = tvm.transform.PassContext


class Own(Exception):
    """The person's own exception."""


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise ValueError("no text")


def module(size: int = 4) -> tvm.IRModule:
    x = relay.var("x", shape=(1, size))
    y = x
    for _ in range(size):
        y = relay.add(y, relay.const(np.ones((1, size), "float32")))
    return tvm.IRModule.from_expr(relay.Function([x], y))


def optimize(size: int = 4) -> None:
    with CONTEXT(opt_level=3):
        relay.transform.FoldConstant()(relay.transform.InferType()(module(size)))


def state() -> list[Any]:
    return [
        CONTEXT.__init__,
        CONTEXT.override_instruments,
        CONTEXT.__dict__.get("instruments"),
        warnings.warn,
        logging.Logger.handle,
        [str(one) for one in CONTEXT.current().instruments or []],
    ]


def passes(folder: Path) -> int:
    text = (folder / "journal.jsonl").read_text(encoding="utf-8")
    return sum('"kind":"enter"' in line for line in text.splitlines())


def full_disk() -> str:
    try:
        with QuantizeTrace(FULL / "trace"):
            optimize(100)
            raise Own
    except Own:
        return "own"
    except Exception as error:
        return repr(error)


def unspeakable() -> str:
    try:
        with QuantizeTrace(FOLDER / "unspeakable"):
            raise Unspeakable
    except Unspeakable:
        return "own"


def facts_beyond_json() -> int:
    circle: list[Any] = []
    circle.append(circle)
    with QuantizeTrace(FOLDER / "facts") as trace:
        trace.facts(circle=circle, pairs={(1, 2): 3}, plain=7, silent=Unspeakable())
        optimize()
    return passes(FOLDER / "facts")


def threads() -> list[int]:
    begun, ended = threading.Event(), threading.Event()

    def other() -> None:
        with QuantizeTrace(FOLDER / "second"):
            begun.set()
            ended.wait(60)
            optimize()

    thread = threading.Thread(target=other)
    with QuantizeTrace(FOLDER / "first"):
        thread.start()
        begun.wait(60)
        optimize()
    ended.set()
    thread.join()
    return [passes(FOLDER / name) for name in ("first", "second")]


def wrong_order() -> list[int]:
    one, two = QuantizeTrace(FOLDER / "one"), QuantizeTrace(FOLDER / "two")
    one.__enter__()
    two.__enter__()
    one.__exit__(None, None, None)
    optimize()
    two.__exit__(None, None, None)
    return [passes(FOLDER / name) for name in ("one", "two")]


def elsewhere() -> int:
    before = Path.cwd()
    os.chdir(FOLDER)
    try:
        with QuantizeTrace("relative") as trace:
            os.chdir("/")
            optimize()
    finally:
        os.chdir(before)
    return passes(trace.path)


def forked() -> list[int]:
    with QuantizeTrace(FOLDER / "forked"):
        child = os.fork()
        if child == 0:
            try:
                optimize()
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        between = passes(FOLDER / "forked") + len(list((FOLDER / "forked/snapshots").iterdir()))
        optimize()
    return [between, passes(FOLDER / "forked")]


def twice() -> list[Any]:
    trace = QuantizeTrace(FOLDER / "twice")
    for _ in range(2):
        with trace:
            optimize()
    answers: list[Any] = [passes(FOLDER / "twice"), passes(FOLDER / "twice-2"), trace.path.name]
    try:
        with trace, trace:
            pass
    except RuntimeError as error:
        answers.append(str(error).split(": ")[-1])
    return answers


before = state()
cases = [
    full_disk, unspeakable, facts_beyond_json, threads, wrong_order, elsewhere, forked, twice,
]  # fmt: skip
answers: dict[str, Any] = {}
for case in cases:
    answers[case.__name__] = case()
    answers.setdefault("patched after", []).extend([case.__name__] if state() != before else [])
print(json.dumps(answers))
