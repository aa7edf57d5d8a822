"""Protobuf's wire format by hand, so that layouts are not tested against themselves."""

from collections import defaultdict
from typing import Any

Part = int | str | bytes | dict[int, Any] | list[Any]


def wire(fields: dict[int, Any]) -> bytes:
    """Encode fields by their number: ints and bools, texts, bytes, messages, lists of these."""
    out = b""
    for number, value in fields.items():
        for one in value if isinstance(value, list) else [value]:
            out += _field(number, one)
    return out


def _field(number: int, value: int | str | bytes | dict[int, Any]) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value & 2**64 - 1)
    data = wire(value) if isinstance(value, dict) else value
    data = data.encode() if isinstance(data, str) else data
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def fields(data: bytes) -> dict[int, list[Any]]:
    """Decode one level: ints and bytes by the number of their field."""
    found: dict[int, list[Any]] = defaultdict(list)
    position = 0

    def varint() -> int:
        nonlocal position
        value = shift = 0
        while True:
            byte = data[position]
            position += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while position < len(data):
        key = varint()
        if key & 7 == 0:
            found[key >> 3].append(varint())
            continue
        length = 8 if key & 7 == 1 else varint()
        found[key >> 3].append(data[position : position + length])
        position += length
    return dict(found)


def pair(key: str, kind: int, value: int | str | bytes) -> dict[int, Any]:
    """Return a KeyValueProto; ``kind``: 0 boolean, 1 long, 2 double, 3 text, 4 JSON."""
    return {1: key, 2: kind, 3 + kind: value}
