"""JSON from disk as the types it is declared to be: by msgspec, wherever this package reads a file.

A file may have been cut, edited, or written by another version. What is not as declared raises
Damage, which each reader turns into a line about it; nothing else comes out of here.
"""

from __future__ import annotations

import functools
import json
import math
from typing import Annotated, Any, TypeVar

import msgspec

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)

Natural = Annotated[int, msgspec.Meta(ge=0)]
"""A count, or a place from 0 on: what is below counts from no end."""

REFUSED = (msgspec.MsgspecError, ValueError, OverflowError, RecursionError)
"""What msgspec and json raise for a text or a value that they cannot take."""


class Damage(ValueError):
    """What was read is no JSON, or not of the type that it is declared to be."""


def decode(text: bytes, decoder: msgspec.json.Decoder[T], infinite: bool = False) -> T:
    """The JSON text as the decoder's type; raises Damage.

    Python's json, which writes all files of this project, goes beyond what JSON is: see `loose`.
    """
    try:
        return decoder.decode(text)
    except REFUSED:
        return converted(loose(text, infinite), decoder.type)


def converted(value: Any, kind: type[T]) -> T:
    """Plain data as a declared type; raises Damage, which says what is wrong in it and where."""
    try:
        return msgspec.convert(value, kind)
    except REFUSED as error:
        raise Damage(str(error)) from error


def loose(text: bytes, infinite: bool = False) -> Any:
    """Plain data from a text that may hold what json writes and JSON does not know.

    NaN and Infinity are None, or with `infinite` the floats they stand for; half a surrogate pair,
    as in a file name of other bytes than UTF-8, is U+FFFD. Raises Damage for what is no JSON.
    """
    number = float if infinite else _finite
    try:
        value = json.loads(text.decode("utf-8"), parse_float=number, parse_constant=number)
        return _readable(value)
    except REFUSED as error:
        raise Damage(str(error)) from error


def salvaged(record: Any, kind: type[S]) -> tuple[S, list[str]]:
    """A struct with those fields of a record that are as declared, and the names of the others.

    A field that is missing or damaged has its default; raises Damage where it has none. Fields that
    the struct has not are passed over.
    """
    if not isinstance(record, dict):
        raise Damage(f"Expected `object`, got {record!r:.40}")
    values: dict[str, Any] = {}
    lost = []
    for name, (attribute, wanted) in fields(kind).items():
        if name in record:
            try:
                values[attribute] = converted(record[name], wanted)
            except Damage:
                lost.append(name)
    try:
        return kind(**values), lost
    except TypeError as error:
        raise Damage(str(error)) from error


def update(struct: msgspec.Struct, values: dict[str, Any]) -> list[str]:
    """Set the fields of a struct that `values` has; returns the names that are not as declared.

    A dict is added to the one that is there. What the struct has no field for goes into its dict
    `extra`, if it has that.
    """
    declared, lost = fields(type(struct)), []
    for name, value in values.items():
        if name not in declared or name == "extra":
            getattr(struct, "extra", {})[name] = value
            continue
        attribute, wanted = declared[name]
        try:
            fresh = converted(value, wanted)
        except Damage:
            lost.append(name)
            continue
        present = getattr(struct, attribute)
        if isinstance(present, dict) and isinstance(fresh, dict):
            present.update(fresh)
        else:
            setattr(struct, attribute, fresh)
    return lost


@functools.cache
def fields(kind: type[msgspec.Struct]) -> dict[str, tuple[str, Any]]:
    """For each name in a file, the attribute of the struct and its declared type."""
    return {field.encode_name: (field.name, field.type) for field in msgspec.structs.fields(kind)}


def _finite(text: str) -> float | None:
    value = float(text)
    return value if math.isfinite(value) else None


def _readable(value: Any) -> Any:
    """The same with each text as one that can be written down again."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, list):
        return [_readable(item) for item in value]
    if isinstance(value, dict):
        return {_readable(key): _readable(item) for key, item in value.items()}
    return value
