"""Changes planted in the real quantizer: comparing must name the pass, and the op, that changed.

Each is an edit of the quantizer's own source, in the memory of one process; the installed TVM
stays as it is.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from support.paths import InTvm

from tvmq_diag.comparison import run_diff
from tvmq_diag.comparison.outcome_diff import REGRESSED
from tvmq_diag.reports.text import comparison

PLANT = """
import ast, os, sys
from pathlib import Path

import tvm
from tvm import relay
from tvm.relay.quantize import _annotate, _calibrate, _partition
from instruments import QuantizeTrace
from instruments.relay.compile import models
from instruments.protocol.jobs import ModelSource

quantize = sys.modules["tvm.relay.quantize.quantize"]  # the package has a function of that name

def edit(module, name, old, new):
    lines = Path(module.__file__).read_text().splitlines()
    body = ast.parse("\\n".join(lines)).body
    function = next(n for n in body if isinstance(n, ast.FunctionDef) and n.name == name)
    first = min([function.lineno, *(d.lineno for d in function.decorator_list)])
    source = "\\n".join(lines[first - 1 : function.end_lineno])
    assert source.count(old) >= 1, (name, old)
    source = source.replace(old, new, 1)
    head, newline, rest = source.partition("\\n")
    if head.startswith("@register"):  # a rule is registered again, above the old one
        source = head.replace('")', '", level=20)') + newline + rest
    exec(compile(source, module.__file__, "exec"), vars(module))

def rule(op, *how):
    edit(*how)
    module, name = how[:2]
    if module is _annotate:
        module.register_annotate_function(op, vars(module)[name], 20)
    else:
        module.register_partition_function(op, vars(module)[name], 20)

SQ = "attach_simulated_quantize"
EDITS = {
    "bias": lambda: edit(_annotate, "add_rewrite",
        f"rhs_expr = {SQ}(rhs_expr, QAnnotateKind.WEIGHT)", "pass"),
    "weights": lambda: edit(_annotate, "conv2d_rewrite",
        f"rhs_expr = {SQ}(rhs_expr, QAnnotateKind.WEIGHT)", "pass"),
    "relu": lambda: rule("nn.relu", _annotate, "identity_rewrite",
        "QAnnotateExpr(ret_expr, x_kind)", "ret_expr"),
    "unsigned": lambda: edit(_annotate, "conv2d_rewrite",
        "(lhs_expr, QAnnotateKind.INPUT)", "(lhs_expr, QAnnotateKind.INPUT, False)"),
    "refuses": lambda: edit(_annotate, "add_rewrite",
        "lhs_expr, lhs_kind =", "raise ValueError('not today')\\n    lhs_expr, lhs_kind ="),
    "scale": lambda: edit(_calibrate, "_global_scale",
        "cfg.global_scale", "cfg.global_scale * 2"),
    "one_scale": lambda: edit(_calibrate, "_global_scale", "return cfg.global_scale",
        "seen.append(sq_call); return cfg.global_scale * (4 if len(seen) == 3 else 1)"),
    "power2": lambda: edit(_calibrate, "_power2_scale", "np.math.ceil", "np.math.floor"),
    "clip": lambda: edit(_calibrate, "_set_params", "-(valid_range - 1)", "-valid_range"),
    "swapped": lambda: edit(_calibrate, "_set_params",
        "const_params[nclip_min] =", "nclip_min, nclip_max = nclip_max, nclip_min\\n"
        "            const_params[nclip_min] ="),
    "cut_add": lambda: edit(_partition, "add_partition_generic",
        "rhs = new_args[1].realize()", "pass"),
    "residual": lambda: edit(_partition, "add_partition_generic",
        "lhs = new_args[0].realize()\\n        rhs = new_args[1].realize()", "pass"),
    "cut_pool": lambda: edit(_partition, "global_avg_pool2d_partition_function",
        "expr = new_args[0].realize()", "pass"),
    "cut_relu": lambda: rule("nn.relu", _partition, "identity_partition_function",
        "_forward_op(ref_call, [expr])", "_forward_op(ref_call, [new_args[0].realize()])"),
    "no_canonicalize": lambda: edit(quantize, "prerequisite_optimize",
        "_transform.CanonicalizeOps(),", ""),
    "extra_pass": lambda: edit(quantize, "quantize",
        "calibrate_pass, ", "calibrate_pass, _transform.FoldConstant(), "),
}
SETTINGS = {
    "base": {}, "again": {},
    "skip": {"skip_conv_layers": [0, 2]},
    "nbit": {"nbit_weight": 7},
    "max": {"weight_scale": "max"},
    "shift": {"round_for_shift": False},
    "int16": {"dtype_activation": "int16"},
    "to_nearest": {"weight_scale": "max", "rounding": "TONEAREST"},
    "simulate": {"do_simulation": True},
}

def plant(folder, name):
    _calibrate.seen = []
    EDITS.get(name, lambda: None)()
    model = models.load(ModelSource("tiny"))
    with relay.quantize.qconfig(**SETTINGS.get(name, {})), QuantizeTrace(folder):
        with tvm.transform.PassContext(opt_level=3):
            quantize.quantize(model.module, model.params)

