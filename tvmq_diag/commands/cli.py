"""The command line: `tvmq-diag COMMAND`, and the scripts, which are one command each.

Errors that a person can mend are caught here, once, and printed as one line. A command is imported
when it is wanted: matplotlib, networkx and numpy take half a second.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import importlib
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from .. import __version__
from ..errors import DiagError
from ..reports.text import console
from . import defaults
from .outcome import Outcome

COMMANDS = (
    "trace",
    "report",
    "export",
    "reduce",
    "bisect",
    "matrix",
    "benchmark",
    "compare",
    "ab",
    "check",
    "versions",
    "zoo",
    "doctor",
    "toolchains",
    "runs",
    "cache",
)
"""Each a module beside this one, which has `add_arguments` and `run`."""

WITHOUT_DEFAULTS = ("doctor",)
"""It looks at the file that has them, and has to run where that is broken."""

INTERRUPTED = 130
"""The shell's exit code for Ctrl-C."""

_COMPLETION = "--print-completion"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `tvmq-diag`; returns the exit code."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    wanted = next((word for word in arguments if not word.startswith("-")), "")
    parser = argparse.ArgumentParser(
        prog="tvmq-diag", description="Find out what TVM's quantizer does to a model, and why."
    )
    _add_version(parser)
    completing = arguments[:1] == [_COMPLETION]
    _add_completion(parser, completing)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    parsers = {name: commands.add_parser(name, help=_summary(name)) for name in COMMANDS}
    for name, its_parser in parsers.items():
        if completing or name == wanted:
            _equip(its_parser, importlib.import_module(f".{name}", __package__))
    return _run(parser, arguments, wanted, parsers.get(wanted))


def script(command: ModuleType, arguments: Sequence[str] | None = None) -> int:
    """Run one command as a script of its own; returns the exit code."""
    parser = argparse.ArgumentParser()
    _add_version(parser)
    _equip(parser, command)
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    name = command.__name__.rpartition(".")[2]
    return _run(parser, arguments, name, parser if _is_ours(command) else None)


def parser_of(name: str) -> argparse.ArgumentParser:
    """The options of one command, which is imported for it."""
    parser = argparse.ArgumentParser(prog=f"tvmq-diag {name}")
    _equip(parser, importlib.import_module(f".{name}", __package__))
    return parser


def _summary(name: str) -> str:
    """The first line of a command's docstring, without importing it."""
    source = Path(__file__).with_name(f"{name}.py").read_text(encoding="utf-8")
    return source.removeprefix('"""').partition("\n")[0]


def _add_version(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--version", action="version", version=f"tvmq_diag {__version__}")


def _add_completion(parser: argparse.ArgumentParser, completing: bool) -> None:
    told = "print the completion for a shell: bash, zsh or tcsh"
    if completing:
        import shtab

        shtab.add_argument_to(parser, [_COMPLETION], help=told)
    else:
        parser.add_argument(_COMPLETION, metavar="SHELL", help=told)


def _is_ours(command: ModuleType) -> bool:
    """Is it a command, and no script that only is run like one?"""
    return command.__package__ == __package__


def _equip(parser: argparse.ArgumentParser, command: ModuleType) -> None:
    parser.description = command.__doc__
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    command.add_arguments(parser)
    if _is_ours(command):
        parser.add_argument(
            "--json",
            action="store_true",
            help="print what came of it as one JSON object, and all else to standard error",
        )
    parser.set_defaults(run=command.run)


def _run(
    parser: argparse.ArgumentParser,
    arguments: list[str],
    name: str,
    its_parser: argparse.ArgumentParser | None,
) -> int:
    """Run what the arguments say: the command `name`, whose options `its_parser` knows. None: it
    has no defaults in files."""
    console.survive_encodings()
    answer = sys.stdout
    as_json = its_parser is not None and "--json" in arguments
    ended_by = _interrupted_by_signals()
    with contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext():
        code, record = _outcome(parser, arguments, name, its_parser, ended_by)
    if as_json:
        with contextlib.suppress(OSError):
            print(json.dumps({"exit_code": code, **record}, default=str), file=answer, flush=True)
    return code


def _outcome(
    parser: argparse.ArgumentParser,
    arguments: list[str],
    name: str,
    its_parser: argparse.ArgumentParser | None,
    ended_by: list[int],
) -> tuple[int, dict[str, Any]]:
    try:
        options = parser.parse_args(_with_defaults(parser, arguments, name, its_parser))
        outcome = options.run(options)
        sys.stdout.flush()
        if isinstance(outcome, Outcome):
            return outcome.code, outcome.record
        return int(outcome), {}
    except DiagError as error:
        return _failed(error.exit_code, str(error))
    except OSError as error:
        failed = _failed(DiagError.exit_code, _in_words(error))
        console.give_up_output()
        return failed
    except KeyboardInterrupt:
        console.error("interrupted")
        return 128 + ended_by[0] if ended_by else INTERRUPTED, {"error": "interrupted"}


def _failed(code: int, message: str) -> tuple[int, dict[str, Any]]:
    console.error(f"error: {message}")
    return code, {"error": message}


def _with_defaults(
    parser: argparse.ArgumentParser,
    arguments: list[str],
    name: str,
    its_parser: argparse.ArgumentParser | None,
) -> list[str]:
    """The arguments, and before them the defaults of the folder's file. Raises UsageError."""
    told = {"-h", "--help", "--version"} & set(arguments)
    if its_parser is None or told or name in WITHOUT_DEFAULTS:
        return arguments
    found = defaults.find(Path.cwd())
    words = defaults.arguments(found, name, its_parser, arguments) if found else []
    if found and words:
        console.error(f"defaults of {found.path}: {' '.join(words)}")
    at = 0 if parser is its_parser else arguments.index(name) + 1
    return [*arguments[:at], *words, *arguments[at:]]


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
