"""What a trace knows about its compile, beside the passes: the target, the quantizer's fields…"""

from __future__ import annotations

from typing import Any

import msgspec

from ..decoding import Natural
from .stages import RELAY

Setting = bool | int | float | str | list[int | str] | None
"""The value of a quantizer's field."""


class Tensor(msgspec.Struct, frozen=True):
    """The type of an input."""

    dtype: str
    shape: tuple[int | str, ...] = ()


class JobFacts(msgspec.Struct, frozen=True):
    """Of the job that the process was given: the fields of the quantizer that it names."""

    qconfig: dict[str, Setting] | None = None
    opt_level: int | None = None
    fq2i: bool = False
    """Did FakeQuantizationToInteger run on the model?"""


class Schedules(msgspec.Struct, frozen=True):
    """How well TVM knew the operators: its sentence, and the workloads it has no schedule for."""

    warning: str | None = None
    fallbacks: list[str] = []


class FailingKernel(msgspec.Struct, frozen=True):
    """The kernel that a run failed at, in no pass: its place in running order, from 0.

    `builtin` is what the virtual machine did meanwhile.
    """

    name: str
    index: Natural
    builtin: str = msgspec.field(name="while")


class RejectedNode(msgspec.Struct, frozen=True):
    """The node of a model that the importer refused, and its operator."""

    name: str
    op: str


class Island(msgspec.Struct, frozen=True):
    """A call that computes in float on dequantized values: its place in running order, from 0; in a
    clause what keeps FakeQuantizationToInteger from making it an integer op, None for nothing that
    can be seen before it is tried; and whether that is this op's own, and no other's."""

    op: str
    index: Natural
    reason: str | None = None
    stops: bool = False


class Bitserial(msgspec.Struct, frozen=True):
    """Of realize=bitserial: how many ops it took, and of the quantized ones that it left to TVM's
    own realize how many for which reason, "operator: clause"."""

    taken: Natural = 0
    left: dict[str, Natural] = {}


class TraceFacts(msgspec.Struct):
    """As the recorder wrote them down; what it did not has its default.

    `qconfig` are the quantizer's fields by name, `versions` those of TVM, Python and importers.
    `extra` has what the user of QuantizeTrace wrote down beside these.
    """

    time: str | None = None
    pid: int | None = None
    dialect: str | None = None
    command: list[str] = []
    versions: dict[str, str] = {}
    job: JobFacts | None = None
    target: str | None = None
    target_reason: str | None = None
    host_features: dict[str, bool] = {}
    """Which instructions the processor has, by LLVM's names (none where --target names what need
    not be this one), and which the target lets it use."""
    target_features: dict[str, bool] = {}
    made_with: dict[str, str] | None = None
    """Which quantizer and which TVM, by hashes of their files: see instruments/identity."""
    threads: int | None = None
    pipeline: str | None = None
    """On Relax: which pipeline of passes compiles the model, and how kernels are scheduled."""
    schedule: str | None = None
    inputs: dict[str, Tensor] = {}
    calibrated_on: str | None = None
    qconfig: dict[str, Setting] = {}
    changed: list[str] = []
    """Which of these the quantizer does not have by default; not in older traces."""
    exit_code: int | None = None
    """Of a script that came to its end, by an exception or without one."""
    quantize_opt_level: int | None = None
    """Of the PassContext that quantize() ran in; None in traces of a time when it was the build's.
    See quantized_at."""
    weight_bytes: int | None = None
    """Of the compiled model's file of weights and other constants; None where none was kept."""
    built: bool = False
    """Compiled for another machine, as far as its code: it was not run here."""
    schedules: Schedules | None = None
    tophub: str | None = None
    """TVM's TOPHUB_LOCATION in the process; NONE: schedules are not downloaded."""
    tophub_package: str | None = None
    """The file that TVM's TopHub has for the target; None where it has none, or did not say."""
    failing_kernel: FailingKernel | None = None
    rejected_node: RejectedNode | None = None
    quantized_ops: int | None = None
    """Of a model that is run as it is: how many of its operators read quantized values. None of one
    that is quantized here, and where nobody looked."""
    islands: list[Island] = []
    """Of a model that arrives quantized: what stays float between its integers."""
    bitserial: Bitserial | None = None
    extra: dict[str, Any] = {}

    @property
    def quantized_at(self) -> int | None:
        """The level that Relay's quantize() ran at; None where it did not, or nobody knows."""
        job = self.job
        if self.quantize_opt_level is not None or job is None or self.dialect != RELAY:
            return self.quantize_opt_level
        return job.opt_level if job.qconfig is not None else None
