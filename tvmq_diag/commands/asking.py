"""A question before something is removed: what is not confirmed is not done."""

from __future__ import annotations

import argparse
import sys

from ..errors import UsageError
from ..reports.text import console


def add_actions(
    parser: argparse.ArgumentParser, actions: list[str], metavar: str, names: str
) -> None:
    """Add what to do, with which, the help on that being `names`, and the answer for who is not
    there to give it."""
    parser.add_argument("action", choices=actions)
    parser.add_argument("names", nargs="*", metavar=metavar, help=names)
    parser.add_argument("--yes", action="store_true", help="remove without asking")


def confirmed(what: str, yes: bool) -> bool:
    """Does the person want `what` done? Raises UsageError where nobody can be asked."""
    if yes:
        return True
    if not sys.stdin.isatty():
        raise UsageError(f"{what}? Nobody is here to ask: say so with --yes")
    console.error(f"{what}? [y/N]")
    return sys.stdin.readline().strip().lower() in ("y", "yes")
