"""Completion for a shell, by shtab: options, and the values that some of them commonly have."""

from __future__ import annotations

import argparse
from pathlib import Path

OPTION = "--print-completion"

_VALUES = {
    "--model": ["digits", "tiny", "torchvision:resnet18", "torchvision:resnet50"],
    "--dtype": ["int8", "int4", "int2", "int1", "as-is"],
}
"""What is completed where an option takes other values too."""


def add(parser: argparse.ArgumentParser, is_wanted: bool) -> None:
    """The option that prints it; shtab is imported only where it `is_wanted`."""
    purpose = "print the completion for a shell: bash, zsh or tcsh"
    if is_wanted:
        import shtab

        shtab.add_argument_to(parser, [OPTION], help=purpose)
    else:
        parser.add_argument(OPTION, metavar="SHELL", help=purpose)


def suggest(parser: argparse.ArgumentParser) -> None:
    """Values for the options of a parser that is only printed, and takes no arguments after."""
    import shtab

    from ..toolchains.recipes import RECIPES

    common = {**_VALUES, "--tvm": [*RECIPES]}
    for action in parser._actions:
        values = [value for option in action.option_strings for value in common.get(option, [])]
        if values and not action.choices:
            action.choices = values
        elif action.type is Path:
            action.complete = shtab.FILE  # type: ignore[attr-defined]
