"""Where a mix of dtypes comes from that surfaces in a rescaling."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.builders import call

from tvmq_diag.analysis.joined import joined
from tvmq_diag.trace.facts import TraceFacts
from tvmq_diag.trace.failure import Blame
from tvmq_diag.trace.snapshot import Node, Snapshot
from tvmq_diag.trace.trace import Trace

STEP = "relay.op.annotation.simulated_quantize"
MIX = "data types int8 and int32 do not match in BroadcastRel"


class Failed(Trace):
    """A trace whose failing module is at hand."""

    def failing_snapshot(self) -> Snapshot:
        cast = Node(2, "call", "annotation.cast_hint", (0,), attrs={"dtype": "int8"})
        join = Node(4, "tuple", "", self.facts.extra["operands"])
        step = Node(8, "call", STEP, (6, 7, 7, 7))
        return Snapshot(
            1,
            (
                Node(0, "var", dtype="float32"),
                call(1, STEP, 0),
                cast,
                call(3, "annotation.stop_fusion", 2),
                join,
                call(5, "concatenate", 4),
                call(6, "nn.relu", 5),
                Node(7, "constant"),
                step,
            ),
        )


def failed(tmp_path: Path, *operands: int) -> Failed:
    qconfig = {"dtype_input": "int8", "dtype_activation": "int32"}
    trace = Failed(tmp_path, TraceFacts(qconfig=qconfig, extra={"operands": operands}))
    trace.blame = Blame(8, 5, STEP, None, 1, 1.0, "replay")
    return trace


def test_the_second_operand_tells(tmp_path: Path) -> None:
    assert joined(failed(tmp_path, 1, 3), MIX) == (
        "concatenate #3 makes int8, as the second of its two operands is; the rescaling behind it "
        "adds int32"
    )


@pytest.mark.parametrize(
    ("operands", "message"),
    [
        ((3, 1), MIX),  # the second is not of that dtype
        ((1, 3, 3), MIX),  # of three it takes none's
        ((1, 3), MIX.replace("int8", "float16")),
        ((1, 3), None),
    ],
)
def test_else_nothing_is_said(
    tmp_path: Path, operands: tuple[int, ...], message: str | None
) -> None:
    assert joined(failed(tmp_path, *operands), message) is None
