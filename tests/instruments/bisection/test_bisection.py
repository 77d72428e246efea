"""Which pass and op a wrong result comes from: errors planted in the real TVM, one a place."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.paths import ROOT

from tvmq_diag.analysis.accuracy import Bounds
from tvmq_diag.analysis.judge import blame_bisected
from tvmq_diag.commands import cli
from tvmq_diag.driver import bisecting
from tvmq_diag.instruments import identity
from tvmq_diag.instruments.bisection.search import (
    Clock,
    Judged,
    OutOfTime,
    Ran,
    attempted,
    turn,
)
from tvmq_diag.instruments.protocol.jobs import CompileJob, DataSource, ModelSource
from tvmq_diag.measurements import bisection
from tvmq_diag.measurements.bisection import Bisection, Culprit
from tvmq_diag.measurements.metrics import Metrics, OverInputs
from tvmq_diag.reports.views import bisection as shown
from tvmq_diag.results import store
from tvmq_diag.results.run import Role
from tvmq_diag.results.verdict import EXACT, INFERRED, WORKS, WRONG, Verdict
from tvmq_diag.toolchains import overlay, resolution
from tvmq_diag.toolchains.limits import Limits
from tvmq_diag.toolchains.toolchain import Toolchain

RELAY = """
import sys
import numpy as np, tvm
from tvm import relay

def convolutions():
    generator = np.random.default_rng(0)
    y, params = relay.var("input", shape=(1, 3, 8, 8)), {}
    for name, a, b in (("a", 3, 16), ("b", 16, 32), ("c", 32, 16)):
        w = generator.normal(0, (2 / (9 * a)) ** 0.5, (b, a, 3, 3)).astype("float32")
        params[name] = tvm.nd.array(w)
        y = relay.nn.relu(conv2d(y, relay.var(name, shape=w.shape), b))
    return tvm.IRModule.from_expr(relay.Function(relay.analysis.free_vars(y), y)), params

def conv2d(x, w, channels, padding=(1, 1), **more):
    return relay.nn.conv2d(x, w, padding=padding, channels=channels, kernel_size=(3, 3), **more)

def scale():
    '''Of the second convolution's weights, far too large: all become zero.'''
    calibrate = sys.modules["tvm.relay.quantize._calibrate"]
    right = calibrate._power2_scale
    calibrate._power2_scale = lambda call: (
        right(call) * (1024 if call.args[0].data.shape[0] == 32 else 1)
    )
    return convolutions()

def realize():
    '''The second convolution's padding goes to one side only.'''
    right = tvm.ir.Op.get("nn.conv2d").get_attr("FQRealizeRewrite")
    def wrong(call, args, context):
        if call.args[1].checked_type.shape[0] == 32:
            call = conv2d(*call.args, 32, (0, 0, 2, 2))
        return right(call, args, context)
    tvm.ir.register_op_attr("nn.conv2d", "FQRealizeRewrite", wrong, level=20)
    return convolutions()

def classes():
    '''The same, of which only the class of each pixel comes out.'''
    module, params = realize()
    main = module["main"]
    return tvm.IRModule.from_expr(relay.Function(main.params, relay.argmax(main.body, 1))), params

def legalize():
    '''Likewise, where the model is built.'''
    def wrong(attrs, inputs, types):
        if str(types[0].dtype) == "int8" and types[1].shape[0] == 32:
            return conv2d(*inputs, 32, (0, 0, 2, 2), out_dtype=attrs.out_dtype)
    tvm.ir.register_op_attr("nn.conv2d", "FTVMLegalize", wrong, level=20)
    return convolutions()

def pooled():
    module, params = convolutions()
    main = module["main"]
    body = relay.nn.batch_flatten(relay.nn.global_avg_pool2d(main.body))
    return tvm.IRModule.from_expr(relay.Function(main.params, body)), params

