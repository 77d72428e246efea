"""Assembly taken apart: functions, loops, and what an instruction does, on every architecture."""

from __future__ import annotations

import pytest

from tvmq_diag.instruments.assembly import instructions, kernel_code, listing
from tvmq_diag.instruments.assembly.instructions import SCALABLE
from tvmq_diag.instruments.assembly.listing import Line
from tvmq_diag.instruments.assembly.loops import loops
from tvmq_diag.instruments.protocol.instructions import (
    DOT,
    FLOAT,
    FMA,
    INTEGER,
    SCALAR,
    SCALAR_MULTIPLY,
    VECTOR,
    WIDENING,
)

X86 = """\t.text
\t.globl\tconv2d
\t.type\tconv2d,@function
conv2d:
.Lfunc_begin0:
\tpushq\t%rax
\tleaq\t.L__tvm_parallel_lambda(%rip), %rdi
\tcallq\t*%rax
\tretq
.Lfunc_end0:
\t.size\tconv2d, .Lfunc_end0-conv2d
\t.type\t.L__tvm_parallel_lambda,@function
.L__tvm_parallel_lambda:
\tjmp\t.LBB1_1
.LBB1_1:
\txorl\t%ecx, %ecx
.LBB1_2:
\t{vex}\tvpdpbusd\t(%rsi), %zmm1, %zmm2 # comment
\tvaddps\t%ymm1, %ymm2, %ymm3
\taddq\t$64, %rcx
\tcmpq\t%rcx, %rdx
\tjne\t.LBB1_2
\taddq\t$1, %rax
\tcmpq\t%rax, %r8
\tjne\t.LBB1_1
\tretq
.Lfunc_end1:
\t.size\t.L__tvm_parallel_lambda, .Lfunc_end1-.L__tvm_parallel_lambda
\t.globl\tnothing
\t.type\tnothing,@function
nothing:
\tretq
\t.size\tnothing, .-nothing
\t.type\tloose,@function
loose:
\tvpmulld\t%zmm0, %zmm1, %zmm2
\tretq
\t.size\tloose, .-loose
"""


def test_a_parallel_loop_belongs_to_the_kernel_that_launches_it() -> None:
    found = kernel_code.of_text(
        X86, [{"name": "conv2d", "shapes": "int8[1]"}, {"name": "nothing"}, {"name": "conv2d"},
              {"name": "gone"}], "x86_64-linux-gnu"
    )  # fmt: skip
    conv, nothing = found["kernels"]
    assert conv["functions"] == ["conv2d", ".L__tvm_parallel_lambda"] and conv["calls"] == 2
    assert conv["instructions"][DOT] == {"vpdpbusd": 1} and conv["bits"] == 512
    assert nothing["hot"] is None and nothing["functions"] == ["nothing"]
    assert found["missing"] == ["gone"] and found["unattributed"] == ["loose"]
    assert found["order"] == ["conv2d", "nothing", "conv2d", "gone"]


def test_the_hot_loop_is_the_inner_one() -> None:
    conv = kernel_code.of_text(X86, [{"name": "conv2d"}], "x86_64-linux-gnu")["kernels"][0]
    hot = conv["hot"]
    assert (hot["function"], hot["depth"]) == (".L__tvm_parallel_lambda", 2)
    assert hot["lines"][0] == [".LBB1_2:", ""]
    assert hot["lines"][1] == ["vpdpbusd (%rsi), %zmm1, %zmm2", DOT]
    assert [text for text, _ in hot["lines"]][-1] == "jne .LBB1_2" and hot["left_out"] == 0


def test_loops_have_depths_and_bodies() -> None:
    function = listing.functions(X86, "x86")[".L__tvm_parallel_lambda"]
    blocks, found = loops(function)
    outer, inner = found
    assert (outer.depth, outer.innermost, inner.depth, inner.innermost) == (1, False, 2, True)
    assert inner.body < outer.body
    assert blocks[inner.header].lines[0].text == ".LBB1_2:"


def test_a_loop_that_never_falls_through_ends_there() -> None:
    text = "\t.type\tf,@function\nf:\n.LBB0_1:\n\taddi\ta0, a0, 1\n\tj\t.LBB0_1\n\tret\n"
    (loop,) = loops(listing.functions(text, "riscv")["f"])[1]
    assert loop.depth == 1


