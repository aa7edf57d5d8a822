"""From a schema's text to its parts: proto3 without imports, services and extensions.

What it takes grows with the length of the text only; there is no going back in it.
Source: the Protocol Buffers language specification (proto3).
"""

from collections.abc import Callable

from fieldline.protocols.protobuf.errors import SchemaError
from fieldline.protocols.protobuf.syntax import Enum, EnumValue, Field, File, Message, Reserved
from fieldline.protocols.protobuf.tokens import Kind, Token, tokens

MAX_DEPTH = 32
"""Levels of messages in messages."""
INT32_MIN, INT32_MAX = -(2**31), 2**31 - 1
_MAX_DIGITS = 12
"""Of a whole number; nothing in a schema is longer."""

_REFUSED = {
    "import": "imports are not possible: write every message into this schema",
    "service": "services have no meaning here: keep the messages only",
    "extend": "extensions are not possible in proto3",
    "extensions": "extensions are not possible in proto3",
    "required": "'required' is of proto2; in proto3 every field may be absent",
    "group": "groups are of proto2; use a message",
}


def parse(text: str) -> File:
    """Read a schema.

    Raises:
        SchemaError: it is not proto3, or uses what is not possible here.
    """
    return _Parser(text).file()


class _Parser:
    """Walks once over the tokens of a schema."""

    def __init__(self, text: str) -> None:
        self._tokens = tokens(text)
        self._next = next(self._tokens)

    # Tokens

    def _take(self) -> Token:
        token = self._next
        if token.kind is not Kind.END:
            self._next = next(self._tokens)
        return token

    def _is(self, text: str) -> bool:
        return self._next.text == text and self._next.kind in {Kind.WORD, Kind.SIGN}

    def _took(self, text: str) -> bool:
        if not self._is(text):
            return False
        self._take()
        return True

    def _expect(self, sign: str, where: str) -> Token:
        if not self._is(sign):
            raise self._wrong(f"'{sign}' {where}")
        return self._take()

    def _wrong(self, expected: str) -> SchemaError:
        return SchemaError(f"expected {expected}, found {self._next.shown}", self._next.line)

    def _name(self, of: str) -> Token:
        if self._next.kind is not Kind.WORD:
            raise self._wrong(f"the name of {of}")
        return self._take()

    def _path(self, of: str) -> str:
        """Read a name with dots in it."""
        parts = ["."] if self._took(".") else []
        parts.append(self._name(of).text)
        while self._took("."):
            parts += (".", self._name(of).text)
        return "".join(parts)

    def _whole(self, of: str) -> int:
        is_negative = self._took("-")
        token = self._next
        is_whole = token.kind is Kind.NUMBER and not set(token.text) & set(".eE") - set("xX")
        is_hex = token.text[:2] in {"0x", "0X"}
        if token.kind is not Kind.NUMBER or not (is_whole or is_hex):
            raise self._wrong(f"the whole number of {of}")
        if len(token.text) > _MAX_DIGITS:
            raise SchemaError(f"{token.shown} is too large a number", token.line)
        is_octal = not is_hex and len(token.text) > 1 and token.text[0] == "0"
        try:
            number = int(token.text, 16 if is_hex else 8 if is_octal else 10)
        except ValueError:
            raise self._wrong(f"the whole number of {of}") from None
        self._take()
        return -number if is_negative else number

    # The whole schema

    def file(self) -> File:
        self._syntax()
        found = File()
        while self._next.kind is not Kind.END:
            if self._took(";"):
                continue
            if self._took("package"):
                if found.package:
                    raise SchemaError("a schema has one package", self._next.line)
                found.package = self._path("the package").lstrip(".")
                self._expect(";", "after the package")
            elif self._took("message"):
                found.messages.append(self._message(1))
            elif self._took("enum"):
                found.enums.append(self._enum())
            elif self._took("option"):
                self._option()
            else:
                self._refuse_known()
                raise self._wrong("message, enum, package or option")
        return found

    def _syntax(self) -> None:
        if not self._is("syntax"):
            raise SchemaError('a schema begins with syntax = "proto3";', self._next.line)
        self._take()
        self._expect("=", "after syntax")
        token = self._take()
        if token.kind is not Kind.TEXT or token.text != "proto3":
            msg = f'only syntax = "proto3" is possible, not {token.shown}'
            raise SchemaError(msg, token.line)
        self._expect(";", "after the syntax")

    def _refuse_known(self) -> None:
        if self._next.kind is Kind.WORD and self._next.text in _REFUSED:
            raise SchemaError(_REFUSED[self._next.text], self._next.line)

    # Messages

    def _message(self, depth: int) -> Message:
        name = self._name("a message")
        if depth > MAX_DEPTH:
            msg = f"messages are nested in more than {MAX_DEPTH} levels"
            raise SchemaError(msg, name.line)
        found = Message(name.text, name.line)
        self._expect("{", f"after message {name.text}")
        while not self._took("}"):
            self._member(found, depth)
        return found

    def _member(self, message: Message, depth: int) -> None:
        if self._took(";"):
            return
        opening = self._next
        if opening.kind is Kind.END:
            raise self._wrong(f"'}}' at the end of message {message.name}")
        word = opening.text if opening.kind is Kind.WORD else ""
        if word in {"optional", "repeated"}:
            self._take()
            self._refuse_known()
            self._field(message, word, self._path("a type"), opening.line)
        elif word in _STATEMENTS or word in _REFUSED:
            self._take()
            if self._is("."):  # a type that has such a name
                self._field(message, "", word + self._path("a type"), opening.line)
            elif word in _REFUSED:
                raise SchemaError(_REFUSED[word], opening.line)
            else:
                _STATEMENTS[word](self, message, depth)
        else:
            self._field(message, "", self._path("a type"), opening.line)

    def _inner_message(self, message: Message, depth: int) -> None:
        message.messages.append(self._message(depth + 1))

    def _inner_enum(self, message: Message, _depth: int) -> None:
        message.enums.append(self._enum())

    def _inner_option(self, _message: Message, _depth: int) -> None:
        self._option()

    def _reserved(self, message: Message, _depth: int) -> None:
        self._reserve(message.reserved)

    def _field(
        self, message: Message, label: str, type_name: str, line: int, oneof: str | None = None
    ) -> None:
        name = self._name("a field")
        number = self._number_of_field(name)
        found = Field(name.text, number, type_name, line, label, oneof)
        found.json_name = self._options_of_field()
        self._expect(";", f"after field {name.text}")
        message.fields.append(found)

    def _map(self, message: Message, _depth: int) -> None:
        line = self._expect("<", "and two types after map").line
        key = self._path("the type of the keys of a map")
        self._expect(",", "between the two types of a map")
        value = self._path("the type of the values of a map")
        self._expect(">", "after the types of a map")
        name = self._name("a field")
        number = self._number_of_field(name)
        found = Field(name.text, number, value, line, map_key=key)
        found.json_name = self._options_of_field()
        self._expect(";", f"after field {name.text}")
        message.fields.append(found)

    def _number_of_field(self, name: Token) -> int:
        self._expect("=", f"and a number after field {name.text}")
        return self._whole(f"field {name.text}")

    def _oneof(self, message: Message, _depth: int) -> None:
        name = self._name("a oneof")
        message.oneofs.append(name.text)
        self._expect("{", f"after oneof {name.text}")
        first = len(message.fields)
        while not self._took("}"):
            if self._took(";"):
                continue
            if self._took("option"):
                self._option()
                continue
            if self._next.text in {"optional", "repeated", "map"}:
                msg = f"a field of a oneof has no '{self._next.text}'"
                raise SchemaError(msg, self._next.line)
            self._refuse_known()
            line = self._next.line
            self._field(message, "", self._path("a type"), line, name.text)
        if len(message.fields) == first:
            raise SchemaError(f"oneof {name.text} has no field", name.line)

    def _reserve(self, reserved: Reserved) -> None:
        while True:
            if self._next.kind in {Kind.TEXT, Kind.WORD}:
                reserved.names.add(self._take().text)
            else:
                low = high = self._whole("what is reserved")
                if self._took("to"):
                    high = INT32_MAX if self._took("max") else self._whole("what is reserved")
                reserved.ranges.append((low, high))
            if not self._took(","):
                break
        self._expect(";", "after what is reserved")

    # Enums

    def _enum(self) -> Enum:
        name = self._name("an enum")
        found = Enum(name.text, name.line)
        self._expect("{", f"after enum {name.text}")
        while not self._took("}"):
            if self._took(";"):
                continue
            if self._next.kind is Kind.END:
                raise self._wrong(f"'}}' at the end of enum {name.text}")
            word = self._name("a value of an enum")
            if word.text == "option" and not self._is("="):
                found.has_aliases |= self._option() == ("allow_alias", "true")
            elif word.text == "reserved" and not self._is("="):
                self._reserve(found.reserved)
            else:
                self._value(found, word)
        return found

    def _value(self, enum: Enum, name: Token) -> None:
        self._expect("=", f"and a number after {name.text}")
        number = self._whole(name.text)
        if not INT32_MIN <= number <= INT32_MAX:
            raise SchemaError(f"{name.text} = {number} does not fit 32 bits", name.line)
        self._options_of_field()
        self._expect(";", f"after {name.text}")
        enum.values.append(EnumValue(name.text, number, name.line))

    # Options, which are read over

    def _option(self) -> tuple[str, str]:
        name = self._option_name()
        self._expect("=", "after the name of an option")
        value = self._constant()
        self._expect(";", "after an option")
        return name, value

    def _options_of_field(self) -> str | None:
        """Read what stands in brackets after a field; returns its ``json_name``."""
        json_name = None
        if not self._took("["):
            return None
        while True:
            line = self._next.line
            name = self._option_name()
            self._expect("=", "after the name of an option")
            is_text = self._next.kind is Kind.TEXT
            value = self._constant()
            if name == "default":
                raise SchemaError("'default' is of proto2; in proto3 defaults are fixed", line)
            if name == "json_name":
                if not is_text or not value or "\\" in value:
                    msg = 'json_name is a text without \\, as [json_name = "temp"]'
                    raise SchemaError(msg, line)
                json_name = value
            if not self._took(","):
                break
        self._expect("]", "after the options of a field")
        return json_name

    def _option_name(self) -> str:
        parts = []
        while True:
            if self._took("("):
                parts.append(f"({self._path('an option')})")
                self._expect(")", "after the name of an option")
            else:
                parts.append(self._name("an option").text)
            if not self._took("."):
                return ".".join(parts)

    def _constant(self) -> str:
        """Read the value of an option; returns its first token."""
        if self._is("{"):
            self._skip_braces()
            return "{"
        if not self._took("-"):
            self._took("+")
        if self._next.kind not in {Kind.WORD, Kind.NUMBER, Kind.TEXT}:
            raise self._wrong("the value of an option")
        token = self._take()
        while token.kind is Kind.WORD and self._took("."):
            self._name("an option's value")
        while token.kind is Kind.TEXT and self._next.kind is Kind.TEXT:
            self._take()
        return token.text

    def _skip_braces(self) -> None:
        depth = 0
        while True:
            if self._next.kind is Kind.END:
                raise self._wrong("'}' at the end of an option's value")
            token = self._take()
            if token.kind is Kind.SIGN:
                depth += {"{": 1, "}": -1}.get(token.text, 0)
            if not depth:
                return


_STATEMENTS: dict[str, Callable[[_Parser, Message, int], None]] = {
    "message": _Parser._inner_message,  # noqa: SLF001 - the table of this class
    "enum": _Parser._inner_enum,  # noqa: SLF001
    "option": _Parser._inner_option,  # noqa: SLF001
    "oneof": _Parser._oneof,  # noqa: SLF001
    "reserved": _Parser._reserved,  # noqa: SLF001
    "map": _Parser._map,  # noqa: SLF001
}
