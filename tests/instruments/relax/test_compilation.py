"""A compile on Relax from import to numbers, in the child process, on the real TVM."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.paths import ROOT

from tvmq_diag.analysis import judge
from tvmq_diag.configuration import parse
from tvmq_diag.driver import investigation
from tvmq_diag.instruments.protocol.jobs import CompileJob, ModelSource
from tvmq_diag.results.verdict import EXACT
from tvmq_diag.toolchains import process, resolution
from tvmq_diag.toolchains.limits import Limits
from tvmq_diag.toolchains.recipes import EVERY
from tvmq_diag.toolchains.toolchain import Toolchain
from tvmq_diag.trace import reader
from tvmq_diag.trace.ending import Ending, How
from tvmq_diag.trace.trace import Trace

LIMITS = Limits(timeout=600, memory=8 << 30)
INT8 = {"dtype_input": "int8", "dtype_weight": "int8", "dtype_activation": "int32"}
INT4 = {**INT8, "dtype_input": "int4", "dtype_weight": "int4"}

Compile = Callable[..., tuple[Trace, Ending]]


@pytest.fixture(scope="module")
def relax_toolchain() -> Toolchain:
    return resolution.resolve("relax", echo=print, layers=EVERY)


@pytest.fixture
def compile(relax_toolchain: Toolchain, tmp_path: Path) -> Compile:
    def run(source: str, qconfig: dict[str, Any] | None, **different: Any) -> tuple[Trace, Ending]:
        folder = tmp_path / f"trace{len(list(tmp_path.iterdir()))}"
        job = CompileJob(str(folder), "relax", ModelSource(source), qconfig, **different)
        ending = process.run(relax_toolchain, job, LIMITS)
        return reader.load(folder), ending

    return run


@pytest.fixture
def in_relax(relax_toolchain: Toolchain) -> Callable[..., str]:
    def run(code: str, *arguments: str) -> str:
        done = subprocess.run(
            [
                str(relax_toolchain.python),
                "-c",
                f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{code}",
                *arguments,
            ],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    return run


def output(loaded: Trace) -> np.ndarray:
    """The first output on the first input."""
    assert loaded.outputs is not None, (loaded.failure, loaded.faults)
    with np.load(loaded.path / loaded.outputs) as arrays:
        return np.asarray(arrays["output0"][0])


def test_float_runs_alike_with_either_schedule_and_pipeline(compile: Compile) -> None:
    results = []
    for different in ({}, {"schedule": "untuned"}, {"pipeline": "target"}):
        loaded, ending = compile("tiny", None, **different)
        assert ending.code == 0 and not loaded.faults and not loaded.problems
        assert loaded.deterministic
        results.append(output(loaded))
        facts = loaded.facts
        assert facts.schedule == different.get("schedule", "sound")
        assert facts.pipeline == different.get("pipeline", "default")
        assert facts.schedules.fallbacks == []
        assert bool(facts.schedules.warning) == ("schedule" in different)
        scheduled = any(run.name == "SoundSchedule" for run in loaded.pass_runs.values())
        assert scheduled == ("schedule" not in different)
    for other in results[1:]:
        np.testing.assert_allclose(results[0], other, atol=1e-5)


def test_tiny_is_the_net_that_relay_has(compile: Compile, in_relax: Callable[..., str]) -> None:
    """Its weights come in the same order from the same generator; numpy says what that gives."""
    said = in_relax(
        "from instruments.relax.compile import models\n"
        "from instruments.protocol.jobs import ModelSource\n"
        "model = models.load(ModelSource('tiny'))\n"
        "import numpy as np, json\n"
        "from instruments.relax.ir import walk\n"
        "found = [walk.tensor_of(e.node).numpy() for e in walk.entries(model.module)"
        " if walk.is_constant(e.node)]\n"
        "print(json.dumps([[float(a.sum()) for a in found], list(model.inputs)]))\n"
    )
    sums, inputs = json.loads(said.splitlines()[-1])
    assert inputs == ["input"]
    generator = np.random.default_rng(0)
    sizes: list[tuple[int, ...]] = []
    for channels, filters in ((3, 16), (16, 16), (16, 16), (16, 32)):
        sizes += [(filters, channels, 3, 3), (filters,)]
    sizes += [(10, 32), (10,)]
    wanted = []
    for size in sizes:
        spread = np.sqrt(2.0 / max(1, int(np.prod(size[1:]))))
        wanted.append(generator.normal(0, spread, size).astype("float32").sum())
    np.testing.assert_allclose(sums, wanted, rtol=1e-3, atol=1e-4)


def test_int8_goes_through_all_stages(compile: Compile, tmp_path: Path) -> None:
    floats, _ = compile("tiny", None)
    loaded, ending = compile("tiny", INT8, calibrated=str(tmp_path / "calibrated"))
    assert ending.code == 0 and not loaded.faults
    assert loaded.stages == [
        "import", "prepare", "annotate", "calibrate", "realize", "lower", "codegen", "load", "run",
    ]  # fmt: skip
    assert loaded.facts.qconfig["dtype_weight"] == "int8"
    assert loaded.facts.calibrated_on == "natural:4"
    realized = next(loaded.modules_of("realize"))
    convolutions = [call for call in realized.calls if call.op == "nn.conv2d"]
    assert [realized.nodes[c.inputs[1]].dtype for c in convolutions] == ["int8"] * 4
    ours, theirs = output(loaded).ravel(), output(floats).ravel()
    assert ours @ theirs / np.linalg.norm(ours) / np.linalg.norm(theirs) > 0.99
    assert (tmp_path / "calibrated" / "module.json").exists()


def test_a_failure_in_no_pass_is_looked_into_on_the_module_given_to_the_compiler(
    compile: Compile, relax_toolchain: Toolchain, tmp_path: Path
) -> None:
    loaded, ending = compile("tiny", INT4)
    assert ending.code == 1 and loaded.failure is not None
    assert "dtype.bits % 8 == 0" in loaded.failure.message
    assert not loaded.failing_path and not loaded.skipped and not loaded.faults
    assert loaded.fails_in_compiling and loaded.failing_stage == "run"
    stopped = loaded.facts.failing_kernel
    assert stopped is not None
    assert stopped.builtin == "vm.builtin.alloc_tensor" and stopped.name
    # With a schedule of ours too: a kernel that holds int4 is left as TVM makes it.
    assert any("int4" in left for left in loaded.facts.schedules.fallbacks)
    decided = judge.of_failure(parse("int4"), "relax", loaded, Ending(How.FINISHED, 1, 0.0, 0, ""))
    assert decided.confidence == EXACT and decided.stage == "run"
    assert decided.op is not None and decided.op.name == "astype"
    assert decided.op.index == stopped.index
    assert decided.site is not None and decided.site.file == "src/runtime/memory/memory_manager.cc"

    failing = loaded.failing_snapshot()
    assert failing is not None and failing.number == loaded.compiling
    blame, fared, smallest = loaded.blame, loaded.map, loaded.smallest
    assert blame is not None and fared is not None and smallest is not None
    assert failing.nodes[blame.row].tensor == "int4[1,3,32,32]"
    # Each op that makes int4, and no other, by the very rows of the table.
    rejected = {row for row, _ in fared.rejected}
    assert rejected == {call.number for call in failing.calls if call.dtype == "int4"}
    assert len(fared.accepted) + len(rejected) == len(failing.calls)
    assert smallest.calls == 1 and smallest.file is not None

    investigation.reproduce(relax_toolchain, loaded, decided, tmp_path)
    assert decided.reproducer is not None and decided.reproducer_note is None


DIES = """
import os
import tvm_ffi
from tvm import relax

