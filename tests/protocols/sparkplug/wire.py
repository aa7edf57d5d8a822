"""Sparkplug payloads written and read byte by byte, by the standard's field numbers alone.

It knows nothing of the schema that is under test.
"""

import struct
from collections.abc import Callable, Iterable
from typing import Any

INT32, INT64, FLOAT, DOUBLE, BOOLEAN, STRING = 3, 4, 9, 10, 11, 12


def varint(number: int) -> bytes:
    number &= 2**64 - 1
    written = b""
    while number > 0x7F:
        written += bytes([number & 0x7F | 0x80])
        number >>= 7
    return written + bytes([number])


def uint(field: int, number: int) -> bytes:
    return varint(field << 3) + varint(number)


def blob(field: int, data: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(data)) + data


def value(datatype: int, given: Any, first: int = 10) -> bytes:
    """Write a value of a simple type or of bytes; ``first`` is the field of ``int_value``."""
    ways: list[tuple[set[int], Callable[[], bytes]]] = [
        ({1, 2, 3, 5, 6, 7}, lambda: uint(first, given & 0xFFFF_FFFF)),
        ({4, 8, 13}, lambda: uint(first + 1, given)),
        ({FLOAT}, lambda: varint(first + 2 << 3 | 5) + struct.pack("<f", given)),
        ({DOUBLE}, lambda: varint(first + 3 << 3 | 1) + struct.pack("<d", given)),
        ({BOOLEAN}, lambda: uint(first + 4, int(given))),
        ({12, 14, 15}, lambda: blob(first + 5, given.encode())),
    ]
    for kinds, write in ways:
        if datatype in kinds:
            return write()
    return blob(first + 6, given)


def metric(
    name: str = "",
    datatype: int = 0,
    given: Any = None,
    *,
    alias: int | None = None,
    ts: int | None = None,
    historical: bool = False,
    null: bool = False,
    raw: bytes = b"",
) -> bytes:
    """Write a metric; ``raw`` stands for its value, and its datatype is left out if it is 0."""
    parts = [blob(1, name.encode())] if name else []
    if alias is not None:
        parts.append(uint(2, alias))
    if ts is not None:
        parts.append(uint(3, ts))
    if datatype > 0:
        parts.append(uint(4, datatype))
    if historical:
        parts.append(uint(5, 1))
    if null:
        parts.append(uint(7, 1))
    if given is not None:
        parts.append(value(abs(datatype), given))
    return b"".join(parts) + raw


def payload(
    metrics: Iterable[bytes] = (), *, seq: int | None = None, ts: int | None = None
) -> bytes:
    head = b"" if ts is None else uint(1, ts)
    tail = b"" if seq is None else uint(3, seq)
    return head + b"".join(blob(2, each) for each in metrics) + tail


def death(bd_seq: int = 0) -> bytes:
    return payload([metric("bdSeq", INT64, bd_seq)])


def read(data: bytes) -> dict[int, list[Any]]:
    """Return a message's fields by number: numbers, or bytes."""
    fields: dict[int, list[Any]] = {}
    at = 0

    def number() -> int:
        nonlocal at
        found = shift = 0
        while True:
            byte = data[at]
            at += 1
            found |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return found

    while at < len(data):
        tag = number()
        found: Any
        if tag & 7 == 0:
            found = number()
        else:
            size = {1: 8, 5: 4}.get(tag & 7) or number()
            found = data[at : at + size]
            at += size
        fields.setdefault(tag >> 3, []).append(found)
    return fields
