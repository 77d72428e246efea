"""Every op on its own and the smallest module that fails, on the real TVM."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from support.paths import InTvm

from tvmq_diag.toolchains.toolchain import Toolchain

FAIL = "from survey_script import *\n"


def said(in_tvm: InTvm, code: str, *arguments: str) -> Any:
    """The last line that a script prints, as JSON."""
    done = in_tvm(FAIL + code, *arguments)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    ("dtypes", "mcpu", "calls", "rejected", "has", "has_not"),
    [
        (
            "int4/int4/int4", None, 3, {"add", "relay.op.annotation.simulated_quantize"},
            ["quantizer.realize()", "dtype_activation='int4'", "shape=(1, 1, 1, 1)"],
            ["import numpy", "nn.conv2d", "Target("],
        ),
        (
            "int4/int4/int32", None, 1, {"layout_transform"},
            ['tvm.nd.empty((16, 16, 1, 1), "int4")', "relay.transform.FoldConstant()(module)"],
            ["numpy", "quantizer"],
        ),
        (
            "int8/int2/int32", None, 1, {"cast"},
            ["import numpy as np", 'relay.const(np.ones((1, 1, 1, 1), "float32"))'],
            ["quantizer"],
        ),
        (
            "int4/int8/int32", None, 1, {"nn.conv2d"},
            ["AlterOpLayout", "tvm.target.Target(", '"relay.attrs.Conv2DAttrs")'],
            ["quantizer", "padding", "channels"],
        ),
        (
            "bool/bool/bool", None, 1, {"nn.global_avg_pool2d"},
            ["relay.build(module, target='llvm", "opt_level=2", 'GlobalPool2DAttrs")'],
            ["numpy", "quantizer", "layout"],
        ),
        (
            "uint8/uint8/uint8", None, 1, {"clip", "nn.global_avg_pool2d"},
            ["a_min=-127.0", 'shape=(1, 1, 1, 1, 1), dtype="uint8"'],
            ["numpy"],
        ),
        (
            "int8/int8/int8", "none", 1, {"nn.global_avg_pool2d"},
            ["shape=(1, 1, 16, 16, 1)"],
            ["mcpu"],
        ),
        (
            "int8/int8/int8", "x86-64-v3", 1, {"nn.conv2d"},
            ["data types int8 and int32 do not match in BroadcastRel", "Legalize()"],
            ["padding"],
        ),
    ],
)  # fmt: skip
def test_the_smallest_module_and_the_map(
    in_tvm: InTvm,
    relay: Toolchain,
    tmp_path: Path,
    dtypes: str,
    mcpu: str | None,
    calls: int,
    rejected: set[str],
    has: list[str],
    has_not: list[str],
) -> None:
    found = said(in_tvm, f"print(json.dumps(surveyed({dtypes!r}, {mcpu!r})))")
    smallest = found["smallest"]
    assert smallest["calls"] == calls
    assert smallest["complete"] and smallest["deterministic"]
    assert smallest["queries"] <= 20 and smallest["ms"] < 5000
    assert {name for name, _ in found["rejected"]} == rejected
    assert not found["left"] and not found["unjudged"]
    assert len(found["accepted"]) > len(found["rejected"])
    source = smallest["source"]
    assert all(text in source for text in has), source
    assert not any(text in source for text in has_not), source
    assert len(source.splitlines()) <= 30
    (tmp_path / "repro.py").write_text(source)
    fresh = subprocess.run(
        [str(relay.python), str(tmp_path / "repro.py")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert fresh.returncode == 1
    wanted = found["error"]
    if "diagnostic render" in wanted:  # which says nothing: TVM prints the reason by itself
        assert "data types int8 and int32 do not match in BroadcastRel" in fresh.stderr
    else:
        assert fresh.stderr.splitlines()[-1].rstrip(" :").endswith(wanted)


def test_the_attempt_can_be_wrapped_and_nothing_known_is_tried_again(in_tvm: InTvm) -> None:
    found = said(
        in_tvm,
        """
memo, calls = {}, []
def wrap(attempt):
    def counted(module):
        calls.append(module)
        attempt(module)
    return counted
