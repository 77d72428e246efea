"""A change of TVM's quantizer, tried on the model that failed: it is shown only if it cures it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from ..analysis import fixes
from ..analysis.fixes import Fix
from ..errors import UsageError
from ..results.run import Result
from ..results.verdict import WORKS, FixRun
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
        result.verdict.fix = _tried(trials, result, fix)
    if result.verdict.fix is None and not result.verdict.is_general:
        result.verdict.fix_note = fixes.unfixed(result.verdict)
    trials.save()


def _tried(trials: Trials, result: Result, fix: Fix) -> FixRun | None:
    plan, run = trials.plan, trials.run
    try:
        chain = overlay.patched(plan.toolchain, fix.patch, trials.scratch / f"tvm-{fix.name}")
    except UsageError:  # made for another TVM: it does not fit these files
        return None
    reproducer = result.verdict.reproducer
    if reproducer is not None:
        said = process.run_script(chain, run.directory / reproducer, REPRODUCER_SECONDS)
        if said is None or said.code != 0:
            return None
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
        return None
    file = Path(TRACES) / configuration.slug / f"{fix.name}.diff"
    shutil.copy(fix.patch, run.directory / file)
    cosine = verdict.metrics.cosine if verdict.metrics is not None else None
    return FixRun(fix.name, fix.what, file.as_posix(), cosine, reproducer is not None)
