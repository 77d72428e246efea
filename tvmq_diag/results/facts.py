"""How something was made, as its record holds it: the command, the model, the toolchain."""

from __future__ import annotations

from typing import Any

import msgspec

from ..measurements.paired import Latency
from ..measurements.tuning import TunedModel


class Circumstances(msgspec.Struct, kw_only=True):
    """The command line as it was typed, the time (ISO 8601), and the version of the tool."""

    command: str | None = None
    created: str | None = None
    tool_version: str | None = None


class FloatModel(msgspec.Struct):
    """What came of the float model; `latency_ms` by who ran it: tvm, torch."""

    outcome: str
    latency_ms: dict[str, Latency] = {}


SEEDED, TRAINED, OWN = "seeded random", "trained", "the model's own"
"""Weights that nobody gave: drawn, of the net of this project, or of the file or function."""


_LEFT_OUT_EMPTY = (
    "float", "interrupted", "attempted", "tune", "tuning_records", "tuned", "dialect_extension",
    "device",
)  # fmt: skip


class RunFacts(Circumstances, kw_only=True):
    """What a run does and with what: everything in run.json."""

    model: str | None = None
    """Its source: see instruments.inputs.models."""
    script: str | None = None
    """Somebody's own, with its arguments, where that was run and no model was given."""
    input_shape: list[int] | str | None = None
    """As it was typed; older runs have a list."""
    seed: int | None = None
    weights: str | None = None
    """What was given, or one of SEEDED, TRAINED, OWN."""
    calibrated_on: str | None = None
    checked_on: str | None = None
    """What results are judged on; None in runs of a time when it was one batch of noise."""
    check_samples: int | None = None
    """How many batches of it; None for all there are."""
    preprocess: str | None = None
    """What pictures go through; None for what the model's own weights want."""
    quantize_opt_level: int | None = None
    """Of a PassContext around Relay's quantize(); None for none of ours."""
    toolchain: str | None = None
    python: str | None = None
    """The interpreter of the TVM."""
    overlay: str | None = None
    """The folder of a patched TVM's own files."""
    dialect: str | None = None
    dialect_extension: str | None = None
    """The name of another package's parts of it."""
    device: str | None = None
    """The device that models ran on, as KEY at HOST:PORT of its tracker; None: on this machine."""
    min_cosine: float | None = None
    """From which cosine to the float model on a result is right."""
    min_agreement: float | None = None
    """Where surely less than this share of classes or integers is the float model's it is wrong."""
    float_model: FloatModel | None = msgspec.field(default=None, name="float")
    """None where it was not run."""
    tune: float | None = None
    """s that tuning had; None where nothing was tuned."""
    tuning_records: str | None = None
    """The file of somebody's records that models were built with."""
    tuned: dict[str, list[TunedModel]] = {}
    """The models built with records, by the name that the untuned one has in the benchmark."""
    attempted: dict[str, str] = {}
    """What a compile was begun of: the text of each configuration, and why it was tried, as in
    verdict.json. What has no verdict there was cut off with the tool."""
    interrupted: bool = False
    """Did Ctrl-C end it?"""
    extra: dict[str, Any] = {}
    """What a newer version wrote down."""

    def to_json(self) -> dict[str, Any]:
        """The object that run.json holds."""
        record = msgspec.to_builtins(self)
        extra = record.pop("extra")
        for name in _LEFT_OUT_EMPTY:
            if not record[name]:
                del record[name]
        return {**record, **extra}