@tvm_ffi.register_global_func("test.dies")
def dies(given):
    os.abort()

def make():
    tensor = relax.TensorType((2, 3), "float32")
    x = relax.Var("x", tensor)
    builder = relax.BlockBuilder()
    with builder.function("main", [x]):
        with builder.dataflow():
            made = builder.emit(relax.op.nn.relu(x))
            made = builder.emit(relax.op.call_pure_packed("test.dies", made, ty_args=tensor))
            out = builder.emit_output(relax.op.exp(made))
        builder.emit_func_output(out)
    return builder.get(), {}
"""


def test_a_process_that_died_in_no_pass_is_looked_into_by_others(
    compile: Compile, relax_toolchain: Toolchain, tmp_path: Path
) -> None:
    model = tmp_path / "model.py"
    model.write_text(DIES)
    loaded, ending = compile(f"py:{model}:make", None)
    assert ending.signal_name == "SIGABRT" and loaded.failure is None and not loaded.ended
    assert loaded.can_replay and loaded.failing_stage == "run"
    found, ending = investigation.look_again(relax_toolchain, loaded, LIMITS, 20.0)
    assert ending.code == 0 and not found.faults, ending.tail
    assert found.blame is not None and found.blame.name == "test.dies"
    failing = found.failing_snapshot()
    assert failing is not None and failing.nodes[found.blame.row].op == "test.dies"
    assert found.smallest is not None and found.smallest.calls == 1
    assert found.map is not None and len(found.map.accepted) == 2
    assert [row for row, _ in found.map.rejected] == [found.blame.row]


def test_the_first_ops_of_a_model(compile: Compile) -> None:
    loaded, ending = compile("tiny", None, first_ops=6)
    assert ending.code == 0
    imported = loaded.imported()
    assert imported is not None and len(imported.calls) == 6
    assert output(loaded).shape == (1, 16, 16, 16)


def test_an_artifact_gives_the_same_bits_and_times_each_kernel(
    compile: Compile, in_relax: Callable[..., str], tmp_path: Path
) -> None:
    loaded, _ = compile("tiny", None, artifact=str(tmp_path / "kept"))
    said = in_relax(
        "import json\nfrom pathlib import Path\n"
        "from instruments.relax.compile import artifact, execution as measure\n"
        "kept = artifact.Artifact(Path(sys.argv[1]))\n"
        "out = measure.outputs(kept.machine(), kept.inputs)[0]\n"
        "print(json.dumps([out.tolist(), kept.timer(3)(), kept.kernels(3)]))\n",
        str(tmp_path / "kept"),
    )
    values, ms, kernels = json.loads(said.splitlines()[-1])
    np.testing.assert_array_equal(np.asarray(values, "float32"), output(loaded))
    assert ms > 0
    assert len(kernels) == 17 and kernels[0]["name"] == "conv2d"
    assert kernels[0]["shapes"].startswith("float32[1, 3, 32, 32], float32[16, 3, 3, 3]")


ONNX = """
import numpy as np, onnx
from onnx import TensorProto as T, helper as h
kind, weight = getattr(T, sys.argv[2]), sys.argv[3] == "weight"
x = h.make_tensor_value_info("x", T.FLOAT, [1, 3, 8, 8])
y = h.make_tensor_value_info("y", T.FLOAT, [1, 4, 8, 8])
scale, zero = h.make_tensor("scale", T.FLOAT, [], [0.05]), h.make_tensor("zero", kind, [], [0])
steps = np.random.default_rng(0).integers(-7, 8, 108)
if weight:
    w = h.make_tensor("w", kind, [4, 3, 3, 3], steps)
    nodes = [h.make_node("DequantizeLinear", ["w", "scale", "zero"], ["v"], name="widen"),
             h.make_node("Conv", ["x", "v"], ["y"], name="conv", pads=[1, 1, 1, 1])]