def strided():
    x, params = relay.var("input", shape=(1, 3, 14, 14)), {}
    generator = np.random.default_rng(0)
    y = x
    for name, a, b, size, stride in (("a", 3, 16, 3, 1), ("b", 16, 16, 3, 1), ("c", 16, 32, 1, 2)):
        w = generator.normal(0, (2 / (size * size * a)) ** 0.5, (b, a, size, size))
        params[name] = tvm.nd.array(w.astype("float32"))
        y = relay.nn.relu(relay.nn.conv2d(
            y, relay.var(name, shape=w.shape), padding=(size // 2, size // 2), channels=b,
            kernel_size=(size, size), strides=(stride, stride)))
    return tvm.IRModule.from_expr(relay.Function(relay.analysis.free_vars(y), y)), params

def kernel():
    '''The target's int8 convolution mirrors its weights; a mean over the places hides it.'''
    from tvm import te, topi
    right = topi.x86.conv2d_NCHWc_int8
    def mirrored(data, weight, *rest):
        last_y, last_x = (int(size) - 1 for size in weight.shape[2:4])
        turned = te.compute(
            weight.shape,
            lambda o, i, y, x, *block: weight(o, i, last_y - y, last_x - x, *block),
            tag="injective",
        )
        return right(data, turned, *rest)
    topi.x86.conv2d_NCHWc_int8 = mirrored
    return pooled()
"""

RELAX = """
import sys
import numpy as np
from instruments.relax.compile import models
from instruments.protocol.jobs import ModelSource
from instruments.relax.quantizer import realize_integer

def scale():
    calibrate = sys.modules["instruments.relax.quantizer.calibrate"]
    right = calibrate._scale
    def wrong(bound, site):
        far = site.kind == "weight" and [int(n) for n in site.data.ty.shape] == [32, 16, 3, 3]
        return right(bound, site) * np.float32(1024 if far else 1)
    calibrate._scale = wrong
    return tiny()

def realize():
    '''Of integers only: what is simulated in float is right.'''
    right = realize_integer.IntegerRealizer._factor
    def wrong(self, emit, variable, scale):
        factor = right(self, emit, variable, scale)
        sizes = [int(size) for size in variable.ty.shape.values]
        if self._config.dtype_input == "int8" and sizes[1] == 32:
            from tvm import relax
            factor = emit.new("wrong", relax.op.multiply(factor, relax.const(-1.0, "float32")))
        return factor
    realize_integer.IntegerRealizer._factor = wrong
    return tiny()

def tiny():
    return models.load(ModelSource("tiny")).module, {}
"""


@pytest.fixture
def bisected(tmp_path: Path) -> Callable[..., Bisection]:
    """Bisect a function of the sources above."""

    def run(
        name: str,
        function: str,
        seconds: float = 200.0,
        mcpu: str | None = None,
        opt_level: int = 3,
        **qconfig: Any,
    ) -> Bisection:
        chain = resolution.resolve(name, echo=print)
        source = tmp_path / "planted.py"
        source.write_text(RELAY if chain.dialect == "relay" else RELAX)
        model = ModelSource(f"py:{source}:{function}")
        data = DataSource("random:4") if "calibrate_mode" in qconfig else None
        job = CompileJob(
            "", chain.dialect, model, qconfig, dataset=data, mcpu=mcpu, opt_level=opt_level
        )
        found, ending = bisecting.look(
            chain,
            job,
            tmp_path / "found",
            Limits(300, 2**33),
            Bounds(),
            None,
            seconds,
        )
        assert not found.problems, (found.problems, ending.tail[-2000:])
        return found

    return run


Bisected = Callable[..., Bisection]


def right_of(found: Bisection) -> dict[str, bool | None]:
    return {step.name: step.right for step in found.steps if step.of == bisection.PASS}


def test_a_wrong_scale_is_found_at_calibrate_and_at_its_op(bisected: Bisected) -> None:
    found = bisected("relay", "scale")
    assert found.culprit is not None and found.op is not None and found.exact
    assert (found.culprit.name, found.culprit.stage) == ("QuantizeCalibrate", "calibrate")
    assert found.culprit.last_right == "QuantizeAnnotate"
    assert (found.op.name, found.op.index) == ("nn.conv2d", 5)
    assert right_of(found) == {
        "QuantizePartition": True, "QuantizeAnnotate": True, "QuantizeCalibrate": False,
        "QuantizeRealize": False, "FoldConstant": False,
    }  # fmt: skip
    assert [tried.right for tried in found.experiments] == [
        False,
        True,
    ]  # the first is left in float
    verdict = Verdict("int8", "relay", WRONG, "check", confidence=EXACT)
    blame_bisected(verdict, found)
    assert verdict.headline == "int8 wrong in QuantizeCalibrate at nn.conv2d (op #5)"
    assert (verdict.stage, verdict.pass_path) == ("calibrate", ["QuantizeCalibrate"])
    assert verdict.confidence == EXACT and verdict.reason == found.answer


def test_what_is_calibrated_by_data_is_run_plainly_too(bisected: Bisected) -> None:
    """Its fixed_point_multiply is refused by code in which nothing is fused."""
    found = bisected("relay", "scale", calibrate_mode="percentile")
    assert found.culprit is not None and found.culprit.name == "QuantizeCalibrate"
    assert all(step.right is not None for step in found.steps)


def test_a_wrong_rewrite_is_found_at_realize_and_at_its_op(bisected: Bisected) -> None:
    found = bisected("relay", "realize")
    assert found.culprit is not None and found.op is not None and found.exact
    assert found.culprit.name == "QuantizeRealize"
    assert (found.op.name, found.op.index) == ("nn.conv2d", 5)
    assert "right after QuantizeCalibrate, wrong after QuantizeRealize, cosine 0." in found.answer
    assert found.answer.endswith("; it enters at nn.conv2d #5")


def test_wrong_classes_are_found_as_a_wrong_signal_is(bisected: Bisected) -> None:
    found = bisected("relay", "classes")
    assert found.culprit is not None and found.op is not None and found.exact
    assert found.culprit.name == "QuantizeRealize" and found.op.name == "nn.conv2d"
    assert found.first_wrong is not None and found.first_wrong.error is not None
    assert found.first_wrong.error.cosine is None and found.first_wrong.error.same is not None
    assert "% of it the same as in float" in found.answer


def test_a_wrong_pass_of_the_build_is_found_and_its_op(bisected: Bisected) -> None:
    found = bisected("relay", "legalize")
    assert found.culprit is not None and found.op is not None and found.exact
    assert (found.culprit.name, found.culprit.stage) == ("Legalize", "lower")
    assert found.op.name == "nn.conv2d"
    assert found.kernel is not None and found.kernel.right is False
    assert found.answer.endswith("; with plain kernels it is wrong too")
    assert all(right_of(found).values())
    assert found.first_wrong is not None and found.first_wrong.of == bisection.LIMIT
    assert "from Legalize on" in found.answer


@pytest.mark.slow
def test_a_wrong_kernel_is_told_from_a_wrong_pass(bisected: Bisected) -> None:
    """The outputs do not show it, AlterOpLayout only makes TVM choose it."""
    found = bisected("relay", "kernel")
    assert found.culprit is not None and found.op is not None and found.exact
    assert (found.culprit.name, found.op.name) == ("AlterOpLayout", "nn.conv2d")
    assert found.kernel is not None and found.kernel.right
    assert found.answer == (
        f"the target's kernel for nn.conv2d #{found.op.index} (conv2d_NCHWc_int8.x86) is wrong: "
        "what AlterOpLayout left is right with plain kernels"
    )
    built = next(step for step in found.steps if step.of == bisection.BUILD)
    assert built.error is not None and built.error.cosine is not None
    assert built.error.cosine > 0.95 and (built.error.places or 0) < 0.8
    verdict = hidden()
    blame_bisected(verdict, found)
    assert verdict.outcome == WRONG and verdict.reason == found.answer
    assert (verdict.stage, verdict.pass_name) == ("lower", None)
    assert verdict.headline == (
        f"int8 wrong in the kernel conv2d_NCHWc_int8.x86 at nn.conv2d (op #{found.op.index}): "
        "spatial cosine 0.250 (worst 0.200) to the float model before the last pooling, which "
        "hides it from the outputs"
    )


@pytest.mark.slow
def test_the_kernel_that_tvm_0_16_gets_wrong_by_itself(bisected: Bisected) -> None:
    """A 1 by 1 convolution of stride 2 to 7 by 7, where no layout is altered: at opt_level 2."""
    if "avx2" not in Path("/proc/cpuinfo").read_text():
        pytest.skip("this processor has no AVX2")
    found = bisected("relay", "strided", mcpu="x86-64-v3", opt_level=2)
    assert found.culprit is not None and found.op is not None and found.exact
    assert (found.culprit.name, found.op.name) == ("Legalize", "nn.conv2d")
    assert found.answer == (
        f"the target's kernel for nn.conv2d #{found.op.index} (conv2d_nchw_int8.x86) is wrong: "
        "what Legalize left is right with plain kernels"
    )


def hidden() -> Verdict:
    """A verdict on outputs that are right, with values before the last pooling that are not."""
    places = OverInputs(0.25, 0.2, 0)
    metrics = Metrics(0.99, 17.0, 0.1, None, outputs=(), places=places)
    return Verdict("int8", "relay", WORKS, "check", metrics=metrics, confidence=EXACT)


def test_what_rounding_alone_puts_elsewhere_is_no_fault(bisected: Bisected) -> None:
    found = bisected("relay", "pooled")
    assert found.right and found.saw_places
    verdict = hidden()
    blame_bisected(verdict, found)
    assert verdict.outcome == WORKS
    assert verdict.message is not None and verdict.message.endswith(
        "so it is in the simulation, by rounding alone"
    )


def test_nothing_is_wrong_with_a_right_result(bisected: Bisected) -> None:
    found = bisected("relay", "convolutions")
    assert found.right and found.culprit is None and found.complete
    assert found.answer.startswith("nothing wrong is reproduced")
    assert all(right_of(found).values())


@pytest.mark.slow
def test_bool_is_wrong_from_realize_on(bisected: Bisected) -> None:
    """Sums overflow: rounding and clipping in float shows nothing of it."""
    fields = ("dtype_input", "dtype_weight", "dtype_activation")
    found = bisected("relay", "convolutions", **dict.fromkeys(fields, "bool"))
    assert found.culprit is not None and found.op is not None
    assert found.culprit.name == "QuantizeRealize"
    assert found.op.name == "nn.conv2d"


def test_what_there_was_no_time_for_is_said(bisected: Bisected) -> None:
    found = bisected("relay", "scale", seconds=0.01)
    assert found.culprit is None and not found.right
    assert "no time" in found.answer


def test_a_wrong_scale_on_relax(bisected: Bisected) -> None:
    found = bisected("relax", "scale")
    assert found.culprit is not None and found.op is not None and found.exact
    assert found.culprit.name == "QuantizeCalibrate"
    assert found.culprit.last_right == "QuantizeAnnotate"
    assert found.op.name == "nn.conv2d"
    assert sum(one.right is False for one in found.experiments) == 1


@pytest.mark.slow
def test_a_wrong_rewrite_on_relax(bisected: Bisected) -> None:
    found = bisected("relax", "realize")
    assert found.culprit is not None and found.op is not None and found.exact
    assert found.culprit.name == "QuantizeRealize"
    assert found.op.name == "nn.conv2d"


@pytest.mark.slow
def test_what_tvm_0_9_gets_wrong_by_itself(bisected: Bisected) -> None:
    """Its conv2d_alter_int8_common adds where it has to subtract, for a processor with VNNI."""
    if "avx512_vnni" not in Path("/proc/cpuinfo").read_text():
        pytest.skip("this processor has no VNNI")
    found = bisected("relay-0.9", "convolutions", mcpu="cascadelake")
    assert found.culprit is not None and found.op is not None and found.exact
    assert (found.culprit.name, found.op.name) == ("Legalize", "nn.conv2d")


@pytest.mark.slow
def test_a_run_says_it_and_the_command_does_it_again(
    trace_quantize: Callable[..., int],
    tmp_path: Path,
    relay: Toolchain,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "planted.py").write_text(RELAY)
    source = ["--model", "py:planted.py:realize", "--rounds", "1"]
    assert trace_quantize("--dtype", "int8/int8/int32", *source, "--out", "run") == 1

    def check() -> None:
        (asked,) = store.load(tmp_path / "run").with_role(Role.REQUESTED)
        assert asked.verdict.outcome == WRONG and asked.verdict.pass_name == "QuantizeRealize"
        assert asked.verdict.op is not None and asked.verdict.op.name == "nn.conv2d"
        assert asked.bisection is not None and asked.bisection.exact
        page = (tmp_path / "run" / "index.html").read_text()
        assert "Which pass, which op" in page and "first wrong" in page

    check()
    again = ["bisect", "run/traces/int8_int8_int32", "--seconds"]
    assert cli.main([*again, "100"]) == 0
    check()
    assert "another" not in capsys.readouterr().out
    # The quantizer has been edited since.
    record = tmp_path / "run" / "run.json"
    edited = overlay.patched(relay, ROOT / "tests/patches/skip_one_more.diff", tmp_path / "edited")
    facts = json.loads(record.read_text())
    record.write_text(json.dumps({**facts, "overlay": str(edited.overlay)}))
    assert cli.main([*again, "1"]) == 0
    (asked,) = store.load(tmp_path / "run").with_role(Role.REQUESTED)
    assert asked.bisection is not None and asked.verdict.pass_name == "QuantizeRealize"
    said = "this was done with another quantizer than the run's ("
    assert said in asked.bisection.answer
    assert said in " ".join(capsys.readouterr().out.split())
    assert said in (tmp_path / "run" / "index.html").read_text().replace("&#39;", "'")


def test_another_quantizer_is_told_from_another_tvm() -> None:
    then = {"package": "/a/tvm", "quantizer": "1", "libraries": "1"}
    assert identity.another(then, dict(then)) is None
    for changed, sentence in (
        ({"quantizer": "2"}, "another quantizer than the run's (/a/tvm was changed since)"),
        ({"quantizer": "2", "package": "/b"}, "another quantizer than the run's (/b now, /a/tvm "),
        ({"package": "/b"}, "another TVM than the run's (/b now, /a/tvm then)"),
        ({"libraries": "2"}, "TVM's libraries were built or installed anew since the run"),
    ):
        assert sentence in (identity.another(then, then | changed) or "")


def test_what_another_quantizer_does_explains_nothing() -> None:
    found = Bisection(another="this was done with another quantizer", right=True)
    assert found.answer.startswith("nothing wrong is reproduced")
    assert found.answer.endswith("; this was done with another quantizer")
    found = Bisection(another="this", culprit=Culprit("FoldScaleAxis", "lower", None, (), True))
    verdict = Verdict("int8", "relay", WRONG, "check", "QuantizeRealize", confidence=EXACT)
    blame_bisected(verdict, found)
    assert verdict.pass_name == "QuantizeRealize" and verdict.confidence == EXACT


def test_a_model_that_cannot_be_had_is_why_no_pass_is_found() -> None:
    found = Bisection(problems=["import: no file net.py"])
    assert found.answer == "the pass is not found: import: no file net.py"


def test_what_raises_cannot_be_run() -> None:
    def run() -> Ran:
        raise ValueError("first line\nCheck failed: no")

    found = attempted(run, lambda ran: Judged(True))
    assert found.right is None and found.why == "ValueError: Check failed: no"


@given(st.integers(1, 60), st.data())
def test_halving_finds_the_step_whatever_cannot_be_run(total: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(1, total))
    missing = data.draw(st.integers(0, min(3, first - 1)))
    gap = range(first - missing, first)

    def judged(count: int) -> Judged:
        return Judged(None if count in gap else count < first)

    found = turn(total, judged, Clock(60))
    assert found is not None
    assert (found.count, found.right_before) == (first, first - 1 - missing)
    assert found.exact == (missing == 0)


def test_what_is_wrong_only_now_and_then_is_not_exact() -> None:
    seen: list[int] = []

    def judged(count: int) -> Judged:
        seen.append(count)
        return Judged(not (count >= 3 and seen.count(count) == 1))

    found = turn(4, judged, Clock(60))
    assert found is not None and (found.count, found.exact) == (3, False)
    assert turn(4, lambda count: Judged(True), Clock(60)) is None
    with pytest.raises(OutOfTime):
        turn(4, judged, Clock(-1))


def test_what_a_dead_process_left_is_read_and_escaped(tmp_path: Path) -> None:
    event = (
        '{"kind":"after","index":0,"name":"<b>","stage":"fold","of":"pass","right":null,'
        '"figures":null,"repeats":null,"why":"it died"}\n'
    )
    (tmp_path / "journal.jsonl").write_text(event + '{"kind":"culprit"}\n{"kind":"o')
    found = bisection.load(tmp_path)
    assert not found.complete and len(found.problems) == 2 and len(found.steps) == 1
    view = shown.view(found)
    assert view is not None and view.steps[0].fate == "cannot be run: it died"
    verdict = Verdict("int8", "relay", WRONG, "check", confidence=INFERRED)
    blame_bisected(verdict, found)
    assert verdict.pass_name is None and verdict.stage == "check"
