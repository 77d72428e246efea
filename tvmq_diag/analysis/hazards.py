"""Hazards: what in a trace, its benchmark and its numbers costs time or accuracy.

A rule looks at what was recorded and at nothing else, so that a person can check it against the
table beside it. A hazard names what it is, the evidence, and what to do about it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from .. import extensions
from ..configuration import DTYPES, bits
from ..measurements import tuning
from ..measurements.benchmark import FLOAT, Kernel
from ..results.verdict import Hazard
from ..trace.ops import CONVOLUTION, LAYOUT, REQUANTIZE
from . import cast_chains, coverage, gains, instruction_hazards
from .hazard_case import NOTICED
from .hazard_case import Case as Case
from .hazard_case import elsewhere as elsewhere
from .kernel_pairs import islands

MOSTLY = 0.5
"""Share of the multiplying below which a model is hardly quantized."""

SATURATED = 0.01
"""Share of clipped values from which a scale is worth a word."""

FAST_INT8 = {
    "avx512vnni": "AVX-512 VNNI",
    "avxvnni": "AVX VNNI",
    "amx-int8": "AMX",
    "avx512bw": "AVX-512",
    "avx2": "AVX2",
}
"""Processor features with which TVM schedules int8 convolutions in a faster way, best first
(python/tvm/topi/x86/utils.py, target_has_*; LLVM's names)."""

TUNED = "they were tuned: what is left of it, no schedule that was tried removes"

_ACCUMULATED = "int32"
_SLOWER = 1.05


Rule = Callable[[Case], Iterator[Hazard]]


def find(case: Case) -> list[Hazard]:
    """All hazards of a configuration, those that explain most of the time first."""
    hazards = [hazard for rule in RULES for hazard in rule(case)]
    hazards += _of_extensions(case)
    return sorted(hazards, key=lambda h: -abs(case.difference(h.kind)) if h.kind else 0.0)


def _of_extensions(case: Case) -> Iterator[Hazard]:
    """Those of other packages; a rule that raises is told, and costs nobody their run."""
    for name, rule in extensions.of(extensions.HAZARDS).items():
        try:
            yield from list(rule(case))
        except Exception as error:  # it is somebody else's code
            yield Hazard(
                f"the rule {name} failed",
                "what an extension looks for is not known",
                [f"{type(error).__name__}: {error}"],
                "mend the extension, or uninstall its package",
            )


def explained(case: Case, hazards: list[Hazard]) -> float | None:
    """Share of the difference to float, kind of kernel by kind, that a hazard was found for.

    None where the profiles are not both there. Kinds that got faster count like those that got
    slower: the sum is over absolute differences.
    """
    if not case.kernels or not case.benchmark.kernels.get(FLOAT):
        return None
    kinds = {*case.benchmark.by_kind(case.side), *case.benchmark.by_kind(FLOAT)}
    total = sum(abs(case.difference(kind)) for kind in kinds)
    named = {hazard.kind for hazard in hazards}
    return sum(abs(case.difference(kind)) for kind in kinds & named) / total if total else 1.0


def leaves_out(case: Case) -> list[str]:
    """What of FAST_INT8 the processor has and the target does not let LLVM use.

    Empty where it lets it use the best of them: a processor has others besides.
    """
    host = case.trace.facts.host_features
    target = case.trace.facts.target_features
    best = next((name for name in FAST_INT8 if host.get(name)), None)
    if best is None or target.get(best) is not False:
        return []
    return [name for name in FAST_INT8 if host.get(name) and target.get(name) is False]


def no_fast_int8(case: Case) -> Iterator[Hazard]:
    """The target does without instructions that the processor has and int8 schedules want."""
    missing = leaves_out(case)
    if not missing:
        return
    evidence = [
        f"target: {case.trace.facts.target}",
        f"this processor has {', '.join(FAST_INT8[name] for name in missing)}; "
        "the target does not say so",
    ]
    evidence += [*_convolutions(case), *instruction_hazards.in_code(case)]
    there, floats = elsewhere(case.side), elsewhere(FLOAT)
    measured, to_float = case.benchmark.latency(there), case.benchmark.ratio(there, floats)
    if measured is not None and to_float is not None:
        evidence.append(
            f"with the host's -mcpu it takes {measured.median:.2f} ms, {to_float} of the float "
            "model compiled for the same"
        )
    yield Hazard(
        "no fast int8 path",
        "the target leaves out instructions for which TVM has int8 schedules",
        evidence,
        "leave --mcpu out: the host's own is found, or name it",
        CONVOLUTION,
        case.benchmark.ratio(there, case.side),
    )


def slower_convolutions(case: Case) -> Iterator[Hazard]:
    """Convolutions that take longer than in float, or are faster: where most of the time is."""
    if not case.kernels or any(no_fast_int8(case)):
        return
    ours = case.benchmark.by_kind(case.side).get(CONVOLUTION, 0.0)
    theirs = case.benchmark.by_kind(FLOAT).get(CONVOLUTION, 0.0)
    if not theirs or abs(case.difference(CONVOLUTION)) < NOTICED * case.total:
        return
    slower = ours > theirs
    gain = tuning.gain(case.benchmark, case.side, FLOAT) if slower else None
    untried = ": not tried" if case.tuning is None else ""
    tune = f"tune the convolutions for this target (--tune 600){untried}"
    yield Hazard(
        "slower int8 convolutions" if slower else "faster int8 convolutions",
        "TVM's default schedules for int8 convolutions are slower here than those for float"
        if slower
        else "the int8 convolutions are what is gained",
        [*_convolutions(case), *instruction_hazards.in_code(case)],
        ("" if not slower else tune if gain is None else TUNED),
        CONVOLUTION,
        gain.own if gain is not None else None,
    )


def untuned(case: Case) -> Iterator[Hazard]:
    """TVM fell back on schedules that nobody has tuned for this target."""
    schedules = case.benchmark.facts.schedules
    ours, floats = schedules.get(case.side), schedules.get(FLOAT)
    if ours is None or not ours.fallbacks:
        return
    count = len(ours.fallbacks)
    evidence = [f"{count} workloads without a tuning record, for example {ours.fallbacks[0]}"]
    if floats is not None and floats.fallbacks:
        evidence.append(f"the float model: {len(floats.fallbacks)}")
    gain = tuning.gain(case.benchmark, case.side, FLOAT)
    evidence += gains.evidence(case.side, gain, case.tuning, case.trace.facts)
    yield Hazard(
        "untuned schedules",
        "both models run schedules that were not tuned for this target, and so does the ratio",
        evidence,
        "tune both before judging the quantizer by its speed (--tune 600)"
        if gain is None
        else "judge the quantizer by the ratio of the tuned models",
        gained=gain.own if gain is not None else None,
    )


def requantizing(case: Case) -> Iterator[Hazard]:
    """Time in kernels of their own that cast, clip, round and shift."""
    yield from _kind(
        case,
        REQUANTIZE,
        "requantizing",
        "rescaling between layers runs as kernels of its own, which a float model has not",
        "fewer changes of scale: quantize the ops between convolutions too, or keep them in float",
    )


def layouts(case: Case) -> Iterator[Hazard]:
    """Time in layout transforms."""
    yield from _kind(
        case,
        LAYOUT,
        "layout transforms",
        "tensors are copied from one layout to another between kernels",
        "a layout that all kernels of this target take "
        f"({case.trace.vocabulary.dialect}.transform.ConvertLayout)",
    )


def wide_accumulators(case: Case) -> Iterator[Hazard]:
    """32-bit sums that are written to memory between kernels."""
    wide = [kernel for kernel in case.kernels if _result(kernel) == _ACCUMULATED]
    time = sum(kernel.ms for kernel in wide)
    if time <= NOTICED * case.total:
        return
    yield Hazard(
        "int32 between kernels",
        "sums are handed on as int32, four times the bytes of int8",
        [
            f"{len(wide)} of {len(case.kernels)} kernels write int32 ({time / case.total:.0%} of "
            f"the time), the longest: {_longest(wide)}"
        ],
        "look for what stands between a convolution and its clip and cast to int8",
    )


def float_islands(case: Case) -> Iterator[Hazard]:
    """Kernels of the quantized model that compute in float between quantized ones."""
    inside = islands(case.kernels)
    if inside:
        yield Hazard(
            "float islands",
            "between quantized kernels the model goes back to float",
            [f"{len(inside)} kernels, the longest: {_longest(inside)}"],
            "see the coverage table for the ops left in float, and why",
        )


def mostly_float(case: Case) -> Iterator[Hazard]:
    """Much of the multiplying left as it was, though TVM says nothing of it."""
    covered = coverage.coverage(case.trace)
    if covered.share is None or covered.share >= MOSTLY:
        return
    reasons = Counter(op.reason for op in covered.unquantized).most_common(3)
    yield Hazard(
        "mostly float",
        "the quantizer left most of the multiplying in float",
        [
            f"{covered.share:.0%} of the multiply-accumulates read 8 bits or fewer",
            *(f"{count} ops left in float: {reason}" for reason, count in reasons),
        ],
        "see the coverage table: a setting or a missing rule is named for each op",
    )


def bits_and_types(case: Case) -> Iterator[Hazard]:
    """nbit_* sets the range of the values, dtype_* what holds them: they need not agree."""
    qconfig = case.trace.facts.qconfig
    for field_name in DTYPES:
        bits_field = field_name.replace("dtype", "nbit")
        dtype, nbit = qconfig.get(field_name), qconfig.get(bits_field)
        if not isinstance(dtype, str) or not isinstance(nbit, int) or bits(dtype) == nbit:
            continue
        if bits(dtype) > nbit and bits_field in case.configuration.fields:
            continue  # somebody has asked for so few
        if bits(dtype) < nbit:
            hazard = f"values of {nbit} bits do not fit into {dtype}: they wrap around"
            fix = f"{bits_field}={bits(dtype)}"
        else:
            hazard = f"values of {nbit} bits in {dtype}: the type is wider than what it holds"
            fix = f"{bits_field}={bits(dtype)}, unless that was meant"
        evidence = [f"{field_name}={dtype}, {bits_field}={nbit}"]
        yield Hazard("bits and type disagree", hazard, evidence, fix)


def saturation(case: Case) -> Iterator[Hazard]:
    """Scales so small that many values are clipped."""
    steps = case.numerics.steps if case.numerics is not None else []
    shares = {step: step.saturated_alone or 0.0 for step in steps}
    clipped = sorted((s for s in steps if shares[s] > SATURATED), key=lambda s: -shares[s])
    if clipped:
        yield Hazard(
            "saturated scales",
            "values are cut off at the largest that their scale can express",
            [
                f"{len(clipped)} of {len(steps)} quantization steps clip more than "
                f"{SATURATED:.0%} of their values",
                *(f"{s.kind} after {s.data}: {shares[s]:.1%} clipped" for s in clipped[:3]),
            ],
            "a larger global_scale, or another calibrate_mode over data of yours: percentile, or "
            "minmax on Relax",
        )


def there_and_back(case: Case) -> Iterator[Hazard]:
    """Values taken to float only to be quantized again, with nothing but rescaling between."""
    module = next(case.trace.modules_of("fold"), None) or next(
        case.trace.modules_of("realize"), None
    )
    chains = list(cast_chains.chains(module)) if module is not None else []
    if chains:
        yield Hazard(
            "dequantize-requantize chains",
            "values are taken to float and quantized again with only elementwise ops between",
            [f"{len(chains)} times, the first: {' → '.join(chains[0])}"],
            "a rewrite rule for these ops in the quantizer, so that they stay integers",
        )


RULES: list[Rule] = [
    mostly_float,
    no_fast_int8,
    slower_convolutions,
    instruction_hazards.unused,
    instruction_hazards.missing,
    untuned,
    requantizing,
    layouts,
    wide_accumulators,
    float_islands,
    bits_and_types,
    saturation,
    there_and_back,
]


def _kind(case: Case, kind: str, name: str, hazard: str, mitigation: str) -> Iterator[Hazard]:
    share = case.share(kind)
    if max(share * case.total, abs(case.difference(kind))) <= NOTICED * case.total:
        return
    kernels = [kernel for kernel in case.kernels if kernel.kind == kind]
    evidence = [
        f"{len(kernels)} kernels, {share:.0%} of the time ({case.difference(kind):+.2f} ms to "
        "float)",
    ]
    if kernels:
        evidence.append(f"the longest: {_longest(kernels)}")
    yield Hazard(name, hazard, evidence, mitigation, kind)


def _convolutions(case: Case) -> list[str]:
    """Time of the convolutions on both sides, and how many of them were packed for int8."""
    kernels = [kernel for kernel in case.kernels if kernel.kind == CONVOLUTION]
    if not kernels:
        return []
    ours = case.benchmark.by_kind(case.side)[CONVOLUTION]
    theirs = case.benchmark.by_kind(FLOAT).get(CONVOLUTION, 0.0)
    packed = [kernel for kernel in kernels if _packed(kernel)]
    return [
        f"convolutions: {ours:.2f} ms, {theirs:.2f} ms in float",
        f"{len(packed)} of {len(kernels)} convolutions read weights packed for int8 dot products",
    ]


def _packed(kernel: Kernel) -> bool:
    """Four values of an input channel side by side: what VNNI multiplies at once
    (python/tvm/topi/x86/conv2d_int8.py, OIHW16i4o packing: seven dimensions)."""
    tensors = kernel.tensors
    return len(tensors) > 1 and tensors[1][0] == "int8" and len(tensors[1][1]) == 7


def _result(kernel: Kernel) -> str | None:
    return kernel.tensors[-1][0] if kernel.tensors else None


def _longest(kernels: list[Kernel]) -> str:
    longest = max(kernels, key=lambda kernel: kernel.ms)
    return f"{longest.short} ({longest.ms:.2f} ms)"
