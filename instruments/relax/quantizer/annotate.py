"""QuantizeAnnotate: simulated_quantize wherever a value is to be quantized, without scales.

Structural: it looks at ops, not at numbers. A value that feeds two convolutions is quantized once.
"""

from __future__ import annotations

from typing import Any, Callable

import numpy as np
import tvm
from tvm import relax

from ...tvm_types import Expr, IRModule
from ..compat import (
    Call,
    Constant,
    array_of,
    is_float,
    name_of,
    rank_of,
    shape_of,
)
from .config import QConfig, addend_bits, bits_of, is_signed
from .op import simulated_quantize
from .rewrite import Emitter, bindings_of, op_name, rewritten

ANCHORS = ("nn.conv2d", "matmul")

PASS_THROUGH = (
    "nn.relu",
    "nn.max_pool2d",
    "reshape",
    "flatten",
    "squeeze",
    "expand_dims",
    "permute_dims",
)
"""Ops that only choose or move values: what goes in with a scale comes out with it. Averages are
not: what they give is not in steps of the scale."""


def annotate(config: QConfig) -> Any:
    """The pass. It takes a float module and gives one with sites; what it computes in is float.

    Raises ValueError if weight_bits has not as many digits as weights are quantized.
    """

    def transform(module: IRModule, context: Any) -> Any:
        with config:
            skipped, widths = _skipped(module, config.skip), _Widths(config)
            annotated = rewritten(module, lambda: _Annotator(config, skipped, widths))
            widths.check()
            return annotated

    return tvm.transform.module_pass(transform, opt_level=0, name="QuantizeAnnotate")


def _skipped(module: IRModule, skip: tuple[Any, ...]) -> set[Any]:
    """The variables whose ops stay float."""
    wanted = {str(item).replace("relax.", "", 1) for item in skip}
    skipped: set[Any] = set()
    anchors = 0
    for binding in bindings_of(module):
        name = op_name(binding.value)
        if name in wanted or (name in ANCHORS and str(anchors) in wanted):
            skipped.add(binding.var)
        anchors += name in ANCHORS
    return skipped


class _Widths:
    """How many bits each weight has, in running order."""

    def __init__(self, config: QConfig) -> None:
        self._digits = config.weight_bits
        self._default = bits_of(config.dtype_weight, config.nbit_weight)
        self._weights = 0

    def next(self) -> int:
        """The bits of the next weight; nbit_weight for those without a digit."""
        self._weights += 1
        digit = self._digits[self._weights - 1 : self._weights]
        return int(digit) if digit else self._default

    def check(self) -> None:
        """Raises ValueError unless all digits have been for a weight, and all weights had one."""
        if self._digits and len(self._digits) != self._weights:
            raise ValueError(
                f"weight_bits={self._digits} has {len(self._digits)} digits, and the number of "
                f"weights that are quantized is {self._weights}: give a digit for each"
            )


