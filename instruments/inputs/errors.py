"""What goes wrong before there is anything to compile, by whose fault it is."""

from __future__ import annotations


class ModelError(Exception):
    """The model or the data cannot be had as asked for; the message says what to change."""


class ImportRejected(Exception):
    """TVM's importer does not take the model; `node` and `op` say where in it.

    `kind` is what the node is one of: ONNX, PyTorch, TFLite. `origin` is what TVM raised.
    """

    def __init__(self, kind: str, node: str, op: str, error: BaseException) -> None:
        message = str(error).strip() or type(error).__name__
        place = f"{node} ({op})" if node and node != op else op
        super().__init__(f"{kind} node {place}: {message}")
        self.node = node
        self.op = op
        self.origin = error
