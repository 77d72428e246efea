"""realize=bitserial on Relay: the same integers as numpy's, and the ops that it leaves alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.paths import InTvm

from tvmq_diag.analysis.coverage import coverage
from tvmq_diag.analysis.dtype_timeline import timeline
from tvmq_diag.results import store
from tvmq_diag.results.run import Result, Role
from tvmq_diag.results.verdict import REJECTED, WRONG

BEGIN = "import json\nfrom one_op import *\n"

EQUAL = """
cases = {
    "a square": OneOp((1, 16, 9, 9), (6, 16, 3, 3)),
    "behind a relu": OneOp((1, 16, 9, 9), (6, 16, 3, 3), relu=True),
    "more bits": OneOp((1, 32, 9, 9), (6, 32, 3, 3), 4, 3),
    "few weights": OneOp((1, 64, 9, 9), (6, 64, 3, 3), 3, 2, relu=True),
    "padded": OneOp((1, 16, 9, 9), (6, 16, 3, 3), padding=(1, 1, 1, 1)),
    "padded at one side": OneOp((1, 16, 9, 9), (6, 16, 3, 3), padding=(0, 0, 1, 2)),
    "strides": OneOp((1, 16, 11, 9), (6, 16, 3, 3), strides=(2, 3), padding=(1, 1, 1, 1)),
    "strides over a window": OneOp((1, 16, 7, 8), (6, 16, 1, 1), strides=(2, 3)),
    "an input's channels": OneOp((1, 3, 9, 9), (6, 3, 5, 5), padding=(2, 2, 2, 2)),
    "no word of channels": OneOp((1, 12, 9, 9), (5, 12, 3, 3), padding=(1, 1, 1, 1)),
    "dense": OneOp((3, 64), (10, 64), 3, 3),
    "dense behind a relu": OneOp((1, 512), (7, 512), relu=True),
    "dense, no word": OneOp((2, 13), (10, 13)),
    "short sums": OneOp((1, 64, 5, 5), (6, 64, 3, 3), sums="int16"),
}
told = {}
for name, case in cases.items():
    module = realized(case.module(), ours=True, sums=case.sums)
    told[name] = {
        "ours": sum("bitserial" in op for op in operators(module)),
        "equal": bool(np.array_equal(integers(executor(module, x=case.values)), case.by_numpy())),
        "values": len(np.unique(case.by_numpy())),
    }
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def equal(in_tvm: InTvm) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(in_tvm(BEGIN + EQUAL).stdout)
    return told


def test_it_is_numpy_to_the_last_integer(equal: dict[str, Any]) -> None:
    assert len(equal) == 14
    for name, told in equal.items():
        assert told["ours"] == 1, name
        assert told["values"] > 3, name
        assert told["equal"], name


REFUSED = """
def reason(case):
    try:
        realized(case.module(), ours=True, sums=case.sums)
    except ValueError as error:
        return str(error)

conv = OneOp((1, 256, 5, 5), (6, 256, 3, 3), 4, 4)
full = OneOp((1, 334), (4, 334), 4, 4, sums="int16", extreme=True)
square = OneOp((1, 16, 9, 9), (6, 16, 3, 3))
def having(**attributes):
    return square._replace(attributes=attributes)
told = {
    "16 bits": reason(conv._replace(sums="int16")),
    "32 bits": reason(conv),
    "just": reason(full),
    "just equal": bool(np.array_equal(
        integers(executor(realized(full.module(), ours=True, sums="int16"), x=full.values)),
        full.by_numpy())),
    "just sum": int(full.by_numpy().max()),
    "one more": reason(full._replace(data=(1, 335), weight=(4, 335))),
    "too large for float32": reason(
        full._replace(data=(1, 30000), weight=(4, 30000), sums="int32")
    ),
    "8-bit data": reason(square._replace(data_bits=8)),
    "5-bit weight": reason(square._replace(weight_bits=5)),
    "1-bit weight": reason(square._replace(weight_bits=1)),
    "groups": reason(square._replace(weight=(6, 8, 3, 3), attributes={"groups": 2})),
    "dilated": reason(having(dilation=(2, 2))),
    "batch": reason(square._replace(data=(2, 16, 9, 9))),
    "float": reason(square._replace(sums="float32")),
}
print(json.dumps(told))
"""


