"""Which op of a Relax module a failure comes from, on the real TVM."""

from __future__ import annotations

import pytest
from support.relax_scripts import said

from tvmq_diag.toolchains import resolution
from tvmq_diag.toolchains.recipes import EVERY
from tvmq_diag.toolchains.toolchain import Toolchain


@pytest.fixture(scope="module")
def relax() -> Toolchain:
    return resolution.resolve("relax", echo=print, layers=EVERY)


def test_legalize_ops_by_its_legalizers_in_one_run(relax: Toolchain) -> None:
    name, how, runs, again = said(
        relax,
        """
module = net("int1")
found, error = blamed("LegalizeOps", module)
relax.transform.LegalizeOps()(net("int8"))  # TVM's legalizers are back
print(json.dumps([found.name, found.how, found.runs, blamed("LegalizeOps", module)[0].index
                  == found.index]))
""",
    )
    assert (name, how, runs, again) == ("nn.max_pool2d", "replay, its legalizer watched", 1, True)


def test_a_call_that_the_exception_names_needs_no_replay(relax: Toolchain) -> None:
    found = said(
        relax,
        """
module = net("int8")
calls = parts.Parts(module).calls
class Context: reverse_visit_pattern = [calls[3], calls[4]]
class Thrown: extra_context = Context
class Named(Exception): __tvm_ffi_error__ = Thrown
found, _ = blamed("Normalize", module, Named("what"))
print(json.dumps([found.name, found.index, found.runs, found.how]))
""",
    )
    assert found == ["nn.relu", 3, 0, "the exception names it"]


def test_the_quantizer_by_prefixes_and_the_field(relax: Toolchain) -> None:
    """TVM names the call that the quantizer has made: that stands in no module."""
    found = said(
        relax,
        """
out = []
for dtypes in (("int4", "int8"), ("int8", "int4"), ("int4", "int4")):
    config = qdq(*dtypes)
    module = calibrated(config)
    with config:
        found, error = blamed("QuantizeRealize", module)
        assert replay.named_call(error).op.name == "relax.quantize"
        knobs = replay.knobs(path("QuantizeRealize", module), found, error, HOST)
    kind = parts.Parts(module).calls[found.index].args[2].value
    out.append([found.name, kind, found.how, knobs])
print(json.dumps(out))
""",
    )
    step = "tvmq.simulated_quantize"
    assert found == [
        [step, "input", "replay", ["dtype_input"]],
        [step, "weight", "replay", ["dtype_weight"]],
        [step, "input", "replay", ["dtype_input"]],
    ]


def test_a_crash_is_found_with_each_experiment_in_a_process_of_its_own(relax: Toolchain) -> None:
    """The heap is broken: the process dies somewhere else each time, and always reads alike."""
    found = said(
        relax,
        """
module = relax.transform.LegalizeOps()(net("int4", channels=16))
places = []
for _ in range(12):
    try:
        found, _ = blamed("FoldConstant", module, isolate.Died(), isolate.isolated)
    except AttributeError:  # nothing is blamed: a broken heap does not show each time
        continue
    places.append([found.name, found.index, found.runs])
    if len(places) == 3:
        break
attempt = isolate.isolated(passes.by_name("FoldConstant", HOST))
says = {signature(thrown(attempt, module)) for _ in range(10)}
attempt(relax.transform.LegalizeOps()(net("int8", channels=16)))
print(json.dumps([places, sorted(says)]))
""",
    )
    places, says = found
    # The first weight's cast: the cast of the input comes before it, and is not folded.
    assert places == [["cast", 1, places[0][2]]] * 3 and places[0][2] <= 5
    assert says == ["Died: the process dies"]


def test_code_generation_and_a_run_by_each_op_alone(relax: Toolchain) -> None:
    found = said(
        relax,
        """
x = relax.Var("x", cases.tensor((2, 8), "float32"))
def body(emit):
    flags = emit(relax.op.astype(emit(relax.op.sqrt(x)), "bool"))
    return emit(relax.op.add(flags, flags))
added, _ = blamed("tvm.compile", cases.built([x], body))
room, error = blamed("vm.run", net("int4"))
print(json.dumps([added.name, added.index, added.how, room.name, room.index, signature(error)]))
""",
    )
    assert found[:5] == ["add", 2, "each op compiled alone", "astype", 0]
    assert "dtype.bits % 8 == 0 (4 vs. 0)" in found[5]


def test_all_of_a_compile_as_a_pass_with_the_pipeline_that_was_asked_for(relax: Toolchain) -> None:
    """Only the target's own pipeline folds constants, and dies of that in int4."""
    found = said(
        relax,
        """
module = net("int4", channels=16)
def whole(stage, pipeline): return passes.Whole(stage, module, 7, pipeline)
path = [whole("run", "default"), OpenPass(3, "tirx.Simplify", "lower", tvm.IRModule({}), 8)]
room = replay.blame(path, thrown(passes.of(path[0], HOST), module), HOST)
def says(place):
    try: isolate.isolated(passes.of(place, HOST))(module)
    except Exception as error: return str(error)
folds = reproducer.Failure("tvm.compile", HOST, "no", True, {"tvm": "0", "python": "3"}, "target")
source = reproducer.of_part(parts.Parts(module), Part(0, frozenset({0})), folds)
print(json.dumps([room.name, room.snapshot, path[0].name, whole("codegen", "target").name,
    says(whole("codegen", "default")), says(whole("codegen", "target")), source]))
""",
    )
    assert found[:4] == ["astype", 7, "vm.run", "tvm.compile"]
    assert found[4:6] == [None, "the process dies"]
    source = found[6]
    compile(source, "repro.py", "exec")
    assert "    pipeline = relax.get_default_pipeline(target)" in source
    assert "    executable = tvm.compile(module, target=target, relax_pipeline=pipeline)" in source


def test_the_deepest_pass_on_a_graph_and_why_not(relax: Toolchain) -> None:
    assert said(
        relax,
        """
module = net("int8")
kernels = tvm.IRModule({v: f for v, f in relax.transform.LegalizeOps()(module).functions.items()
                        if v.name_hint != "main"})
def names(*given):
    opened = replay.failing_pass([OpenPass(i, n, "lower", m, None) for i, (n, m) in
                                  enumerate(given)])
    return opened.name if opened else None
error = ValueError("another")
print(json.dumps([
    names(("_pipeline", module), ("sequential", module), ("FoldConstant", module),
          ("LegalizeOps", module)),
    names(("tvm.compile", module), ("sequential", kernels), ("tirx.LowerIntrin", kernels)),
    names(("tirx.LowerIntrin", kernels)),
    replay.why_not([passes.Whole("codegen", module, 1, "default")]),
    replay.why_not([]), replay.why_not(path("Mystery", module)),
    replay.why_not(path("Normalize", module)),
    replay.blame(path("Normalize", module), error, HOST),
    len(parts.Parts(parts.Parts(module).prefix(4)).calls),
]))
""",
    ) == [
        "FoldConstant",
        "tvm.compile",
        None,
        "done again without our schedules, tvm.compile does not fail in the same way",
        "it failed in no pass on a Relax module",
        "Mystery cannot be run on its own",
        "replayed on its own, the pass does not fail in the same way",
        None,
        4,
    ]
