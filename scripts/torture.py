"""Make trouble for as long as you like, and count: does anything get lost, or out of hand?

Each campaign makes one kind of trouble: a file that is damaged, a process that is killed, a disk
that is full, a name that is a program. They take turns for as long as --seconds says. Each kind of
failure is printed once, with what makes it again.

examples:
  %(prog)s                                      two minutes of all
  %(prog)s --seconds 3600 --table docs/reliability.md
  %(prog)s --only mutants --seed 7 --trial 1234  one trial, again

exit code: 0 nothing broke; 1 something did; 2 bad usage.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections import Counter, defaultdict
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from campaigns import CAMPAIGNS  # noqa: E402
from campaigns.campaign import Campaign  # noqa: E402

from tvmq_diag import foreign  # noqa: E402
from tvmq_diag.commands import cli  # noqa: E402
from tvmq_diag.errors import UsageError  # noqa: E402
from tvmq_diag.toolchains import resolution  # noqa: E402
from tvmq_diag.toolchains.recipes import EVERY  # noqa: E402


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("--seconds", type=float, default=120, metavar="S", help="(%(default)g)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the first (0)")
    parser.add_argument("--only", metavar="NAME,…", help=", ".join(one.name for one in CAMPAIGNS))
    parser.add_argument("--trial", type=int, metavar="N", help="this one only, of --only")
    parser.add_argument("--table", type=Path, metavar="FILE", help="write the table there too")


def run(options: argparse.Namespace) -> int:
    """Make trouble; returns the exit code. Raises UsageError."""
    campaigns = _chosen(options.only)
    for toolchain in ("relay", "relax"):  # before the clock runs, and before anything is killed
        resolution.resolve(toolchain, echo=print, layers=EVERY)
    if options.trial is not None:
        broken = [one.tried(options.seed, options.trial) for one in campaigns]
        print("\n".join(foreign.printable(text) for text in broken if text) or "it holds")
        return int(any(broken))
    record = Record(options.seed)
    try:
        record.take_turns(campaigns, options.seconds)
    except KeyboardInterrupt:
        print("interrupted: the table is of what was tried until then")
    Console().print(record.table(campaigns))
    if options.table:
        foreign.write(options.table, record.markdown(campaigns))
    return int(any(record.failures.values()))


def _chosen(names: str | None) -> list[Campaign]:
    known = {one.name: one for one in CAMPAIGNS}
    asked = names.split(",") if names else list(known)
    for name in asked:
        if name not in known:
            raise UsageError(f"no campaign {name!r}: there are {', '.join(known)}")
    able = []
    for name in asked:
        if lacking := known[name].lacks():
            print(f"{name} is left out: it needs {lacking}")
        else:
            able.append(known[name])
    return able


class Record:
    """What was tried, and what broke."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.tries: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._told: set[str] = set()

    def take_turns(self, campaigns: list[Campaign], seconds: float) -> None:
        """Try the one that had the least of its share, until the time is over."""
        end = time.monotonic() + seconds
        while campaigns and time.monotonic() < end:
            campaign = min(campaigns, key=lambda one: self.seconds[one.name] / one.share)
            self._try(campaign)

    def _try(self, campaign: Campaign) -> None:
        number = self.tries[campaign.name]
        began = time.monotonic()
        broken = campaign.tried(self.seed, number)
        self.seconds[campaign.name] += time.monotonic() - began
        self.tries[campaign.name] += 1
        if broken:
            self.failures[campaign.name] += 1
            self._tell(f"--only {campaign.name} --seed {self.seed} --trial {number}", broken)

    def _tell(self, again: str, broken: str) -> None:
        """Each kind of failure once: a thousand of one kind hide the next."""
        kind = again.split(" --seed")[0] + re.sub(r"\d+", "", broken.strip().splitlines()[-1])[:60]
        if kind not in self._told:
            self._told.add(kind)
            print(f"{again}\n{foreign.printable(broken)}", flush=True)

    def table(self, campaigns: list[Campaign]) -> Table:
        table = Table("campaign", "what must hold", box=None)
        for heading in ("tries", "failures", "seconds"):
            table.add_column(heading, justify="right")
        for one in campaigns:
            table.add_row(one.name, one.promise, *self._figures(one))
        return table

    def markdown(self, campaigns: list[Campaign]) -> str:
        """The same, as docs/reliability.md has it."""
        rows = [
            f"| {one.name} | {one.promise} | {' | '.join(self._figures(one))} |"
            for one in campaigns
        ]
        minutes = sum(self.seconds.values()) / 60
        head = [
            "# Reliability",
            "",
            "What was tried to make it lose something, or obey somebody else. Made by",
            f"`scripts/torture.py --table docs/reliability.md`: {minutes:.0f} minutes from seed"
            f" {self.seed} on {date.today()}.",
            "",
            "| campaign | what must hold | tries | failures | seconds |",
            "| --- | --- | ---: | ---: | ---: |",
        ]
        return "\n".join([*head, *rows]) + "\n"

    def _figures(self, one: Campaign) -> list[str]:
        figures = self.tries[one.name], self.failures[one.name], self.seconds[one.name]
        return [f"{figure:,.0f}" for figure in figures]


if __name__ == "__main__":
    sys.exit(cli.script(sys.modules[__name__]))
