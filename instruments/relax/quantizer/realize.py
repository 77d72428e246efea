"""QuantizeRealize: real ops for the simulated ones, in one of three forms."""

from __future__ import annotations

from typing import Any, Callable

import tvm

from ...tvm_types import IRModule
from .config import QConfig
from .op import site_of
from .realize_integer import IntegerRealizer
from .realize_packed import PackedRealizer
from .realize_qdq import QdqRealizer
from .rewrite import Rewrite, bindings_of, rewritten

FORMS: dict[str, Callable[[QConfig], Rewrite]] = {
    "integer": IntegerRealizer,
    "qdq": QdqRealizer,
    "packed": PackedRealizer,
}


def realize(config: QConfig) -> Any:
    """The pass. It takes a module annotated and calibrated with the same config.

    A dtype that TVM does not have for an op is refused by TVM's type inference here, or later in
    the build. Raises ValueError for a form that there is not, if nobody has calibrated, and for
    "qdq" if the module is annotated for "integer".
    """
    if config.realize not in FORMS:
        raise ValueError(f"no realize {config.realize!r}: choose one of {', '.join(FORMS)}")

    def transform(module: IRModule, context: Any) -> Any:
        with config:
            _check(module, config)
            return rewritten(module, lambda: FORMS[config.realize](config))

    return tvm.transform.module_pass(transform, opt_level=0, name="QuantizeRealize")


def _check(module: IRModule, config: QConfig) -> None:
    for binding in bindings_of(module):
        site = site_of(binding.value)
        if site is None:
            continue
        if not site.scale.all():
            raise ValueError("QuantizeRealize needs scales: run QuantizeCalibrate before")
        if config.realize == "qdq" and site.kind == "activation":
            raise ValueError("annotate and calibrate with realize='qdq' too: it adds otherwise")
