"""Files that are not what their names say, or worse. Runs in a TVM's Python, in their folder."""

from __future__ import annotations

import io
import os
import pickle
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np


class Program:
    """What a pickle runs when it is read."""

    def __reduce__(self):
        return os.system, ("touch ran",)


PICKLE = pickle.dumps(Program())
NET = "def @main(%x: Tensor[(1, 3), {}]) {{ nn.relu(%x) }}"


def write_models() -> None:
    texts = {
        "text.relay": "hello world",
        "zero.relay": "",
        "deep.relay": "def @main(%x: Tensor[(1, 3), float32]) {" + "(" * 200000 + "%x",
        "nomain.relay": NET.format("float32").replace("main", "other"),
        "tuple.relay": "def @main(%x: (Tensor[(1, 3), float32],)) { %x.0 }",
        "strange.relay": NET.format("float33"),
        "huge.relay": NET.format("float32").replace("(1, 3)", "(1000000, 1000000)"),
        "open.relay": "def @main(%x: Tensor[(?, 3), float32], %y: Tensor[(2, 3), float32]) "
        "{ add(%x, %y) }",
        "cut.json": '{"root": 1, "nodes": [',
        "other.json": '{"a": 1}',
        "list.json": '{"root": 1, "nodes": [{"type_key": ""}, {"type_key": "Array"}], '
        '"b64ndarrays": [], "attrs": {"tvm_version": "0.16.0"}}',
        "text.tflite": "hello world",
    }
    for name, text in texts.items():
        Path(name).write_text(text)
    Path("noise.relay").write_bytes(bytes(range(128, 256)))
    Path("noise.tflite").write_bytes(b"\x18\0\0\0TFL3" + bytes(range(256)))
    Path("folder.onnx").mkdir()
    os.mkfifo("pipe.onnx")


def write_onnx() -> None:
    import onnx
    from onnx import TensorProto, helper

    make = helper.make_node
    nodes = [make("Relu", ["data"], ["a"], name="first"), make("Neg", ["a"], ["y"], name="second")]
    shape = helper.make_tensor_value_info("data", TensorProto.FLOAT, [1, 4])
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4])
    negative = helper.make_tensor("w", TensorProto.FLOAT, [0], [])
    negative.dims[0] = -7
    kinds = {
        "whole": (nodes, []),
        "circle": (nodes[::-1], []),
        "missing": (nodes[1:], []),
        "unmade": (nodes[:1], []),
        "negative": (nodes, [negative]),
    }
    for name, (parts, weights) in kinds.items():
        graph = helper.make_graph(parts, "net", [shape], [result], weights)
        opset = [helper.make_opsetid("", 13)]
        model = helper.make_model(graph, opset_imports=opset, ir_version=8)
        Path(f"{name}.onnx").write_bytes(model.SerializeToString())
    whole = Path("whole.onnx").read_bytes()
    Path("cut.onnx").write_bytes(whole[: len(whole) // 2])
    Path("text.onnx").write_text("hello world\n")
    Path("zero.onnx").write_bytes(b"")


def header(shape, dtype="<f4") -> bytes:
    stream = io.BytesIO()
    fields = {"descr": dtype, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, fields)
    return stream.getvalue()


def write_arrays(sample) -> None:
    """Archives for a model with the input `input`, of that shape; folders with one .npy each."""
    whole = io.BytesIO()
    np.savez(whole, input=np.zeros(sample, "float32"))
    data = bytearray(whole.getvalue())
    Path("whole.npz").write_bytes(data)
    Path("cut.npz").write_bytes(data[: len(data) // 2])
    data[len(data) // 2] ^= 1
    Path("flipped.npz").write_bytes(data)
    Path("zero.npz").write_bytes(b"")
    Path("pickle.npz").write_bytes(PICKLE)
    np.savez("objects.npz", input=np.array([Program()], dtype=object))
    rest = tuple(sample[1:])
    members = {
        "inner": {"input.npy": PICKLE},
        "claims": {"input.npy": header((10**12, *rest)) + bytes(100)},
        "more": {"input.npy": header((10**30, *rest)) + bytes(100)},
        "minus": {"input.npy": header((-4, *rest)) + bytes(100)},
        "header": {"input.npy": b"\x93NUMPY\x01\x00\x08\x00{1:2,'a'"},
        "third": {"input.npy": b"\x93NUMPY\x03\x00\x08\x00\x00\x00{}     \n"},
        "nothing": {},
        "notes": {"notes.txt": b"hello"},
    }
    for name, files in members.items():
        with zipfile.ZipFile(f"{name}.npz", "w", zipfile.ZIP_DEFLATED) as archive:
            for member, content in files.items():
                archive.writestr(member, content)
    with zipfile.ZipFile("locked.npz", "w") as archive:
        archive.writestr("input.npy", header(sample))
    locked = bytearray(Path("locked.npz").read_bytes())
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        locked[locked.index(mark) + flags] |= 1
    Path("locked.npz").write_bytes(locked)
    samples = {
        "npy_zero": b"",
        "npy_text": b"hello",
        "npy_pickle": PICKLE,
        "npy_claims": header((10**12,)) + bytes(100),
        "npy_cut": header(rest) + bytes(100),
    }
    for name, content in samples.items():
        Path(name).mkdir()
        Path(name, "a.npy").write_bytes(content)


def write_bomb() -> None:
    """5 MB that come to 5 GB."""
    rows = 400
    zeros = bytes(3 * 32 * 32 * 4 * 1000)
    packed = zipfile.ZipFile("bomb.npz", "w", zipfile.ZIP_DEFLATED)
    with packed as archive, archive.open("input.npy", "w", force_zip64=True) as file:
        file.write(header((1000 * rows, 3, 32, 32)))
        for _ in range(rows):
            file.write(zeros)


def _png(width, height, pixels) -> bytes:
    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


def write_pictures() -> None:
    good = _png(32, 32, zlib.compress(bytes(32 * (32 * 3 + 1))))
    pictures = {
        "png_bomb": _png(60000, 60000, zlib.compress(bytes(10**6))),
        "png_strip": _png(1, 2_000_000, zlib.compress(bytes(8_000_000))),
        "png_text": b"hello",
        "png_zero": b"",
        "png_cut": good[:50],
        "png_noise": _png(32, 32, b"not zlib" * 20),
        "labelled": good,
        "squared": good,
    }
    for name, content in pictures.items():
        Path(name).mkdir()
        Path(name, "a.png").write_bytes(content)
    Path("labelled/labels.csv").write_text("b.png,1\na.png," + "9" * 30 + "\n")
    Path("squared/labels.csv").write_text("b.png,1\na.png,²\n", encoding="utf-8")
    for name in ("numbers/1", "numbers/²"):
        Path(name).mkdir(parents=True)
        Path(name, "a.png").write_bytes(good)
    Path("odd/x.png").mkdir(parents=True)
    os.mkfifo("odd/y.png")