def test_what_it_cannot_hold_it_refuses_and_says_why(in_tvm: InTvm) -> None:
    told = json.loads(in_tvm(BEGIN + REFUSED).stdout)
    room = "16 bits have no room for the sums of 4-bit by 4-bit products of "
    assert told["16 bits"].endswith(f"nn.conv2d: {room}2304 values")
    assert told["32 bits"] is None
    assert told["just"] is None
    assert told["just equal"]
    assert told["just sum"] == 334 * 7 * 7
    assert told["one more"].endswith(f"nn.dense: {room}335 values")
    largest = "its sums reach 2940000, and float32 hands on 2796202 at most"
    assert largest in told["too large for float32"]
    assert "its data has 8 bits, and 4 are the most" in told["8-bit data"]
    assert "its weight has 5 bits" in told["5-bit weight"]
    assert "its weight has 1 bit, and TVM keeps that for the sign" in told["1-bit weight"]
    assert "groups" in told["groups"]
    assert "dilated" in told["dilated"]
    assert "its batch is 2" in told["batch"]
    assert "dtype_activation is float32" in told["float"]


MIXED = """
from instruments.protocol.jobs import ModelSource
from instruments.relay.compile import nets
from instruments.relay.quantizer.own_fields import configured

model = nets.tiny(ModelSource("tiny"))
values = np.random.default_rng(0).normal(size=(1, 3, 32, 32)).astype("float32")
reports = []

def quantized(**fields):
    fields = {"nbit_input": 3, "weight_bits": "382", **fields}
    with configured(fields, lambda *report: reports.append(report)):
        return relay.quantize.quantize(model.fresh(), dict(model.params))

def output(module):
    return execution.outputs(executor(module, input=values))[0]

own, ours = quantized(), quantized(realize="bitserial")
told = {
    "reports": reports,
    "ops": operators(ours),
    "equal": bool(np.array_equal(output(own), output(ours))),
    "varied": len(np.unique(output(ours))),
}
print(json.dumps(told))
"""


def test_a_model_of_which_some_ops_are_taken_is_as_tvm_realizes_it(in_tvm: InTvm) -> None:
    told = json.loads(in_tvm(BEGIN + MIXED).stdout)
    reason = "nn.conv2d: its weight has 8 bits, and 4 are the most to count one by one"
    assert told["reports"] == [[2, {reason: 1}]]
    assert told["ops"].count("nn.bitserial_conv2d") == 2
    assert told["ops"].count("nn.conv2d") == 2  # the first is left in float by skip_conv_layers
    assert told["varied"] > 3
    assert told["equal"]


def asked(trace_quantize: Callable[..., int], folder: Path, fields: str) -> Result:
    """The result of the built-in net under these fields, by the command."""
    words = ["--model", "tiny", "--no-reference", "--search", "0", "--quantize-opt-level", "3"]
    trace_quantize(*words, "--dtype", f"int8/int8/int32:{fields}:realize=bitserial", "--out", "o")
    (result,) = store.load(folder / "o").with_role(Role.REQUESTED)
    return result


def test_a_run_of_two_bits_is_judged_by_its_numbers(
    trace_quantize: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = asked(trace_quantize, tmp_path, "nbit=2")
    assert result.verdict.outcome == WRONG  # and not: not quantized
    trace = result.trace
    assert trace is not None and trace.facts.bitserial is not None
    assert (trace.facts.bitserial.taken, trace.facts.bitserial.left) == (3, {})
    assert "3 ops computed by TVM's bitserial ops" in capsys.readouterr().out
    before, *_, after = coverage(trace).stages
    assert after.macs.total() == before.macs.total()
    weights = 2 * 16 * 16 * 9 + 32 * 16 * 9
    assert after.weight_bytes["uint16"] == 2 * weights / 8  # two bits each, of one sign and another
    rows = [row for row in timeline(trace).rows if "conv2d" in row.label]
    ops = [row.cells["fold"].op for row in rows]
    assert ops == ["nn.conv2d", *["nn.bitserial_conv2d"] * 3]


def test_a_run_of_eight_bits_is_refused_at_the_first_op(
    trace_quantize: Callable[..., int], tmp_path: Path
) -> None:
    result = asked(trace_quantize, tmp_path, "nbit=8")
    verdict, trace = result.verdict, result.trace
    assert (verdict.outcome, verdict.stage) == (REJECTED, "realize")
    assert verdict.pass_name == "RealizeBitserial"
    assert verdict.message is not None and "its data has 8 bits" in verdict.message
    assert trace is not None and trace.blame is not None
    module = trace.failing_snapshot()
    assert module is not None
    convolutions = [n.number for n in module.executed() if n.op == "nn.conv2d"]
    assert trace.blame.row == convolutions[1]  # the first is left in float
    assert trace.knobs == []  # no dtype makes it fail
