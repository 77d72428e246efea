"""What packed weights cost and save on Relax, beside float and the same bits kept in int8.

For a net, and for one matrix-vector product: bytes of the weights (the compiled model's file of
constants), memory that a process has more of when it has loaded and run it once (weights, and the
room for its values; not its code, of which LLVM keeps much when it compiles it there), time as a
ratio to float from interleaved runs, and whether the outputs are those of the int8 container bit
for bit.

examples:
  %(prog)s                                     ResNet-18, and 4096 by 4096
  %(prog)s torchvision:mobilenet_v2 --bits 4
  %(prog)s --pipeline target --seconds 60

exit code: 0 all equal, and 4 bits take at most 0.53 of int8's weights; 1 not; 2 usage; 3 set-up.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from tvmq_diag.commands import cli, options
from tvmq_diag.configuration import REFERENCE, parse
from tvmq_diag.errors import UsageError
from tvmq_diag.instruments.protocol.jobs import BenchmarkJob, CompileJob, DataSource, ModelSource
from tvmq_diag.measurements import benchmark, outputs
from tvmq_diag.measurements.benchmark import FLOAT
from tvmq_diag.toolchains import needs, process, resolution
from tvmq_diag.toolchains.limits import Limits, usable_bytes
from tvmq_diag.toolchains.toolchain import Toolchain
from tvmq_diag.trace import reader

ROOT = Path(__file__).resolve().parent.parent

MOST = 0.53
"""Of int8's bytes, for weights of 4 bits."""

MATVEC = """
import sys
import numpy as np, tvm
from tvm import relax
size = int(sys.argv[2])
Tensor = getattr(relax, "TensorStructInfo", None) or relax.TensorType
rng = np.random.default_rng(0)
x = relax.Var("x", Tensor((1, size), "float32"))
builder = relax.BlockBuilder()
with builder.function("main", [x]):
    with builder.dataflow():
        weight = rng.standard_normal((size, size)).astype("float32")
        result = builder.emit_output(relax.op.matmul(x, relax.const(weight)))
    builder.emit_func_output(result)
open(sys.argv[1], "w").write(tvm.ir.save_json(builder.get()))
"""

RESIDENT = r"""
import ctypes, re, sys
from pathlib import Path
from instruments.relax.compile import artifact, execution

def resident():  # KiB, without what malloc keeps for later: compiling the kernels took much of that
    ctypes.CDLL(None).malloc_trim(0)
    status = Path("/proc/self/status").read_text()
    return int(next(l.split()[1] for l in status.splitlines() if l.startswith("RssAnon")))

folder = Path(sys.argv[1])
code = artifact.kernels(folder)
name = re.search(r"^define [^@]*@__tvm_ffi_(\w+)", (folder / artifact.CODE).read_text(), re.M)[1]
assert code.get_function(name)  # with the first of them all are compiled
before = resident()
loaded = artifact.Artifact(folder, code=code)
machine = loaded.machine()
execution.outputs(machine, loaded.inputs)
print(resident() - before)
"""


@dataclass(frozen=True)
class Side:
    """A compiled model: its configuration, where it lies, bytes of weights, and what it gave."""

    text: str
    folder: Path
    weight_bytes: int
    values: list[np.ndarray]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("net", nargs="?", default="torchvision:resnet18", metavar="MODEL")
    parser.add_argument("--bits", default="4,2,1", metavar="N,…", help="(%(default)s)")
    parser.add_argument("--size", type=int, default=4096, metavar="N", help="of the matrix (4096)")
    parser.add_argument("--group", type=int, default=32, metavar="N", help="of the matrix (32)")
    parser.add_argument("--pipeline", default="default", choices=("default", "target"))
    parser.add_argument(
        "--seconds", type=options.positive, default=40.0, metavar="S", help="of timing (40)"
    )
    parser.add_argument("--tvm", default="relax", metavar="NAME", help="(%(default)s)")


