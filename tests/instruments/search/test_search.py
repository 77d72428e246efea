"""Which settings the search tries, and that a trial's steps are those that TVM calibrates."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from support.paths import InTvm

from tvmq_diag.configuration import REFERENCE
from tvmq_diag.driver import searching
from tvmq_diag.results import store
from tvmq_diag.toolchains.toolchain import Toolchain

STEPS = """
import json, sys
import numpy as np, tvm
from tvm import relay
from instruments.protocol.jobs import DataSource, ModelSource, SearchJob
from instruments import dialects
from instruments.inputs import target
from instruments.search.setting import Ranges, Setting

CASES = [(8, 8, "power2", 8.0), (4, 8, "max", 16.0), (3, 5, "power2", 2.0), (2, 2, "max", 0.5)]
host = target.parse(target.host(None)[0])
base = {"dtype_input": "int8", "dtype_weight": "int8", "dtype_activation": "int32"}

def calibrated(fields):
    job = SearchJob(sys.argv[1], "relay", ModelSource("tiny"), {**base, **fields},
                    check=DataSource("natural:2"))
    side = dialects.get("relay").numerics(job)
    return side.probe(side.load(), host, None)

ranges = Ranges(calibrated({}))
told = []
for case in CASES:
    setting = Setting(*case)
    wanted = calibrated(setting.to_json()).sites
    ours = ranges.at(setting)
    told.append([len(ours), len(wanted), all(
        np.allclose(ours[i], (site.scale[0], site.least, site.clip)) for i, site in
        enumerate(wanted) if i in ours)])
print(json.dumps(told))
"""

STRATEGY = """
import json, sys
from instruments.search.search import search
from instruments.search.setting import Setting
from instruments.search.trials import Score, TimeUp

class Model:  # worst cosine by bits, best at a range of 16, better with weight_scale=max
    inputs = 16
    def __init__(self, most):
        self.asked, self.most = [], most
    def of(self, setting, inputs):
        key = tuple(setting), inputs
        if key not in self.asked:
            if len(self.asked) == self.most:
                raise TimeUp
            self.asked.append(key)
        worst = 1.0 - 0.4 * 2.0 ** (2 - setting.nbit_weight) - 0.2 * 2.0 ** (2 - setting.nbit_input)
        worst -= 0.02 * (setting.weight_scale == "power2")
        distance = abs(__import__("math").log2(setting.global_scale / 16))
        worst -= 0.05 * distance + 0.01 * (inputs == 16)
        return Score(worst, worst, None, None)

model = Model(1000)
search(model, 0.9)
short = Model(5)
try:
    search(short, 0.9)
    ended = False
except TimeUp:
    ended = True
print(json.dumps([model.asked, len(short.asked), ended]))
"""


def test_a_trial_has_the_steps_that_tvm_calibrates(in_tvm: InTvm, tmp_path: Path) -> None:
    done = in_tvm(STEPS, str(tmp_path))
    assert done.returncode == 0, done.stderr[-2000:]
    for ours, wanted, same in json.loads(done.stdout.splitlines()[-1]):
        assert ours == wanted > 0 and same


def test_the_range_comes_first_and_nothing_is_tried_twice(in_tvm: InTvm) -> None:
    done = in_tvm(STRATEGY)
    assert done.returncode == 0, done.stderr[-2000:]
    asked, few, ended = json.loads(done.stdout.splitlines()[-1])
    settings = [tuple(setting) for setting, _ in asked]
    keys = [(*setting, inputs) for setting, inputs in asked]
    assert len(keys) == len(set(keys))
    assert settings[0] == (8, 8, "power2", 8.0)  # TVM's own
    whole = [tuple(setting) for setting, inputs in asked if inputs == 16]
    # 1 - 0.4 / 2**(b - 2) - 0.2 / 64 - 0.01 is at least 0.9 from 5 bits on.
    assert min(weights for weights, inputs, *_ in whole if inputs == 8) == 5
    assert (5, 8, "max", 16.0) in whole
    assert {inputs for weights, inputs, *_ in whole if weights == 5} >= {8, 7, 6}
    assert few == 5 and ended


def test_the_fewest_bits_are_found_compiled_and_told(
    trace_quantize: Any, tmp_path: Path, relay: Toolchain
) -> None:
    words = ["--model", "digits", "--dtype", "int4", "--rounds", "2", "--seconds", "2"]
    assert trace_quantize(*words, "--out", "o") == 1
    found = {v["configuration"]: v for v in json.loads((tmp_path / "o/verdict.json").read_text())}
    instead = found["int4"]["instead"]["configuration"]
    assert "nbit_weight=" in instead and found[instead]["outcome"] == "works"
    run = store.load(tmp_path / "o")
    assert run.search is not None and run.search.complete
    first = searching.fewest_first(run.search, 0.95, 4)[0]
    assert searching.configuration(REFERENCE, first).text == instead
    page = (tmp_path / "o/index.html").read_text()
    assert "How few bits" in page
