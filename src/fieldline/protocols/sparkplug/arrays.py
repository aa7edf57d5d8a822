"""Arrays of metrics, which Sparkplug packs into bytes. Source: section 6.4.16 of 3.0.0."""

import struct
from typing import Any

from fieldline.protocols.sparkplug.datatypes import ELEMENTS, DataType
from fieldline.protocols.sparkplug.errors import MalformedPayload, NotWritable

MAX_BOOLEANS = 65_536
"""Of one array: as many as other arrays may have elements in a packet of 64 KiB."""
_COUNT_BYTES = 4


def unpack(datatype: int, data: bytes) -> list[Any]:
    """Return an array's elements.

    Raises:
        MalformedPayload: the bytes are no such array.
    """
    if datatype == DataType.BooleanArray:
        return _unpack_booleans(data)
    if datatype == DataType.StringArray:
        return _unpack_strings(data)
    code = ELEMENTS[DataType(datatype)]
    count, rest = divmod(len(data), struct.calcsize(f"<{code}"))
    if rest:
        msg = f"{len(data)} bytes are no {DataType(datatype).name}: the last element is cut off"
        raise MalformedPayload(msg)
    return list(struct.unpack(f"<{count}{code}", data))


def pack(datatype: int, values: list[Any]) -> bytes:
    """Return an array as bytes.

    Raises:
        NotWritable: an element is not of the array's type.
    """
    name = DataType(datatype).name
    if datatype == DataType.BooleanArray:
        if not all(isinstance(value, bool) for value in values):
            raise NotWritable(f"A {name} takes a list of true and false")
        bits = "".join("1" if value else "0" for value in values)
        packed = bytes(int(bits[at : at + 8].ljust(8, "0"), 2) for at in range(0, len(bits), 8))
        return struct.pack("<I", len(values)) + packed
    if datatype == DataType.StringArray:
        if not all(isinstance(value, str) and "\0" not in value for value in values):
            raise NotWritable(f"A {name} takes a list of strings without U+0000")
        return b"".join(value.encode() + b"\0" for value in values)
    code = ELEMENTS[DataType(datatype)]
    numbers = [int(value) if _is_digits(value) else value for value in values]
    refused = NotWritable(f"A {name} takes a list of numbers that fit its elements")
    if any(isinstance(number, bool) for number in numbers):
        raise refused
    try:
        return struct.pack(f"<{len(numbers)}{code}", *numbers)
    except (struct.error, OverflowError):
        raise refused from None


def _is_digits(value: Any) -> bool:  # noqa: ANN401 - any JSON
    """Tell a whole number beyond 64 signed bits, which is stored as its text."""
    return isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 20


def _unpack_booleans(data: bytes) -> list[Any]:
    """Read a count, then bits, the first one the highest of its byte."""
    if len(data) < _COUNT_BYTES:
        raise MalformedPayload("A BooleanArray begins with its length in 4 bytes")
    (count,) = struct.unpack_from("<I", data)
    if count > MAX_BOOLEANS:
        msg = f"A BooleanArray has {count} elements; at most {MAX_BOOLEANS} are possible"
        raise MalformedPayload(msg)
    if len(data) != _COUNT_BYTES + (count + 7) // 8:
        msg = f"A BooleanArray says that it has {count} elements, in {len(data) - 4} bytes"
        raise MalformedPayload(msg)
    bits = "".join(f"{byte:08b}" for byte in data[_COUNT_BYTES:])
    return [bit == "1" for bit in bits[:count]]


def _unpack_strings(data: bytes) -> list[Any]:
    if data and data[-1]:
        raise MalformedPayload("A string of a StringArray must end with a zero byte")
    return [text.decode("utf-8", "replace") for text in data.split(b"\0")[:-1]]
