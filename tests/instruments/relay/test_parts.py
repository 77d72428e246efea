"""Parts of a module as modules, and attributes worth writing down, on the real TVM."""

from __future__ import annotations

from support.paths import InTvm

NET = """
import tvm
from tvm import relay
from instruments.relay.ir import attributes
from instruments.relay.ir.parts import Parts
from instruments.diagnosis.reduction import NotSliceable, Part
import numpy as np

x = relay.var("input.1", shape=(1, 64, 56, 56))
w = relay.const(np.full((64, 64, 3, 3), 2.0, "float32"))
conv = relay.nn.conv2d(x, w, padding=(1, 1), channels=64, kernel_size=(3, 3))
halves = relay.split(conv, 2, axis=1)
net = relay.reshape(relay.multiply(halves[0], relay.const(0.5)), (1, 32, -1))
parts = Parts(relay.transform.InferType()(tvm.IRModule.from_expr(net)))
CONV, SPLIT, MULTIPLY, RESHAPE = range(4)

def main(part):
    return relay.transform.InferType()(parts.module(part))["main"]

def types(part):
    "Of the parameters; a tuple's are those of its fields."
    found = [p.checked_type for p in main(part).params]
    return [str(t) for f in found for t in (f.fields if isinstance(f, relay.TupleType) else [f])]
"""


def run(in_tvm: InTvm, code: str) -> None:
    done = in_tvm(NET + code)
    assert done.returncode == 0, done.stderr[-2000:]


def test_inputs_weights_and_scalars(in_tvm: InTvm) -> None:
    run(
        in_tvm,
        """
names = [parts.calls[i].op.name for i in range(4)]
assert names == ["nn.conv2d", "split", "multiply", "reshape"], names
part = Part(MULTIPLY, frozenset({CONV, SPLIT, MULTIPLY}))
function = main(part)
assert [p.name_hint for p in function.params] == ["x0", "x1"]  # names that Python can read
assert types(part) == ["Tensor[(1, 64, 56, 56), float32]", "Tensor[(64, 64, 3, 3), float32]"]
ones = main(Part(CONV, frozenset({CONV}), ones=True))
(weight,) = [a for a in ones.body.args if isinstance(a, relay.Constant)]
assert weight.data.numpy().min() == weight.data.numpy().max() == 1.0
assert types(Part(MULTIPLY, frozenset({MULTIPLY}))) == ["Tensor[(1, 32, 56, 56), float32]"] * 2
assert parts.has_weights and not parts.has_steps and parts.foldable() == set()
assert parts.sizes(part) == {1, 64, 56, 3}
""",
    )


def test_smaller_sizes_reach_inputs_weights_and_the_attributes_that_repeat_them(
    in_tvm: InTvm,
) -> None:
    run(
        in_tvm,
        """
small = frozenset({(64, 2), (56, 8), (3, 1)})
part = Part(CONV, frozenset({CONV}), sizes=small, dropped=frozenset({(CONV, "padding")}))
assert types(part) == ["Tensor[(1, 2, 8, 8), float32]", "Tensor[(2, 2, 1, 1), float32]"]
assert str(main(part).ret_type) == "Tensor[(1, 2, 8, 8), float32]"
weight = [a for a in main(Part(CONV, frozenset({CONV}), sizes=small, ones=True)).body.args][1]
assert tuple(weight.data.shape) == (2, 2, 1, 1)
shaped = main(Part(RESHAPE, frozenset({RESHAPE}), sizes=frozenset({(32, 4)})))
assert str(shaped.ret_type) == "Tensor[(1, 4, 3136), float32]"
tuples = types(Part(MULTIPLY, frozenset({MULTIPLY}), sizes=frozenset({(32, 4)})))
assert tuples == ["Tensor[(1, 4, 56, 56), float32]"] * 2
assert parts.attributes(part) == [(CONV, "padding"), (CONV, "channels"), (CONV, "kernel_size")]
try:
    parts.module(Part(RESHAPE, frozenset({RESHAPE}), dropped=frozenset({(RESHAPE, "newshape")})))
except NotSliceable as reason: assert "newshape" in str(reason)
else: raise SystemExit("reshape needs its newshape")
""",
    )


def test_a_required_attribute_that_is_none_is_said(in_tvm: InTvm) -> None:
    script = """
import tvm
from tvm import relay
from instruments.relay.ir import attributes
attrs = relay.nn.dense(relay.var("x", shape=(1, 4)), relay.var("w", shape=(3, 4))).attrs
told = attributes.telling(attrs)
again = tvm.ir.make_node(attributes.kind(attrs), **told)
assert told["units"] is None and tvm.ir.structural_equal(again, attrs)
"""
    done = in_tvm(script)
    assert done.returncode == 0, done.stderr[-2000:]


def test_attributes_at_their_default_say_nothing(in_tvm: InTvm) -> None:
    run(
        in_tvm,
        """
attrs = parts.calls[CONV].attrs
assert attributes.kind(attrs) == "relay.attrs.Conv2DAttrs"
told = {"padding": [1, 1, 1, 1], "channels": 64, "kernel_size": [3, 3]}
assert attributes.telling(attrs) == told, attributes.telling(attrs)
assert attributes.optional(attrs) == list(told)
assert attributes.optional(relay.clip(x, 0.0, 6.0).attrs) == []
assert attributes.changed(attrs, (), {}) is attrs and attributes.changed(None, (), {}) is None
again = tvm.ir.make_node(attributes.kind(attrs), **attributes.telling(attrs))
assert tvm.ir.structural_equal(again, attrs)
""",
    )
