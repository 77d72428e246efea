"""x86 bitserial_conv2d forgets padding that only one side of the data has."""

import numpy as np
import tvm
from tvm import relay
from tvm.contrib import graph_executor

data = np.ones((1, 4, 4, 8), "uint8")
x = relay.var("x", shape=data.shape, dtype="uint8")
call = relay.nn.bitserial_conv2d(
    x, relay.const(np.ones((2, 2, 8, 8), "uint8")), padding=(1, 1, 0, 0), channels=8,
    kernel_size=(2, 2), activation_bits=1, weight_bits=1, data_layout="NHWC",
    kernel_layout="HWIO", pack_dtype="uint8", out_dtype="int32", unipolar=False,
)  # fmt: skip
built = relay.build(relay.Function([x], call), target="llvm -mtriple=x86_64-unknown-linux-gnu")
run = graph_executor.GraphModule(built["default"](tvm.cpu()))
run.run(x=data)
print(tvm.__version__, "expected is 16 in the first row and column, 8 in the corner, else 32")
print(run.get_output(0).numpy()[0, :, :, 0])
