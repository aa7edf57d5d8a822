"""What can be wrong with schemas and messages."""

from fieldline.kit.errors import Invalid


class SchemaError(Invalid):
    """The text is no schema that can be used; ``line`` counts from 1, 0 is the whole text."""

    def __init__(self, reason: str, line: int = 0) -> None:
        super().__init__(f"line {line}: {reason}" if line else reason)
        self.reason = reason
        self.line = line


class NotDecodable(Invalid):
    """The bytes are no message of the schema, or one that is too large."""


class NotEncodable(Invalid):
    """The document does not fit the schema."""
