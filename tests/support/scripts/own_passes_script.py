"""Failing passes and what is around them, each recorded into a folder of its own below argv[1].

Runs in a TVM with Relay.
"""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import tvm
from own_script import convert, convolution
from tvm import relay
from tvm.relay.transform.fake_quantization_to_integer import register_fake_quantization_to_integer

from instruments import QuantizeTrace

FOLDER = Path(sys.argv[1])


def recorded(name, work):
    with contextlib.suppress(Exception), QuantizeTrace(FOLDER / name):
        work()


def region(*ops):
    """dequantize, relu, the ops, relu, quantize: which FakeQuantizationToInteger takes whole."""
    value = relay.qnn.op.dequantize(
        relay.var("data", shape=(1, 8), dtype="int8"), relay.const(2.0), relay.const(0)
    )
    for op in (relay.nn.relu, *ops, relay.nn.relu):
        value = op(value)
    closed = relay.qnn.op.quantize(value, relay.const(1.0), relay.const(0), out_dtype="int8")
    return relay.transform.InferType()(tvm.IRModule.from_expr(relay.cast(closed, "int32")))


def to_integer(module):
    with tvm.transform.PassContext(opt_level=3):
        relay.transform.FakeQuantizationToInteger(hard_fail=True)(module)


def reshape(shape):
    return lambda value: relay.reshape(value, shape)


def no_rule():
    to_integer(region(relay.sin))


def broken_rule():
    @register_fake_quantization_to_integer("reshape", level=20)
    def rule(call, types):
        if int(call.attrs.newshape[0]) == 4:
            raise ValueError("the second is broken")
        argument = call.args[0]
        return [relay.op.reshape(argument, call.attrs.newshape), types[argument]]

    to_integer(region(reshape((2, 4)), reshape((4, 2))))


def legalize():
    """A table of rules that Legalize goes by, where one of them raises; by its name alone there are
    three tables that it may have gone by."""

    @tvm.ir.register_op_attr("nn.relu", "FTVMQnnLegalize", level=20)
    def rule(attrs, inputs, types):
        raise ValueError("no relu here")

    with tvm.transform.PassContext(opt_level=3):
        relay.qnn.transform.Legalize()(relay.transform.InferType()(convolution()))


@tvm.transform.module_pass(opt_level=0, name="QnnLegalize")
class Mine:
    """A pass of the person's own, which no name can make."""

    def transform_module(self, module, context):
        seen = []
        relay.analysis.post_order_visit(module["main"], seen.append)
        if any(isinstance(one, tvm.ir.Op) and one.name == "nn.conv2d" for one in seen):
            raise RuntimeError("no convolutions here")
        return module


def mine():
    with tvm.transform.PassContext(opt_level=3):
        tvm.transform.Sequential([relay.transform.InferType(), Mine()])(convolution())


def caught():
    with contextlib.suppress(ValueError):
        convert()
    raise RuntimeError("mine, of no pass")


def inside():
    with QuantizeTrace(FOLDER / "inner"):
        convert()


@tvm.ir.instrument.pass_instrument
class Counter:
    passes = 0

    def run_before_pass(self, module, info):
        Counter.passes += 1


def shown():
    """What somebody who looks at a context sees of it, and what replacing instruments does."""
    counter = Counter()
    with tvm.transform.PassContext(opt_level=3, instruments=[counter]) as context:
        print("shown", len(context.instruments), context.instruments[0].same_as(counter))
        context.override_instruments([])
        print("replaced", len(context.instruments or []))
        convert()


if __name__ == "__main__":
    before = vars(tvm.transform.PassContext).copy()
    for work in (convert, no_rule, broken_rule, legalize, mine, caught, inside, shown):
        recorded(work.__name__, work)
    print("restored", vars(tvm.transform.PassContext) == before, Counter.passes)
