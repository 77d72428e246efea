"""Every op on its own and the smallest module that fails, on the real TVM with Relax."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from support.relax_scripts import said

from tvmq_diag.toolchains.toolchain import Toolchain

SURVEYED = """
VERSIONS = {"tvm": tvm.__version__, "python": "3"}

def surveyed(name, module, error=None, wrap=lambda attempt: attempt, **options):
    found, error = blamed(name, module, error, wrap)
    made = survey.survey(path(name, module), error, HOST, wrap=wrap, **options)
    smallest = made.smallest(found, VERSIONS)
    mapped = made.map()
    nodes = nodes_of(module)
    names = lambda rows: [replay.operator_of(nodes[row]) for row in rows]
    return {
        "error": signature(error).partition(": ")[2], "smallest": vars(smallest),
        "accepted": names(mapped.accepted), "left": mapped.left,
        "rejected": [[*names([row]), why] for row, why in mapped.rejected],
        "unjudged": mapped.unjudged, "queries": [smallest.queries, mapped.queries],
    }
"""

BOOL = """
x = relax.Var("x", cases.tensor((2, 8), "float32"))
def body(emit):
    flags = emit(relax.op.astype(emit(relax.op.sqrt(x)), "bool"))
    return emit(relax.op.add(flags, flags))
print(json.dumps(surveyed("tvm.compile", cases.built([x], body))))
"""
REALIZE = """
config = qdq("int4", "int4")
module = calibrated(config)
with config:
    print(json.dumps(surveyed("QuantizeRealize", module)))
"""
FOLD = """
module = relax.transform.LegalizeOps()(net("int4", channels=16))
print(json.dumps(surveyed("FoldConstant", module, isolate.Died(), isolate.isolated)))
"""


@pytest.mark.parametrize(
    ("code", "rejected", "has", "has_not"),
    [
        (
            'print(json.dumps(surveyed("LegalizeOps", net("int1"))))',
            {"nn.max_pool2d"},
            ["relax.op.nn.max_pool2d(x0)", '((1, 1, 1, 1), "int1")'],
            ["numpy", "Target("],
        ),
        (
            'print(json.dumps(surveyed("vm.run", net("int4"))))',
            {"astype", "nn.max_pool2d"},
            ["relax.VirtualMachine(", 'relax.op.astype(x0, dtype="int4")'],
            ["conv2d"],
        ),
        (BOOL, {"add"}, ["tvm.compile(", '((1, 1), "bool")'], ["numpy", "sqrt"]),
        (
            REALIZE,
            {"tvmq.simulated_quantize"},
            ["relax.op.quantize(x0, ", 'out_dtype="int4"'],
            ["numpy", "tvmq", "instruments"],
        ),
        (
            FOLD,
            {"cast"},
            ["@T.prim_func", "relax.transform.FoldConstant()(module)", "np.ones((16, 16, 3, 3)"],
            ["conv2d", "metadata"],
        ),
    ],
    ids=["legalize", "run", "codegen", "realize", "crash"],
)
def test_the_smallest_module_and_the_map(
    relax: Toolchain,
    tmp_path: Path,
    code: str,
    rejected: set[str],
    has: list[str],
    has_not: list[str],
) -> None:
    found = said(relax, SURVEYED + code)
    smallest = found["smallest"]
    assert smallest["calls"] == 1 and smallest["complete"] and smallest["deterministic"]
    assert smallest["queries"] <= 20 and smallest["ms"] < 10_000
    assert {name for name, _ in found["rejected"]} == rejected
    assert not found["left"] and not found["unjudged"] and found["accepted"]
    source = smallest["source"]
    assert all(text in source for text in has), source
    assert not any(text in source for text in has_not), source
    assert len(source.splitlines()) <= 30
    (tmp_path / "repro.py").write_text(source)
    for _ in range(3 if "FoldConstant" in source else 1):
        fresh = subprocess.run(
            [str(relax.python), str(tmp_path / "repro.py")],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if found["error"] == "the process dies":
            assert fresh.returncode < 0
        else:
            assert fresh.returncode == 1
            assert fresh.stderr.splitlines()[-1].rstrip(" :").endswith(found["error"])


def test_nothing_known_is_tried_again(relax: Toolchain) -> None:
    found: Any = said(
        relax,
        SURVEYED
        + """
memo = {}
one = surveyed("LegalizeOps", net("int1"), memo=memo)
memo = json.loads(json.dumps(memo))
other = surveyed("LegalizeOps", net("int1"), memo=memo)
print(json.dumps([one, other, len(memo)]))
""",
    )
    one, other, known = found
    # What makes no module is cheap to come to again.
    assert known + sum(other["queries"]) == sum(one["queries"]) and sum(other["queries"]) < 5
    assert one["smallest"]["source"] == other["smallest"]["source"]


def test_parts_and_why_not(relax: Toolchain) -> None:
    found = said(
        relax,
        """
made = parts.Parts(net("int4"))
names = [call.op.name.replace("relax.", "") for call in made.calls]
conv = names.index("nn.conv2d")
small = Part(conv, frozenset({conv}), sizes=frozenset({(8, 2)}))
function = made.module(small)["main"]
kinds = [f"{p.ty.dtype} {[int(s) for s in p.ty.shape.values]}" for p in function.params]
reasons = []
def asked(what):
    try: what()
    except NotSliceable as reason: reasons.append(str(reason))
asked(lambda: survey.survey([], ValueError("x"), HOST))
asked(lambda: survey.survey(path("Mystery", net("int8")), ValueError("x"), HOST))
low = tvm.transform.Sequential([relax.transform.LegalizeOps(), relax.transform.ToNonDataflow(),
    relax.transform.RemovePurityChecking(), relax.transform.CallTIRRewrite()])(net("int8"))
asked(lambda: survey.survey(path("StaticPlanBlockMemory", low), ValueError("x"), HOST))
asked(lambda: made.module(Part(conv, frozenset({conv}), sizes=frozenset({(8, 1)}),
                               dropped=frozenset({(conv, "padding")}))))
print(json.dumps([kinds, sorted(made.foldable()), made.producers(conv), reasons,
                  [name for _, name in made.attributes(small)], names[:3]]))
""",
    )
    kinds, foldable, producers, reasons, attributes, names = found
    assert kinds == ["int4 [1, 2, 2, 2]", "int4 [2, 2, 3, 3]"]
    assert names == ["astype", "astype", "nn.conv2d"] and producers == [0, 1]
    assert foldable == [1, 5] and attributes == ["padding", "out_dtype"]
    assert reasons[:3] == [
        "it failed in no pass on a Relax module",
        "Mystery cannot be run on its own",
        "its ops write to buffers: none can be left out",
    ]
    assert len(reasons) == 4
