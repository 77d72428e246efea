"""Which kernels of a profile are a task's."""

from __future__ import annotations

import json
import math

from support.paths import InTvm

from tvmq_diag.instruments.tuning.kernels import Signature, uses
from tvmq_diag.instruments.tuning.tunable import Use

CONV = Signature("conv2d_NCHWc", ("uint8", 400), ("int8", 2304), 1024)
DENSE = Signature("dense", ("float32", 48), ("float32", 480), 10)
PACKED = Signature("dense_pack", ("float32", 48), ("float32", 480), 10)


def kernel(name: str, ms: float, *shapes: str) -> dict[str, object]:
    return {"name": f"tvmgen_default_fused_nn_{name}", "ms": ms, "shapes": ", ".join(shapes)}


def test_by_name_elements_and_dtypes_in_whatever_layout() -> None:
    data, weight, result = "uint8[1, 4, 10, 10]", "int8[4, 1, 3, 3, 1, 16, 4]", "int8[1024]"
    profile = [
        kernel("contrib_conv2d_NCHWc_add", 1.0, data, weight, "int32[16]", result),
        kernel("contrib_conv2d_NCHWc_1", 2.0, "uint8[400]", "int8[2304]", "int32[1, 1, 8, 8, 16]"),
        kernel("contrib_conv2d_NCHWc_2", 4.0, data, weight, "int32[256]"),
        kernel("contrib_conv2d_NCHWc_3", 8.0, "int8[400]", weight, result),
        kernel("max_pool2d", 16.0, data, weight, result),
    ]
    assert uses([CONV], profile) == [Use(2, 3.0)]


def test_of_two_that_fit_the_one_whose_name_says_more() -> None:
    shapes = ["float32[1, 48]", "float32[1, 48, 10]", "float32[1, 10]"]
    profile = [kernel("contrib_dense_pack_add", 1.0, *shapes)]
    assert uses([DENSE, PACKED], profile) == [Use(), Use(1, 1.0)]


def test_the_tasks_of_a_real_build_are_found_in_its_profile(in_tvm: InTvm) -> None:
    script = """
    import json, tempfile
    from pathlib import Path
    import tvm
    from tvm import relay
    from instruments.inputs import target
    from instruments.protocol.jobs import ModelSource, TuneJob
    from instruments.relay import tuning
    from instruments.relay.compile import artifact, nets

    model = nets.tiny(ModelSource("tiny"))
    host, params = target.parse(target.host(None)[0]), dict(model.params)
    with relay.quantize.qconfig(skip_conv_layers=[0]):
        module = relay.quantize.quantize(model.fresh(), params)
    folder = Path(tempfile.mkdtemp())
    with tvm.transform.PassContext(opt_level=3):
        artifact.save(relay.build(module, target=host), {}, folder)
    tuning.save(module, {}, host, folder)
    kernels = artifact.Artifact(folder).kernels(1)
    job = TuneJob(str(folder), "relay", {"int8": str(folder)}, {"int8": kernels}, 1.0, str(folder))
    found = [(task.name, task.uses["int8"].calls, task.choices) for task in tuning.tasks(job)]
    anchors = [k["name"] for k in kernels if "conv2d" in k["name"] or "dense" in k["name"]]
    print(json.dumps([found, anchors]))
    """
    done = in_tvm(script)
    assert done.returncode == 0, done.stderr[-2000:]
    found, anchors = json.loads(done.stdout.splitlines()[-1])
    assert sum(calls for _, calls, _ in found) == len(anchors) == 5
    assert {name for name, _, _ in found} == {
        "conv2d_NCHWc.x86",
        "conv2d_NCHWc_int8.x86",
        "dense_pack.x86",  # TVM does not choose dense_nopack here
    }
    assert all(math.prod(choices) > 1 for _, _, choices in found)