def test_arm_keeps_addresses_of_functions_among_the_code() -> None:
    text = (
        "\t.globl\tk\n\t.type\tk,%function\nk:\n\tldr\tr0, .LCPI0_0\n\tblx\tr1\n.LCPI0_0:\n"
        "\t.long\t.L__tvm_parallel_lambda-(.LPC0_0+8)\n\t.size\tk, .-k\n"
        "\t.type\t.L__tvm_parallel_lambda,%function\n.L__tvm_parallel_lambda:\n"
        "\tvmull.s8\tq0, d0, d1\n\tbx\tlr\n\t.size\t.L__tvm_parallel_lambda, .-x\n"
    )
    (kernel,) = kernel_code.of_text(text, [{"name": "k"}], "armv7a-linux-gnueabihf")["kernels"]
    assert kernel["instructions"][WIDENING] == {"vmull.s8": 1} and kernel["bits"] == 128


@pytest.mark.parametrize(
    ("machine", "text", "kind", "bits"),
    [
        ("x86", "vpdpbusd (%rsi), %zmm1, %zmm2", DOT, 512),
        ("x86", "vpdpwssds %ymm0, %ymm1, %ymm2", DOT, 256),
        ("x86", "vpmaddubsw %ymm0, %ymm1, %ymm2", WIDENING, 256),
        ("x86", "vpmulld %zmm0, %zmm1, %zmm2", INTEGER, 512),
        ("x86", "imull %eax, %ecx", SCALAR_MULTIPLY, None),
        ("x86", "vfmadd231ps %zmm0, %zmm1, %zmm2", FMA, 512),
        ("x86", "vfmadd213ss %xmm0, %xmm1, %xmm2", FMA, None),
        ("x86", "vaddps %ymm0, %ymm1, %ymm2", FLOAT, 256),
        ("x86", "vpaddd %xmm0, %xmm1, %xmm2", VECTOR, 128),
        ("x86", "leaq 4(%rax), %rcx", SCALAR, None),
        ("aarch64", "sdot v0.4s, v1.16b, v2.4b[1]", DOT, 128),
        ("aarch64", "smull2 v0.8h, v1.16b, v2.16b", WIDENING, 128),
        ("aarch64", "smull x0, w1, w2", SCALAR_MULTIPLY, None),
        ("aarch64", "smlal v0.4s, v1.4h, v2.4h", WIDENING, 128),
        ("aarch64", "mul w0, w1, w2", SCALAR_MULTIPLY, None),
        ("aarch64", "mla v0.4s, v1.4s, v2.4s", INTEGER, 128),
        ("aarch64", "madd w0, w1, w2, w3", SCALAR_MULTIPLY, None),
        ("aarch64", "fmla v0.4s, v1.4s, v2.s[0]", FMA, 128),
        ("aarch64", "fmov s0, w1", SCALAR, None),
        ("aarch64", "sdot z0.s, z1.b, z2.b", DOT, SCALABLE),
        ("arm", "vsdot.s8 q0, q1, d2[0]", DOT, 128),
        ("arm", "vmlal.s16 q0, d1, d2", WIDENING, 128),
        ("arm", "vmla.f32 q0, q1, q2", FMA, 128),
        ("arm", "vmul.i32 q0, q1, q2", INTEGER, 128),
        ("arm", "smlabb r0, r1, r2, r3", SCALAR_MULTIPLY, None),
        ("riscv", "vqdot.vv v1, v2, v3", DOT, SCALABLE),
        ("riscv", "th.vmaqa.vv v1, v2, v3", DOT, SCALABLE),
        ("riscv", "vwmacc.vv v10, v12, v14", WIDENING, SCALABLE),
        ("riscv", "vmacc.vv v10, v12, v14", INTEGER, SCALABLE),
        ("riscv", "vfmacc.vv v10, v12, v14", FMA, SCALABLE),
        ("riscv", "mulw a0, a1, a2", SCALAR_MULTIPLY, None),
        ("riscv", "fmadd.s fa0, fa1, fa2, fa3", FMA, None),
        ("riscv", "vsetvli a0, a1, e8, m1, ta, ma", SCALAR, None),
        ("riscv", "flw fa0, 0(a0)", SCALAR, None),
    ],
)
def test_classes(machine: str, text: str, kind: str, bits: int | None) -> None:
    mnemonic, _, operands = text.partition(" ")
    line = Line(mnemonic, operands)
    assert instructions.class_of(line, machine) == kind
    assert instructions.vector_bits(line, machine) == bits


def test_a_triple_says_which_architecture() -> None:
    names = {
        "x86_64-unknown-linux-gnu": "x86",
        "aarch64-linux-gnu": "aarch64",
        "arm64-linux-android": "aarch64",
        "armv7a-linux-gnueabihf": "arm",
        "riscv64-unknown-linux-gnu": "riscv",
        "mips-linux": None,
    }
    assert {triple: instructions.architecture(triple) for triple in names} == names
    with pytest.raises(ValueError, match="no table of instructions for mips-linux"):
        kernel_code.of_text("", [], "mips-linux")
