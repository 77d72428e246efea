"""Dataclasses as plain data that JSON can hold, and back, every field checked.

Standard library only, and Python 3.8: types are looked at when a record is read, so its dataclass
has them as that Python can evaluate them (`Optional[int]`, and no `int | None`).
"""

import dataclasses
from typing import Any, Dict, Type, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


class RecordError(ValueError):
    """A record is not as declared: the message says which field is missing, unknown or of another
    type."""


def dataclass_of(kind: Type[T], record: Any, where: str) -> T:
    """The dataclass that an object from JSON describes. Raises RecordError.

    What a record lacks has its default. `where` is how messages call the record.
    """
    if not isinstance(record, dict):
        raise RecordError(f"{where} is {record!r}, and no object")
    fields = {each.name: each for each in dataclasses.fields(kind)}  # type: ignore[arg-type]
    types = get_type_hints(kind)
    for name in record:
        if name not in fields:
            raise RecordError(f"{where} has no field {name!r}")
    for name, each in fields.items():
        optional = each.default is not dataclasses.MISSING
        optional = optional or each.default_factory is not dataclasses.MISSING
        if name not in record and not optional:
            raise RecordError(f"{where} lacks {name!r}")
    return kind(**{name: _checked(types[name], record[name], f"{where}.{name}") for name in record})


def _checked(kind: Any, value: Any, where: str) -> Any:
    """The value, if it is of a type, nested dataclasses made of their objects."""
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is Any:
        return value
    if origin is Union:  # Optional
        return None if value is None else _checked(arguments[0], value, where)
    if origin is list and isinstance(value, list):
        return [_checked(arguments[0], item, f"{where}[{i}]") for i, item in enumerate(value)]
    if origin is dict and isinstance(value, dict):
        items: Dict[str, Any] = value
        return {
            name: _checked(arguments[1], item, f"{where}.{name}") for name, item in items.items()
        }
    if dataclasses.is_dataclass(kind) and isinstance(value, dict):
        return dataclass_of(kind, value, where)  # type: ignore[arg-type]
    if kind is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    boolean = isinstance(value, bool) and kind is not bool  # to Python a bool is an int
    if isinstance(kind, type) and isinstance(value, kind) and not boolean:
        return value
    raise RecordError(f"{where} is {value!r}, and no {getattr(kind, '__name__', kind)}")
