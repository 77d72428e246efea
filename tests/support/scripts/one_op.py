"""One calibrated convolution or dense, written by hand: its integers by TVM, and by numpy."""

from __future__ import annotations

import contextlib
import sys
from typing import Any, NamedTuple

import numpy as np
import tvm
from tvm import relay
from tvm.relay.quantize import _quantize

from instruments.inputs import target
from instruments.relay.compile import execution
from instruments.relay.quantizer import bitserial

DATA_SCALE, WEIGHT_SCALE = 0.3, 0.07
"""No powers of two: what multiplies by them has to round."""

INPUT, WEIGHT = 1, 2
"""QAnnotateKind of python/tvm/relay/quantize/quantize.py."""


class OneOp(NamedTuple):
    """Data behind a relu, if it is said to be, and random weights; bits with their sign."""

    data: tuple[int, ...]
    weight: tuple[int, ...]
    data_bits: int = 2
    weight_bits: int = 2
    relu: bool = False
    strides: tuple[int, int] = (1, 1)
    padding: tuple[int, ...] = (0, 0, 0, 0)
    sums: str = "int32"
    attributes: dict[str, Any] | None = None
    extreme: bool = False
    """Data and weights are as large as they can be."""

    @property
    def values(self) -> np.ndarray:
        return self._drawn(1, self.data, DATA_SCALE * 2**self.data_bits)

    @property
    def weights(self) -> np.ndarray:
        return self._drawn(2, self.weight, WEIGHT_SCALE * 2**self.weight_bits)

    def _drawn(self, seed: int, shape: tuple[int, ...], reach: float) -> np.ndarray:
        """Some of them larger than the steps reach, on both sides of zero."""
        if self.extreme:
            return np.full(shape, reach, "float32")
        return np.random.default_rng(seed).normal(0, reach / 3, shape).astype("float32")

    def module(self, steps: bool = True) -> Any:
        """As QuantizeCalibrate leaves it; without steps it is the float model."""
        x = relay.var("x", shape=self.data)
        data, weight = relay.nn.relu(x) if self.relu else x, relay.const(self.weights)
        if steps:
            data = _step(data, DATA_SCALE, self.data_bits, INPUT)
            weight = _step(weight, WEIGHT_SCALE, self.weight_bits, WEIGHT)
        if len(self.data) == 2:
            body = relay.nn.dense(data, weight)
        else:
            body = relay.nn.conv2d(
                data,
                weight,
                strides=self.strides,
                padding=self.padding,
                channels=self.weight[0],
                kernel_size=self.weight[2:],
                **(self.attributes or {}),
            )
        return tvm.IRModule.from_expr(relay.Function([x], body))

    def by_numpy(self, steps: bool = True) -> np.ndarray:
        """The sums, int64; float64 without steps. Of convolutions in one group, not dilated."""
        data = np.maximum(self.values, 0) if self.relu else self.values
        weights = self.weights
        if steps:
            data = _stepped(data, DATA_SCALE, self.data_bits)
            weights = _stepped(weights, WEIGHT_SCALE, self.weight_bits)
        return self.of(data, weights, "int64" if steps else "float64")

    def of(self, data: np.ndarray, weights: np.ndarray, dtype: str = "int64") -> np.ndarray:
        """The op's result, computed in a dtype."""
        data, weights = data.astype(dtype), weights.astype(dtype)
        if data.ndim == 2:
            return data @ weights.T
        top, left, bottom, right = self.padding
        padded = np.pad(data, ((0, 0), (0, 0), (top, bottom), (left, right)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, weights.shape[2:], (2, 3))
        windows = windows[:, :, :: self.strides[0], :: self.strides[1]]
        return np.einsum("nchwij,ocij->nohw", windows, weights, optimize=True)


def realized(module: Any, ours: bool, sums: str = "int32") -> Any:
    """A calibrated module behind realize; `ours`: bitserial where it can be."""
    quantizer: Any = sys.modules["tvm.relay.quantize.quantize"]
    passes = [relay.transform.InferType(), *([bitserial.realize()] if ours else [])]
    passes += [relay.transform.InferType(), quantizer.realize(), relay.transform.FoldConstant()]
    with contextlib.ExitStack() as stack:
        stack.enter_context(relay.quantize.qconfig(dtype_activation=sums))
        stack.enter_context(quantizer.quantize_context())
        stack.enter_context(tvm.transform.PassContext(opt_level=3))
        return tvm.transform.Sequential(passes)(module)


def executor(module: Any, **inputs: np.ndarray) -> Any:
    """Compiled for this machine, its inputs set."""
    with tvm.transform.PassContext(opt_level=3):
        library = relay.build(module, target=target.host()[0])
    return execution.executor(library, inputs)


def integers(running: Any) -> np.ndarray:
    """The integers behind an output, int64: realize multiplies them by both scales."""
    (output,) = execution.outputs(running)
    scale = np.float32(DATA_SCALE) * np.float32(WEIGHT_SCALE)
    return np.round(output.astype("float64") / scale).astype("int64")


def operators(module: Any) -> list[str]:
    names: list[str] = []

    def look(node: Any) -> None:
        if isinstance(node, relay.Call) and isinstance(node.op, tvm.ir.Op):
            names.append(str(node.op.name))

    relay.analysis.post_order_visit(module["main"], look)
    return names


def _step(data: Any, scale: float, bits: int, kind: int) -> Any:
    most = 2 ** (bits - 1) - 1
    numbers = [relay.const(float(number), "float32") for number in (scale, -most, most)]
    return _quantize.simulated_quantize(data, *numbers, kind, True, "round")


def _stepped(values: np.ndarray, scale: float, bits: int) -> np.ndarray:
    """As QuantizeRealize of src/relay/quantize/realize.cc makes them, rounding away from zero."""
    most = 2 ** (bits - 1) - 1
    scaled = (values * (np.float32(1) / np.float32(scale))).astype("float64")
    return np.clip(np.trunc(scaled + np.copysign(0.5, scaled)), -most, most)
