"""Compiles of the tiny net that fail, and what a survey says of them. Runs in a TVM with Relay."""

from __future__ import annotations

import contextlib
import json
import tempfile
from pathlib import Path

import tvm
from tvm import relay

from instruments import QuantizeTrace
from instruments.diagnosis.reduction import NotSliceable
from instruments.diagnosis.signature import last_line
from instruments.inputs import target
from instruments.protocol.jobs import ModelSource
from instruments.relay.compile import models
from instruments.relay.diagnose import replay, survey


def failing(dtypes, mcpu=None, stop=None):
    "The passes a compile of the tiny model failed in, its error, the qconfig and the target."
    model = models.load(ModelSource("tiny"))
    host = tvm.target.Target(target.host(mcpu)[0])
    fields = dict(
        zip(("dtype_input", "dtype_weight", "dtype_activation"), dtypes.split("/"), strict=True)
    )
    trace = QuantizeTrace(tempfile.mkdtemp())
    trace.error = lambda *given: None  # only the survey is looked at here
    try:
        with trace, relay.quantize.qconfig(**fields), tvm.transform.PassContext(opt_level=3):
            module = relay.quantize.quantize(model.fresh(), dict(model.params))
            trace.stage("lower")
            relay.build(module, target=host)
    except tvm.TVMError as error:
        failed = error
    except AssertionError as error:
        failed = error
    return trace.failing_path(), failed, trace.recorder.qconfig, host


VERSIONS = {"tvm": tvm.__version__, "python": "3"}


def surveyed(dtypes, mcpu=None, **options):
    path, error, qconfig, host = failing(dtypes, mcpu)
    with qconfig:
        found = replay.blame(path, error, host)
        made = survey.survey(path, error, host, **options)
        smallest = made.smallest(found, VERSIONS)
        mapped = made.map()
    calls = list(replay.nodes_of(made.place.before))

    def names(rows):
        return [calls[row].op.name for row in rows]

    return {
        "error": last_line(error),
        "smallest": vars(smallest),
        "left": mapped.left,
        "accepted": names(mapped.accepted),
        "rejected": [[calls[row].op.name, why] for row, why in mapped.rejected],
        "unjudged": [[calls[row].op.name, why] for row, why in mapped.unjudged],
        "queries": [smallest.queries, mapped.queries],
    }
