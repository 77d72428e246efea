"""Which change of TVM's quantizer is for which failure, and that those of realize do what they say.

scripts/fixes.py holds all of them against the gallery.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from support.paths import ROOT

from tvmq_diag.analysis import fixes
from tvmq_diag.results.verdict import REJECTED, WORKS, OpRef, ThrowSite, Verdict
from tvmq_diag.toolchains import overlay
from tvmq_diag.toolchains.toolchain import Toolchain

REALIZE = "src/relay/quantize/realize.cc"
RENDER, DIAGNOSTIC = "tvm::DiagnosticContext::Render", "src/ir/diagnostic.cc"
MIXED = "mixed_concatenate"
RULES = "tvm::relay::quantize::"

QUANTIZE = """
import json, sys
sys.path.insert(0, sys.argv[1])
import numpy as np
import tvm
from tvm import relay
from tvm.contrib import graph_executor
import cases

def ran(module):
    with tvm.transform.PassContext(opt_level=0):
        library = relay.build(module, "llvm -mtriple=x86_64-unknown-linux-gnu")
    executor = graph_executor.GraphModule(library["default"](tvm.cpu()))
    x = np.random.default_rng(0).normal(0, 1, (1, 8, 16, 16)).astype("float32")
    executor.run(input=x)
    return executor.get_output(0).numpy().ravel()

cosines = {}
for name in sys.argv[2:]:
    module, params = getattr(cases, name)()
    right = ran(tvm.IRModule.from_expr(module["main"]))
    try:
        with relay.quantize.qconfig():
            result = ran(relay.quantize.quantize(module, params))
        cosines[name] = float(right @ result / np.linalg.norm(right) / np.linalg.norm(result))
    except Exception:
        cosines[name] = None
print(json.dumps(cosines))
"""

CURES = {
    "mixed_concatenate": ("concat_with_int8", "image_pooling"),
    "mixed_operands": ("efficient_channel_attention", "two_pools_added"),
}
"""Cases of docs/gallery that realize.cc refuses."""


def cosines(chain: Toolchain, names: tuple[str, ...]) -> dict[str, float | None]:
    """Of each case quantized and run, to its float net; None where TVM raises."""
    done = subprocess.run(
        [str(chain.python), "-c", QUANTIZE, str(ROOT / "docs" / "gallery"), *names],
        env=chain.environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, float | None] = json.loads(done.stdout.splitlines()[-1])
    return result


@pytest.mark.parametrize("name", CURES)
def test_a_rule_of_python_goes_before_that_of_realize(
    relay: Toolchain, name: str, tmp_path: Path
) -> None:
    (fix,) = [fix for fix in fixes.FIXES if fix.name == name]
    assert set(cosines(relay, CURES[name]).values()) == {None}
    patched = overlay.patched(relay, fix.patch, tmp_path / "tvm")
    for case, cosine in cosines(patched, (*CURES[name], "squeeze_and_excitation")).items():
        assert cosine is not None and cosine > 0.99, case


def rejected(function: str, file: str, op: str, **more: object) -> Verdict:
    verdict = Verdict("int8/int8/int32", "relay", REJECTED, "realize", "QuantizeRealize")
    verdict.op, verdict.site = OpRef(9, op), ThrowSite(function, file, 324)
    for field, value in more.items():
        setattr(verdict, field, value)
    return verdict


@pytest.mark.parametrize(
    ("verdict", "name"),
    [
        (rejected("multiply_rewrite", "tvm/relay/quantize/_annotate.py", "x"), "product_of_two"),
        (rejected("multiply_rewrite", "my/own.py", "multiply"), None),
        (rejected(f"{RULES}UnifyDTypeScale", REALIZE, "concatenate"), MIXED),
        (rejected(RENDER, DIAGNOSTIC, "concatenate", surfaced=OpRef(10, "add")), MIXED),
        (rejected(RENDER, DIAGNOSTIC, "add"), None),
        (rejected(f"{RULES}AddRealize", REALIZE, "add"), "mixed_operands"),
        (rejected(f"{RULES}AddRealize", REALIZE, "add", outcome=WORKS), None),
    ],
)
def test_a_fix_is_for_what_raised(verdict: Verdict, name: str | None) -> None:
    fix = fixes.fix_for(verdict)
    assert (fix and fix.name) == name


def test_whose_code_raised_is_told_where_no_fix_is_known() -> None:
    rule = rejected(
        "tvm::relay::MakeConstantScalar<int>",
        "src/relay/transforms/pattern_utils.h",
        "add",
        via=[f"{RULES}AddRealize", "tvm::relay::MakeConstantScalar<int>"],
    )
    assert str(fixes.unfixed(rule)).startswith("none is known: the rule is C++ (AddRealize in real")
    lowered = rejected("tvm::tir::Simplify", "src/tir/ir/expr.cc", "add", stage="lower")
    assert fixes.unfixed(lowered) == (
        "none is known: it sits in C++ (tvm::tir::Simplify, src/tir/ir/expr.cc)"
    )
    python = rejected("visit_func", "tvm/relay/quantize/_calibrate.py", "add", stage="calibrate")
    assert fixes.unfixed(python) is None
