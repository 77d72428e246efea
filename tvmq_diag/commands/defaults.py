"""Defaults of options, from `tvmq.toml` or the table `[tool.tvmq_diag]` of a pyproject.toml.

Those of the working folder or of the next folder above it that has any. A key is an option's name;
what is in a table of a command's name is for that command alone:

    [tool.tvmq_diag]
    tvm-python = "/home/me/tvm/bin/python"

    [tool.tvmq_diag.trace]
    min-cosine = 0.98
    no-reference = true
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from .. import decoding
from ..errors import UsageError

OWN = "tvmq.toml"
PROJECT = "pyproject.toml"
TOOL = "tvmq_diag"

_ONE_OF = (frozenset({"--tvm", "--tvm-python"}), frozenset({"--dtype", "--script"}))
"""Options of which a command takes one: where one is typed, the others' defaults do not count."""


@dataclass(frozen=True)
class Defaults:
    """The table of a file."""

    path: Path
    table: dict[str, Any]

    def of(self, command: str) -> dict[str, Any]:
        """What is for a command alone. Raises UsageError where that is no table."""
        own = self.table.get(command, {})
        if not isinstance(own, dict):
            raise UsageError(f"{self.path}: {command} is a command, and has to be a table")
        return own

    @property
    def common(self) -> dict[str, Any]:
        """What is for each command that has such an option."""
        return {key: value for key, value in self.table.items() if not isinstance(value, dict)}


def find(folder: Path) -> Defaults | None:
    """The defaults for who works in `folder`. Raises UsageError for a file that cannot be read."""
    for place in (folder, *folder.parents):
        own = place / OWN
        if own.is_file():
            return Defaults(own, _read(own))
        project = place / PROJECT
        # Not parsed where it says nothing of us: a mistake in it is no business of ours.
        if project.is_file() and TOOL in project.read_text(encoding="utf-8", errors="replace"):
            table = _read(project).get("tool", {}).get(TOOL)
            if isinstance(table, dict):
                return Defaults(project, table)
    return None


def arguments(
    defaults: Defaults, command: str, parser: argparse.ArgumentParser, typed: Sequence[str]
) -> list[str]:
    """The defaults of a command as somebody would type them, those left out that `typed` decides.

    Raises UsageError for a key in the command's own table that is no option of it, and for a value
    that no option can have.
    """
    options = {name: action for action in parser._actions for name in action.option_strings}
    given = {word.partition("=")[0] for word in typed}
    own = defaults.of(command)
    words: list[str] = []
    for key, value in {**defaults.common, **own}.items():
        option = _option(key)
        action = options.get(option)
        if action is None:
            if key in own:
                raise UsageError(f"{defaults.path}: {command} has no option {option}")
            continue
        rivals = next((group for group in _ONE_OF if option in group), {option})
        if not given & rivals:
            words += _typed(defaults.path, option, action, value)
    return words


def unknown(defaults: Defaults, parsers: Mapping[str, argparse.ArgumentParser]) -> list[str]:
    """The keys that no command knows, as they are found in the file; `parsers` by command."""
    options = {
        name: {option for action in parser._actions for option in action.option_strings}
        for name, parser in parsers.items()
    }
    every = set().union(*options.values())
    strangers = [key for key in defaults.common if _option(key) not in every]
    for name, table in defaults.table.items():
        if isinstance(table, dict):
            own = options.get(name)
            if own is None:
                strangers.append(f"[{name}]")
                continue
            strangers += [f"{name}.{key}" for key in table if _option(key) not in own]
    return strangers


def _option(key: str) -> str:
    return f"--{key.replace('_', '-')}"


def _typed(path: Path, option: str, action: argparse.Action, value: Any) -> Iterator[str]:
    if action.nargs == 0:
        if not isinstance(value, bool):
            raise UsageError(f"{path}: {option} is true or false, not {value!r}")
        if value:
            yield option
        return
    several = value if isinstance(value, list) else [value]
    if any(isinstance(one, (bool, dict, list)) for one in several) or not several:
        raise UsageError(f"{path}: {option} takes a text or a number, not {value!r}")
    if isinstance(action, argparse._AppendAction):
        for one in several:
            yield f"{option}={one}"
    else:
        yield f"{option}={','.join(map(str, several))}"


def _read(path: Path) -> dict[str, Any]:
    try:
        return msgspec.toml.decode(path.read_text(encoding="utf-8"), type=dict[str, Any])
    except (OSError, *decoding.REFUSED) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
