"""From a schema's text to classes of its messages, which the protobuf runtime makes.

What a schema may be is bounded, and what can be wrong is looked for before the runtime sees it, so
that an error names its line. Source: the Protocol Buffers language specification (proto3).
"""

from collections.abc import Iterator
from typing import NamedTuple

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message as RuntimeMessage

from fieldline.protocols.protobuf.checks import check_enum, check_fields, json_name
from fieldline.protocols.protobuf.errors import SchemaError
from fieldline.protocols.protobuf.parser import parse
from fieldline.protocols.protobuf.syntax import Enum, Field, File, Message

MAX_LENGTH = 32_768
"""Characters of a schema."""
MAX_FIELDS_OF_MANY = 128
"""Fields of a message of which a message may hold many: two bytes of a payload make one, and that
has room for all of its fields, 16 bytes each."""
MAX_TYPES = 200
"""Messages, maps and enums of a schema; each takes one or two KiB of memory."""

_Kinds = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "double": _Kinds.TYPE_DOUBLE,
    "float": _Kinds.TYPE_FLOAT,
    "int64": _Kinds.TYPE_INT64,
    "uint64": _Kinds.TYPE_UINT64,
    "int32": _Kinds.TYPE_INT32,
    "fixed64": _Kinds.TYPE_FIXED64,
    "fixed32": _Kinds.TYPE_FIXED32,
    "bool": _Kinds.TYPE_BOOL,
    "string": _Kinds.TYPE_STRING,
    "bytes": _Kinds.TYPE_BYTES,
    "uint32": _Kinds.TYPE_UINT32,
    "sfixed32": _Kinds.TYPE_SFIXED32,
    "sfixed64": _Kinds.TYPE_SFIXED64,
    "sint32": _Kinds.TYPE_SINT32,
    "sint64": _Kinds.TYPE_SINT64,
}
_NO_MAP_KEYS = {"double", "float", "bytes"}

MessageClass = type[RuntimeMessage]


class Schema(NamedTuple):
    """A schema that is ready: the classes of its outermost messages, in their order."""

    messages: dict[str, MessageClass]

    @property
    def last(self) -> MessageClass:
        """The last message, which is the one that is sent where nothing else says."""
        return self.messages[next(reversed(self.messages))]


def compile_schema(text: str) -> Schema:
    """Make a schema ready.

    Args:
        text: proto3, without imports.

    Raises:
        SchemaError: it is none, or larger than may be.
    """
    if len(text) > MAX_LENGTH:
        msg = f"the schema has {len(text)} characters; at most {MAX_LENGTH} are possible"
        raise SchemaError(msg)
    file = parse(text)
    if not file.messages:
        raise SchemaError("the schema has no message")
    if f"{file.package}.".startswith("google.protobuf."):
        raise SchemaError("the package google.protobuf is the runtime's own; choose another")
    described = _Builder(file).build()
    pool = descriptor_pool.DescriptorPool()
    try:
        pool.AddSerializedFile(described.SerializeToString())
        found = {
            message.name: message_factory.GetMessageClass(
                pool.FindMessageTypeByName(_join(file.package, message.name))
            )
            for message in file.messages
        }
    except (TypeError, ValueError, KeyError) as error:
        raise SchemaError(str(error).partition(": ")[2] or str(error)) from None
    return Schema(found)


def fields_of(message: MessageClass) -> set[str]:
    """Return the names of a message's fields."""
    return {field.name for field in message.DESCRIPTOR.fields}


