"""Which settings the search tries, and that a trial's steps are those that TVM calibrates."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from support.paths import ROOT, InTvm

from tvmq_diag.configuration import REFERENCE, parse, parse_list
from tvmq_diag.driver import searching
from tvmq_diag.measurements import bit_search
from tvmq_diag.results import store
from tvmq_diag.toolchains.toolchain import Toolchain
from tvmq_diag.trace.layout import BITS, TRACES

STEPS = """
import json, sys
import numpy as np
from instruments.protocol.jobs import DataSource, ModelSource, SearchJob
from instruments import dialects
from instruments.inputs import target
from instruments.search.setting import Setting

host = target.parse(target.host(None)[0])
base = {"dtype_input": "int8", "dtype_weight": "int8", "dtype_activation": "int32"}
folder, dialect, cases = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])

def sided(fields):
    job = SearchJob(folder, dialect, ModelSource("tiny"), {**base, **fields},
                    check=DataSource("natural:2"))
    side = dialects.get(dialect).numerics(job)
    model = side.load()
    return side, side.probe(model, host, side.batches(model, lambda *_: None))

side, probed = sided({})
ranges = side.ranges(probed)
told = []
for case in cases:
    wanted = sided(case)[1].sites
    ours = ranges.at(Setting(**case))
    told.append([len(ours), len(wanted), all(
        np.allclose(np.ravel(ours[i][0]), site.scale, rtol=1e-6)
        and ours[i][1:] == (site.least, site.clip)
        for i, site in enumerate(wanted) if i in ours)])
print(json.dumps(told))
"""

STRATEGY = """
import json, math, sys
from types import SimpleNamespace
from instruments.search.search import search
from instruments.search.setting import Setting
from instruments.search.score import Score
from instruments.search.trials import TimeUp

class Model:  # worst cosine by bits, best at a range of 16, better with weight_scale=max
    inputs, few = 16, 4
    sizes, noises = [100, 10, 1000], [1.0, 1.0, 1.0]  # by itself at 2 bits
    def __init__(self, most, loud=(), floats=9):
        self.asked, self.most, self.loud, self.floats = [], most, loud, floats
        self.ranges = SimpleNamespace(
            on_data=False, weight_scales=("power2", "max"), widths=range(8, 1, -1),
            weights=lambda setting: [SimpleNamespace(values=size)
                for i, size in enumerate(self.sizes) if i not in setting.skip],
            skippable=SimpleNamespace(sites={0: {0}, 1: {1}, 2: {2}}))
    def of(self, setting, inputs):
        key = tuple(setting), inputs
        if key not in self.asked:
            if len(self.asked) == self.most:
                raise TimeUp
            self.asked.append(key)
        there = [i for i in range(3) if i not in setting.skip]
        digits = setting.weight_bits or str(setting.nbit_weight) * len(there)
        noise = sum(self.noises[i] * 4.0 ** (2 - int(b)) for i, b in zip(there, digits)) / 3
        noise += sum(op in there for op in self.loud)
        worst = 1.0 - 0.4 * noise ** 0.5 - 0.2 * 2.0 ** (2 - setting.nbit_input)
        worst -= 0.02 * (setting.weight_scale == "power2")
        distance = abs(math.log2(setting.global_scale / 16))
        worst -= 0.05 * distance + 0.01 * (inputs == 16)
        return Score(worst, worst, None, None, max(worst, 0.05) ** -2 - 1, worst >= 0.9)
    def looks_right(self, setting):
        return self.of(setting, self.few).right
    def last_right(self, settings):
        return next((s for s in reversed(settings) if self.of(s, self.inputs).right), None)
    def alone(self, number, skip, bits, inputs):
        return self.noises[number] * 4.0 ** (2 - bits)
    def op_alone(self, op, setting, inputs):
        return 1.0 + op / 10 if op in self.loud else op / 100
    def affordable(self, share):
        return 1000
    def average(self, setting):
        return 32.0 if len(setting.skip) == self.floats else 8.0

model = Model(1000)
search(model, True)
loud, strict = Model(1000, [0, 2]), Model(1000, [0, 2])
search(loud, True)
search(strict, False)
mostly = Model(1000, [0, 2], 2)
search(mostly, True)
short = Model(5)
try:
    search(short, True)
    ended = False
except TimeUp:
    ended = True
