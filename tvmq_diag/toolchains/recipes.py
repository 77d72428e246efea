"""The toolchains that have a name, and what each is made of. See requirements/NAME.txt."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import UsageError
from ..trace.stages import RELAX, RELAY

OWN_TVM = "name a TVM of your own with --tvm-python"
"""What to do instead, as the end of an error's sentence."""


@dataclass(frozen=True)
class Recipe:
    """How a named toolchain is made: the version of Python, and what it costs in GB.

    The sizes are what uv fetched and `du` counted on Linux x86-64, to the nearest.
    """

    contents: str
    dialect: str
    python: str
    download_gb: int
    disk_gb: int


# All with the same Python: it is looked for once, and uv links what they share (PyTorch above all)
# from its cache, so the second one fetches little.
RECIPES = {
    "relay": Recipe("TVM 0.16 with Relay, PyTorch, ONNX", RELAY, "3.10", 3, 6),
    "relay-0.9": Recipe("TVM 0.9 with Relay, PyTorch, ONNX", RELAY, "3.10", 3, 6),
    "relax": Recipe("TVM 0.27 with Relax, PyTorch, ONNX", RELAX, "3.10", 3, 6),
    "relax-0.26": Recipe("TVM 0.26 with Relax, PyTorch, ONNX", RELAX, "3.10", 3, 6),
    "relax-0.25": Recipe("TVM 0.25 with Relax, PyTorch, ONNX", RELAX, "3.10", 3, 6),
}
"""One is called as its dialect: that is what the dialect is run on, if no other is named."""


def recipe(name: str) -> Recipe:
    """The recipe of a toolchain. Raises UsageError for a name that there is not."""
    if name not in RECIPES:
        names = ", ".join(RECIPES)
        raise UsageError(f"unknown toolchain {name!r}: choose one of {names}, or {OWN_TVM}")
    return RECIPES[name]


def parse_names(text: str) -> list[str]:
    """The toolchains in NAME[,NAME…], each once. Raises UsageError for one that there is not."""
    names = list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    for name in names:
        recipe(name)
    return names
