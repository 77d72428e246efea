"""Relax modules of a few ops, for scripts that run in its TVM."""

from tvm import relax

# 0.25 has both, and takes the first.
Tensor = getattr(relax, "TensorStructInfo", None) or relax.TensorType


def module(build, *shape):
    """Of one input `x` in float32; `build(emit, x)` gives its result."""
    x = relax.Var("x", Tensor(shape, "float32"))
    builder = relax.BlockBuilder()
    with builder.function("main", [x]):
        with builder.dataflow():
            result = builder.emit_output(build(builder.emit, x))
        builder.emit_func_output(result)
    return builder.get()
