"""A configuration as lines of Python: run as they stand, they quantize as the tool does."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from support.paths import ROOT, InTvm

from tvmq_diag.analysis.snippets import apply_records, snippet
from tvmq_diag.configuration import parse
from tvmq_diag.toolchains.toolchain import Toolchain
from tvmq_diag.trace.stages import RELAX, RELAY

RELAY_SCRIPT = """
import json
import numpy as np
from tvm import relay
from instruments.protocol.jobs import ModelSource
from instruments.relay.compile import nets

model = nets.tiny(ModelSource("tiny"))
module, params = model.fresh(), dict(model.params)
{lines}
largest = []
def look(node):
    if isinstance(node, relay.Constant) and str(node.data.dtype) == "int8":
        largest.append(int(np.abs(node.data.numpy()).max()))
relay.analysis.post_order_visit(module["main"], look)
print(json.dumps(largest))
"""

RELAX_SCRIPT = """
import json
import numpy as np
from tvm import relax
from instruments.protocol.jobs import ModelSource
from instruments.relax.compile import nets

module = nets.tiny(ModelSource("tiny")).module
batches = [{{"input": np.ones((1, 3, 32, 32), "float32")}}]
{lines}
text = module.script()
print(json.dumps([text.count('"int8"'), text.count("dequantize")]))
"""


def lines(configuration: str, dialect: str) -> str:
    found = snippet(parse(configuration), dialect)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("configuration", "most"),
    [
        ("int8/int8/int32", [127, 127, 127]),
        ("int8/int8/int32:nbit_weight=4:weight_scale=max", [7, 7, 7]),
        ("int8/int8/int32:weight_scale=max:weight_bits=843", [127, 7, 3]),
    ],
)
def test_on_relay(in_tvm: InTvm, configuration: str, most: list[int]) -> None:
    done = in_tvm(RELAY_SCRIPT.format(lines=lines(configuration, RELAY)))
    assert done.returncode == 0, done.stderr[-2000:]
    largest = [value for value in json.loads(done.stdout.splitlines()[-1]) if value]
    assert all(value <= bound for value, bound in zip(largest[-3:], most, strict=True))
    assert largest[-3:] != [1, 1, 1]


def test_on_relax(relax: Toolchain) -> None:
    script = RELAX_SCRIPT.format(lines=lines("int8/int8/int32:nbit=4:realize=qdq", RELAX))
    done = subprocess.run(
        [str(relax.python), "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert all(json.loads(done.stdout.splitlines()[-1]))


def test_what_is_not_quantized_has_no_lines() -> None:
    assert snippet(parse("as-is"), RELAY) is None


RELAX_RECORDS = """
import json
import tvm
from tvm import relax
from instruments.inputs import target as targets
from instruments.protocol.jobs import ModelSource
from instruments.relax.compile import nets, schedule, tiles
from instruments.relax.compile.tiles import Tile

module = nets.tiny(ModelSource("tiny")).module
target = targets.parse(targets.host(None)[0])
plain = schedule.Scheduled()
with target:
    schedule.sound(relax.get_pipeline('default'), plain)(module)
with open({file!r}, "w") as file:
    for name, function in plain.functions.items():
        key = tiles.key(function, str(target))
        file.write(tiles.record(key, name, Tile(8, 4), 1.0) + "\\n")
used = []
given = schedule.scheduled
def noted(name, function, done, tile):
    used.append([tile.vector, tile.channels])
    return given(name, function, done, tile)
schedule.scheduled = noted
{lines}
print(json.dumps(used))
"""


def test_tuned_numbers_are_applied_on_relax(relax: Toolchain, tmp_path: Path) -> None:
    file = str(tmp_path / "records.log")
    script = RELAX_RECORDS.format(file=file, lines=apply_records(file, RELAX))
    done = subprocess.run(
        [str(relax.python), "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    used = json.loads(done.stdout.splitlines()[-1])
    assert used.count([8, 4]) >= 8 and all(each in ([8, 4], [16, 8]) for each in used)
