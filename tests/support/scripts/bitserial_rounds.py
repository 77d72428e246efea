"""The rounds of scripts/bench_bitserial.py, in the TVM process: one op in many forms, in turn.

A line of JSON for each form (is it numpy's, or why is it refused), then one for each round of it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tvm
from one_op import OneOp, executor, integers, realized
from tvm import relay

from instruments.relay.compile import execution

OPS = {
    "conv2d 64x28x28 by 64x3x3": OneOp(
        (1, 64, 28, 28), (64, 64, 3, 3), relu=True, padding=(1, 1, 1, 1)
    ),
    "conv2d 512x7x7 by 512x3x3": OneOp(
        (1, 512, 7, 7), (512, 512, 3, 3), relu=True, padding=(1, 1, 1, 1)
    ),
    "dense 512 by 1000": OneOp((1, 512), (1000, 512), relu=True),
}

MILLISECONDS = 20
"""Of one timing, about."""


class Form(NamedTuple):
    """`run` is an executor, `equal` whether its output is what numpy says."""

    run: Any
    equal: bool


def quantized(op: OneOp, ours: bool) -> Form:
    """Behind realize. Raises ValueError where that refuses."""
    run = executor(realized(op.module(), ours, op.sums), x=op.values)
    return Form(run, bool(np.array_equal(integers(run), op.by_numpy())))


def floating(op: OneOp) -> Form:
    run = executor(op.module(steps=False), x=op.values)
    (output,) = execution.outputs(run)
    return Form(run, bool(np.allclose(output, op.by_numpy(steps=False), rtol=1e-3, atol=1e-4)))


def alone(op: OneOp, data_bits: int, weight_bits: int, sums: str) -> Form:
    """TVM's op and nothing around it, on any values that have these bits and no sign."""
    random = np.random.default_rng(0)
    data = random.integers(0, 2**data_bits, op.data).astype("int8")
    weight = random.integers(0, 2**weight_bits, op.weight).astype("int8")
    x = relay.var("x", shape=op.data, dtype="int8")
    shared = {"pack_dtype": "uint64", "out_dtype": sums, "unipolar": False}
    if data.ndim == 2:
        bits = {"data_bits": data_bits, "weight_bits": weight_bits, "units": len(weight)}
        body = relay.nn.bitserial_dense(x, relay.const(weight), **bits, **shared)
    else:
        bits = {"activation_bits": data_bits, "weight_bits": weight_bits, "channels": len(weight)}
        shape = {"padding": op.padding[:2], "kernel_size": weight.shape[2:]}
        body = relay.nn.bitserial_conv2d(x, relay.const(weight), **bits, **shape, **shared)
    run = executor(tvm.IRModule.from_expr(relay.Function([x], body)), x=data)
    (output,) = execution.outputs(run)
    return Form(run, bool(np.array_equal(output, op.of(data, weight))))


def forms(op: OneOp) -> dict[str, Callable[[], Form]]:
    """By what they are called in the table."""

    def bits(data: int, weight: int, **others: Any) -> OneOp:
        return op._replace(data_bits=data, weight_bits=weight, **others)

    return {
        "float32": lambda: floating(op),
        "int8": lambda: quantized(bits(8, 8), ours=False),
        "bitserial, nbit 2 by 2 behind a relu": lambda: quantized(bits(2, 2), True),
        "bitserial, nbit 2 by 2": lambda: quantized(bits(2, 2, relu=False), True),
        "bitserial, nbit 3 by 2 behind a relu": lambda: quantized(bits(3, 2), True),
        "bitserial, nbit 3 by 3 behind a relu": lambda: quantized(bits(3, 3), True),
        "bitserial, nbit 4 by 4": lambda: quantized(bits(4, 4, relu=False), True),
        "bitserial, nbit 4 by 4, largest weights, sums in int16": lambda: quantized(
            bits(4, 4, relu=False, sums="int16", extreme=True), True
        ),
        "TVM's op alone, 1 by 1": lambda: alone(op, 1, 1, "int16"),
        "TVM's op alone, 2 by 1": lambda: alone(op, 2, 1, "int16"),
        "TVM's op alone, 2 by 2": lambda: alone(op, 2, 2, "int16"),
        "TVM's op alone, 4 by 4": lambda: alone(op, 4, 4, "int16"),
        "TVM's op alone, 4 by 4, sums in int32": lambda: alone(op, 4, 4, "int32"),
    }


def main(rounds: int) -> None:
    for title, op in OPS.items():
        ready = {}
        for name, make in forms(op).items():
            try:
                ready[name] = make()
            except ValueError as error:
                told(op=title, form=name, refused=str(error))
            else:
                told(op=title, form=name, equal=ready[name].equal)
        often = {name: max(1, round(MILLISECONDS / timed(form, 3))) for name, form in ready.items()}
        for number in range(rounds):
            shift = number % len(ready)
            for name in [*ready][shift:] + [*ready][:shift]:
                told(op=title, form=name, ms=timed(ready[name], often[name]))


def timed(form: Form, number: int) -> float:
    """Milliseconds of a run, the mean of `number`."""
    return float(form.run.benchmark(tvm.cpu(), repeat=1, number=number).mean) * 1e3


def told(**line: Any) -> None:
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
