"""Are torchvision's nets with seeded weights nets, and are verdicts on them the same for two seeds?

For each: by how much the float model's outputs of two images differ, relative to their size (at
least 1 %%, or nothing can be judged by them), and the verdict on int8/int8/int32 for each seed.

examples:
  %(prog)s                                  a small member of each family of classifiers
  %(prog)s resnet18 mobilenet_v2 --tvm relax
  %(prog)s --dtype int8/int8/int32:nbit=6

exit code: 0 all differ, and the verdicts agree; 1 not; 2 bad usage; 3 set-up.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tvmq_diag.commands import cli, trace
from tvmq_diag.measurements import outputs
from tvmq_diag.results import store
from tvmq_diag.results.run import Role
from tvmq_diag.results.verdict import Verdict
from tvmq_diag.trace.layout import TRACES

FAMILIES = [
    "alexnet", "vgg11", "squeezenet1_1", "densenet121", "googlenet", "shufflenet_v2_x0_5",
    "mobilenet_v2", "mobilenet_v3_small", "mnasnet0_5", "resnet18", "resnext50_32x4d",
    "regnet_y_400mf", "efficientnet_b0", "convnext_tiny", "vit_b_16", "swin_t",
]  # fmt: skip

SEEDS = (0, 1)

AS_IS = "as-is"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("nets", nargs="*", default=FAMILIES, metavar="NET", help="of torchvision")
    parser.add_argument("--dtype", default="int8/int8/int32", metavar="CONF", help="(%(default)s)")
    parser.add_argument("--input-shape", metavar="N,C,H,W", help="smaller ones are faster")
    parser.add_argument("--tvm", metavar="NAME", help="(relay)")


def run(options: argparse.Namespace) -> int:
    """Print the table; returns the exit code. Raises UsageError, SetupError."""
    table = Table("net", "outputs differ by", *(f"seed {seed}" for seed in SEEDS), box=None)
    fine = True
    with tempfile.TemporaryDirectory() as folder:
        for net in options.nets:
            verdicts = [_verdict(net, seed, options, Path(folder)) for seed in SEEDS]
            known = [
                _differs(verdict, net, seed, options, Path(folder))
                for seed, verdict in zip(SEEDS, verdicts, strict=True)
            ]
            apart = f"{min(known):.1%}"
            table.add_row(net, apart, *(_brief(verdict) for verdict in verdicts))
            fine &= min(known) >= 0.01 and len(set(map(_blame, verdicts))) == 1
    Console().print(table)
    return 0 if fine else 1


def _verdict(net: str, seed: int, options: argparse.Namespace, folder: Path) -> Verdict:
    """The verdict on the first configuration."""
    out = folder / f"{net}-{seed}"
    words = ["--model", f"torchvision:{net}", "--seed", str(seed), "--dtype", options.dtype]
    words += ["--no-reference", "--out", str(out)]
    for name, value in (("--tvm", options.tvm), ("--input-shape", options.input_shape)):
        words += [name, value] if value else []
    parser = argparse.ArgumentParser()
    trace.add_arguments(parser)
    trace.run(parser.parse_args(words))
    return store.load(out).with_role(Role.REQUESTED)[0].verdict


def _blame(verdict: Verdict) -> tuple[str, str | None, str | None]:
    """Outcome, pass, op: two seeds may be off by different figures."""
    op = verdict.op.name if verdict.op is not None else None
    return verdict.outcome, verdict.pass_name, op


def _brief(verdict: Verdict) -> str:
    metrics = verdict.metrics
    if metrics is None or metrics.cosine is None:
        return f"{verdict.outcome} {verdict.place}".strip()
    return f"{verdict.outcome}, cosine {metrics.cosine:.3f} (worst {metrics.worst_cosine or 0:.3f})"


def _differs(
    verdict: Verdict, net: str, seed: int, options: argparse.Namespace, folder: Path
) -> float:
    """By how much the float model's outputs differ, relative; 0 where it gave none.

    Where nothing ran that was compared with it, it runs alone.
    """
    if verdict.metrics is not None:
        return verdict.metrics.differs or 0.0
    _verdict(net, seed, argparse.Namespace(**{**vars(options), "dtype": AS_IS}), folder / AS_IS)
    saved = folder / AS_IS / f"{net}-{seed}" / TRACES / AS_IS / "outputs.npz"
    if not saved.exists():
        return 0.0
    floats = outputs.load(saved)
    return outputs.compare(floats, floats).differs or 0.0


if __name__ == "__main__":
    sys.exit(cli.script(sys.modules[__name__]))
