"""What this processor does at most, by loops of our own: the roof over a model's kernels.

The loops are TIR, compiled by the TVM at hand for this processor, on as many threads as a model
has. Arithmetic is done on more independent sums than a multiplier has stages; a stream multiplies
and adds to what it reads, c = c * k + a: three moves of four bytes for each value, as STREAM counts
them (McCalpin, 1995). The best of some runs counts: the roof is what can be reached.

    peaks     threads; streams: [bytes of the two arrays, bytes a second], those of caches first;
              float_ops, int8_ops: a second, a multiplication and an addition being two. null: there
              is no such instruction here, or this TVM's code generator does not take the loop

The int8 instruction is x86's vpdpbusd; of other processors' nothing is measured.
"""

from __future__ import annotations

import math
import time
from typing import Any, Callable

import numpy as np
import tvm

from .inputs import target

_SUMS = {64: 16}
"""Independent ones, by bytes of a vector: two multipliers of four to five stages each have to be
kept busy, and all sums have room in the registers, 32 of 64 bytes and else 16 (then 12 of them)."""

TURNS = 1 << 14
"""Of the loop that computes, a call."""

DEPTH = 8
"""Steps of each sum in a turn. TVM 0.26 keeps a local buffer in memory: so it is read and written
once for so many steps, beside which that costs no time."""

STREAMS = (1 << 18, 1 << 21, 1 << 24)
"""Values of each of the two arrays: 2, 16 and 128 MiB together."""

_SECONDS = 0.3
"""For each peak, at least _RUNS runs."""
_RUNS = 5

_COMPUTE = """
@T.prim_func
def compute(k: T.Buffer(({lanes},), "{dtype}"),
            out: T.Buffer(({threads}, {sums} * {lanes}), "{dtype}")):
    T.func_attr({{"global_symbol": "compute", "tir.noalias": T.bool(True)}})
    for t in T.parallel({threads}):
        {register} = T.decl_buffer(({lanes},), "{dtype}", scope="local")
        {register}[{whole}] = k[{whole}]
        for i in range({turns}):
            {step}
        out[t, T.Ramp({first}, 1, {lanes})] = {register}[{whole}]
"""
"""Lines with a `register` are there for each sum: what is a buffer of its own, LLVM can keep in
one."""

_FMA = "{x} * kept[{whole}] + kept[{whole}]"

_DOTS = (
    'T.call_llvm_pure_intrin("int32x{lanes}", T.uint32({dot}), T.uint32(3), '
    "{x}, kept[{whole}], kept[{whole}])",
    'T.call_llvm_pure_intrin("int32x{lanes}", T.uint32({dot}), {x}, '
    'T.reinterpret("uint8x{bytes}", kept[{whole}]), T.reinterpret("int8x{bytes}", kept[{whole}]))',
)
"""Before LLVM 21 the instruction takes integers of 32 bits, since then bytes
(llvm/include/llvm/IR/IntrinsicsX86.td)."""

_STREAM = """
@T.prim_func
def stream(a: T.Buffer(({values},), "float32"), c: T.Buffer(({values},), "float32")):
    T.func_attr({{"global_symbol": "stream", "tir.noalias": T.bool(True)}})
    for t in T.parallel({threads}):
        for r in range({repeats}):
            for i in range({values} // ({threads} * {lanes})):
                for l in T.vectorized({lanes}):
                    c[(t * ({values} // ({threads} * {lanes})) + i) * {lanes} + l] = (
                        c[(t * ({values} // ({threads} * {lanes})) + i) * {lanes} + l]
                        * T.float32(0.5)
                        + a[(t * ({values} // ({threads} * {lanes})) + i) * {lanes} + l])
"""

_MOVED = 1 << 26
"""Values that a call of a stream goes over at least: its start is no part of the figure."""


def peaks(threads: int) -> dict[str, Any]:
    """The fields of the event. Takes two to three seconds."""
    host = target.parse(target.host()[0])
    lanes = target.vector_bytes() // 4
    return {
        "threads": threads,
        "streams": [
            [2 * 4 * values, rate]
            for values in STREAMS
            if (rate := _stream(host, threads, lanes, values)) is not None
        ],
        "float_ops": _float(host, threads, lanes),
        "int8_ops": _int8(host, threads, lanes),
    }


def _float(host: Any, threads: int, lanes: int) -> float | None:
    k = np.full(lanes, 0.5, "float32")
    one = _computed(host, threads, lanes, _FMA, k)
    return None if one is None else 2.0 * lanes * one[0]


