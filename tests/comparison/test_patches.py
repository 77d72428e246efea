"""Patches a person might make to TVM's quantizer: comparing names the pass, and the op, of each.

`patches/` holds them as unified diffs, with a line on what each does. Those called
before_fix_NUMBER take back what that pull request to apache/tvm mended: TVM as it is, compared with
them, is the fix replayed.
"""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.paths import ROOT

from tvmq_diag.comparison import run_diff
from tvmq_diag.comparison.outcome_diff import FIXED
from tvmq_diag.toolchains import overlay
from tvmq_diag.toolchains.toolchain import Toolchain

PATCHES = ROOT / "tests" / "patches"

RECORD = """
import sys
sys.path.insert(0, sys.argv[1])
import numpy as np
import tvm
from tvm import relay
from tvm.relay.quantize import quantize
from instruments import QuantizeTrace
from instruments.relay.compile import models
from instruments.protocol.jobs import ModelSource

def conv(x):
    weight = np.random.default_rng(0).normal(0, 0.1, (8, 8, 3, 3)).astype("float32")
    return relay.nn.conv2d(x, relay.const(weight), padding=(1, 1), channels=8, kernel_size=(3, 3))

def gated(product):
    x = relay.var("x", shape=(1, 8, 16, 16))
    y = conv(relay.nn.relu(conv(x)))
    return tvm.IRModule.from_expr(relay.Function([x], conv(product(y, relay.sigmoid(y))))), {}

def tiny():
    model = models.load(ModelSource("tiny"))
    return model.module, model.params

NETS = {
    "tiny": (tiny, {}),
    "two_skipped": (tiny, {"skip_conv_layers": [0, 2]}),
    "gated": (lambda: gated(lambda y, gate: y * gate), {}),
    "gate_first": (lambda: gated(lambda y, gate: gate * y), {}),
}
for folder in sys.argv[2:]:
    net, settings = NETS[folder.rpartition("/")[2]]
    module, params = net()
    with relay.quantize.qconfig(**settings), tvm.transform.PassContext(opt_level=3):
        try:
            with QuantizeTrace(folder):
                quantize(module, params)
        except Exception as error:  # a fix is there for what failed before it
            print(type(error).__name__)
"""


@dataclass(frozen=True)
class Found:
    """What a patch must be found to do: on which net, the pass it changes first, and the text."""

    changed: str
    said: str
    net: str = "tiny"


CHANGES = {
    "bias_as_input": Found(
        "QuantizeAnnotate",
        "3 of 9 simulated_quantize(input): kind weight -> input, at add #11, add #19, add #31",
    ),
    "skip_one_more": Found(
        "QuantizeAnnotate", "2 of 6 simulated_quantize(weight) removed, at nn.conv2d #17"
    ),
    "range_off_by_one": Found(
        "QuantizeCalibrate",
        "all 6 simulated_quantize(input): scale 0.0625 -> 0.0629921, first at nn.conv2d #9",
    ),
    "clips_swapped": Found(
        "QuantizeCalibrate",
        "all 12 simulated_quantize: clip_min and clip_max swapped (-127 and 127), first at "
        "nn.conv2d #9; 12 of 12 differences behind FoldConstant depend on them",
    ),
    "weight_scale_doubled": Found(
        "QuantizeCalibrate",
        "all 6 simulated_quantize(weight): another scale (0.00390625 -> 0.0078125 first), first at "
        "nn.conv2d #9; 12 of 12 differences",
    ),
    "another_first": Found(
        "QuantizeAnnotate", "2 of 7 simulated_quantize(input) added, at nn.conv2d #2, nn.max_pool2d"
    ),
    "relu_returns_none": Found(
        "QuantizeAnnotate", "2 of 6 stop_fusion added, at nn.conv2d #16 behind nn.relu #12"
    ),
    "residual_uncast": Found(
        "QuantizePartition",
        "add #17: 2 of 6 cast_hint, stop_fusion removed, behind nn.max_pool2d #3 and add #14; 4 of "
        "4 differences behind FoldConstant depend on them",
    ),
    "pool_ends_a_part": Found(
        "QuantizePartition", "nn.max_pool2d #5: cast_hint #3, stop_fusion #4 added"
    ),
}
"""Compared with TVM as it is: the patch is what is new."""

FIXES = {
    "before_fix_15529": Found(
        "QuantizeAnnotate", "nn.conv2d #29: simulated_quantize(input) #25 added, behind nn.relu #24"
    ),
    "before_fix_7795": Found(
        "QuantizeAnnotate", "add #10: simulated_quantize(weight) #9 added", "two_skipped"
    ),
    "before_fix_4458": Found("QuantizeAnnotate", "multiply #13: kind weight -> input", "gated"),
    "before_fix_14286": Found(
        "QuantizePartition", "failed at multiply #4, and goes through now", "gate_first"
    ),
}
"""TVM as it is, compared with the patch: the fix is what is new."""


@pytest.fixture(scope="module")
def recorded(relay: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each patch, and `as_it_is`, with the traces of the nets they are tried on."""
    folder = tmp_path_factory.mktemp("patches")
    wanted = CHANGES | FIXES
    nets = sorted({found.net for found in wanted.values()})

    def patched(name: str) -> None:
        made = overlay.patched(relay, PATCHES / f"{name}.diff", folder / f"{name}-tvm")
        _record(made, folder / name, [wanted[name].net])

    with ThreadPoolExecutor(2) as pool:
        as_it_is = pool.submit(_record, relay, folder / "as_it_is", nets)
        list(pool.map(patched, wanted))
        as_it_is.result()
    return folder


def _record(chain: Toolchain, folder: Path, nets: list[str]) -> None:
    folders = [str(folder / net) for net in nets]
    done = subprocess.run(
        [str(chain.python), "-c", RECORD, str(ROOT), *folders],
        env=chain.environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr


def found_in(recorded: Path, name: str) -> run_diff.Comparison:
    """A patch compared with TVM as it is: a change comes second, what a fix mended first."""
    sides = ["as_it_is", name] if name in CHANGES else [name, "as_it_is"]
    net = (CHANGES | FIXES)[name].net
    return run_diff.compare(*(recorded / side / net for side in sides))


@pytest.mark.parametrize("name", [*CHANGES, *FIXES])
def test_pass_and_op_are_named(recorded: Path, name: str) -> None:
    wanted = (CHANGES | FIXES)[name]
    found = found_in(recorded, name)
    first = found.configurations[0].first
    assert first is not None and first.name == wanted.changed
    assert wanted.said in found.headline


def test_what_a_patch_costs_and_a_fix_gains_is_said(recorded: Path) -> None:
    (delta,) = found_in(recorded, "skip_one_more").configurations
    assert delta.regressions == ["coverage"]
    assert delta.settings == ["skip_conv_layers: [0] -> [0, 2]"]
    for name in ("before_fix_7795", "before_fix_4458", "before_fix_14286"):
        (delta,) = found_in(recorded, name).configurations
        assert (delta.outcome, delta.regressions, delta.notes) == (FIXED, [], [])


def test_every_patch_is_tried_and_says_what_it_is() -> None:
    files = {path.stem: path.read_text() for path in PATCHES.glob("*.diff")}
    assert files.keys() == CHANGES.keys() | FIXES.keys()
    for text in files.values():
        assert text.partition("\n--- ")[0].strip().endswith(".")
