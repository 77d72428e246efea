"""The toolchains that have a name: their requirements, and what the real ones can do."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tvmq_diag.doctor import smoke
from tvmq_diag.doctor.findings import State
from tvmq_diag.errors import UsageError
from tvmq_diag.toolchains import identity, inventory, recipes
from tvmq_diag.toolchains.recipes import EVERY, RECIPES
from tvmq_diag.toolchains.resolution import resolve


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_requirements_are_exact_and_name_no_place(name: str) -> None:
    path = Path(recipes.__file__).parent / "requirements" / f"{name}.txt"
    for line in path.read_text().splitlines():
        package, _, version = line.partition("==")
        assert package and version, line
        assert not set(line) & set("/:@ ;\\"), line


def test_names_are_of_recipes_and_each_once() -> None:
    assert recipes.parse_names(" relax,relay,,relax ") == ["relax", "relay"]
    with pytest.raises(UsageError, match="unknown toolchain 'relux'"):
        recipes.parse_names("relay,relux")


@pytest.mark.slow
@pytest.mark.parametrize("name", list(RECIPES))
def test_the_real_ones_have_what_they_promise(name: str) -> None:
    """Installs what is not in the cache."""
    chain = resolve(name, echo=print, layers=EVERY)
    assert chain.dialect == RECIPES[name].dialect
    version = identity.identify(chain).version
    assert ".".join(version.split(".")[:2]) in RECIPES[name].contents
    code = RELAX_WORKS if chain.dialect == "relax" else RELAY_WORKS
    done = subprocess.run(
        [str(chain.python), "-c", code], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.slow
@pytest.mark.parametrize("name", list(RECIPES))
def test_the_base_alone_has_less_than_half_a_gigabyte_and_compiles(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a cache of its own, so that nothing else is there."""
    monkeypatch.setenv("TVMQ_DIAG_CACHE", str(tmp_path))
    chain = resolve(name, echo=print)
    (found,) = inventory.toolchains()
    assert found.layers == [] and found.bytes < 500_000_000
    assert found.bytes < RECIPES[name].disk_gb * 1.1e9
    finding = smoke.compiled(chain.name)
    assert finding.state == State.OK, finding


RELAX_WORKS = """
import pickle
import numpy as np, onnx, onnxscript, torch, torchvision, tvm
from tvm import relax, rpc
from tvm.relax.frontend.onnx import from_onnx
from tvm.relax.frontend.torch import from_exported_program
net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3, padding=1), torch.nn.ReLU()).eval()
data = torch.randn(1, 3, 8, 8)
program = torch.export.export(net, (data,))
mod = from_exported_program(program, unwrap_unit_return_tuple=True)
# These three kill the process with an apache-tvm-ffi that does not go with the TVM.
tvm.ir.save_json(mod), mod.script(show_meta=True), pickle.dumps(mod)
vm = relax.VirtualMachine(tvm.compile(mod, target="llvm"), tvm.cpu())
ours = vm["main"](tvm.runtime.tensor(data.numpy())).numpy()
np.testing.assert_allclose(ours, net(data).detach().numpy(), rtol=1e-4, atol=1e-4)
"""

RELAY_WORKS = """
import onnx, torch, torchvision
from tvm import relay, rpc
relay.frontend.from_onnx, relay.frontend.from_pytorch, relay.quantize.quantize
"""
