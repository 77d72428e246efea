"""A benchmark as a table in the terminal."""

from __future__ import annotations

from rich.table import Table

from tvmq_diag.measurements.benchmark import AGAIN, FLOAT, Benchmark

from ..formatting import DASH, TIMES


def table(benchmark: Benchmark) -> Table:
    """Each side's latency, and its ratio to float with the interval."""
    grid = Table(box=None, pad_edge=False, padding=(0, 1))
    grid.add_column("", overflow="fold")
    for name in ("min ms", "mean", "median", "max", f"{TIMES} float, 95 % interval"):
        grid.add_column(name, justify="right", no_wrap=True)
    for side in benchmark.times:
        latency, ratio = benchmark.latency(side), benchmark.ratio(side)
        if latency is None:
            continue
        times = (latency.min, latency.mean, latency.median, latency.max)
        name = f"{side} (the machine's noise)" if side == AGAIN else side
        to = str(ratio) if ratio is not None and side != FLOAT else DASH
        grid.add_row(name, *(f"{ms:.2f}" for ms in times), to)
    return grid