def run(given: argparse.Namespace) -> int:
    """Print the tables; returns the exit code. Raises UsageError, SetupError."""
    chain = resolution.resolve(
        given.tvm,
        echo=lambda line: print(line, file=sys.stderr),
        layers=needs.of_model(given.net),
    )
    widths = [int(width) for width in given.bits.split(",")]
    fine = True
    with tempfile.TemporaryDirectory() as folder:
        matrix = Path(folder) / "matvec.json"
        words = [str(chain.python), "-c", MATVEC, str(matrix), str(given.size)]
        subprocess.run(words, check=True, stdin=subprocess.DEVNULL)
        of_net = [f"nbit_weight={width}" for width in widths]
        of_matrix = ["nbit_weight=4", f"nbit_weight=4:group={given.group}"]
        for net, fields in ((given.net, of_net), (f"relax:{matrix}", of_matrix)):
            its = Path(tempfile.mkdtemp(dir=folder))
            fine &= _compared(chain, net, fields, given, its)
    return 0 if fine else 1


def _compared(
    chain: Toolchain, net: str, fields: list[str], given: argparse.Namespace, folder: Path
) -> bool:
    """Print a table; is all as it should be?"""
    texts = [REFERENCE.text]
    for each in fields:
        texts += [f"{REFERENCE.text}:{each}{how}" for how in ("", ":realize=packed")]
    sides = {text: _side(chain, net, text, given, folder) for text in (FLOAT, *texts)}
    measured = _times(chain, list(sides.values()), given.seconds, folder)
    title = net if not net.startswith("relax:") else f"1 by {given.size} by {given.size}"
    table = Table(title, "weights MiB", "of int8's", "resident MiB", "ratio to float", "equal")
    int8 = sides[REFERENCE.text].weight_bytes
    fine = True
    for text, side in sides.items():
        twin = sides.get(text.replace(":realize=packed", "")) if "packed" in text else None
        same = twin is None or all(map(np.array_equal, side.values, twin.values))
        fine &= same and not (
            text.endswith("=4:realize=packed") and side.weight_bytes > MOST * int8
        )
        ratio = measured.ratio(text)
        table.add_row(
            text,
            f"{side.weight_bytes / 2**20:.2f}",
            f"{side.weight_bytes / int8:.3f}",
            f"{_resident(chain, side.folder):.1f}",
            "1" if ratio is None else f"{ratio.value:.3f} [{ratio.low:.3f}, {ratio.high:.3f}]",
            "" if twin is None else "yes" if same else "NO",
        )
    Console(width=None if sys.stdout.isatty() else 120).print(table)
    return bool(fine)


def _side(chain: Toolchain, net: str, text: str, given: argparse.Namespace, folder: Path) -> Side:
    qconfig = None
    if text != FLOAT:
        qconfig = {**(parse(text).qconfig or {}), "pipeline": given.pipeline}
    slug = FLOAT if text == FLOAT else parse(text).slug
    print(f"{net}: {text}", file=sys.stderr)
    job = CompileJob(
        str(folder / slug),
        chain.dialect,
        ModelSource(net),
        qconfig,
        check=DataSource("natural:4" if not net.startswith("relax:") else "random:4"),
        kept=str(folder),
        artifact=str(folder / f"{slug}-artifact"),
        pipeline=given.pipeline,
    )
    ending = process.run(chain, job, Limits(1800.0, usable_bytes()))
    trace = reader.load(folder / slug)
    if trace.outputs is None or trace.facts.weight_bytes is None:
        raise UsageError(f"{text} of {net} did not run: {ending.tail[-300:]}")
    values = list(outputs.load(folder / slug / trace.outputs).arrays)
    return Side(text, folder / f"{slug}-artifact", trace.facts.weight_bytes, values)


def _times(
    chain: Toolchain, sides: list[Side], seconds: float, folder: Path
) -> benchmark.Benchmark:
    print("timing in turn", file=sys.stderr)
    job = BenchmarkJob(
        str(folder / "benchmark"),
        chain.dialect,
        sides={side.text: str(side.folder) for side in sides},
        rounds=200,
        seconds=seconds,
    )
    process.run(chain, job, Limits(1800.0, usable_bytes()))
    return benchmark.load(folder / "benchmark")


def _resident(chain: Toolchain, artifact: Path) -> float:
    """MiB that a process with its code has more of when it has loaded and run it."""
    words = [str(chain.python), "-c", RESIDENT, str(artifact)]
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, check=True)
    return int(done.stdout.split()[-1]) / 1024


if __name__ == "__main__":
    sys.exit(cli.script(sys.modules[__name__]))
