"""Hazards that the machine code shows: how the kernels multiply bytes, and how they could."""

from __future__ import annotations

from collections.abc import Iterator

from ..measurements.kernel_code import DOT, MULTIPLIES, KernelCode, ModelCode, counts
from ..results.verdict import Hazard
from ..trace.ops import CONVOLUTION
from . import int8_instructions
from .hazard_case import NOTICED, Case


def unused(case: Case) -> Iterator[Hazard]:
    """The target has an instruction for products of bytes, and what TVM made of its schedules has
    none of them: by the machine code."""
    feature = int8_instructions.best_of(case.trace.facts.target_features)
    if case.code is None or feature is None:
        return
    idle = int8_instructions.idle(case.code, feature)
    if not idle or not _matters(case, idle):
        return
    what = " or ".join(feature.classes)
    yield Hazard(
        "int8 instruction unused",
        f"the target has {feature.name} ({feature.example}), and the schedule did not use it",
        [
            f"target: {case.trace.facts.target}",
            f"{len(idle)} of {len(case.code.of_int8)} kernels that multiply int8 values have no "
            f"{what} in their code",
            *map(_instructions, sorted(idle, key=lambda kernel: -case.ms(kernel))[:3]),
            *_unattributed(case.code),
        ],
        "a schedule that does: TVM has one for some layouts and targets only" + _untried(case),
        CONVOLUTION,
    )


def _untried(case: Case) -> str:
    tuners = case.trace.vocabulary.tuners
    return "" if case.tuning is not None else f"; whether tuning ({tuners}) finds one was not tried"


def missing(case: Case) -> Iterator[Hazard]:
    """A target of another machine that has no instruction for products of bytes at all."""
    facts = case.trace.facts
    known = facts.built and facts.target_features and case.code is not None and case.code.of_int8
    if not known or int8_instructions.best_of(facts.target_features) is not None:
        return
    yield Hazard(
        "no int8 instruction",
        "the target as it is written has no instruction that multiplies several bytes at once",
        [
            f"target: {facts.target}",
            f"LLVM lets it use none of {', '.join(facts.target_features)}",
            *in_code(case),
        ],
        "if the processor has one, say so (-mcpu, -mattr); else int8 saves bytes, not multiplies",
        CONVOLUTION,
    )


def in_code(case: Case) -> list[str]:
    """By which instructions the kernels multiply bytes, and one of them for example."""
    kernels = case.code.of_int8 if case.code is not None else []
    if not kernels:
        return []
    dots = [kernel for kernel in kernels if kernel.of(DOT)]
    longest = max(kernels, key=lambda kernel: case.ms(kernel))
    return [
        f"{len(dots)} of {len(kernels)} kernels that multiply int8 values have {DOT} instructions "
        "in their code",
        _instructions(longest),
    ]


def _instructions(kernel: KernelCode) -> str:
    """How a kernel multiplies, by the count of its instructions."""
    used = kernel.how
    where = "its hot loop" if used is kernel.hot else "its code"
    return f"{kernel.short}: in {where} {counts(used.of(*MULTIPLIES))}; {used.width}"


def _unattributed(code: ModelCode) -> list[str]:
    """What of the library belongs to no kernel: nothing is claimed of it."""
    names = ", ".join(code.unattributed[:5])
    return (
        [f"of functions that multiply, these belong to no known kernel: {names}"] if names else []
    )


def _matters(case: Case, kernels: list[KernelCode]) -> bool:
    """Do they take time that is worth a word? Yes where nothing was timed."""
    return not case.total or sum(case.ms(k) for k in kernels) > NOTICED * case.total
