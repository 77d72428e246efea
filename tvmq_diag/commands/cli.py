"""The command line: `tvmq-diag COMMAND`, and the scripts, which are one command each.

Errors that a person can mend are caught here, once, and printed as one line.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from types import ModuleType

from .. import __version__
from ..errors import DiagError
from . import (
    ab,
    benchmark,
    bisect,
    check,
    compare,
    matrix,
    reduce,
    report,
    trace,
    versions,
)

COMMANDS: dict[str, ModuleType] = {
    "trace": trace,
    "report": report,
    "reduce": reduce,
    "bisect": bisect,
    "matrix": matrix,
    "benchmark": benchmark,
    "compare": compare,
    "ab": ab,
    "check": check,
    "versions": versions,
}

INTERRUPTED = 130
"""The shell's exit code for Ctrl-C."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `tvmq-diag`; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="tvmq-diag", description="Find out what TVM's quantizer does to a model, and why."
    )
    parser.add_argument("--version", action="version", version=f"tvmq_diag {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        summary = (command.__doc__ or "").splitlines()[0]
        command.add_arguments(_described(commands.add_parser(name, help=summary), command))
    return _run(parser, arguments)


def script(command: ModuleType, arguments: Sequence[str] | None = None) -> int:
    """Run one command as a script of its own; returns the exit code."""
    parser = _described(argparse.ArgumentParser(), command)
    command.add_arguments(parser)
    parser.set_defaults(run=command.run)
    return _run(parser, arguments)


def _described(parser: argparse.ArgumentParser, command: ModuleType) -> argparse.ArgumentParser:
    parser.description = command.__doc__
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.set_defaults(run=command.run)
    return parser


def _run(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> int:
    options = parser.parse_args(arguments)
    try:
        return int(options.run(options))
    except DiagError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
