"""Small files of nets that arrive quantized, of every kind. Runs in a TVM's Python before TVM is
imported: torch comes first, as in the tool."""

from __future__ import annotations

import warnings
from pathlib import Path

import flatbuffers
import model_files as files
import numpy as np
import tflite as t
import torch
from onnx import helper, numpy_helper

warnings.filterwarnings("ignore")
_RANDOM = np.random.default_rng(1)
_STEP = 0.02
"""Of all values; that of weights is a tenth of it."""


def write_onnx(folder: Path) -> None:
    """Quantized convolutions as QDQ: `qdq.onnx` has two; `stopped.onnx` an LRN behind the second,
    which FakeQuantizationToInteger has no rule for, and a third whose result stays float."""
    weights = [
        numpy_helper.from_array(np.array(_STEP, "float32"), "s"),
        numpy_helper.from_array(np.array(_STEP / 10, "float32"), "ws"),
        numpy_helper.from_array(np.array(0, "int8"), "z"),
        *(
            numpy_helper.from_array(_RANDOM.integers(-127, 128, size, dtype="int8"), name)
            for name, size in (("a", (4, 3, 3, 3)), ("b", (4, 4, 3, 3)), ("c", (4, 4, 3, 3)))
        ),
    ]
    make = helper.make_node
    two = [
        *_qdq("data", "x"),
        *_conv("x", "a", "first"),
        make("Relu", ["first"], ["r"], name="relu"),
        *_qdq("r", "h"),
        *_conv("h", "b", "second"),
    ]
    inputs = {"data": [1, 3, 8, 8]}
    files._onnx(folder / "qdq.onnx", [*two, *_qdq("second", "y")], inputs, weights)
    lrn = make("LRN", ["second"], ["n"], size=3, name="lrn")
    stopped = [*two, lrn, *_qdq("n", "m"), *_conv("m", "c", "y")]
    files._onnx(folder / "stopped.onnx", stopped, inputs, weights)


def _qdq(name, result):
    make = helper.make_node
    return [
        make("QuantizeLinear", [name, "s", "z"], [f"{result}_q"], name=f"quantize_{result}"),
        make("DequantizeLinear", [f"{result}_q", "s", "z"], [result], name=f"dequantize_{result}"),
    ]


def _conv(data, weight, result):
    make = helper.make_node
    return [
        make("DequantizeLinear", [weight, "ws", "z"], [f"{weight}_f"], name=f"weights_{weight}"),
        make("Conv", [data, f"{weight}_f"], [result], pads=[1] * 4, name=f"conv_{weight}"),
    ]


def write_tflite(folder: Path) -> None:
    """`quantized.tflite`: a float value is quantized, convolved in int8, and dequantized."""
    b = flatbuffers.Builder(1024)
    weight = _RANDOM.integers(-127, 128, (4, 3, 3, 3), dtype="int8")
    buffers = [files._buffer(b, array) for array in (None, weight, np.zeros(4, "int32"))]
    kind, shape, made = t.TensorType, [1, 8, 8, 3], [1, 8, 8, 4]
    tensors = [
        files._tensor(b, "data", shape, 0),
        _tensor(b, "w", (4, 3, 3, 3), 1, kind.INT8, _STEP / 10),
        _tensor(b, "bias", (4,), 2, kind.INT32, _STEP * _STEP / 10),
        _tensor(b, "q", shape, 0, kind.INT8, _STEP),
        _tensor(b, "c", made, 0, kind.INT8, _STEP),
        files._tensor(b, "y", made, 0),
    ]
    codes = [t.BuiltinOperator.CONV_2D, t.BuiltinOperator.QUANTIZE, t.BuiltinOperator.DEQUANTIZE]
    operators = [
        files._operator(b, 1, [0], 3),
        files._conv(b, 3, 1, 4, 2),
        files._operator(b, 2, [4], 5),
    ]
    files._graph(b, buffers, tensors, operators, codes, 5, folder / "quantized.tflite")


def _tensor(b, name, shape, buffer, kind, scale):
    scales = b.CreateNumpyVector(np.array([scale], "float32"))
    zeros = b.CreateNumpyVector(np.array([0], "int64"))
    t.QuantizationParametersStart(b)
    t.QuantizationParametersAddScale(b, scales)
    t.QuantizationParametersAddZeroPoint(b, zeros)
    return files._tensor(b, name, shape, buffer, None, kind, t.QuantizationParametersEnd(b))


class Net(torch.nn.Module):
    """Two convolutions, a residual, a mean, a dense layer."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.quant = torch.ao.quantization.QuantStub()
        self.dequant = torch.ao.quantization.DeQuantStub()
        self.first = torch.nn.Conv2d(3, 8, 3, padding=1)
        self.second = torch.nn.Conv2d(8, 8, 3, padding=1)
        self.last = torch.nn.Linear(8, 10)
        self.add = torch.ao.nn.quantized.FloatFunctional()

    def forward(self, data):
        x = torch.relu(self.first(self.quant(data)))
        x = self.add.add(x, self.second(x))
        return self.dequant(self.last(x.mean((2, 3))))


def write_torch(folder: Path) -> None:
    """`quantized.pt`: TorchScript of a net that PyTorch quantized."""
    torch.backends.quantized.engine = "fbgemm"
    net = Net().eval()
    net.qconfig = torch.ao.quantization.get_default_qconfig("fbgemm")
    torch.ao.quantization.prepare(net, inplace=True)
    for _ in range(4):
        net(torch.randn(1, 3, 16, 16))
    torch.ao.quantization.convert(net, inplace=True)
    torch.jit.save(torch.jit.trace(net, torch.zeros(1, 3, 16, 16)), folder / "quantized.pt")