class _Builder:
    """Looks names up and writes a schema as the runtime reads it."""

    def __init__(self, file: File) -> None:
        self._file = file
        self._types: dict[str, int] = {}
        """Full name of each message and enum that a field may have, and which of the two it is."""
        self._count = 0
        self._names: set[str] = set()
        """Full name of whatever has one."""
        self._uses: list[tuple[str, str, bool]] = []
        """A message, a type that it uses, and whether it may hold many of it."""
        self._sizes: dict[str, tuple[int, int]] = {}
        """Fields and line of each message."""
        for message in file.messages:
            self._declare_message(message, file.package)
        for enum in file.enums:
            self._declare_enum(enum, file.package)

    def build(self) -> descriptor_pb2.FileDescriptorProto:
        file = self._file
        found = descriptor_pb2.FileDescriptorProto(
            name="schema.proto", package=file.package, syntax="proto3"
        )
        for message in file.messages:
            self._message(found.message_type.add(), message, _join(file.package, message.name))
        for enum in file.enums:
            _enum(found.enum_type.add(), enum)
        self._check_sizes()
        return found

    # What there is

    def _declare(self, name: str, scope: str, line: int, kind: int | None = None) -> str:
        full_name = _join(scope, name)
        if full_name in self._names:
            raise SchemaError(f"'{full_name}' is there twice", line)
        self._names.add(full_name)
        if kind is not None:
            self._types[full_name] = kind
            self._count_type(line)
        return full_name

    def _count_type(self, line: int) -> None:
        self._count += 1
        if self._count > MAX_TYPES:
            msg = f"the schema has more than {MAX_TYPES} messages, maps and enums"
            raise SchemaError(msg, line)

    def _declare_message(self, message: Message, scope: str) -> None:
        full_name = self._declare(message.name, scope, message.line, _Kinds.TYPE_MESSAGE)
        self._sizes[full_name] = len(message.fields), message.line
        for field in message.fields:
            self._declare(field.name, full_name, field.line)
            if field.map_key is not None:
                self._declare(_entry(field), full_name, field.line)
                self._count_type(field.line)
        for oneof in message.oneofs:
            self._declare(oneof, full_name, message.line)
        for inner in message.messages:
            self._declare_message(inner, full_name)
        for enum in message.enums:
            self._declare_enum(enum, full_name)

    def _declare_enum(self, enum: Enum, scope: str) -> None:
        self._declare(enum.name, scope, enum.line, _Kinds.TYPE_ENUM)
        for value in enum.values:  # they stand beside their enum, as in C++
            self._declare(value.name, scope, value.line)
        check_enum(enum)

    def _resolve(self, name: str, scope: str, line: int) -> str:
        """Find a type from the innermost scope outwards; returns its full name."""
        if name.startswith("."):
            if name[1:] in self._types:
                return name[1:]
        else:
            for outer in _scopes(scope):
                if _join(outer, name) in self._types:
                    return _join(outer, name)
        msg = f"there is no type '{name}' in the schema"
        if name.startswith("google."):
            msg += ", and imports are not possible"
        raise SchemaError(msg, line)

    # What is written

    def _message(self, found: descriptor_pb2.DescriptorProto, message: Message, scope: str) -> None:
        check_fields(message)
        found.name = message.name
        oneofs = {name: index for index, name in enumerate(message.oneofs)}
        for name in message.oneofs:
            found.oneof_decl.add(name=name)
        for inner in message.messages:
            self._message(found.nested_type.add(), inner, _join(scope, inner.name))
        for enum in message.enums:
            _enum(found.enum_type.add(), enum)
        for field in message.fields:
            target = found.field.add(name=field.name, number=field.number)
            self._field(found, target, field, scope)
            if field.oneof is not None:
                target.oneof_index = oneofs[field.oneof]
        for index, field in enumerate(message.fields):  # their oneofs stand behind the others
            if field.label == "optional":
                found.field[index].proto3_optional = True
                found.field[index].oneof_index = len(found.oneof_decl)
                found.oneof_decl.add(name=self._oneof_of(field, scope))

    def _field(
        self,
        message: descriptor_pb2.DescriptorProto,
        target: descriptor_pb2.FieldDescriptorProto,
        field: Field,
        scope: str,
    ) -> None:
        is_many = field.label == "repeated" or field.map_key is not None
        target.label = _Kinds.LABEL_REPEATED if is_many else _Kinds.LABEL_OPTIONAL
        if field.json_name is not None:
            target.json_name = field.json_name
        if field.map_key is not None:
            self._map(message, target, field, scope)
        else:
            self._set_type(target, field.type_name, scope, field.line)
            self._uses.append((scope, target.type_name[1:], is_many))

    def _oneof_of(self, field: Field, scope: str) -> str:
        """Return the name of the oneof that stands for a field's being optional."""
        name = f"_{field.name}"
        while _join(scope, name) in self._names:
            name = f"X{name}"
        self._names.add(_join(scope, name))
        return name

    def _map(
        self,
        message: descriptor_pb2.DescriptorProto,
        target: descriptor_pb2.FieldDescriptorProto,
        field: Field,
        scope: str,
    ) -> None:
        if field.map_key not in _SCALARS or field.map_key in _NO_MAP_KEYS:
            msg = f"'{field.map_key}' cannot be the type of a map's keys; text and integers can"
            raise SchemaError(msg, field.line)
        entry = message.nested_type.add(name=_entry(field))
        entry.options.map_entry = True
        key = entry.field.add(name="key", number=1, label=_Kinds.LABEL_OPTIONAL)
        self._set_type(key, field.map_key, scope, field.line)
        value = entry.field.add(name="value", number=2, label=_Kinds.LABEL_OPTIONAL)
        self._set_type(value, field.type_name, scope, field.line)
        self._uses.append((scope, value.type_name[1:], True))
        target.type = _Kinds.TYPE_MESSAGE
        target.type_name = f".{_join(scope, entry.name)}"

    def _set_type(
        self, target: descriptor_pb2.FieldDescriptorProto, name: str, scope: str, line: int
    ) -> None:
        scalar = _SCALARS.get(name)
        if scalar is not None:
            target.type = scalar
            return
        full_name = self._resolve(name, scope, line)
        target.type_name = f".{full_name}"
        is_enum = self._types[full_name] == _Kinds.TYPE_ENUM
        target.type = _Kinds.TYPE_ENUM if is_enum else _Kinds.TYPE_MESSAGE

    def _check_sizes(self) -> None:
        """Check the messages of which there may be many, and those in them."""
        uses: dict[str, set[str]] = {}
        for user, used, _ in self._uses:
            uses.setdefault(user, set()).add(used)
        waiting = {used for _, used, is_many in self._uses if is_many}
        seen: set[str] = set()
        while waiting:
            name = waiting.pop()
            seen.add(name)
            waiting |= uses.get(name, set()) - seen
            fields, line = self._sizes.get(name, (0, 0))
            if fields > MAX_FIELDS_OF_MANY:
                msg = (
                    f"message {name} has {fields} fields; one that stands in a list or a map, or "
                    f"in a message there, may have {MAX_FIELDS_OF_MANY}"
                )
                raise SchemaError(msg, line)


def _enum(found: descriptor_pb2.EnumDescriptorProto, enum: Enum) -> None:
    found.name = enum.name
    if enum.has_aliases:
        found.options.allow_alias = True
    for value in enum.values:
        found.value.add(name=value.name, number=value.number)


def _entry(field: Field) -> str:
    """Return the name of the message that stands for a map's entries."""
    name = json_name(field.name)
    return f"{name[:1].upper()}{name[1:]}Entry"


def _scopes(scope: str) -> Iterator[str]:
    """Return a scope and those around it, the outermost ("") last."""
    while scope:
        yield scope
        scope = scope.rpartition(".")[0]
    yield ""


def _join(scope: str, name: str) -> str:
    return f"{scope}.{name}" if scope else name