print(json.dumps([model.asked, len(short.asked), ended, loud.asked, strict.asked, mostly.asked]))
"""

ASSIGNMENT = """
import itertools, json, random
from instruments.search.assignment import Noises, assigned, average_of, exchanges

random.seed(1)
told = []
for _ in range(20):
    sizes = [random.randint(1, 50) for _ in range(4)]
    noises = Noises([{4: 10 ** random.uniform(-4, 0)} for _ in sizes], sizes)
    average = random.choice([2.5, 3, 4, 5.5])
    bits = assigned(noises, average)
    total = lambda bits: sum(noises.at(i, int(b)) for i, b in enumerate(bits))
    best = min(total(bits) for bits in itertools.product(range(2, 9), repeat=4)
               if average_of("".join(map(str, bits)), sizes) <= average)
    others = exchanges(bits, noises, average)
    coarse = Noises([{4: 0.1}] * 4, sizes, (8, 4, 2))
    kept = assigned(coarse, average)
    assert set(kept) <= set("842") and average_of(kept, sizes) <= average
    assert all(set(one) <= set("842") for one in exchanges(kept, coarse, average))
    told.append([average_of(bits, sizes) <= average, total(bits) / best,
                 all(average_of(other, sizes) <= average for other in others), len(others)])
print(json.dumps(told))
"""


LOUD = """
import sys, warnings
import torch
from instruments.protocol.jobs import DataSource, ModelSource, SearchJob
from instruments.tasks import search

warnings.simplefilter("ignore")
torch.manual_seed(0)
conv = lambda *given: torch.nn.Conv2d(*given, padding=1)
net = torch.nn.Sequential(
    conv(3, 16, 3), torch.nn.ReLU(), conv(16, 32, 3, 2), torch.nn.ReLU(), conv(32, 32, 3),
    torch.nn.ReLU(), conv(32, 32, 3, 2), torch.nn.ReLU(), conv(32, 16, 3), torch.nn.ReLU(),
    torch.nn.Flatten(), torch.nn.Linear(16 * 64, 10)).eval()
with torch.no_grad():
    for layer in net:
        if hasattr(layer, "weight"):
            layer.bias.zero_()
            torch.nn.init.kaiming_normal_(layer.weight)
    net[2].weight[0] *= 3000  # undone by the next: the net is as sound as without
    net[4].weight[:, 0] /= 3000
path = sys.argv[1] + "/net.pt"
torch.jit.trace(net, torch.randn(1, 3, 32, 32)).save(path)
fields = {"dtype_input": "int8", "dtype_weight": "int8", "dtype_activation": "int32",
          "calibrate_mode": "percentile"}
data = DataSource("natural:8")
model = ModelSource("torch:" + path, {"": [1, 3, 32, 32]})
job = SearchJob(sys.argv[1] + "/search", "relay", model, fields,
                dataset=data, check=data, seconds=20.0)
