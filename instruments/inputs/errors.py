"""What goes wrong before there is anything to compile, by whose fault it is."""

from __future__ import annotations

_MOST, _END = 800, 200
"""Characters of a message, and of its end."""


class ModelError(Exception):
    """The model or the data cannot be had as asked for; the message says what to change.

    It is one line that can be read, however long the names are in a file that is damaged, and
    whatever is in them: what it ends with stays.
    """

    def __init__(self, message: str) -> None:
        text = " ".join(message.split())
        if len(text) > _MOST:
            text = f"{text[: _MOST - _END]} … {text[-_END:]}"
        super().__init__(text)


class ImportRejected(Exception):
    """TVM's importer does not take the model; `node` and `op` say where in it, and are empty where
    nobody knows.

    `kind` is what the node is one of: ONNX, PyTorch, TFLite. `origin` is what TVM raised.
    """

    def __init__(self, kind: str, node: str, op: str, error: BaseException) -> None:
        place = f"{node} ({op})" if node and node != op else op
        super().__init__(f"{kind} node {place}: {words(error)}" if op else words(error))
        self.node = node
        self.op = op
        self.origin = error


def line(error: BaseException) -> str:
    """What an error says, on one line that is not too long for a terminal."""
    return " ".join(words(error).split())[:300]


def words(error: BaseException) -> str:
    """What an error says: the last line of TVM's C++ frames, else all of it; or its class."""
    text = f"there is no {error}" if isinstance(error, KeyError) else str(error)
    lines = [line for line in text.strip().splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    return lines[-1].strip() if lines[0].startswith("Traceback") else "\n".join(lines)
