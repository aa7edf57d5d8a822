"""A schema as its text says it, before names are looked up.

Every part knows its line, for what is wrong with it to be found.
"""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Field:
    """A field of a message.

    Attributes:
        type_name: a scalar type, or the name of a message or an enum as it was written.
        label: ``optional``, ``repeated`` or nothing.
        oneof: the oneof that it is in.
        map_key: the scalar type of a map's keys; then ``type_name`` is that of its values.
        json_name: its key in JSON, where the schema says one.
    """

    name: str
    number: int
    type_name: str
    line: int
    label: str = ""
    oneof: str | None = None
    map_key: str | None = None
    json_name: str | None = None


@dataclass(slots=True)
class Reserved:
    """Numbers, both ends included, and names that a message or an enum does not use."""

    ranges: list[tuple[int, int]] = field(default_factory=list)
    names: set[str] = field(default_factory=set)


@dataclass(slots=True)
class EnumValue:
    """A value of an enum."""

    name: str
    number: int
    line: int


@dataclass(slots=True)
class Enum:
    """An enum; ``has_aliases``: several names may have one number."""

    name: str
    line: int
    values: list[EnumValue] = field(default_factory=list)
    reserved: Reserved = field(default_factory=Reserved)
    has_aliases: bool = False


@dataclass(slots=True)
class Message:
    """A message with what is declared inside it."""

    name: str
    line: int
    fields: list[Field] = field(default_factory=list)
    messages: "list[Message]" = field(default_factory=list)
    enums: list[Enum] = field(default_factory=list)
    oneofs: list[str] = field(default_factory=list)
    reserved: Reserved = field(default_factory=Reserved)


@dataclass(slots=True)
class File:
    """A whole schema."""

    package: str = ""
    messages: list[Message] = field(default_factory=list)
    enums: list[Enum] = field(default_factory=list)