for name in [*SETTINGS, *EDITS]:
    child = os.fork()  # TVM is imported once, and edited once in each process
    if not child:
        try:
            plant(Path(sys.argv[1]) / name, name)
        except BaseException as error:
            if name not in ("refuses", "bias", "weights"):  # realize needs all of an add's sides
                print(name, repr(error), file=sys.stderr, flush=True)
                os._exit(1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0, name
"""

PLANTED = {
    "bias": ("QuantizeAnnotate", "3 of 6 simulated_quantize(weight) removed, at add #11, add #19"),
    "weights": ("QuantizeAnnotate", "3 of 6 simulated_quantize(weight) removed, at nn.conv2d #9"),
    "relu": ("QuantizeAnnotate", "behind nn.relu #12"),
    "unsigned": ("QuantizeAnnotate", "nn.conv2d #9: sign 1 -> 0 in simulated_quantize(input) #7"),
    "skip": ("QuantizeAnnotate", "2 of 6 simulated_quantize(weight) removed, at nn.conv2d #17"),
    "refuses": ("QuantizeAnnotate", "went through, and fails now at add #"),
    "scale": (
        "QuantizeCalibrate",
        "all 6 simulated_quantize(input): scale 0.0625 -> 0.125, first at nn.conv",
    ),
    "one_scale": ("QuantizeCalibrate", "nn.conv2d #17: scale 0.0625 -> 0.25"),
    "power2": (
        "QuantizeCalibrate",
        "another scale (0.00390625 -> 0.00195312 first), first at nn.conv2d #9",
    ),
    "clip": (
        "QuantizeCalibrate",
        "all 12 simulated_quantize: clip_min -127 -> -128, first at nn.conv",
    ),
    "swapped": ("QuantizeCalibrate", "all 12 simulated_quantize: clip_min and clip_max swapped"),
    "nbit": (
        "QuantizeCalibrate",
        "all 6 simulated_quantize(weight): clip_min -127 -> -63, clip_max 127",
    ),
    "max": (
        "QuantizeCalibrate",
        "all 6 simulated_quantize(weight): another scale (0.00390625 -> 0.0035",
    ),
    "cut_add": ("QuantizePartition", "add #17: cast_hint #15, stop_fusion #16 removed"),
    "residual": (
        "QuantizePartition",
        "add #17: 2 of 6 cast_hint, stop_fusion removed, behind nn.max_pool2d #3",
    ),
    "cut_pool": ("QuantizePartition", "nn.global_avg_pool2d #26: cast_hint #24, stop_fusion #25"),
    "cut_relu": ("QuantizePartition", "4 of 10 cast_hint, stop_fusion added, at nn.relu #4"),
    "shift": ("QuantizeRealize", "3 of 9 add removed, at nn.conv2d #37 behind nn.relu #27"),
    "int16": (
        "QuantizeRealize",
        "3 of 4 nn.conv2d: makes int32 -> int16, out_dtype int32 -> int16, at nn",
    ),
    "to_nearest": ("QuantizeRealize", "fixed_point_multiply #24 became cast #24"),
    "simulate": ("QuantizeRealize", "no longer runs (nn.conv2d #9: simulated_quantize(input) #7"),
    "no_canonicalize": ("CanonicalizeOps", "no longer runs (all 4 expand_dims added"),
    "extra_pass": ("FoldConstant", "runs now, and did not before (all 6 simulated_quant"),
}
"""The pass that each changes first, and what the headline must say of the op."""

BASES = {"to_nearest": "max"}


@pytest.fixture(scope="module")
def planted(in_tvm: InTvm, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trace of the quantizer for each change."""
    folder = tmp_path_factory.mktemp("planted")
    done = in_tvm(PLANT, str(folder))
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_change_is_found(planted: Path, name: str) -> None:
    found = run_diff.compare(planted / BASES.get(name, "base"), planted / name)
    changed, said = PLANTED[name]
    first = found.configurations[0].first
    assert first is not None and first.name == changed
    assert said in found.headline


def test_a_change_of_one_op_is_one_difference(planted: Path) -> None:
    (delta,) = run_diff.compare(planted / "base", planted / "one_scale").configurations
    assert delta.first is not None
    (difference,) = delta.first.differences
    assert str(difference.op) == "nn.conv2d #17" and difference.changes[0].name == "scale"


def test_the_same_twice_is_no_difference(planted: Path) -> None:
    for name in ("again", "base"):
        for _ in range(3):
            found = run_diff.compare(planted / "base", planted / name)
            assert comparison.text(found) == "no difference\n" and not found.regressions()


def test_every_trace_is_the_same_as_itself(planted: Path) -> None:
    for folder in planted.iterdir():
        assert comparison.text(run_diff.compare(folder, folder)) == "no difference\n"


def test_what_a_setting_costs_is_said(planted: Path) -> None:
    found = run_diff.compare(planted / "base", planted / "skip")
    (delta,) = found.configurations
    assert delta.regressions == ["coverage"] and delta.settings == [
        "skip_conv_layers: [0] -> [0, 2]"
    ]
    assert any("left in float now: skip_conv_layers holds 2" in note for note in delta.notes)
    assert run_diff.compare(planted / "skip", planted / "base").regressions() == []


def test_a_failure_is_a_regression(planted: Path) -> None:
    (delta,) = run_diff.compare(planted / "base", planted / "refuses").configurations
    assert delta.outcome == REGRESSED
    assert delta.new is not None and "not today" in delta.new.verdict.headline


def test_the_text_is_the_same_each_time(planted: Path) -> None:
    texts = {
        comparison.text(run_diff.compare(planted / before, planted / "shift"))
        for before in ("base", "again")
    }
    assert len(texts) == 1
    assert str(planted) not in texts.pop()
