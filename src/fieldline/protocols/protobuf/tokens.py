"""The words of a schema, each with its line.

Source: the Protocol Buffers language specification (proto3), Lexical Elements.
"""

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from fieldline.protocols.protobuf.errors import SchemaError


class Kind(StrEnum):
    """What a token is."""

    WORD = "word"
    NUMBER = "number"
    TEXT = "text"
    SIGN = "sign"
    END = "end"


class Token(NamedTuple):
    """A token; ``text`` of a string is without its quotes."""

    kind: Kind
    text: str
    line: int

    @property
    def shown(self) -> str:
        """Return the token as an error names it."""
        return "the end of the schema" if self.kind is Kind.END else f"'{self.text[:64]}'"


_TOKEN = re.compile(
    r"(?P<space>\s+|//[^\n]*|/\*.*?\*/)"
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<number>0[xX][0-9a-fA-F]+|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<text>\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*')"
    r"|(?P<sign>[{}()\[\]<>=;,.:+-]|/(?![*/]))",
    re.DOTALL,
)


def tokens(text: str) -> Iterator[Token]:
    """Split a schema; the last token is the end.

    Raises:
        SchemaError: a character belongs to no token, or a comment or string has no end.
    """
    position, line = 0, 1
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:
            raise SchemaError(_problem(text[position:]), line)
        kind, word = str(found.lastgroup), found[0]
        if kind != "space":
            yield Token(Kind(kind), word[1:-1] if kind == Kind.TEXT else word, line)
        line += word.count("\n")
        position = found.end()
    yield Token(Kind.END, "", line)


def _problem(rest: str) -> str:
    if rest.startswith("/*"):
        return "a comment that begins with /* has no */"
    if rest[0] in "\"'":
        return f"a string that begins with {rest[0]} has no end in its line"
    return f"{rest[0]!r} is not part of a schema"
