"""The command line: `tvmq-diag COMMAND`, and the scripts, which are one command each.

Errors that a person can mend are caught here, once, and printed as one line.
"""

from __future__ import annotations

import argparse
import errno
import signal
import sys
from collections.abc import Sequence
from types import ModuleType

from .. import __version__
from ..errors import DiagError
from ..reports.text import console
from . import (
    ab,
    benchmark,
    bisect,
    check,
    compare,
    export,
    matrix,
    reduce,
    report,
    trace,
    versions,
    zoo,
)

COMMANDS: dict[str, ModuleType] = {
    "trace": trace,
    "report": report,
    "export": export,
    "reduce": reduce,
    "bisect": bisect,
    "matrix": matrix,
    "benchmark": benchmark,
    "compare": compare,
    "ab": ab,
    "check": check,
    "versions": versions,
    "zoo": zoo,
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
    console.survive_encodings()
    ended_by = _interrupted_by_signals()
    try:
        code = int(options.run(options))
        sys.stdout.flush()
        return code
    except DiagError as error:
        console.error(f"error: {error}")
        return error.exit_code
    except OSError as error:
        console.error(f"error: {_in_words(error)}")
        console.give_up_output()
        return DiagError.exit_code
    except KeyboardInterrupt:
        console.error("interrupted")
        return 128 + ended_by[0] if ended_by else INTERRUPTED


def _interrupted_by_signals() -> list[int]:
    """Have TERM and HUP end everything as Ctrl-C does; the list gets the one that came.

    What is ignored stays so: nohup ignores HUP.
    """
    ended_by: list[int] = []

    def interrupt(number: int, frame: object) -> None:
        ended_by.append(number)
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, interrupt)
    return ended_by


def _in_words(error: OSError) -> str:
    """What the system refused, and what to do about it where that is known."""
    what = error.strerror or str(error)
    place = f" ({error.filename})" if error.filename else ""
    if isinstance(error, BrokenPipeError):
        return "nobody reads what this prints any more"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{what}{place}: free some, or give --out a folder on another disk"
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return f"{what}{place}: give --out a folder that can be written"
    return f"{what}{place}"