class _Annotator:
    """Annotates the bindings of one block."""

    def __init__(self, config: QConfig, skipped: set[Any], widths: _Widths) -> None:
        self._per_channel = config.per_channel
        self._addend = "input" if config.realize == "qdq" else "activation"
        input_bits = bits_of(config.dtype_input, config.nbit_input)
        self._storage: dict[str, tuple[str, Callable[[], int]]] = {
            "input": (config.dtype_input, lambda: input_bits),
            "weight": (config.dtype_weight, widths.next),
            "activation": (config.dtype_activation, lambda: addend_bits(config)),
        }
        """The dtype of each kind of site, and the bits of the next."""
        self._skipped = skipped
        self._values: dict[Any, Any] = {}
        """What variables are bound to."""
        self._reached: set[Any] = set()
        """Variables that come from a quantized op."""
        self._stepped: set[Any] = set()
        """Variables whose values are already in steps of an input's scale."""
        self._inputs: dict[Any, Any] = {}
        """The quantized input of variables that have one."""

    def __call__(self, emit: Emitter, binding: Expr) -> None:
        variable, value = binding.var, binding.value
        self._values[variable] = value
        name = op_name(value)
        # What arrives as integers has its scales already; float64 and bfloat16 are left alone.
        operands = value.args[:2] if name in (*ANCHORS, "add") else []
        left_out = variable in self._skipped or not all(map(is_float, operands))
        if name == "nn.conv2d" and not left_out:
            self._anchor(emit, variable, value, str(value.attrs.kernel_layout).find("O"))
        elif name == "matmul" and not left_out:
            rank = rank_of(value.args[1])
            self._anchor(emit, variable, value, rank - 1 if rank > 1 else -1)
        elif name == "add" and not left_out and self._is_residual(value):
            self._add(emit, variable, value)
        elif name in PASS_THROUGH and not left_out:
            self._pass(emit, variable, value, pools=name == "nn.max_pool2d")
        else:
            if name == "add" and any(argument in self._reached for argument in value.args):
                self._reached.add(variable)  # a bias
            emit.keep(binding)

    def _anchor(self, emit: Emitter, variable: Expr, call: Any, channels: int) -> None:
        """A convolution or multiplication; `channels` is the axis of the weight's outputs."""
        data = self._operand(emit, variable, call.args[0], -1)
        weight = self._operand(emit, variable, call.args[1], channels)
        emit.bind(variable, Call(call.op, [data, weight], call.attrs))
        self._reached.add(variable)

    def _operand(self, emit: Emitter, variable: Expr, operand: Expr, channels: int) -> Any:
        weight = self._constant(operand)
        if weight is None:
            return self._input(emit, operand)
        axis = channels if self._per_channel else -1
        return self._site(emit, variable, relax.const(weight), "weight", axis)

    def _constant(self, operand: Expr) -> np.ndarray | None:
        """The values of a weight: a constant, or a transposed one as a linear layer has it."""
        if isinstance(operand, Constant):
            return array_of(operand)
        value: Any = self._values.get(operand)
        if op_name(value) != "permute_dims" or not isinstance(value.args[0], Constant):
            return None
        axes = value.attrs.axes
        order = None if axes is None else [int(axis) for axis in axes]
        return np.ascontiguousarray(np.transpose(array_of(value.args[0]), order))

    def _input(self, emit: Emitter, operand: Expr) -> Any:
        if operand in self._stepped:
            return operand
        if operand not in self._inputs:
            self._inputs[operand] = self._site(emit, operand, operand, "input", -1)
        return self._inputs[operand]

    def _is_residual(self, call: Any) -> bool:
        """Two tensors of one shape, one of which at least comes from a quantized op."""
        left, right = call.args
        if self._constant(left) is not None or self._constant(right) is not None:
            return False
        shape = shape_of(left)
        same = shape is not None and shape == shape_of(right)
        return same and (left in self._reached or right in self._reached)

    def _add(self, emit: Emitter, variable: Expr, call: Any) -> None:
        """Both operands are quantized anew, with the one scale that calibrate gives them."""
        operands = [self._site(emit, variable, data, self._addend, -1) for data in call.args]
        emit.bind(variable, Call(call.op, operands, call.attrs))
        self._reached.add(variable)

    def _pass(self, emit: Emitter, variable: Expr, call: Any, pools: bool) -> None:
        data = call.args[0]
        if pools and data in self._reached:  # it works on fewer bytes then, as Relay has it
            data = self._input(emit, data)
            self._stepped.add(data)
        emit.bind(variable, Call(call.op, [data, *call.args[1:]], call.attrs))
        if call.args[0] in self._reached:
            self._reached.add(variable)
        if data in self._stepped:
            self._stepped.add(variable)

    def _site(self, emit: Emitter, variable: Expr, data: Any, kind: str, axis: int) -> Any:
        dtype, bits = self._storage[kind]
        unknown = np.zeros((), "float32")
        call = simulated_quantize(data, unknown, kind, bits(), is_signed(dtype), axis)
        return emit.new(f"{name_of(variable)}_{kind}", call)
