"""What a device sends to be claimed. Source: ThingsBoard's claiming API."""

from dataclasses import dataclass
from typing import Any

from fieldline.kit.errors import Invalid
from fieldline.kit.json import loads


@dataclass(frozen=True, slots=True)
class ClaimRequest:
    """The key that a user must know, and for how long; None is the platform's duration."""

    secret_key: str = ""
    duration_ms: int | None = None

    @classmethod
    def parse(cls, payload: bytes) -> "ClaimRequest":
        """Read a request, which may be empty.

        Raises:
            Invalid: it is no JSON object, or a field is of a wrong type.
        """
        if not payload.strip():
            return cls()
        try:
            return cls.of(loads(payload))
        except ValueError as error:
            msg = f"The claim request is not JSON: {error}"
            raise Invalid(msg) from None

    @classmethod
    def of(cls, document: Any) -> "ClaimRequest":  # noqa: ANN401 - JSON is any of its types
        """Do as :meth:`parse` with what is decoded already."""
        if not isinstance(document, dict):
            raise Invalid('A claim request is a JSON object, as {"secretKey": "k"}, or nothing')
        secret, duration = document.get("secretKey"), document.get("durationMs")
        if secret is not None and not isinstance(secret, str):
            raise Invalid("'secretKey' of a claim request must be a text")
        if duration is not None and (not isinstance(duration, int) or isinstance(duration, bool)):
            raise Invalid("'durationMs' of a claim request must be a whole number of milliseconds")
        return cls(secret or "", duration if duration and duration > 0 else None)
