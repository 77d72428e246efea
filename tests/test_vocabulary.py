"""Code that serves both dialects names no operator: tvmq_diag.trace.ops does.

Read off the sources. A name that is no English word counts wherever a string holds it; one that is
("add", "cast", "dense") only where it is compared with the operator of a call.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.paths import ROOT, is_link

from tvmq_diag.instruments.protocol import ops as shared
from tvmq_diag.trace import ops

VOCABULARIES = (ops.RELAY, ops.RELAX)

BY_DIALECT = (
    "instruments/relay",
    "instruments/relax",
    "instruments/protocol/ops.py",
    "instruments/protocol/cells.py",
    "instruments/matrix/operands.py",
    "tvmq_diag/trace/ops.py",
    "tvmq_diag/analysis/reasons/relay.py",
    "tvmq_diag/analysis/reasons/relax.py",
    "tvmq_diag/analysis/reasons/bare.py",
    "tvmq_diag/analysis/reasons/in_float.py",
)
"""Where operators have their names: the dialects, the vocabularies, the ops that there are cells of
the support matrix for, and the reasons for what a dialect's own rules say."""


def operators() -> set[str]:
    """All that the vocabularies name, as TVM does and short, and the kinds of anchor."""
    names = {kind for kinds in shared.ANCHORS.values() for kind in kinds}
    for vocabulary in VOCABULARIES:
        quantizer = vocabulary.quantizer
        names |= {vocabulary.step, *quantizer.rules, *quantizer.switches, *vocabulary.operands}
        names |= vocabulary.casts | vocabulary.rescaling | vocabulary.machinery
        names |= vocabulary.dequantize
    return names | {ops.short(name) for name in names} | {"nn.bias_add", "nn.batch_norm", "concat"}


WORDS = {name for name in operators() if name.isalpha()} - {"matmul", "softmax", "astype"}
"""Names that a sentence may hold."""

_NAMED = re.compile(
    "|".join(re.escape(name) for name in sorted(operators() - WORDS, key=len, reverse=True))
    + r"|\bnn\.[a-z]|relay\.op\.|\bannotation\."
)


def named(source: str) -> Iterator[str]:
    """The operators that a module names, each as `line: text`."""
    tree = ast.parse(source)
    docstrings = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if node not in docstrings and _NAMED.search(node.value):
                yield f"{node.lineno}: {node.value}"
        elif isinstance(node, (ast.Compare, ast.Call)) and _asks_for_an_operator(node):
            for constant in ast.walk(node):
                if isinstance(constant, ast.Constant) and constant.value in WORDS:
                    yield f"{constant.lineno}: {constant.value}"


def _asks_for_an_operator(node: ast.Compare | ast.Call) -> bool:
    """Is it `x.op == …`, `x.op in …` or `x.op.startswith(…)`?"""
    if isinstance(node, ast.Call):
        parts = [node.func.value] if isinstance(node.func, ast.Attribute) else []
    else:
        parts = [node.left, *node.comparators]
    return any(isinstance(part, ast.Attribute) and part.attr == "op" for part in parts)


def files() -> list[Path]:
    """The modules that serve both dialects."""
    return [
        path
        for top in ("tvmq_diag", "instruments", "reports")
        for path in sorted((ROOT / top).rglob("*.py"))
        if not is_link(path.relative_to(ROOT))
        and not path.relative_to(ROOT).as_posix().startswith(BY_DIALECT)
    ]


def test_what_serves_both_dialects_names_no_operator() -> None:
    assert len(files()) > 100
    broken = [
        f"{path.relative_to(ROOT)}:{place}"
        for path in files()
        for place in named(path.read_text(encoding="utf-8"))
    ]
    assert not broken, "\n".join(broken)


@pytest.mark.parametrize(
    "source",
    [
        'if call.op == "add": pass',
        'if call.op not in ("multiply", "cast"): pass',
        'if call.op.startswith("dense"): pass',
        'STEP = "simulated_quantize"',
        'KINDS = {"conv2d": 1}',
        'name = op.removeprefix("annotation.")',
        'reason = f"behind {op}, an nn.relu"',
        'LINEAR = r"dense|matmul"',
    ],
)
def test_an_operator_in_the_source_is_seen(source: str) -> None:
    assert list(named(source))


@pytest.mark.parametrize(
    "source",
    [
        '"""The docstring of nn.conv2d."""',
        'mitigation = "quantize the ops between convolutions, and multiply fewer of them"',
        'values = {"clip": 1, "add": 2}',
        'if self.kind == "add": pass',
        "if call.op in vocabulary.casts: pass",
    ],
)
def test_words_that_only_look_like_operators_are_let_be(source: str) -> None:
    assert not list(named(source))
