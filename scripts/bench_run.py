"""How long does a person wait? Time to the first verdict and to the end, beside TVM's own calls.

Runs `trace` as a person does, from an empty cache (the toolchain is there), then once more with
what that kept. Beside it the compiles of that run again, in the same processes without what is
ours: import once, then quantize, build and run of each. With --against PATH another checkout of
this project takes turns. Then what each part of ours cost.

examples:
  %(prog)s                                          ResNet-18 and ResNet-50, README's command
  %(prog)s --models torchvision:resnet18 --rounds 3 --against ../before
  %(prog)s --models digits -- --search 10 --seconds 5
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tvmq_diag.commands import cli
from tvmq_diag.errors import SetupError
from tvmq_diag.instruments.protocol.jobs import CompileJob, UntracedJob
from tvmq_diag.instruments.protocol.schema import JOURNAL
from tvmq_diag.reports.pages import run as run_page
from tvmq_diag.results import store
from tvmq_diag.toolchains import needs, process, resolution
from tvmq_diag.toolchains.cache import cache_dir
from tvmq_diag.toolchains.limits import Limits, usable_bytes
from tvmq_diag.toolchains.toolchain import Toolchain
from tvmq_diag.trace import reader
from tvmq_diag.trace.layout import JOB, TRACES

ROOT = Path(__file__).parent.parent
LIMITS = Limits(3600.0, usable_bytes())
_OUTCOMES = "works|rejected|crashed|wrong|not |timed out|failed|compiles"


@dataclass
class Times:
    """Seconds of each round: to the first verdict and to the end."""

    first: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument(
        "--models", default="torchvision:resnet18,torchvision:resnet50", help="(%(default)s)"
    )
    parser.add_argument("--dtype", default="int4", help="the configuration (%(default)s)")
    parser.add_argument("--tvm", help="the toolchain's name (relay)")
    parser.add_argument("--rounds", type=int, default=1, help="of all in turn (1)")
    parser.add_argument("--against", type=Path, metavar="PATH", help="another checkout")
    parser.add_argument("more", nargs="*", metavar="OPTION", help="behind --: options of trace")


def run(options: argparse.Namespace) -> int:
    """Measure and print."""
    chain = resolution.resolve(options.tvm, echo=print)
    for model in options.models.split(","):
        resolution.equip(chain, needs.of_model(model), print)
        with tempfile.TemporaryDirectory(prefix="tvmq-bench-") as folder:
            _measure(chain, model, options, Path(folder))
    return 0


def _measure(chain: Toolchain, model: str, options: argparse.Namespace, folder: Path) -> None:
    print(f"{model}, {options.dtype}")
    checkouts = {"now": ROOT}
    if options.against is not None:
        checkouts["against"] = options.against.absolute()
    times = {f"{who}, {cache}": Times() for who in checkouts for cache in ("cold", "warm")}
    own = Times()
    for number in range(options.rounds):
        for who, checkout in list(checkouts.items())[:: 1 if number % 2 else -1]:
            cache = _empty_cache(folder / f"cache-{who}")
            for state in ("cold", "warm"):
                out = folder / f"{number}-{who}-{state}"
                first, whole = _traced(checkout, cache, model, options, out)
                times[f"{who}, {state}"].first.append(first)
                times[f"{who}, {state}"].whole.append(whole)
                print(f"  {number + 1}  {who}, {state}: {first:.1f} s, {whole:.1f} s", flush=True)
        done, again = folder / f"{number}-now-cold", folder / f"{number}-untraced"
        first, whole = _untraced(chain, done, again)
        own.first.append(first)
        own.whole.append(whole)
        print(f"  {number + 1}  TVM's own calls: {first:.1f} s, {whole:.1f} s", flush=True)
    _table(times, own)
    for line in _parts(folder / f"{options.rounds - 1}-now-cold"):
        print(f"  {line}")


def _empty_cache(folder: Path) -> Path:
    """A cache with nothing but the toolchains."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "toolchains").symlink_to(cache_dir() / "toolchains")
    return folder


