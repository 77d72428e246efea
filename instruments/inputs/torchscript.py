"""TorchScript that TVM's importers do not read, made into what they do.

They read traces (tvm.relay.frontend.from_pytorch says so of itself) and exported programs. A script
has branches, lists and operators of its own, which no input ever takes; PyTorch can work them out.
"""

from __future__ import annotations

import inspect
import warnings
from typing import Any, Iterable, Mapping, Sequence

Inputs = Mapping[str, Sequence[int]]
"""Their shapes, in order."""


def tensors(shapes: Inputs, dtypes: Mapping[str, str]) -> tuple[Any, ...]:
    """A tensor of zeros for each input; float32 where no dtype is given."""
    import torch

    return tuple(
        torch.zeros(tuple(shape), dtype=getattr(torch, dtypes.get(name, "float32")))
        for name, shape in shapes.items()
    )


def traced(net: Any, shapes: Inputs, dtypes: Mapping[str, str]) -> Any:
    """The trace of a net. It is not run again to check: that compares outputs, and a net may be
    traced right that does not repeat them to the last bit."""
    import torch

    return torch.jit.trace(net, tensors(shapes, dtypes), check_trace=False)


def exported(script: Any, shapes: Inputs) -> Any | None:
    """The exported program of a script for inputs of these names and shapes; None where PyTorch has
    no way or does not find one."""
    import torch

    given = tensors(shapes, {})
    try:
        from torch._export.converter import TS2EPConverter

        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            program = TS2EPConverter(script, given).convert()
            # It leaves sizes open that the inputs have, and names an input data_1.
            return torch.export.export(_named(program.module(), shapes), given)
    except Exception:  # whatever PyTorch meets: it is private to it, and younger than some
        return None


def _named(net: Any, names: Iterable[str]) -> Any:
    """The same net, whose inputs are called like this."""
    import torch

    def forward(*given: Any) -> Any:
        return net(*given)

    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    signature = inspect.Signature([inspect.Parameter(name, kind) for name in names])
    forward.__signature__ = signature  # type: ignore[attr-defined]
    named: Any = torch.nn.Module()
    named.net, named.forward = net, forward
    return named
