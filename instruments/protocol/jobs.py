"""What a TVM process is told to do: a job for each task.

A process finds its job in a file, as JSON that tvmq_diag wrote: `task` and the fields. A field that
is missing, unknown or of another type is an error of the side that made it.

Their types are written as Python 3.8 can evaluate them: see records.
"""

import dataclasses
from dataclasses import dataclass, field
from typing import Any, ClassVar, Dict, List, Optional, Type, TypeVar

from .records import RecordError, dataclass_of

MIN_COSINE = 0.95
"""Below this cosine to the float model a result counts as wrong."""

MIN_AGREEMENT = 0.9
"""Where surely less than this share of the classes is the float model's, a result counts as wrong:
see tvmq_diag.analysis.accuracy."""

MIN_PLACES = 0.8
"""Below this cosine of what a mean over the places takes away, before the last pooling, to the
float model's it is asked what the mean hides: right int8 nets have 0.88 and more, one mirrored
kernel 0.35 to 0.65 (measured on digits and ResNet-18), and so has right quantization to 6 bits."""

CHECK_ON = "natural:16"
"""What a model is run on to judge it, where nobody says otherwise."""

SECONDS = 120.0
"""How long experiments may go on, each kind of them."""

J = TypeVar("J", bound="Job")


@dataclass(frozen=True)
class ModelSource:
    """What to compile (see instruments.inputs.models).

    `source` is what a person typed. `shapes` are those asked for of its inputs, by name, in
    elements; "" is the only input. `weights`: None for random ones of this `seed`, "imagenet", or
    a file.
    """

    source: str
    shapes: Optional[Dict[str, List[int]]] = None
    seed: int = 0
    weights: Optional[str] = None


@dataclass(frozen=True)
class DataSource:
    """Data (see instruments.inputs.dataset); `samples` None means all there are.

    `preprocess` is what pictures go through, as a person typed it (see instruments.inputs.images);
    None is what the model's own weights want.
    """

    source: str
    samples: Optional[int] = None
    preprocess: Optional[str] = None


@dataclass(frozen=True)
class Rpc:
    """A device behind a TVM RPC tracker."""

    host: str
    port: int
    key: str


@dataclass(frozen=True)
class Job:
    """A task and all that it needs."""

    TASK: ClassVar[str]

    def to_json(self) -> Dict[str, Any]:
        """The object that the file holds."""
        return {"task": self.TASK, **dataclasses.asdict(self)}

    @classmethod
    def from_json(cls: Type[J], record: Any) -> J:
        """The job that an object describes. Raises RecordError."""
        if isinstance(record, dict):
            names = [name for name in record if name not in ("task", *_NO_MORE)]
            record = {name: _as_now(record[name]) for name in names}
        return dataclass_of(cls, record, cls.TASK)


_NO_MORE = ("imported",)
"""Fields of jobs of before, which the trace of a compile has and nothing depends on."""


def _as_now(value: Any) -> Any:
    """A model's source in a job of a time when models had one input, its `shape`."""
    if not isinstance(value, dict) or "source" not in value or "shape" not in value:
        return value
    source = {name: field for name, field in value.items() if name != "shape"}
    shape = value["shape"]
    return {**source, "shapes": {"": shape} if shape is not None else None}


@dataclass(frozen=True)
class TracedJob(Job):
    """A job that leaves a trace in the folder `trace`. `dialect` is relay or relax."""

    trace: str
    dialect: str


@dataclass(frozen=True)
class CompileJob(TracedJob):
    """One configuration, or the float model, from import to numbers.

    `qconfig` holds fields of the quantizer's configuration, None for the float model. `opt_level`
    is the build's, `quantize_opt_level` (of Relay alone) that of a PassContext around quantize();
    None means none, as in TVM's own tutorial. `mcpu` None means the host's. `fq2i` (of Relay alone)
    runs FakeQuantizationToInteger on the model; `quantize_anyway` quantizes one that arrives
    quantized, which is refused without. With a `target` it is built for that, and run on the device
    behind `rpc`, or, without one, not at all. `code`: say in the trace of which instructions the
    kernels consist, which goes without saying then.
    `first_ops` (calls, in running order) compiles only the beginning of the model. Folders, or
    None: `artifact`
    for the compiled model; `calibrated` for the calibrated module; `kept` for what is kept between
    runs (see instruments.kept). With `keep_inputs` what it was
    run on is left in the trace. `records` is a file with schedules to build with; with `tasks` what
    can be tuned is left beside the `artifact`. Of Relax alone: `pipeline` of the float model
    ("default" or "target"; a qconfig has its own) and `schedule` ("sound" or "untuned").
    """

    TASK: ClassVar[str] = "compile"

    model: ModelSource
    qconfig: Optional[Dict[str, Any]] = None
    dataset: Optional[DataSource] = None
    check: Optional[DataSource] = None
    mcpu: Optional[str] = None
    target: Optional[str] = None
    opt_level: int = 3
    quantize_opt_level: Optional[int] = None
    fq2i: bool = False
    quantize_anyway: bool = False
    first_ops: Optional[int] = None
    kept: Optional[str] = None
    artifact: Optional[str] = None
    code: bool = False
    calibrated: Optional[str] = None
    save_ir: bool = False
    keep_inputs: bool = False
    records: Optional[str] = None
    tasks: bool = False
    pipeline: Optional[str] = None
    schedule: Optional[str] = None
    rpc: Optional[Rpc] = None


