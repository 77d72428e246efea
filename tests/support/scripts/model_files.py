"""Small model files of every kind. Runs in a TVM's Python before TVM is imported: torch comes
first, as in the tool."""

from __future__ import annotations

import warnings
from pathlib import Path

import flatbuffers
import numpy as np
import onnx
import tflite as t
import torch
from onnx import TensorProto, helper, numpy_helper

warnings.filterwarnings("ignore")
_RANDOM = np.random.default_rng(0)


class Net(torch.nn.Module):
    """Two convolutions and a dense layer; with a second input, that is added."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first = torch.nn.Conv2d(3, 8, 3, padding=1)
        self.second = torch.nn.Conv2d(8, 8, 3, padding=1)
        self.last = torch.nn.Linear(8, 10)

    def forward(self, data, mask):
        x = torch.relu(self.second(torch.relu(self.first(data))))
        return self.last(x.mean((2, 3))) + mask


class Branching(torch.nn.Module):
    """As a script it keeps a branch and a list, which TVM's importers do not read."""

    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 8, 3)

    def forward(self, data):
        if data.dim() != 4:
            raise RuntimeError(f"a batch of images, and not {data.dim()} axes")
        return torch.cat([self.conv(data), self.conv(data)], 1)


class Bessel(torch.nn.Module):
    """An operator that no TVM has."""

    def forward(self, x):
        return torch.special.bessel_j0(torch.relu(x))


def write_torch(folder: Path) -> None:
    data, mask = torch.zeros(2, 3, 16, 16), torch.zeros(2, 10)
    net, branching = Net().eval(), Branching().eval()
    torch.jit.save(torch.jit.trace(net, (data, mask), check_trace=False), folder / "trace.pt")
    torch.jit.save(torch.jit.script(branching), folder / "script.pt")
    batch = torch.export.Dim("batch")
    dynamic = torch.export.export(net, (data, mask), dynamic_shapes=({0: batch}, {0: batch}))
    torch.export.save(dynamic, folder / "dynamic.pt2")
    torch.export.save(torch.export.export(Bessel(), (data,)), folder / "bessel.pt2")
    torch.save(net.state_dict(), folder / "weights.pt")


def _array(name, *shape):
    return numpy_helper.from_array(_RANDOM.normal(0, 0.1, shape).astype("float32"), name)


def _onnx(path, nodes, inputs, weights=()):
    declared = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs.items()]
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "net", declared, [result], list(weights))
    opset = [helper.make_opsetid("", 13)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), str(path))


def write_onnx(folder: Path) -> None:
    make = helper.make_node
    weights = [
        numpy_helper.from_array(np.array([8, 8], "int64"), "sizes"),
        _array("w", 16, 8, 3, 3),
        _array("v", 16, 8, 3, 3),
    ]
    # How it is split stands in an initializer: only with frozen parameters is that known.
    body = [
        make("Split", ["data", "sizes"], ["p", "q"], axis=1, name="split"),
        make("Conv", ["p", "w"], ["c"], pads=[1] * 4, name="left"),
        make("Conv", ["q", "v"], ["d"], pads=[1] * 4, name="right"),
    ]
    add = make("Add", ["c", "d"], ["y"], name="sum")
    _onnx(folder / "symbolic.onnx", [*body, add], {"data": ["N", 16, "H", "W"]}, weights)
    strange = make("NoSuchThing", ["c"], ["y"], name="strange")
    _onnx(folder / "strange.onnx", [*body, strange], {"data": [1, 16, 8, 8]}, weights)
    wrong = make("Reshape", ["c", "w"], ["y"], name="wrong")
    _onnx(folder / "wrong.onnx", [*body, wrong], {"data": [1, 16, 8, 8]}, weights)
    scaled = [
        make("Conv", ["data", "w"], ["a"], pads=[1] * 4, name="conv"),
        make("Mul", ["a", "mask"], ["y"], name="scale"),
    ]
    # A map of TVM's has them the other way round: an order that is lost shows.
    inputs = {"data": ["N", 8, "H", "W"], "mask": ["N", 16, 1, 1]}
    _onnx(folder / "two.onnx", scaled, inputs, [_array("w", 16, 8, 3, 3)])
    (folder / "cut.onnx").write_bytes((folder / "two.onnx").read_bytes()[:300])
    (folder / "empty.onnx").write_bytes(b"")


def write_tflite(folder: Path) -> None:
    _tflite(folder / "net.tflite", [1, 8, 8, 3])
    _tflite(folder / "dynamic.tflite", [-1, 8, 8, 3])
    _tflite(folder / "strange.tflite", [1, 8, 8, 3], t.BuiltinOperator.CONCAT_EMBEDDINGS)
    (folder / "cut.tflite").write_bytes((folder / "net.tflite").read_bytes()[:40])
    (folder / "text.tflite").write_text("no model")


