"""A smoke compile: the smallest model, quantized, built and run in a toolchain that is there."""

from __future__ import annotations

import time
from pathlib import Path

from ..configuration import REFERENCE, adapted
from ..errors import DiagError
from ..instruments.protocol.jobs import CompileJob, ModelSource
from ..toolchains import inventory, process, resolution, scratch
from ..toolchains.limits import Limits, usable_bytes
from ..toolchains.toolchain import Toolchain
from ..trace import reader
from ..trace.ending import How
from .findings import Finding, bad, note, ok

MODEL = "tiny"
SECONDS = 300.0


def compiled(name: str) -> Finding:
    """What comes of it in a named toolchain, which is not installed for that."""
    there = {found.name: found for found in inventory.toolchains()}
    if name not in there or not there[name].complete:
        return note(
            "smoke compile",
            f"not tried: {name} is not installed",
            f"tvmq-diag toolchains install {name}, then this again",
        )
    began = time.monotonic()
    try:
        chain = resolution.resolve(name, echo=lambda line: None)
        with scratch.folder() as folder:
            return _judged(chain, folder / "trace", began)
    except DiagError as error:
        return bad("smoke compile", str(error), f"tvmq-diag toolchains remove {name}")


def _judged(chain: Toolchain, folder: Path, began: float) -> Finding:
    (configuration,) = adapted(REFERENCE, chain.dialect)[:1]
    job = CompileJob(str(folder), chain.dialect, ModelSource(MODEL), configuration.qconfig)
    ending = process.run(chain, job, Limits(SECONDS, usable_bytes()))
    if ending.how == How.INTERRUPTED:
        raise KeyboardInterrupt
    trace = reader.load(folder)
    took = f"{time.monotonic() - began:.1f} s"
    facts = trace.facts
    if ending.how == How.FINISHED and trace.outputs is not None:
        cpu = (facts.target or "").partition("-mcpu=")[2].split(" ")[0]
        named = f"for LLVM's {cpu}" if cpu else "for LLVM's default processor"
        return ok(
            "smoke compile",
            f"{MODEL} at {configuration.text} in {chain.name}, {took}, {named}:"
            f" {facts.target_reason}",
        )
    failure = trace.failure
    why = failure.message.splitlines()[0][:200] if failure else f"{ending.how.value}: {ending.tail}"
    return bad(
        "smoke compile",
        f"{MODEL} at {configuration.text} in {chain.name} does not come to its end: {why[:300]}",
        f"tvmq-diag trace --tvm {chain.name} --model {MODEL} --dtype {configuration.text}",
    )