else:
    w = h.make_tensor("w", T.FLOAT, [4, 3, 3, 3], steps * 0.05)
    nodes = [h.make_node("QuantizeLinear", ["x", "scale", "zero"], ["q"], name="narrow"),
             h.make_node("DequantizeLinear", ["q", "scale", "zero"], ["d"], name="widen"),
             h.make_node("Conv", ["d", "w"], ["y"], name="conv", pads=[1, 1, 1, 1])]
graph = h.make_graph(nodes, "g", [x], [y], [scale, zero, w])
opset = [h.make_opsetid("", 21)]
onnx.save(h.make_model(graph, opset_imports=opset, ir_version=10), sys.argv[1])
"""


@pytest.mark.parametrize("where", ["data", "weight"])
def test_onnx_qdq_runs_in_int8_and_int4_is_rejected_with_the_nodes_name(
    compile: Compile, in_relax: Callable[..., str], tmp_path: Path, where: str
) -> None:
    file = str(tmp_path / "model.onnx")
    for kind in ("INT8", "UINT8"):
        in_relax(ONNX.replace("-7, 8", "0, 8") if kind == "UINT8" else ONNX, file, kind, where)
        loaded, ending = compile(f"onnx:{file}", None)
        assert ending.code == 0 and output(loaded).shape == (1, 4, 8, 8)
        imported = loaded.imported()
        assert imported is not None
        spans = {call.op: call.span for call in imported.calls}
        assert spans["nn.conv2d"] == "conv" and spans["dequantize"] == "widen"

    in_relax(ONNX, file, "INT4", where)
    loaded, ending = compile(f"onnx:{file}", None)
    assert ending.code == 1 and loaded.failure is not None
    assert loaded.failure.stage == "import" and loaded.failure.error == "ImportRejected"
    node = "widen" if where == "weight" else "narrow"
    assert loaded.facts.rejected_node.name.startswith(node)
    assert f"ONNX node {node}" in loaded.failure.message
    decided = judge.of_import("relax", loaded, ending)
    assert decided.headline.startswith(f"the model is not imported: ONNX node {node}")
    assert decided.suggestion is not None and "INT8 or UINT8" in decided.suggestion


def test_tvmscript_and_a_function_of_somebodys(
    compile: Compile, in_relax: Callable[..., str], tmp_path: Path
) -> None:
    script = tmp_path / "model.py"
    script.write_text(
        "import numpy as np\nfrom tvm import relax\n"
        "def make():\n"
        "    tensor = relax.TensorType\n"
        "    x, w = relax.Var('x', tensor((2, 3), 'float32')), "
        "relax.Var('w', tensor((3, 4), 'float32'))\n"
        "    builder = relax.BlockBuilder()\n"
        "    with builder.function('main', [x, w]):\n"
        "        with builder.dataflow():\n"
        "            out = builder.emit_output(relax.op.matmul(x, w))\n"
        "        builder.emit_func_output(out)\n"
        "    return builder.get(), {'w': np.ones((3, 4), 'float32')}\n"
    )
    loaded, ending = compile(f"py:{script}:make", None)
    assert ending.code == 0, ending.tail
    assert list(loaded.facts.inputs) == ["x"]
    result = output(loaded)
    assert result.shape == (2, 4) and np.allclose(result[:, :1], result)

    text = tmp_path / "model.txt"
    text.write_text(
        in_relax(
            f"import importlib.util as u\ns = u.spec_from_file_location('m', {str(script)!r})\n"
            "m = u.module_from_spec(s); s.loader.exec_module(m)\nprint(m.make()[0].script())\n"
        )
    )
    loaded, ending = compile(f"relax:{text}", None)
    assert ending.code == 0, ending.tail
    assert list(loaded.facts.inputs) == ["x", "w"]


def test_a_model_that_is_not_there_is_the_persons_mistake(compile: Compile) -> None:
    loaded, ending = compile("onnx:nowhere.onnx", None)
    assert ending.code == 1 and loaded.failure is not None
    assert loaded.failure.error == "ModelError"


@pytest.mark.slow
@pytest.mark.parametrize("source", ["torchvision:resnet18", "torchvision-onnx:resnet18"])
def test_resnet18_is_what_pytorch_computes(
    compile: Compile, in_relax: Callable[..., str], source: str, tmp_path: Path
) -> None:
    loaded, ending = compile(source, None)
    assert ending.code == 0 and not loaded.faults
    assert loaded.facts.schedules.fallbacks == []  # each kernel has a sound schedule
    in_relax(
        "import numpy as np, torch\nfrom instruments.inputs import models, torchvision_nets\n"
        "from instruments.protocol.jobs import ModelSource\n"
        "net = torchvision_nets.net('resnet18', ModelSource('torchvision:resnet18'))\n"
        "x = models.seeded({'input': (net.shape, 'float32')}, 0)['input']\n"
        "np.save(sys.argv[1], net.module(torch.from_numpy(x)).detach().numpy())\n",
        str(tmp_path / "torch.npy"),
    )
    np.testing.assert_allclose(output(loaded), np.load(tmp_path / "torch.npy"), atol=1e-4)
    assert (loaded.path / "journal.jsonl").stat().st_size < 200_000
    prepared = next(loaded.modules_of("prepare"))
    assert [call.op for call in prepared.calls].count("nn.batch_norm") == 0
    spans = [call.span for call in prepared.calls if call.op == "nn.conv2d"]
    assert len(spans) == 20 and len(set(spans)) == 20
