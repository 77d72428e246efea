"""The assignment's own lines, without the tool: ResNet-50, three dtypes, quantize() as in TVM's
tutorial, then relay.build. Prints what TVM raises."""

import sys

import torch
import torchvision
import tvm
from tvm import relay

net = torchvision.models.resnet50(weights=None).eval()
traced = torch.jit.trace(net, torch.zeros(1, 3, 224, 224), check_trace=False)
mod, params = relay.frontend.from_pytorch(traced, [("input", (1, 3, 224, 224))])
dtype = sys.argv[1]
try:
    with relay.quantize.qconfig(dtype_input=dtype, dtype_weight=dtype, dtype_activation=dtype):
        mod = relay.quantize.quantize(mod, params)
    with tvm.transform.PassContext(opt_level=3):
        relay.build(mod, target="llvm", params=params)
except Exception as error:
    print(error)
