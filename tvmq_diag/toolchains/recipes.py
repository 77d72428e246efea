"""The toolchains that have a name, and what each is made of: a base with TVM, and layers on it.

What each consists of is in requirements/, one file a layer; NAME.txt there pins all layers of a
toolchain together, so that one added later fits those that are there.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ..errors import UsageError
from ..trace.stages import RELAX, RELAY

OWN_TVM = "name a TVM of your own with --tvm-python"
"""What to do instead, as the end of an error's sentence."""

TORCH, ONNX, TFLITE, PICTURES = "torch", "onnx", "tflite", "pictures"
"""The layers, by the names that a person types."""

EVERY = frozenset({TORCH, ONNX, TFLITE, PICTURES})
"""For what takes whatever model comes."""


@dataclass(frozen=True)
class Layer:
    """Packages that only some models need, added to a toolchain when the first of these comes.

    `requirements` is a file in requirements/ without its ending; `modules` are imported once before
    the layer counts as complete. The sizes, in GB, are what uv fetched and `du` counted on Linux
    x86-64; with `torch_backend` there may be a build for processors alone, which is far smaller.
    """

    contents: str
    requirements: str
    modules: tuple[str, ...]
    download_gb: float
    disk_gb: float
    torch_backend: bool = False


_PYTORCH = Layer("PyTorch, torchvision", "torch", ("torch", "torchvision"), 3.0, 5.4, True)
_PICTURES = Layer("Pillow", "pictures", ("PIL",), 0.01, 0.02)
_RELAY_LAYERS = {
    TORCH: _PYTORCH,
    ONNX: Layer("ONNX", "onnx-relay", ("onnx",), 0.02, 0.07),
    PICTURES: _PICTURES,
}
"""TFLite is no layer: Relay of these TVMs cannot be imported without its package, nor without
ONNX's in 0.9."""
_OLD_RELAY_LAYERS = {TORCH: _PYTORCH, PICTURES: _PICTURES}
_RELAX_LAYERS = {
    TORCH: _PYTORCH,
    ONNX: Layer("ONNX, ONNX Script", "onnx-relax", ("onnx", "onnxscript"), 0.02, 0.04),
    TFLITE: Layer("TFLite", "tflite", ("tflite",), 0.01, 0.01),
    PICTURES: _PICTURES,
}


@dataclass(frozen=True)
class Recipe:
    """How a named toolchain is made: the version of Python, and what its base costs in GB.

    The sizes are what uv fetched and `du` counted on Linux x86-64.
    """

    contents: str
    dialect: str
    python: str
    download_gb: float
    disk_gb: float
    layers: dict[str, Layer] = field(default_factory=dict)


# All with the same Python: it is looked for once, and uv links what they share (PyTorch above all)
# from its cache, so the second one fetches little.
RECIPES = {
    "relay": Recipe("TVM 0.16 with Relay", RELAY, "3.10", 0.13, 0.42, _RELAY_LAYERS),
    "relay-0.9": Recipe("TVM 0.9 with Relay", RELAY, "3.10", 0.12, 0.4, _OLD_RELAY_LAYERS),
    "relax": Recipe("TVM 0.27 with Relax", RELAX, "3.10", 0.12, 0.39, _RELAX_LAYERS),
    "relax-0.26": Recipe("TVM 0.26 with Relax", RELAX, "3.10", 0.12, 0.38, _RELAX_LAYERS),
    "relax-0.25": Recipe("TVM 0.25 with Relax", RELAX, "3.10", 0.11, 0.35, _RELAX_LAYERS),
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


def parse_layered(text: str) -> tuple[str, frozenset[str]]:
    """A toolchain and the layers to have on it, from NAME[+LAYER…]; of `all` each that it has.

    Raises UsageError for what there is not.
    """
    name, *layers = (part.strip() for part in text.split("+"))
    known = recipe(name).layers
    unknown = [layer for layer in layers if layer not in (*known, "all")]
    if unknown:
        have = ", ".join([*known, "all"])
        raise UsageError(f"the {name} toolchain has no layer {unknown[0]!r}: choose from {have}")
    return name, frozenset(known if "all" in layers else layers)