def _tflite(path, signature, last=None):
    """Two convolutions, and an operator behind them."""
    b = flatbuffers.Builder(1024)
    weights = [_RANDOM.normal(0, 0.2, s).astype("float32") for s in ((4, 3, 3, 3), (4, 3, 3, 4))]
    bias = np.full(4, 0.1, "float32")
    buffers = [_buffer(b, array) for array in (None, *weights, bias)]
    shape, middle = [abs(size) for size in signature], [1, 8, 8, 4]
    tensors = [
        _tensor(b, "data", shape, 0, signature),
        _tensor(b, "w", (4, 3, 3, 3), 1),
        _tensor(b, "v", (4, 3, 3, 4), 2),
        _tensor(b, "bias", (4,), 3),
        *(_tensor(b, name, middle, 0) for name in ("first", "second", "third")),
    ]
    operators = [_conv(b, 0, 1, 4), _conv(b, 4, 2, 5)]
    codes = [t.BuiltinOperator.CONV_2D]
    if last is not None:
        codes.append(last)
        operators.append(_operator(b, 1, [5], 6))
    _graph(b, buffers, tensors, operators, codes, 5 if last is None else 6, path)


def _graph(b, buffers, tensors, operators, codes, result, path):
    """Write a model whose one input is its first tensor."""
    inputs, outputs = _ints(b, [0]), _ints(b, [result])
    tensor_list = _list(b, t.SubGraphStartTensorsVector, tensors)
    operator_list = _list(b, t.SubGraphStartOperatorsVector, operators)
    t.SubGraphStart(b)
    t.SubGraphAddTensors(b, tensor_list)
    t.SubGraphAddInputs(b, inputs)
    t.SubGraphAddOutputs(b, outputs)
    t.SubGraphAddOperators(b, operator_list)
    graph_list = _list(b, t.ModelStartSubgraphsVector, [t.SubGraphEnd(b)])
    code_list = _list(b, t.ModelStartOperatorCodesVector, [_code(b, code) for code in codes])
    buffer_list = _list(b, t.ModelStartBuffersVector, buffers)
    t.ModelStart(b)
    t.ModelAddVersion(b, 3)
    t.ModelAddOperatorCodes(b, code_list)
    t.ModelAddSubgraphs(b, graph_list)
    t.ModelAddBuffers(b, buffer_list)
    b.Finish(t.ModelEnd(b), b"TFL3")
    path.write_bytes(b.Output())


def _ints(b, numbers):
    return b.CreateNumpyVector(np.array(numbers, "int32"))


def _list(b, start, items):
    start(b, len(items))
    for item in reversed(items):
        b.PrependUOffsetTRelative(item)
    return b.EndVector()


def _buffer(b, array):
    data = None if array is None else b.CreateByteVector(array.tobytes())
    t.BufferStart(b)
    if data is not None:
        t.BufferAddData(b, data)
    return t.BufferEnd(b)


def _tensor(b, name, shape, buffer, signature=None, kind=t.TensorType.FLOAT32, quantization=None):
    text, sizes = b.CreateString(name), _ints(b, shape)
    signed = None if signature is None else _ints(b, signature)
    t.TensorStart(b)
    t.TensorAddName(b, text)
    t.TensorAddShape(b, sizes)
    t.TensorAddType(b, kind)
    t.TensorAddBuffer(b, buffer)
    if quantization is not None:
        t.TensorAddQuantization(b, quantization)
    if signed is not None:
        t.TensorAddShapeSignature(b, signed)
    return t.TensorEnd(b)


def _code(b, builtin):
    t.OperatorCodeStart(b)
    t.OperatorCodeAddDeprecatedBuiltinCode(b, min(builtin, 127))
    t.OperatorCodeAddBuiltinCode(b, builtin)
    t.OperatorCodeAddVersion(b, 1)
    return t.OperatorCodeEnd(b)


def _conv(b, data, weight, result, bias=3):
    t.Conv2DOptionsStart(b)
    t.Conv2DOptionsAddPadding(b, t.Padding.SAME)
    t.Conv2DOptionsAddStrideW(b, 1)
    t.Conv2DOptionsAddStrideH(b, 1)
    t.Conv2DOptionsAddDilationWFactor(b, 1)
    t.Conv2DOptionsAddDilationHFactor(b, 1)
    options = t.Conv2DOptionsEnd(b)
    return _operator(b, 0, [data, weight, bias], result, options)


def _operator(b, code, inputs, result, conv=None):
    taken, given = _ints(b, inputs), _ints(b, [result])
    t.OperatorStart(b)
    t.OperatorAddOpcodeIndex(b, code)
    t.OperatorAddInputs(b, taken)
    t.OperatorAddOutputs(b, given)
    if conv is not None:
        t.OperatorAddBuiltinOptionsType(b, t.BuiltinOptions.Conv2DOptions)
        t.OperatorAddBuiltinOptions(b, conv)
    return t.OperatorEnd(b)
