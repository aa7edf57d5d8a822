"""Messages to JSON documents and back, as proto3's JSON mapping says.

Whole numbers of 64 bits are text in it, enums their names, bytes base64; fields that know no
absence are always there, with their default. Reading is this module's own: a plan is made of each
message once, in a third of the runtime's own time, and what a document may hold is bounded.
Source: the Protocol Buffers language guide (proto3), JSON Mapping.
"""

import math
import struct
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, cast

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError
from google.protobuf.message import Message as RuntimeMessage

from fieldline.protocols.protobuf.errors import NotDecodable, NotEncodable
from fieldline.protocols.protobuf.schema import MessageClass

MAX_VALUES = 100_000
"""Of one document. Two bytes are a message, whose every field is a value of the document."""

Document = dict[str, Any]
_Budget = list[int]
"""How many values there may still be, in its one element."""
_Convert = Callable[[Any, _Budget], Any]


class _Field(NamedTuple):
    name: str
    key: str
    may_be_absent: bool
    convert: _Convert | None


class DocumentReader:
    """Reads messages of one class.

    Args:
        message: the class.
    """

    __slots__ = ("_message", "_plans")

    def __init__(self, message: MessageClass) -> None:
        self._message = message
        self._plans: dict[str, list[_Field]] = {}
        self._plan(cast("Descriptor", message.DESCRIPTOR))

    def read(self, payload: bytes) -> Document:
        """Return the document of a message.

        Raises:
            NotDecodable: the bytes are none, or there is too much in it.
        """
        message = decoded(self._message, payload)
        return self._document(message, self._message.DESCRIPTOR.full_name, [MAX_VALUES])

    def _document(self, message: RuntimeMessage, full_name: str, budget: _Budget) -> Document:
        plan = self._plans[full_name]
        _spend(budget, len(plan))
        found: Document = {}
        for name, key, may_be_absent, convert in plan:
            if may_be_absent and not message.HasField(name):
                continue
            value = getattr(message, name)
            found[key] = value if convert is None else convert(value, budget)
        return found

    def _plan(self, descriptor: Descriptor) -> None:
        """Plan a message and those in it; one may be in itself."""
        if descriptor.full_name in self._plans:
            return
        plan: list[_Field] = []
        self._plans[descriptor.full_name] = plan
        for field in descriptor.fields:
            convert = self._convert(field)
            plan.append(_Field(field.name, field.json_name, field.has_presence, convert))

    def _convert(self, field: FieldDescriptor) -> _Convert | None:
        one = self._convert_one(field)
        if not field.is_repeated:
            return one
        if field.message_type is None or not field.message_type.GetOptions().map_entry:
            return _of_list(one)
        return _of_map(self._convert_one(field.message_type.fields_by_name["value"]))

    def _convert_one(self, field: FieldDescriptor) -> _Convert | None:
        """Return what converts one value; None: it is its own document."""
        if field.message_type is not None:
            name: str = field.message_type.full_name
            if not field.message_type.GetOptions().map_entry:
                self._plan(field.message_type)
            return lambda value, budget: self._document(value, name, budget)
        if field.enum_type is not None:
            names = {number: v.name for number, v in field.enum_type.values_by_number.items()}
            return lambda value, _: names.get(value, value)
        return _SCALARS.get(_BYTES if field.type == FieldDescriptor.TYPE_BYTES else field.cpp_type)


def decoded(message: MessageClass, payload: bytes) -> RuntimeMessage:
    """Return the message that the bytes are.

    Raises:
        NotDecodable: they are none.
    """
    try:
        return message.FromString(payload)
    except DecodeError as error:
        reason = str(error).rpartition(": ")[2]
        msg = f"The payload is not a Protobuf message {message.DESCRIPTOR.name}: {reason}"
        raise NotDecodable(msg) from None


def encode(message: MessageClass, document: Mapping[str, Any]) -> bytes:
    """Return a message with the content of a document.

    Raises:
        NotEncodable: it does not fit.
    """
    try:
        return json_format.ParseDict(dict(document), message()).SerializeToString()
    except (json_format.ParseError, ValueError, TypeError, AttributeError) as error:
        msg = f"It does not fit the Protobuf message {message.DESCRIPTOR.name}: {error}"
        raise NotEncodable(msg) from None


def _spend(budget: _Budget, values: int) -> None:
    budget[0] -= values
    if budget[0] < 0:
        msg = f"The Protobuf message has more than {MAX_VALUES} values as JSON"
        raise NotDecodable(msg)


def _of_list(convert: _Convert | None) -> _Convert:
    def convert_list(values: Any, budget: _Budget) -> list[Any]:  # noqa: ANN401
        _spend(budget, len(values))
        if convert is None:
            return list(values)
        return [convert(value, budget) for value in values]

    return convert_list


def _of_map(convert: _Convert | None) -> _Convert:
    def convert_map(values: Any, budget: _Budget) -> Document:  # noqa: ANN401
        _spend(budget, len(values))
        return {
            _key(key): value if convert is None else convert(value, budget)
            for key, value in values.items()
        }

    return convert_map


def _key(key: object) -> str:
    if isinstance(key, str):
        return stored_text(key)
    return str(key).lower() if isinstance(key, bool) else str(key)


def stored_text(value: str) -> str:
    """Return a text as it can be stored, without U+0000."""
    return value.replace("\0", "") if "\0" in value else value


def json_double(value: float) -> float | str:
    """Return a number as JSON can have it: what is no number, or infinite, by name."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _json_float(value: float) -> float | str:
    """Return the shortest decimal that is the same number in 32 bits: 21.1, not 21.10000038."""
    if not math.isfinite(value):
        return json_double(value)
    for digits in (6, 7, 8):
        short = float(f"{value:.{digits}g}")
        if abs(short) <= _MAX_FLOAT and _FLOAT.unpack(_FLOAT.pack(short))[0] == value:
            return short
    return float(f"{value:.9g}")


_FLOAT = struct.Struct("<f")
_MAX_FLOAT = 3.4028235e38
"""Of 8 digits, what still rounds to the largest number of 32 bits."""
_BYTES = -1
_SCALARS: dict[int, _Convert] = {
    FieldDescriptor.CPPTYPE_INT64: lambda value, _: str(value),
    FieldDescriptor.CPPTYPE_UINT64: lambda value, _: str(value),
    FieldDescriptor.CPPTYPE_STRING: lambda value, _: stored_text(value),
    FieldDescriptor.CPPTYPE_DOUBLE: lambda value, _: json_double(value),
    FieldDescriptor.CPPTYPE_FLOAT: lambda value, _: _json_float(value),
    _BYTES: lambda value, _: b64encode(value).decode(),
}
