"""The command line: `tvmq-diag COMMAND`, and the scripts, which are one command each.

Errors that a person can mend are caught here, once, and printed as one line. A command is imported
when it is wanted: matplotlib, networkx and numpy take half a second.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import importlib
import itertools
import json
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from .. import __version__
from ..errors import DiagError
from ..reports.text import console
from . import completion, defaults
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `tvmq-diag`; returns the exit code."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    wanted = next((word for word in arguments if not word.startswith("-")), "")
    parser = argparse.ArgumentParser(
        prog="tvmq-diag", description="Find out what TVM's quantizer does to a model, and why."
    )
    _add_version(parser)
    completing = arguments[:1] == [completion.OPTION]
    completion.add(parser, completing)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    parsers = {name: commands.add_parser(name, help=_summary(name)) for name in COMMANDS}
    for name, its_parser in parsers.items():
        if completing or name == wanted:
            _equip(its_parser, importlib.import_module(f".{name}", __package__))
        if completing:
            completion.suggest(its_parser)
    return _run(_Typed(parser, arguments, wanted, parsers.get(wanted)))


def script(command: ModuleType, arguments: Sequence[str] | None = None) -> int:
    """Run one command as a script of its own; returns the exit code."""
    parser = argparse.ArgumentParser()
    _add_version(parser)
    _equip(parser, command)
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    name = command.__name__.rpartition(".")[2]
    return _run(_Typed(parser, arguments, name, parser if _is_ours(command) else None))


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


@dataclass(frozen=True)
class _Typed:
    """What somebody typed: words for `parser`, which call for the command `name`, whose options
    `its_parser` knows. None: a script that is no command, and has no defaults in files."""

    parser: argparse.ArgumentParser
    words: list[str]
    name: str
    its_parser: argparse.ArgumentParser | None

    @property
    def options(self) -> list[str]:
        """The words as far as they are for us: what follows -- is for a script of somebody's."""
        return list(itertools.takewhile(lambda word: word != "--", self.words))

    def parsed(self) -> argparse.Namespace:
        """The options, with the defaults of the folder's file. Raises UsageError."""
        return self.parser.parse_args(self._with_defaults())

    def _with_defaults(self) -> list[str]:
        leaves = {"-h", "--help", "--version"} & set(self.options)
        if self.its_parser is None or leaves or self.name in WITHOUT_DEFAULTS:
            return self.words
        file = defaults.find(Path.cwd())
        added = defaults.arguments(file, self.name, self.its_parser, self.options) if file else []
        if file and added:
            console.error(f"defaults of {file.path}: {' '.join(added)}")
        at = 0 if self.parser is self.its_parser else self.words.index(self.name) + 1
        return [*self.words[:at], *added, *self.words[at:]]


def _run(typed: _Typed) -> int:
    """Run what was typed; returns the exit code."""
    console.survive_encodings()
    answer = sys.stdout
    as_json = typed.its_parser is not None and "--json" in typed.options
    ended_by = _interrupted_by_signals()
    with contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext():
        outcome = _outcome(typed, ended_by)
    if as_json:
        record = {"exit_code": outcome.code, **outcome.record}
        with contextlib.suppress(OSError):
            print(json.dumps(record, default=str), file=answer, flush=True)
    return outcome.code


def _outcome(typed: _Typed, ended_by: list[int]) -> Outcome:
    try:
        options = typed.parsed()
        outcome = options.run(options)
        sys.stdout.flush()
        return outcome if isinstance(outcome, Outcome) else Outcome(int(outcome))
    except DiagError as error:
        return _failed(error.exit_code, str(error))
    except OSError as error:
        failed = _failed(DiagError.exit_code, _in_words(error))
        console.give_up_output()
        return failed
    except KeyboardInterrupt:
        console.error("interrupted")
        code = 128 + ended_by[0] if ended_by else INTERRUPTED
        return Outcome(code, {"error": "interrupted"})


def _failed(code: int, message: str) -> Outcome:
    console.error(f"error: {message}")
    return Outcome(code, {"error": message})


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