def _int8(host: Any, threads: int, lanes: int) -> float | None:
    flags = target.host_features()
    fits = flags["avx512vnni"] if lanes == 16 else flags["avxvnni"] or flags["avx512vnni"]
    dot = _intrinsic(f"llvm.x86.avx512.vpdpbusd.{32 * lanes}") if fits else 0
    if not dot:
        return None
    ones = np.full(lanes, 0x01010101, "int32")
    for form in _DOTS:
        step = form.replace("{dot}", str(dot))
        one = _computed(host, threads, lanes, step, ones)
        wanted = (0x01010101 + 4 * TURNS * DEPTH) % 2**32
        if one is not None and (one[1].astype("uint32") == wanted).all():
            return 2.0 * 4 * lanes * one[0]
    return None


def _intrinsic(name: str) -> int:
    """LLVM's number of an intrinsic; 0 where it has none of that name."""
    ask = tvm.get_global_func("target.llvm_lookup_intrinsic_id", allow_missing=True)
    return int(ask(name)) if ask is not None else 0


def _computed(
    host: Any, threads: int, lanes: int, step: str, k: np.ndarray
) -> tuple[float, np.ndarray] | None:
    """Vectors a second, and the sums at the end."""
    whole, steps = f"T.Ramp(0, 1, {lanes})", "{sum}[{whole}]"
    for _ in range(DEPTH):
        steps = step.replace("{x}", steps)
    filled = {"lanes": lanes, "threads": threads, "whole": whole, "bytes": 4 * lanes}
    sums = [f"sum{number}" for number in range(_SUMS.get(4 * lanes, 12))]
    lines = []
    for line in _COMPUTE.splitlines():
        if "{register}" in line:
            there = ["kept", *sums] if "out[" not in line else sums
            lines += [line.replace("{register}", name).replace("{first}", f"{lanes * number}")
                      for number, name in enumerate(there)]  # fmt: skip
        elif "{step}" in line:
            lines += [line.replace("{step}", f"{one}[{{whole}}] = {steps.replace('{sum}', one)}")
                      for one in sums]  # fmt: skip
        else:
            lines.append(line)
    text = "\n".join(lines).format(dtype=k.dtype, sums=len(sums), turns=TURNS, **filled)
    out = _tensor(np.zeros((threads, len(sums) * lanes), k.dtype))
    seconds = _timed(host, "compute", text, _tensor(k), out)
    if seconds is None:
        return None
    return threads * len(sums) * TURNS * DEPTH / seconds, out.numpy()


def _stream(host: Any, threads: int, lanes: int, values: int) -> float | None:
    repeats = max(1, _MOVED // values)
    text = _STREAM.format(values=values, threads=threads, lanes=lanes, repeats=repeats)
    used = values // (threads * lanes) * threads * lanes  # where they do not come out even
    arrays = [_tensor(np.ones(values, "float32")) for _ in range(2)]
    seconds = _timed(host, "stream", text, *arrays)
    return None if seconds is None else 3 * 4.0 * used * repeats / seconds


def _timed(host: Any, name: str, text: str, *arguments: Any) -> float | None:
    """Seconds of the fastest run; None where it cannot be compiled."""
    try:
        function = _compiled(host, name, text)
        function(*arguments)  # compiles, and touches the memory
    except Exception:  # of the code generator; what it does not take is no peak
        return None
    return _fastest(lambda: function(*arguments))


def _fastest(run: Callable[[], Any]) -> float:
    best, until, runs = math.inf, time.perf_counter() + _SECONDS, 0
    while runs < _RUNS or time.perf_counter() < until:
        began = time.perf_counter()
        run()
        best, runs = min(best, time.perf_counter() - began), runs + 1
    return best


def _compiled(host: Any, name: str, text: str) -> Any:
    from tvm.script import from_source

    try:
        from tvm.script import tirx as language  # since TVM 0.26
    except ImportError:
        from tvm.script import tir as language
    module = tvm.IRModule({name: from_source(text, {"T": language})})
    room = getattr(tvm, "tirx", None) or tvm.tir
    build = getattr(room, "build", None) or tvm.build
    return build(module, target=host)[name]


def _tensor(values: np.ndarray) -> Any:
    make = getattr(tvm.runtime, "tensor", None) or tvm.nd.array  # tensor since 0.22
    return make(values)
