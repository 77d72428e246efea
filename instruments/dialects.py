"""A dialect of TVM's IR and its parts, as everything outside of relay/ and relax/ knows them.

Nothing else tells one dialect from the other. A part is imported when it is asked for: `import tvm`
takes seconds, and a TVM may have one dialect only.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING, Any, Callable, Mapping, Protocol, Sequence

from .protocol.schema import DIALECT_MODULES, DIALECT_OF_ANOTHER

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from .bisection.contract import Suspect
    from .compilation import Compilation
    from .diagnosis.signature import Blame, Culprit, Wrap
    from .diagnosis.survey import Memo, Survey
    from .matrix.cell import CellSteps
    from .numerics.op_errors import NumericsSide
    from .protocol.jobs import BisectJob, CellJob, CompileJob, NumericsJob, TuneJob
    from .quantize_trace import QuantizeTrace
    from .recording.open_pass import OpenPass
    from .tuning.tunable import Tunable
    from .tvm_types import IRModule, QConfig, Target

Timer = Callable[[], float]
"""Runs a compiled model for a while: milliseconds an inference."""


class View(Protocol):
    """A module, asked of TVM once: each look into it has its price."""

    module: IRModule

    @property
    def has_graph(self) -> bool:
        """Is any function one of the dialect's own, and not lowered?"""

    @property
    def typed(self) -> bool:
        """Are the types of its expressions known?"""

    def same(self, after: Any, deep: bool = True) -> bool:
        """Is the view `after` of the same module? `deep=False`: by a cheap look only."""


class Tables(Protocol):
    """Makes op tables, remembering what successive modules share."""

    def rows(self, module: IRModule) -> list[dict[str, Any]]:
        """A row for each node, inputs before users; instruments.relay.ir.op_table has the keys."""


class OpTables(Protocol):
    """What the recorder asks of a module."""

    @property
    def STAGE_OF_PASS(self) -> Mapping[str, str]:
        """Passes that open a stage of their own."""

    @property
    def OPAQUE(self) -> Sequence[str]:
        """Passes that compile a model of their own to find something out: no snapshots of it."""

    @property
    def COUNTED(self) -> Sequence[str]:
        """Passes whose inner passes are counted, and not written down one by one."""

    @property
    def View(self) -> Callable[[IRModule], View]:
        """A view of a module."""

    @property
    def Tables(self) -> Callable[[], Tables]:
        """A maker of tables."""

    def text(self, module: IRModule) -> str:
        """The module as TVM prints it, weights elided."""

    def primfuncs(self, view: Any) -> list[dict[str, Any]]:
        """Name and parameter dtypes of every lowered function."""

    def qconfig(self) -> QConfig:
        """The quantizer's configuration in force; None outside of it."""

    def settings(self, config: QConfig) -> dict[str, Any]:
        """All its fields as plain values."""

    def changed(self, config: QConfig) -> list[str]:
        """The names of its fields that are not as by default."""


class Replay(Protocol):
    """Runs a failed pass again on parts of the module it failed on."""

    def blame(
        self,
        path: Sequence[OpenPass],
        error: BaseException,
        target: Target,
        wrap: Wrap,
    ) -> Blame | None:
        """The first op with which it fails in the same way; None if that cannot be told."""

    def why_not(self, path: Sequence[OpenPass]) -> str:
        """Why `blame` had no answer."""

    def knobs(
        self,
        path: Sequence[OpenPass],
        blamed: Blame,
        error: BaseException,
        target: Target,
        wrap: Wrap,
    ) -> list[str] | None:
        """The dtype fields that make it fail by themselves; None where that cannot be told."""

    def culprit(
        self,
        path: Sequence[OpenPass],
        blamed: Blame,
        error: BaseException,
        target: Target,
        wrap: Wrap,
    ) -> Culprit | None:
        """The op that handed on what the blamed one could not take; None if none is known."""


class Surveying(Protocol):
    """Makes surveys."""

    def survey(
        self,
        path: Sequence[OpenPass],
        error: BaseException,
        target: Target,
        wrap: Wrap,
        memo: Memo | None,
        map_seconds: float,
        reduce_seconds: float,
    ) -> Survey:
        """A survey of the pass that failed. Raises NotSliceable, with the reason."""


class Artifact(Protocol):
    """A compiled model on disk, to be run here or in an RPC session."""

    def outputs(self, inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """Run once; a copy of every output."""

    def repeats(self, first: list[np.ndarray]) -> bool:
        """Are these the outputs again of the inputs that it was saved with, in the same executor
        and in a new one?"""

    def timer(self, runs: int) -> Timer:
        """Runs it so often a time, after one run before the clock starts."""

    def kernels(self, runs: int) -> list[dict[str, Any]]:
        """Each kernel in running order: name, ms (median of the runs), argument shapes."""


class Dialect(Protocol):
    """Relay or Relax."""

    @property
    def name(self) -> str:
        """As in a job."""

    @property
    def op_tables(self) -> OpTables:
        """For the recorder."""

    @property
    def replay(self) -> Replay:
        """Which op a failure comes from, and which setting."""

    @property
    def surveying(self) -> Surveying:
        """Every op's own verdict, and the smallest module that fails."""

    def compilation(self, trace: QuantizeTrace, job: CompileJob) -> Compilation:
        """A compile, from import to numbers."""

    def artifact(self, folder: Path, remote: Any) -> Artifact:
        """What a compile left in its job's `artifact`; `remote` is an RPC session, or None."""

    def cell(self, job: CellJob) -> CellSteps:
        """A cell of the support matrix."""

    def numerics(self, job: NumericsJob) -> NumericsSide:
        """What measuring each op's error needs of a dialect."""

    def suspect(self, job: BisectJob) -> Suspect:
        """What bisecting a wrong result needs of a dialect."""

    def tasks(self, job: TuneJob) -> Sequence[Tunable]:
        """The kernels of the job's models that have more than one schedule."""


def get(name: str) -> Dialect:
    """The dialect of that name. Its parts raise ImportError where this TVM has not that dialect.

    Raises ValueError for a name that is none.
    """
    check(name)
    module, _, folder = os.environ.get(DIALECT_OF_ANOTHER, "").partition("\n")
    if folder and folder not in sys.path:
        sys.path.append(folder)  # last: nothing of TVM's is to be found there
    dialect: Dialect = importlib.import_module(module or f"{__package__}.{name}.dialect").DIALECT
    return dialect


def check(name: str) -> None:
    """Raises ValueError for a name that is no dialect's."""
    if name not in DIALECT_MODULES:
        names = " and ".join(DIALECT_MODULES)
        raise ValueError(f"there is no dialect {name!r}: there are {names}")


def present() -> str:
    """The dialect of this process's TVM: relay where it has Relay's quantizer, else relax.

    TVM 0.16 to 0.19 have both. Raises ImportError without a TVM, or with one that has neither.
    """
    import tvm

    for name, module in DIALECT_MODULES.items():
        try:
            importlib.import_module(module)
        except ModuleNotFoundError as error:
            if not f"{module}.".startswith(f"{error.name}."):
                raise  # the dialect is there, what it needs is not
            continue
        return name
    raise ImportError(f"TVM {tvm.__version__} has neither Relay's quantizer nor Relax")
