"""Which models: what a person lists, with patterns of files and named sets written out."""

from __future__ import annotations

from pathlib import Path

from ...errors import UsageError

SMALL = "torchvision:all-small"

SMALL_MILLIONS = 30
"""A net of SMALL has fewer parameters, in millions."""

_SMALL_NETS = [
    "squeezenet1_1",
    "squeezenet1_0",
    "shufflenet_v2_x0_5",
    "mnasnet0_5",
    "shufflenet_v2_x1_0",
    "mobilenet_v3_small",
    "mnasnet0_75",
    "shufflenet_v2_x1_5",
    "mobilenet_v2",
    "regnet_y_400mf",
    "mnasnet1_0",
    "efficientnet_b0",
    "mobilenet_v3_large",
    "regnet_x_400mf",
    "mnasnet1_3",
    "regnet_y_800mf",
    "googlenet",
    "regnet_x_800mf",
    "shufflenet_v2_x2_0",
    "efficientnet_b1",
    "densenet121",
    "efficientnet_b2",
    "regnet_x_1_6gf",
    "regnet_y_1_6gf",
    "resnet18",
    "efficientnet_b3",
    "densenet169",
    "regnet_x_3_2gf",
    "efficientnet_b4",
    "regnet_y_3_2gf",
    "densenet201",
    "efficientnet_v2_s",
    "resnet34",
    "resnext50_32x4d",
    "resnet50",
    "inception_v3",
    "swin_t",
    "swin_v2_t",
    "convnext_tiny",
    "densenet161",
]
"""All classifiers of torchvision 0.29 (`list_models(module=torchvision.models)`; each takes one
image) whose weights' `meta["num_params"]` is below SMALL_MILLIONS, the smallest first."""

SETS = {SMALL: [f"torchvision:{name}" for name in _SMALL_NETS]}
"""Sources by the name of their set."""

_MAGIC = frozenset("*?[")

OF_FILES = ("onnx", "tflite", "torch", "relay", "relax")
"""Kinds of sources that name a file."""


def listed(text: str) -> list[str]:
    """The sources in SOURCE[,SOURCE…], each once: those of a set, of the files that a pattern fits
    (`onnx:nets/*.onnx`, by name), and any other as it is.

    Raises UsageError for a pattern that no file fits, a set that there is not, a file that is not
    there, and an empty list.
    """
    parts = [part.strip() for part in text.split(",")]
    found = [source for part in parts if part for source in _written_out(part)]
    if not found:
        raise UsageError(f"--models {text!r} names no model; for example: tiny,digits,{SMALL}")
    return list(dict.fromkeys(found))


def file_of(source: str) -> Path | None:
    """The file that a model is in, or whose function makes it; None for what is in none."""
    kind, _, rest = source.partition(":")
    if kind == "py":
        rest = rest.rpartition(":")[0]
        return Path(rest) if rest.endswith(".py") else None
    return Path(rest) if kind in OF_FILES else None


def _written_out(part: str) -> list[str]:
    if part in SETS:
        return SETS[part]
    kind, _, rest = part.partition(":")
    if kind == "torchvision" and rest.startswith("all"):
        raise UsageError(f"--models: there is no set {part!r}, only {', '.join(SETS)}")
    if kind in OF_FILES and not _MAGIC.isdisjoint(rest) and not Path(rest).exists():
        files = _fitting(Path(rest))
        if not files:
            raise UsageError(f"--models: no file fits {rest!r}")
        return [f"{kind}:{path}" for path in files]
    file = file_of(part)
    if file is not None and not file.is_file():
        raise UsageError(f"--models: {part!r} has no file {file}")
    return [part]


def _fitting(pattern: Path) -> list[Path]:
    """The files that a pattern fits, by name."""
    relative = pattern.relative_to(pattern.anchor)
    return sorted(path for path in Path(pattern.anchor).glob(str(relative)) if path.is_file())