sys.exit(search.main(job))
"""

RELAY_CASES = [
    {},
    {"nbit_weight": 4, "weight_scale": "max", "global_scale": 16.0},
    {"nbit_weight": 3, "nbit_input": 5, "global_scale": 2.0},
    {"nbit_weight": 2, "nbit_input": 2, "weight_scale": "max", "global_scale": 0.5},
    {"weight_bits": "843", "weight_scale": "max"},
]


def test_a_trial_has_the_steps_that_tvm_calibrates(in_tvm: InTvm, tmp_path: Path) -> None:
    done = in_tvm(STEPS, str(tmp_path), "relay", json.dumps(RELAY_CASES))
    assert done.returncode == 0, done.stderr[-2000:]
    for ours, wanted, same in json.loads(done.stdout.splitlines()[-1]):
        assert ours == wanted > 0 and same


RELAX_CASES = [{}, {"nbit_weight": 4}, {"nbit_weight": 3, "nbit_input": 5}, {"nbit_weight": 1}]


def test_a_trial_has_the_steps_that_our_quantizer_calibrates(
    relax: Toolchain, tmp_path: Path
) -> None:
    words = [STEPS, str(tmp_path), "relax", json.dumps(RELAX_CASES)]
    done = subprocess.run(
        [str(relax.python), "-c", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    for ours, wanted, same in json.loads(done.stdout.splitlines()[-1]):
        assert 0 < ours < wanted and same  # the operands of additions stay as they are


def test_the_range_comes_first_and_nothing_is_tried_twice(in_tvm: InTvm) -> None:
    done = in_tvm(STRATEGY)
    assert done.returncode == 0, done.stderr[-2000:]
    asked, few, ended, loud, strict, mostly = json.loads(done.stdout.splitlines()[-1])
    settings = [tuple(setting[:-1]) for setting, _ in asked]
    keys = [(*setting[:-1], inputs) for setting, inputs in asked]
    assert len(keys) == len(set(keys)) and not any(setting[-1] for setting, _ in asked)
    assert settings[0] == (8, 8, "power2", 8.0, "")  # TVM's own
    whole = [tuple(setting[:-1]) for setting, inputs in asked if inputs == 16]
    # 1 - 0.4 / 2**(b - 2) - 0.2 / 64 - 0.01 is at least 0.9 from 5 bits on.
    assert min(bits for bits, inputs, *_, each in whole if inputs == 8 and not each) == 5
    assert (5, 8, "max", 16.0, "") in whole
    # The large weight has the fewest bits: less than 5 on average are right.
    assigned = [each for *_, each in whole if each and len(set(each)) > 1]
    assert any(int(each[1]) > int(each[0]) >= int(each[2]) for each in assigned)
    right = [each for each in assigned if each[2] == "4"]
    assert right
    assert {each for *_, each in whole} >= {"444", "555", "333", "666"}  # to compare with
    assert few == 5 and ended
    # Where two ops make it wrong at 8 bits: they, and no other, are left in float.
    answers = [setting for setting, inputs in loud if inputs == 16]
    assert answers and {tuple(setting[-1]) for setting in answers} == {(0, 2)}
    assert any(len(setting[-2]) == 1 for setting in answers)  # and the other has fewer bits
    assert not any(setting[-1] for setting, _ in strict)
    # Where nearly all is float then, the rest keeps its 8 bits.
    assert {(s[0], s[4]) for s, inputs in mostly if inputs == 16 and s[-1]} == {(8, "")}


def test_ops_are_left_in_float_where_nothing_else_is_right(in_tvm: InTvm, tmp_path: Path) -> None:
    done = in_tvm(LOUD, str(tmp_path))
    assert done.returncode == 0, done.stderr[-2000:]
    search = bit_search.load(tmp_path / "search")
    assert search.complete and not search.faults
    assert not any(trial.right for trial in search.trials if not trial.skip)
    # What comes out of the second convolution is too far apart for 8 bits, so both that one and
    # that which reads it have to be in float; the first is so by TVM's default.
    first = search.right(0.95)[0]
    assert first.skip == "skip_conv_layers=0+1+2" and first.right
    assert first.bits == 20 and not first.weight_bits  # two of its four weights have 32


def test_an_assignment_is_near_the_best_there_is(in_tvm: InTvm) -> None:
    done = in_tvm(ASSIGNMENT)
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert all(fits and exchanged for fits, _, exchanged, _ in told)
    ratios = [ratio for _, ratio, _, _ in told]
    assert max(ratios) < 2 and sum(ratio < 1.2 for ratio in ratios) >= 15
    assert any(count for *_, count in told)


def test_the_fewest_bits_are_found_compiled_and_told(
    trace_quantize: Any, tmp_path: Path, relay: Toolchain
) -> None:
    words = ["--model", "digits", "--dtype", "int4", "--rounds", "2", "--seconds", "2"]
    assert trace_quantize(*words, "--out", "o") == 1
    found = {v["configuration"]: v for v in json.loads((tmp_path / "o/verdict.json").read_text())}
    instead = found["int4"]["instead"]["configuration"]
    assert "weight_bits=" in instead and found[instead]["outcome"] == "works"
    # At 4 bits a weight or fewer the trained net keeps its top-1 within 1 %.
    top1 = found[instead]["metrics"]["accuracy"]
    assert top1["ours"] >= top1["floats"] - 0.01 * top1["of"]
    run = store.load(tmp_path / "o")
    [search] = run.searches
    assert search.complete and search.facts.spent
    first = searching.fewest_first(search, 0.95, 4)[0]
    assert searching.configuration(REFERENCE, first).text == instead
    assert 3.5 < first.bits <= 4
    folder = tmp_path / "o" / TRACES / parse(instead).slug
    [kept] = parse_list(f"@{folder / BITS}")
    assert kept.text == instead
    page = (tmp_path / "o/index.html").read_text()
    assert "How few bits" in page
