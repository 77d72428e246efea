"""Protocol buffers without their package or their schema: fields read, changed, and written."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from random import Random

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

_NUMBERS = (0, 1, 2, 3, 7, 8, 10, 11, 16, 22, 23, 99, 2**31 - 1, 2**31, 2**40, 2**63, 2**64 - 1)
"""Sizes, dtypes and versions that are odd; the last is -1."""


@dataclass
class Field:
    """One field of a message; what is of length is a message where it reads as one."""

    number: int
    kind: int
    value: int | bytes | list[Field]


def read(data: bytes) -> list[Field]:
    """The fields of a message. Raises ValueError for what is none."""
    fields, at = [], 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, kind = tag >> 3, tag & 7
        if not 0 < number < 1000:
            raise ValueError("no field has this number")
        if kind == VARINT:
            value, at = _varint(data, at)
            fields.append(Field(number, kind, value))
            continue
        if kind == BYTES:
            size, at = _varint(data, at)
        else:
            size = {FIXED64: 8, FIXED32: 4}.get(kind, len(data) + 1)
        if at + size > len(data):
            raise ValueError("it is cut off")
        fields.append(Field(number, kind, _inner(kind, data[at : at + size])))
        at += size
    return fields


def written(fields: list[Field]) -> bytes:
    """The message of these fields."""
    parts = []
    for field in fields:
        parts.append(_as_varint(field.number << 3 | field.kind))
        if isinstance(field.value, int):
            parts.append(_as_varint(field.value))
            continue
        value = written(field.value) if isinstance(field.value, list) else field.value
        parts += [_as_varint(len(value)), value] if field.kind == BYTES else [value]
    return b"".join(parts)


def damage(fields: list[Field], random: Random) -> None:
    """Change one thing, anywhere in the message."""
    messages = _messages(fields)
    message = random.choice([one for one in messages if one])
    index = random.randrange(len(message))
    field = message[index]
    what = random.randrange(7)
    if what == 0:
        del message[index]
    elif what == 1:  # twice, anywhere in it: a node before what it reads, a name that is taken
        message.insert(random.randrange(len(message) + 1), copy.deepcopy(field))
    elif what == 2:
        other = random.randrange(len(message))
        message[index], message[other] = message[other], field
    elif what == 3:
        field.number = random.choice(
            [other.number for other in message] + [random.randrange(1, 30)]
        )
    elif isinstance(field.value, int):
        field.value = random.choice(_NUMBERS)
    elif isinstance(field.value, bytes):
        field.value = _other_bytes(messages, field.value, random)
    else:
        field.value = copy.deepcopy(random.choice(messages))


def _other_bytes(messages: list[list[Field]], value: bytes, random: Random) -> bytes:
    """Another string of the file: a name that makes a circle, an operator with other inputs."""
    strings = [f.value for one in messages for f in one if isinstance(f.value, bytes)]
    odd = [b"", b"\xff\xfe", b"\0", value[: len(value) // 2], value + value, b"x" * 5000]
    return random.choice(strings if random.random() < 0.7 else odd)


def _messages(fields: list[Field]) -> list[list[Field]]:
    inner = [field.value for field in fields if isinstance(field.value, list)]
    return [fields, *(one for value in inner for one in _messages(value))]


def _inner(kind: int, data: bytes) -> bytes | list[Field]:
    if kind != BYTES or not data or (data.isascii() and data.decode().isprintable()):
        return data
    try:
        return read(data)
    except ValueError:
        return data


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data) and shift < 70:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
    raise ValueError("it is cut off")


def _as_varint(value: int) -> bytes:
    parts = bytearray()
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes([*parts, value])
