"""Zoos as they are after a run, without having run one."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from tvmq_diag.measurements.metrics import Metrics
from tvmq_diag.results.verdict import REJECTED, WORKS, OpRef
from tvmq_diag.results.version_matrix import CellRecord
from tvmq_diag.results.zoo import Zoo, ZooCell, ZooFacts, ZooTvm

RELAY = ZooTvm(name="relay", version="0.16.dev0", dialect="relay", fingerprint="a")


def works(configuration: str, cosine: float = 0.99) -> CellRecord:
    metrics = Metrics(cosine, 20.0, 0.1, 1.0)
    page = "cells/x/index.html#c0"
    return CellRecord(
        configuration=configuration, outcome=WORKS, stage="check", metrics=metrics, page=page
    )


def rejected(
    configuration: str, stage: str = "realize", by: str = "QuantizeRealize", op: int = 9
) -> CellRecord:
    return CellRecord(
        configuration=configuration,
        outcome=REJECTED,
        stage=stage,
        pass_name=by,
        op=OpRef(op, "add"),
        message="unknown data type int4",
        page="cells/x/index.html#c0",
    )


def cell(model: str, *entries: CellRecord, tvm: str = "relay", typed: str = "") -> ZooCell:
    name = typed or entries[0].configuration
    return ZooCell(model=model, configuration=name, tvm=tvm, entries=list(entries), seconds=9.0)


def zoo_of(cells: Iterable[ZooCell], tvms: Iterable[ZooTvm] = (RELAY,)) -> Zoo:
    """The zoo that these are all the cells of."""
    done = list(cells)
    return Zoo(
        models=list(dict.fromkeys(one.model for one in done)),
        configurations=list(dict.fromkeys(one.configuration for one in done)),
        tvms=[replace(tvm) for tvm in tvms],
        cells=done,
        facts=ZooFacts(command="zoo.py", created="2026-11-28", tool_version="0.1.0"),
    )