@dataclass(frozen=True)
class UntracedJob(CompileJob):
    """The same compile without what is ours, to hold its time against: see tasks.untraced."""

    TASK: ClassVar[str] = "untraced"


@dataclass(frozen=True)
class ScriptJob(TracedJob):
    """Somebody's own script, with the arguments that it would have on a command line."""

    TASK: ClassVar[str] = "script"

    script: str
    arguments: List[str] = field(default_factory=list)
    save_ir: bool = False


@dataclass(frozen=True)
class InvestigateJob(CompileJob):
    """A failure that is on record, looked into with each experiment in a process of its own.

    The compile of the record runs again and stops before pass `at`, counted from 1 at the end of
    import, or, with 0, before all of the compile. `stage` is the one that failed, `error` the
    failure's class and text, None where the process died. `seconds` are for the map, and again for
    the reduction.
    """

    TASK: ClassVar[str] = "investigate"

    at: int = 0
    stage: Optional[str] = None
    error: Optional[List[str]] = None
    seconds: float = SECONDS


@dataclass(frozen=True)
class NumericsJob(CompileJob):
    """Each op's error. `seconds` are for the runs with one op at a time.

    The calibrated module is taken from the folder `calibrated` if a compile has left it there.
    """

    TASK: ClassVar[str] = "numerics"

    seconds: float = SECONDS


@dataclass(frozen=True)
class BisectJob(CompileJob):
    """The pass and the op that a wrong result comes from.

    Below `min_cosine` to the float model a result is wrong, and with less than `min_agreement` of
    its classes or integers. `inputs`: which of those that a run is judged on are looked at, from 0;
    `output`: the one that is judged, None: each. `seconds` are for all experiments, once the model
    is quantized. `made_with`: which quantizer and TVM the result is of (see identity), if known.
    """

    TASK: ClassVar[str] = "bisect"

    min_cosine: float = MIN_COSINE
    min_agreement: float = MIN_AGREEMENT
    inputs: List[int] = field(default_factory=lambda: [0])
    output: Optional[int] = None
    seconds: float = SECONDS
    made_with: Optional[Dict[str, str]] = None


@dataclass(frozen=True)
class SearchJob(NumericsJob):
    """The fewest bits that stay right, in simulation: see instruments.search.

    `qconfig` is what bits and scales are changed of. Right is a cosine of at least `min_cosine` to
    the float model on the worst input, and of rows of scores a share with float's top-1 that is not
    surely less than `min_agreement`. `seconds` are for all, with building the model; at least half
    of them are for trials. `may_skip`: may ops be left in float, where 8 bits are not right
    otherwise?
    """

    TASK: ClassVar[str] = "search"

    min_cosine: float = MIN_COSINE
    min_agreement: float = MIN_AGREEMENT
    may_skip: bool = True


@dataclass(frozen=True)
class CellJob(TracedJob):
    """A cell of the support matrix: an op in a dtype, and which of its steps to try, in order."""

    TASK: ClassVar[str] = "cell"

    op: str
    dtype: str
    steps: List[str]
    mcpu: Optional[str] = None


@dataclass(frozen=True)
class BenchmarkJob(TracedJob):
    """Compiled models in turn. `sides`: the folder of each, by name, the float model first.

    `eager` is the model to time in PyTorch beside them. It ends after `rounds` rounds or after
    `seconds`, whichever comes first. `rpc` None: here.
    """

    TASK: ClassVar[str] = "benchmark"

    sides: Dict[str, str]
    rounds: int
    seconds: float
    eager: Optional[ModelSource] = None
    rpc: Optional[Rpc] = None


@dataclass(frozen=True)
class TuneJob(TracedJob):
    """Schedules tried for the kernels of compiled models: see instruments.tuning.

    `sides`: the folder of each compiled model (a CompileJob's `artifact`, with its `tasks`), by its
    name in the benchmark; `kernels`: of each side the profile of these (name, ms, shapes), which
    says how much of the time a task has. `records`: the folder of what is known and tried, a file a
    task. `seconds` are for the search; timing the best in turn comes on top.
    """

    TASK: ClassVar[str] = "tune"

    sides: Dict[str, str]
    kernels: Dict[str, List[Dict[str, Any]]]
    seconds: float
    records: str


@dataclass(frozen=True)
class EagerJob(Job):
    """PyTorch itself, timed when it is asked to on stdin."""

    TASK: ClassVar[str] = "eager"

    model: ModelSource


@dataclass(frozen=True)
class OverheadJob(Job):
    """What tracing costs: compiles in each of `modes` (see instruments.tasks.overhead) in turn."""

    TASK: ClassVar[str] = "overhead"

    model: ModelSource
    qconfig: Dict[str, Any]
    rounds: int
    modes: List[str] = field(default_factory=list)
    mcpu: Optional[str] = None
    dialect: str = "relay"


JOBS = {
    job.TASK: job
    for job in (
        CompileJob,
        UntracedJob,
        ScriptJob,
        InvestigateJob,
        NumericsJob,
        BisectJob,
        SearchJob,
        CellJob,
        BenchmarkJob,
        TuneJob,
        EagerJob,
        OverheadJob,
    )
}


def read(record: Any) -> Job:
    """The job of whatever task an object describes. Raises RecordError."""
    task = record.get("task") if isinstance(record, dict) else None
    if task not in JOBS:
        raise RecordError(f"there is no task {task!r}")
    result: Job = JOBS[task].from_json(record)
    return result
