"""A change of TVM's quantizer, tried on the model that failed: it is shown only if it cures it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from ..analysis import fixes
from ..analysis.fixes import Fix
from ..errors import UsageError
from ..results.run import Result
from ..results.verdict import WORKS, FixRun, Verdict
from ..toolchains import overlay, process
from ..trace.layout import TRACES
from .compiler import Compiler
from .investigation import REPRODUCER_SECONDS
from .trials import Stopped, Trials


def cure(trials: Trials, result: Result) -> None:
    """Try the fix that is known for a failure, if there is one, and keep it if it holds: the
    reduced module passes, and the model works. Else say whose code it is, where that is C++. Raises
    as Trials does."""
    fix = fixes.fix_for(result.verdict)
    if fix is not None:
        with trials.processes.room.turn():
            result.verdict.fix, result.verdict.fix_note = _tried(trials, result, fix)
    if (result.verdict.fix or result.verdict.fix_note) is None and not result.verdict.is_general:
        result.verdict.fix_note = fixes.unfixed(result.verdict)
    trials.save()


def _tried(trials: Trials, result: Result, fix: Fix) -> tuple[FixRun | None, str | None]:
    """What cures it, or a sentence on what came of the fix instead, where it was tried."""
    plan, run = trials.plan, trials.run
    try:
        chain = overlay.patched(plan.toolchain, fix.patch, trials.scratch / f"tvm-{fix.name}")
    except UsageError:  # made for another TVM: it does not fit these files
        return None, None
    reproducer = result.verdict.reproducer
    if reproducer is not None:
        said = process.run_script(chain, run.directory / reproducer, REPRODUCER_SECONDS)
        if said is None or said.code != 0:
            return None, f"{fix.name} was tried, and the reduced module still fails"
    configuration = trials.configuration(result.verdict.configuration)
    compiler = Compiler(
        replace(plan, toolchain=chain, reference=False),
        run.directory,
        trials.scratch,
        trials.observer,
    )
    compiled = compiler.compile(configuration, f"-{fix.name}")
    if compiled.interrupted:
        raise Stopped
    verdict = trials.judged(configuration, compiled) if compiled.finished else None
    if verdict is None or verdict.outcome != WORKS:
        return None, f"{fix.name} was tried, and does not cure it: {_came_to(verdict)}"
    file = Path(TRACES) / configuration.slug / f"{fix.name}.diff"
    shutil.copy(fix.patch, run.directory / file)
    cosine = verdict.metrics.cosine if verdict.metrics is not None else None
    return FixRun(fix.name, fix.what, file.as_posix(), cosine, reproducer is not None), None


def _came_to(verdict: Verdict | None) -> str:
    """What a model comes to with a fix that does not cure it."""
    if verdict is None:
        return "the model does not run"
    cosine = verdict.metrics.cosine if verdict.metrics is not None else None
    figure = f" (cosine {cosine:.3f} to float)" if cosine is not None else ""
    return f"the model is then {verdict.outcome}{figure}"