one = surveyed("int4/int4/int4", wrap=wrap, memo=memo)
ran = len(calls)
memo = json.loads(json.dumps(memo))
other = surveyed("int4/int4/int4", wrap=wrap, memo=memo)
print(json.dumps([one, other, ran, len(calls) - ran, len(memo), sorted(memo)[:1]]))
""",
    )
    one, other, ran, again, known, keys = found
    assert one["rejected"] == other["rejected"]
    assert one["smallest"]["source"] == other["smallest"]["source"]
    # Parts that are the same module are run once, and each has its answer.
    assert 0 < ran < known == sum(one["queries"]) and keys[0].startswith("QuantizeRealize")
    assert again == 0 and other["queries"] == [0, 0]


def test_an_exception_of_the_wrapper_is_an_answer(in_tvm: InTvm) -> None:
    """As when each experiment has a process of its own, and that dies."""
    assert said(
        in_tvm,
        """
class Died(Exception): pass
def wrap(attempt):
    def run(module):
        try: attempt(module)
        except tvm.TVMError as error:
            raise Died("the process dies") if "unknown data type" in str(error) else error
    return run
path, error, qconfig, host = failing("int4/int4/int4")
with qconfig:
    found = replay.blame(path, error, host)
    made = survey.survey(path, Died("the process dies"), host, wrap=wrap)
    smallest = made.smallest(found, VERSIONS)
print(json.dumps([smallest.calls, smallest.source.splitlines()[0]]))
""",
    ) == [3, '"""QuantizeRealize fails on this module with: the process dies']


def test_why_not(in_tvm: InTvm) -> None:
    found = said(
        in_tvm,
        """
from instruments.recording.open_pass import OpenPass
path, error, qconfig, host = failing("int4/int4/int4")
reasons = []
def asked(what):
    try: what()
    except NotSliceable as reason: reasons.append(str(reason))
with qconfig:
    found = replay.blame(path, error, host)
    asked(lambda: survey.survey([], error, host))
    before = path[-1].before
    asked(lambda: survey.survey([OpenPass(1, "Mystery", "lower", before, None)], error, host))
    x, y = relay.var("x", shape=(2, 3)), relay.var("y", shape=(4, 5))
    broken = tvm.IRModule.from_expr(relay.Function([x, y], relay.add(x, y)))
    asked(lambda: survey.survey([OpenPass(1, "Legalize", "lower", broken, None)], error, host))
    other = survey.survey(path, ValueError("another"), host)
    asked(lambda: other.smallest(found, VERSIONS))
    slow = survey.survey(path, ValueError("another"), host, reduce_seconds=-1.0)
    asked(lambda: slow.smallest(found, VERSIONS))
    harmless = survey.survey([OpenPass(1, "SimplifyInference", "lower", before, None)], error, host)
    asked(harmless.map)
    hurried = survey.survey(path, error, host, map_seconds=-1.0).map()
print(json.dumps([reasons, hurried.left, hurried.queries, len(replay.calls_of(before))]))
""",
    )
    reasons, left, queries, calls = found
    assert reasons[:2] == [
        "it failed in no pass on a Relay module",
        "Mystery cannot be run on its own",
    ]
    assert reasons[2].startswith("its ops have no types: ")
    assert reasons[3:] == [
        "no part of the module fails in the same way on its own",
        "no part of the module was found in -1 s that fails in the same way on its own",
        "no op fails on its own, only several of them together do",
    ]
    assert left == calls and queries == 0


def test_experiments_are_not_heard_and_the_renderer_is_as_before(in_tvm: InTvm) -> None:
    """The diagnostics of an experiment are in its exception; those of others go where they did."""
    done = in_tvm(
        """
import tvm
from tvm import relay
from tvm.ir import diagnostics
from instruments.recording.diagnostic_texts import quiet
x, y = relay.var("x", shape=(2, 3)), relay.var("y", shape=(4, 5))
broken = tvm.IRModule.from_expr(relay.Function([x, y], relay.add(x, y)))
def said(run):
    try: run(broken)
    except tvm.error.DiagnosticError as error: return str(error).splitlines()[-1]
infer = relay.transform.InferType()
for _ in range(2):
    print("quiet", said(quiet(infer)))
heard = []
diagnostics.override_renderer(lambda context: heard.append(len(context.diagnostics)))
said(quiet(infer)); assert not heard
said(infer); assert heard
diagnostics.override_renderer(None)
"""
    )
    assert done.returncode == 0, done.stderr[-2000:]
    first, second = done.stdout.splitlines()
    assert first == second != "quiet None" and "diagnostic render" not in first
    assert done.stderr == ""