def _traced(
    checkout: Path, cache: Path, model: str, options: argparse.Namespace, out: Path
) -> tuple[float, float]:
    """Seconds to the first verdict that a person can read, and to the end. Raises SetupError."""
    words = ["--model", model, "--dtype", options.dtype, "--out", str(out), *options.more]
    words += ["--tvm", options.tvm] if options.tvm else []
    own = {"PYTHONPATH": str(checkout), "TVMQ_DIAG_CACHE": str(cache), "COLUMNS": "200"}
    headline = re.compile(rf"\W*{re.escape(options.dtype)}\S* (?:{_OUTCOMES})")
    first, said = None, ""
    began = time.monotonic()
    with subprocess.Popen(
        [sys.executable, "-m", "tvmq_diag", "trace", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | own,
        cwd=checkout,
    ) as child:
        assert child.stdout is not None
        for line in child.stdout:
            said = line if line.strip() else said
            if first is None and headline.match(line):
                first = time.monotonic() - began
    if first is None:
        raise SetupError(f"{checkout} came to no verdict: {said.strip()}")
    return first, time.monotonic() - began


def _untraced(chain: Toolchain, run: Path, folder: Path) -> tuple[float, float]:
    """Seconds of TVM's own calls: for the first compile of a run, and for all, one after the other;
    the model is imported once."""
    took: list[float] = []
    for number, job in enumerate(_compiles(run)):
        again = UntracedJob(**{**vars(job), "trace": str(folder / str(number))})
        ending = process.run(chain, again, LIMITS)
        imported = reader.load(Path(again.trace)).spent.get("import", 0.0) / 1e3
        took.append(ending.seconds - (imported if took else 0.0))
    return took[0], sum(took)


def _compiles(run: Path) -> Iterator[CompileJob]:
    """The compiles of a run in the order in which they were done, the one asked for first."""
    files = sorted((run / TRACES).glob(f"*/{JOB}"), key=lambda path: path.stat().st_mtime)
    for file in files:
        record = json.loads(file.read_text(encoding="utf-8"))
        if record["task"] == CompileJob.TASK:
            yield CompileJob.from_json(record)


def _table(times: dict[str, Times], own: Times) -> None:
    print(f"  {'':20} {'first verdict':>14} {'to the end':>12}")
    middle = statistics.median
    for who, these in {**times, "TVM's own calls": own}.items():
        first, whole = middle(these.first), middle(these.whole)
        print(
            f"  {who:20} {first:12.1f} s {whole:10.1f} s   x TVM's own "
            f"{first / middle(own.first):.2f}, {whole / middle(own.whole):.2f}"
        )
    for state in ("cold", "warm"):
        if f"against, {state}" in times:
            now, before = times[f"now, {state}"], times[f"against, {state}"]
            first = middle(now.first) / middle(before.first)
            whole = middle(now.whole) / middle(before.whole)
            print(f"  now / against, {state}: first verdict {first:.0%}, to the end {whole:.0%}")


def _parts(run: Path) -> Iterator[str]:
    """What each part of ours took in a run."""
    plain = written = diagnosis = timed = 0.0
    for journal in (run / TRACES).glob(f"*/{JOURNAL}"):
        new, failed, last = False, None, 0.0
        for line in journal.read_text(encoding="utf-8").splitlines():
            event = json.loads(line) if line else {}
            kind, own, last = event.get("kind"), event.get("own", 0.0), event.get("t", last)
            failed = last if kind == "error" else failed
            written += own if new else 0.0
            plain += 0.0 if new else own
            new = kind == "snapshot"
        diagnosis += last - failed if failed is not None else 0.0
    began = time.perf_counter()
    work = store.load(run)
    timed = time.perf_counter() - began
    began = time.perf_counter()
    run_page.write(work)
    page = time.perf_counter() - began
    yield f"callbacks that wrote no snapshot {plain / 1e3:6.2f} s (the journal, and looking)"
    yield f"callbacks that wrote one         {written / 1e3:6.2f} s"
    yield f"looking into failures            {diagnosis / 1e3:6.2f} s"
    yield f"reading all traces back          {timed:6.2f} s (the analysis)"
    yield f"the page, once                   {page:6.2f} s"


if __name__ == "__main__":
    sys.exit(cli.script(sys.modules[__name__]))
