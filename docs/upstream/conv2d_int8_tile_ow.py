"""AutoTVM's conv2d_NCHWc_int8 with tiles of seven columns leaves six of seven sums unwritten."""

import numpy as np
import tvm.topi  # registers its schedules
from tvm import autotvm, te

target = tvm.target.Target("llvm -mtriple=x86_64-unknown-linux-gnu -mcpu=cascadelake")
data = te.placeholder((1, 2, 9, 9, 4), "uint8")
weight = te.placeholder((2, 2, 3, 3, 1, 32, 4), "int8")
arguments = (data, weight, (1, 1), (0, 0, 0, 0), (1, 1), "NCHW4c", "NCHW32c", "int32")
task = autotvm.task.create("conv2d_NCHWc_int8.x86", args=arguments, target=target)
print(tvm.__version__, "expected are 72 alone: 3 x 3 x 8 ones")
for index in range(len(task.config_space)):
    config = task.config_space.get(index)
    with target:
        schedule, buffers = task.instantiate(config)
        run = tvm.build(schedule, buffers)
    arrays = []
    for buffer in buffers:
        arrays.append(tvm.nd.array(np.ones([int(size) for size in buffer.shape], buffer.dtype)))
    run(*arrays)
    (sums,) = (array.numpy() for array in arrays if array.dtype == "int32")
    print("right" if np.all(sums == 72) else "wrong", np.sum(sums == 72), "of", sums.size, config)
