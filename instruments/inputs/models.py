"""Models, whatever the dialect they are imported into: the sources that need no TVM."""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
import sys
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable

import numpy as np

from ..protocol.jobs import ModelSource
from . import room, shapes, synthetic
from .errors import ModelError, line
from .files import existing
from .images import DEFAULT, Preprocessing

INPUT = "input"
"""What the input of a net is called that has no name for it."""


ONLY_TENSORS = "models with tensors for inputs can be run here, no tuples and no functions"


@dataclass
class Model:
    """An imported model. `params` are NDArrays by name; `inputs` numpy arrays by name."""

    module: Any
    params: dict[str, Any]
    inputs: dict[str, np.ndarray]
    eager: Any | None = None
    """The PyTorch module it came from, if any: the benchmark times it beside TVM."""
    versions: dict[str, str] = field(default_factory=dict)
    preprocessing: Preprocessing = DEFAULT
    """What its pictures go through, where nobody says otherwise."""

    def fresh(self) -> Any:
        """A copy of the module: `quantize()` writes the bound parameters into its input."""
        import tvm

        return tvm.IRModule(dict(self.module.functions.items()))


def load(loaders: dict[str, Callable[[], Model]], source: ModelSource) -> Model:
    """Import `source` with the loader of its kind.

    Raises ModelError when the source is not understood or not to be found.
    """
    kind = source.source.partition(":")[0]
    if kind not in loaders:
        raise ModelError(f"unknown model source {source.source!r}: use one of {', '.join(loaders)}")
    return loaders[kind]()


def only_shape(source: ModelSource, default: list[int]) -> list[int]:
    """The shape asked for of the one input of a net that takes any of this rank, else `default`.

    Raises ModelError.
    """
    return shapes.resolved(source.shapes, {INPUT: list(default)}, replace=True)[INPUT]


def seeded(inputs: dict[str, tuple[list[int], str]], seed: int) -> dict[str, np.ndarray]:
    """The first batch of `natural:N` (see dataset) for inputs by name: shape and dtype.

    Raises ModelError for an open shape, in the words that all sources have for it.
    """
    random = synthetic.generator(seed, "check")
    arrays = {}
    own = {name: [n if n > 0 else "?" for n in shape] for name, (shape, _) in inputs.items()}
    sizes = shapes.resolved(None, own)
    for name, (_, dtype) in inputs.items():
        shape = sizes[name]
        what, size = f"input {name!r}, {dtype}{shape},", _item_size(name, dtype)
        room.check(what, room.elements(shape) * size, "give --input-shape, or a smaller model")
        arrays[name] = synthetic.natural(np.zeros(shape, dtype), random)
    return arrays


def _item_size(name: str, dtype: str) -> int:
    """Bytes of one element. Raises ModelError."""
    try:
        return np.dtype(dtype).itemsize
    except TypeError as error:
        raise ModelError(
            f"input {name!r} is {dtype or 'of no dtype'}, of which numpy has no arrays to run the "
            "model on: cast it inside the model"
        ) from error


def check_main(module: Any, source: ModelSource) -> None:
    """Raises ModelError for a module of TVM's without a function `main`."""
    names = sorted(str(getattr(var, "name_hint", "?")) for var in module.get_global_vars())
    if "main" not in names:
        has = f"it has {', '.join(names)}" if names else "it has none"
        raise ModelError(f"{source.source} has no function main, the one that is compiled: {has}")


def of_class(value: object) -> str:
    """What something is that should be a module."""
    return f"it is of class {type(value).__name__}; write it with tvm.ir.save_json"


def facts_of(model: Model) -> dict[str, Any]:
    """What is known of a model beside its module and arrays, for JSON."""
    return {
        "versions": model.versions,
        "preprocessing": dataclasses.asdict(model.preprocessing),
    }


def of_facts(facts: dict[str, Any]) -> dict[str, Any]:
    """The fields of a Model from `facts_of`."""
    how = facts["preprocessing"]
    how.update({name: tuple(how[name]) for name in ("mean", "std")})
    return {"versions": facts["versions"], "preprocessing": Preprocessing(**how)}


def of_python(rest: str, kind: type) -> tuple[Any, dict[str, Any]]:
    """What MODULE:FUNCTION returns: a module, of that `kind`, and its parameters.

    Raises ModelError, also for what the person's own code raises.
    """
    place, _, function = rest.rpartition(":")
    if not place or not function:
        raise ModelError(f"py:{rest} is not py:MODULE:FUNCTION")
    sys.path.insert(0, str(Path.cwd()))
    try:
        if place.endswith(".py"):
            specification = importlib.util.spec_from_file_location(existing(place).stem, place)
            assert specification is not None and specification.loader is not None
            loaded = importlib.util.module_from_spec(specification)
            specification.loader.exec_module(loaded)
        else:
            loaded = importlib.import_module(place)
        returned = getattr(loaded, function)()
    except ModelError:
        raise
    except (Exception, SystemExit) as error:
        raise ModelError(f"cannot call {function} of {place}: {_raised(error)}") from error
    if not (isinstance(returned, tuple) and len(returned) == 2):
        raise ModelError(f"{place}:{function} must return (mod, params)")
    module, params = returned
    if not isinstance(module, kind):
        raise ModelError(
            f"{place}:{function} must return (mod, params), and its mod is of class "
            f"{type(module).__name__}, not {kind.__name__}"
        )
    return module, dict(params or {})


def _raised(error: BaseException) -> str:
    """What an exception says on one line, and the line that it comes from: of what is not
    installed, if it came through such."""
    text = line(error) if str(error).strip() else ""
    frames = traceback.extract_tb(error.__traceback__)[1:]
    # Not in an importer, nor in C++, whose frames an error of TVM's has too.
    own = [f for f in frames if "importlib" not in f.filename and Path(f.filename).is_file()]
    own = [f for f in own if "site-packages" not in f.filename] or own
    where = f" ({own[-1].filename}:{own[-1].lineno})" if own else ""
    return f"{type(error).__name__}: {text}{where}" if text else f"{type(error).__name__}{where}"
