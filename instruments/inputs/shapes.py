"""The shapes of a model's inputs: its own, and what a person asked for in their place."""

from __future__ import annotations

from typing import Mapping, Optional, Sequence, Union

from .errors import ModelError

Size = Union[int, str]
"""A number of elements, or the name of one that the model leaves open."""

Shapes = Mapping[str, Optional[Sequence[Size]]]
"""Of the inputs by name; None for one whose rank nobody knows."""


def resolved(
    requested: Mapping[str, Sequence[int]] | None, inputs: Shapes, replace: bool = False
) -> dict[str, list[int]]:
    """The shape of each input: as requested, else the model's own.

    `requested` has them by name, or that of the only input as "". What the model fixes can be
    replaced only with `replace`. Raises ModelError.
    """
    wanted = dict(requested or {})
    if "" in wanted:
        if len(inputs) != 1:
            raise ModelError(
                f"--input-shape fits one input, and this model has {len(inputs)}: give each by "
                f"name, '{_example(inputs)}'"
            )
        wanted = {next(iter(inputs)): wanted[""]}
    unknown = [name for name in wanted if name not in inputs]
    if unknown:
        raise ModelError(
            f"--input-shape: the model has no input {unknown[0]!r}; its inputs: {', '.join(inputs)}"
        )
    unfixed = {n: own for n, own in inputs.items() if n not in wanted and not _is_fixed(own)}
    if unfixed:
        name, own = next(iter(unfixed.items()))
        text = "of no known rank" if own is None else f"[{', '.join(map(str, own))}]"
        raise ModelError(
            f"input {name!r} is {text}: fix it with --input-shape '{_example(unfixed)}'"
        )
    return {name: _one(name, own, wanted.get(name), replace) for name, own in inputs.items()}


def _is_fixed(own: Sequence[Size] | None) -> bool:
    return own is not None and all(isinstance(size, int) and size > 0 for size in own)


def _one(
    name: str, own: Sequence[Size] | None, wanted: Sequence[int] | None, replace: bool
) -> list[int]:
    """Of an input that is fixed or wanted."""
    if wanted is None:
        return [int(size) for size in own or ()]
    if own is not None and len(own) != len(wanted):
        raise ModelError(
            f"--input-shape: input {name!r} has {len(own)} dimensions, and {len(wanted)} are given"
        )
    for size, mine in zip(wanted, own or ()):
        if not replace and isinstance(mine, int) and mine > 0 and size != mine:
            raise ModelError(
                f"--input-shape: input {name!r} is [{', '.join(map(str, own or ()))}] in the "
                f"model, and {size} is not {mine}: only what it leaves open can be given"
            )
    return list(wanted)


def _example(inputs: Shapes) -> str:
    """How to type them, with 1 for what is open, and a picture for what is all open."""
    return ";".join(
        f"{name}={','.join(str(s) if isinstance(s, int) and s > 0 else '1' for s in sizes)}"
        for name, own in inputs.items()
        for sizes in [[1, 3, 224, 224] if own is None else own]
    )
