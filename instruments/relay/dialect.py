"""Relay as a Dialect: where its parts are."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Sequence

from ..bisection.contract import Suspect
from ..compilation import Compilation
from ..dialects import Artifact, Dialect, OpTables, Replay, Surveying
from ..matrix.cell import CellSteps
from ..numerics.op_errors import NumericsSide
from ..protocol.jobs import BisectJob, CellJob, CompileJob, NumericsJob, TuneJob
from ..protocol.schema import RELAY
from ..quantize_trace import QuantizeTrace
from ..tuning.tunable import Tunable


class Relay:
    """See dialects.Dialect."""

    name = RELAY

    @property
    def op_tables(self) -> OpTables:
        from .ir import op_table

        return op_table

    @property
    def replay(self) -> Replay:
        from .diagnose import replay

        return replay

    @property
    def surveying(self) -> Surveying:
        from .diagnose import survey

        return survey

    def compilation(self, trace: QuantizeTrace, job: CompileJob) -> Compilation:
        from .compile import compilation

        return compilation.Compile(trace, job)

    def artifact(self, folder: Path, remote: Any) -> Artifact:
        from .compile import artifact

        return artifact.Artifact(folder, remote)

    def cell(self, job: CellJob) -> CellSteps:
        from . import cell

        return cell.Attempt(job)

    def numerics(self, job: NumericsJob) -> NumericsSide:
        from . import numerics

        return numerics.Numerics(job)

    def suspect(self, job: BisectJob) -> Suspect:
        from . import bisection

        return bisection.Bisected(job)

    def tasks(self, job: TuneJob) -> Sequence[Tunable]:
        from . import tuning

        return tuning.tasks(job)


DIALECT: Dialect = Relay()
