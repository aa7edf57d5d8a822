"""What must hold for the names and numbers of a schema.

Source: the Protocol Buffers language specification (proto3).
"""

from bisect import bisect_left
from collections.abc import Iterable

from google.protobuf.message import Message as RuntimeMessage

from fieldline.protocols.protobuf.errors import SchemaError
from fieldline.protocols.protobuf.syntax import Enum, Message, Reserved

MAX_FIELD_NUMBER = 2**29 - 1
_FIELDS_OF_RUNTIME = range(19_000, 20_000)


def check_enum(enum: Enum) -> None:
    """Raise SchemaError when an enum's values are not what they must be."""
    if not enum.values or enum.values[0].number != 0:
        msg = f"the first value of enum {enum.name} must be 0, as UNKNOWN = 0;"
        raise SchemaError(msg, enum.values[0].line if enum.values else enum.line)
    if not enum.has_aliases:
        _check_distinct((v.number, v.name, v.line) for v in enum.values)
    _check_reserved(enum.reserved, [(v.number, v.name, v.line) for v in enum.values])


def check_fields(message: Message) -> None:
    """Raise SchemaError when a message's fields are not what they must be."""
    keys: dict[str, str] = {}
    for field in message.fields:
        number = field.number
        if not 1 <= number <= MAX_FIELD_NUMBER or number in _FIELDS_OF_RUNTIME:
            msg = (
                f"the number of field {field.name} is {number}; possible are 1 to "
                f"{MAX_FIELD_NUMBER} without 19000 to 19999"
            )
            raise SchemaError(msg, field.line)
        if hasattr(RuntimeMessage, field.name):
            msg = f"'{field.name}' cannot be the name of a field: the runtime has it; rename it"
            raise SchemaError(msg, field.line)
        key = field.json_name or json_name(field.name)
        if key in keys:
            msg = f"fields {keys[key]} and {field.name} have one name in JSON, '{key[:64]}'"
            raise SchemaError(msg, field.line)
        keys[key] = field.name
    numbers = [(field.number, field.name, field.line) for field in message.fields]
    _check_distinct(numbers)
    _check_reserved(message.reserved, numbers)


def _check_distinct(numbers: Iterable[tuple[int, str, int]]) -> None:
    taken: dict[int, str] = {}
    for number, name, line in numbers:
        if number in taken:
            raise SchemaError(f"{taken[number]} and {name} have one number, {number}", line)
        taken[number] = name


def _check_reserved(reserved: Reserved, numbers: list[tuple[int, str, int]]) -> None:
    for _, name, line in numbers:
        if name in reserved.names:
            raise SchemaError(f"the name '{name}' is reserved", line)
    if not numbers:
        return
    ordered = sorted(numbers)
    for low, high in reserved.ranges:
        index = bisect_left(ordered, (low, "", 0))
        if index < len(ordered) and ordered[index][0] <= high:
            number, name, line = ordered[index]
            raise SchemaError(f"the number {number} of {name} is reserved", line)


def json_name(field_name: str) -> str:
    """Return a field's key in JSON: without underscores, the letters after them in capitals."""
    first, *others = field_name.split("_")
    return first + "".join(other[:1].upper() + other[1:] for other in others)
