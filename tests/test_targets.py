"""Targets as people type them, and configurations for them."""

from __future__ import annotations

import pytest

from tvmq_diag import targets
from tvmq_diag.configuration import adapted, for_target, parse
from tvmq_diag.errors import UsageError

TEXT = "llvm -mtriple=aarch64-linux-gnu -mattr=+neon,+dotprod"


def test_a_target_keeps_its_commas_and_names_need_none() -> None:
    assert targets.parse_list([f"{TEXT};pi5", "k230,pi4", "host"]) == [
        TEXT, "pi5", "k230", "pi4", "host"
    ]  # fmt: skip
    assert targets.parse_list(["pi5; pi5", "pi5"]) == ["pi5"]
    json = '{"kind": "llvm", "mtriple": "aarch64-linux-gnu"}'
    assert targets.parse_list([json, "raspberry-pi/4b-aarch64"]) == [
        json,
        "raspberry-pi/4b-aarch64",
    ]


def test_a_word_that_is_nothing_is_named() -> None:
    with pytest.raises(UsageError, match="--target 'pi6': neither one of host, pi3"):
        targets.parse_list(["pi5,pi6"])


@pytest.mark.parametrize("text", ["llvm", "llvm -mcpu=core-avx2", '{"kind": "llvm", "mcpu": "x"}'])
def test_what_llvm_is_to_compile_for_is_not_left_to_its_default(text: str) -> None:
    with pytest.raises(UsageError, match=r"names no -mtriple.* --mcpu for this machine"):
        targets.parse_list([text])
    assert targets.resolve(text) == text  # a run of before is still read


def test_each_board_has_a_target_of_llvm_and_a_source() -> None:
    for board in targets.BOARDS.values():
        assert board.target.startswith("llvm -mtriple=") and board.processor and board.sources
    assert targets.resolve("pi5") == targets.BOARDS["pi5"].target
    assert targets.resolve(targets.HOST) is None


def test_a_configuration_for_a_target_is_read_back_from_its_text() -> None:
    here = parse("int8/int8/int32:nbit=4")
    for name in ("pi5", TEXT):
        there = for_target(here, name)
        assert there.text == f"int8/int8/int32:nbit=4@{name}" and there.target == name
        assert parse(there.text) == there and there.slug != here.slug
        assert there.untargeted == here.text and there.qconfig == here.qconfig
    assert for_target(here, targets.HOST) == here
    assert for_target(parse("as-is"), "pi5").is_model


def test_on_relax_it_is_the_same_with_each_pipeline() -> None:
    found = adapted(parse("int8@pi5"), "relax")
    assert [one.text for one in found] == [
        "int8/int8/int32:pipeline=default@pi5",
        "int8/int8/int32:pipeline=target@pi5",
    ]
    assert {one.target for one in found} == {"pi5"}
