"""The front door: a finished run, its traces and a comparison, as a person asks for them.

    import tvmq_diag as td

    run = td.load("runs/resnet50-int4")
    run["int4"].verdict.op
    run["int4"].trace.passes(stage="realize")

Each class here holds the plain data that it answers from, for whoever needs more than it says. What
it says is worked out by `analysis` and `comparison`, and drawn by `reports`, which is imported when
a page or a card is asked for. docs/front-door.md shows all of it at work.
"""

from __future__ import annotations

from pathlib import Path

from ..analysis import recording, recovery
from ..comparison import run_diff
from ..comparison.figures import Tolerances
from ..errors import UsageError
from ..instruments.protocol.schema import JOURNAL
from ..trace.layout import VERDICTS
from .comparison import Comparison
from .run import Result, Run, UnknownConfiguration
from .trace import Trace

__all__ = ["Comparison", "Result", "Run", "Trace", "UnknownConfiguration", "compare", "load"]


def load(path: str | Path) -> Run:
    """The finished run in a folder, or what QuantizeTrace recorded there as a run of one result.

    A run that was stopped is read as far as it got. Nothing is started and no TVM is needed.

    Raises UsageError, which says what to give instead, where the folder holds neither, and where a
    newer tvmq_diag wrote it.
    """
    folder = Path(path).expanduser()
    if run_diff.is_run(folder):
        return Run(recovery.load(folder))
    if (folder / JOURNAL).exists():
        return Run(recording.as_run(folder))
    raise UsageError(_what_to_load(folder))


def compare(
    before: str | Path | Run | Trace,
    after: str | Path | Run | Trace,
    tolerances: Tolerances | None = None,
) -> Comparison:
    """What changed from one run to another, or from one trace to another, and what is worse for it.

    `tolerances` says how much worse is not worse; None: 0.005 of cosine, 1 dB of SQNR, 3 % of time,
    5 % of classes.

    Raises UsageError where there is nothing to read, or a run on one side and a trace on the other.
    """
    return Comparison(run_diff.compare(_folder(before), _folder(after), tolerances))


def _what_to_load(folder: Path) -> str:
    if not folder.is_dir():
        return f"there is no folder {folder}"
    inside = sorted(
        child.name
        for child in folder.iterdir()
        if (child / VERDICTS).exists() or (child / JOURNAL).exists()
    )
    if inside:
        return f"{folder} is not a run itself, load one of those in it: {', '.join(inside)}"
    return (
        f"{folder} has neither the {VERDICTS} of a run nor the {JOURNAL} of a trace: load the"
        " folder that a run named at its end (runs/NAME), or that of a QuantizeTrace"
    )


def _folder(source: str | Path | Run | Trace) -> Path:
    if isinstance(source, Run):
        return source.directory
    return source.path if isinstance(source, Trace) else Path(source).expanduser()
