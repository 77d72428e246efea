"""A cell of the support matrix: one op in one dtype, and the steps it goes through."""

from __future__ import annotations

from .schema import RELAX, RELAY

STEPS = (
    "type inference",
    "realize",
    "fold",
    "lower",
    "codegen",
    "allocation",
    "run",
    "numbers",
)
"""In the order in which a quantized model goes through them."""

NEEDS = {
    "fold": "type inference",
    "lower": "type inference",
    "codegen": "lower",
    "allocation": "codegen",
    "run": "allocation",
    "numbers": "run",
}
"""Steps that mean nothing without another; all others are tried whatever happened before."""

OPS: dict[str, tuple[str, ...]] = {
    RELAY: (
        "conv2d",
        "dense",
        "add",
        "multiply",
        "relu",
        "max_pool2d",
        "avg_pool2d",
        "concatenate",
        "clip",
        "cast",
    ),
    RELAX: (
        "conv2d",
        "matmul",
        "add",
        "multiply",
        "relu",
        "max_pool2d",
        "avg_pool2d",
        "concat",
        "clip",
        "astype",
    ),
}
"""The ops that there are cells for, by each dialect's own names for them."""
