"""A quantizer for Relax, in the stages that Relay's had: annotate, calibrate, realize.

Relay left TVM in 0.20, and its quantizer with it. This one needs TVM 0.25 or newer, numpy, and
nothing else of this project::

    from instruments.relax.quantizer import QConfig, quantize

    module = relax.transform.FoldBatchnormToConv2D()(module)
    module = relax.transform.FoldConstant()(module)
    module = quantize(module, QConfig(), [{"x": image} for image in images])
    executable = tvm.compile(module, target="llvm")

int8 in an int8 container is the default. `QConfig(nbit_input=4, nbit_weight=4)` gives 4-bit values
in int8; `QConfig("int4", "int4")` asks TVM for the dtype itself. Nothing here refuses a dtype: what
TVM cannot do, TVM says.

config            what is asked for, and the config in force
op                tvmq.simulated_quantize, the op between annotate and realize
annotate          says where values are to be quantized
calibrate         finds the scale of each such site: observe (runs the model), thresholds, weights
realize           realize_integer, realize_packed or realize_qdq: from simulated ops to real ones
packing           weights of few bits several to a byte, and weight_ops, the ops that read these
rewrite, own_ops, compat   shared: one pass over a module's bindings; how TVM gets to know an op of
                  this project; what differs between TVM's versions

What simulates what: realize "integer" gives the same bits as `realize(config.in_float())`, which
keeps the integers in float32, as long as sums fit in dtype_activation and stay below 2**24. The
calibrated module, compiled as it is, multiplies scaled values instead: it agrees only up to the
rounding of values that are nearly halfway between two steps. Realize "qdq" is the calibrated module
up to the same. Realize "packed" gives the bits of "integer" as well.

Quantized: conv2d, matmul (weights may be constants or not), and additions of two tensors that come
from these. relu, max_pool2d, reshape, flatten, squeeze, expand_dims and permute_dims work on
quantized values where they get them. Biases, averages and all else stay float, and so do ops inside
an If. Scales are symmetric: one a tensor; for weights one an output channel, or in a matmul one for
each group of values of it.
"""

from __future__ import annotations

from typing import Any

from ...tvm_types import IRModule
from .annotate import annotate
from .calibrate import calibrate
from .config import Batches, QConfig, current, settings
from .realize import realize

__all__ = ["QConfig", "annotate", "calibrate", "current", "quantize", "realize", "settings"]


def quantize(module: IRModule, config: QConfig, batches: Batches | None = None) -> Any:
    """A module whose `main` is quantized as `config` asks.

    `module` is an IRModule in float32 with its weights as constants and BatchNorm folded.
    `batches` are what to calibrate on: arrays by the names of main's parameters.
    The three passes run one by one in the PassContext in force.
    """
    with config:
        for stage in (annotate(config), calibrate(config, batches), realize(config)):
            module = stage(module)
    return module
