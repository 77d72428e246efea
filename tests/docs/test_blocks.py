"""Each command of the documentation has options that exist, and a note that says so if not run."""

from __future__ import annotations

import re

import pytest
from support.pages_of_docs import DOCS, LANGUAGES, NOTES, Block, blocks, differs, pages
from support.paths import ROOT

from tvmq_diag.commands import cli
from tvmq_diag.configuration import parse_list

BLOCKS = [block for page in pages() for block in blocks(page)]
COMMANDS = [(block, words) for block in BLOCKS for words in block.commands]


def named(case: tuple[Block, list[str]]) -> str:
    return f"{case[0].page}:{case[0].line}"


@pytest.mark.parametrize("case", COMMANDS, ids=named)
def test_a_command_is_one_that_its_parser_takes(case: tuple[Block, list[str]]) -> None:
    _, (name, *options) = case
    assert name in cli.COMMANDS
    parsed = cli.parser_of(name).parse_args(options)  # SystemExit, with what is wrong, if not
    dtypes = getattr(parsed, "dtype", None)
    if dtypes and not dtypes.startswith("@"):
        assert parse_list(dtypes)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: f"{block.page}:{block.line}")
def test_what_is_noted_of_a_block_is_understood(block: Block) -> None:
    assert set(block.notes) <= set(NOTES)
    if "not run" in block.notes or "slow" in block.notes:
        reason = block.notes.get("not run", "") + block.notes.get("slow", "")
        assert len(reason.split()) > 1, "say why"
    for path in re.findall(r"tests/[\w/.]+\w", " ".join(block.notes.values())):
        assert (ROOT / path).exists(), path


def test_no_block_of_commands_is_missed() -> None:
    """A fence that the pattern does not see would be a command that nobody runs."""
    fences = re.compile(rf"^\s*```\s*({'|'.join((*LANGUAGES, 'console', 'sh', 'shell'))})\b", re.M)
    for page in pages():
        text = page.read_text(encoding="utf-8")
        seen = len([block for block in blocks(page) if block.language in LANGUAGES])
        assert len(fences.findall(text)) == seen, page


def test_options_in_running_text_exist() -> None:
    known = "".join(cli.parser_of(name).format_help() for name in cli.COMMANDS)
    foreign = {"--strict", "--table", "--print-completion", "--version", "--help"}
    foreign |= {"--tvmq-record", "--tvmq-keep", "--tvmq-python"}  # pytest's
    for page in pages():
        for option in re.findall(r"`(--[a-z-]+)", page.read_text(encoding="utf-8")):
            assert option in known or option in foreign, (page.relative_to(DOCS), option)


def test_a_page_may_show_other_figures_and_no_other_words() -> None:
    printed = "✗ int4 rejected at add (op #9)\n  result cosine 0.38 (worst -0.43)\nreport: here"
    assert differs("✗ int4 rejected at\nadd (op #9)\n…\nreport: here", printed) is None
    assert differs("result cosine 0.5 (worst 0.2)", printed) is None
    assert differs("✗ int4 rejected at add (op #8)", printed) is not None
    assert differs("✗ int8 rejected at add (op #9)", printed) is not None
