"""The kinds of error; each edge owns one table from kind to its own code.

FieldlineError
 |-- Invalid            your input is wrong                    HTTP 400, CoAP 4.00, MQTT 0x99
 |-- Unauthenticated    who are you?                           HTTP 401, CoAP 4.01, MQTT 0x86
 |-- Forbidden          you may not                            HTTP 403, CoAP 4.03, MQTT 0x87
 |    `-- LimitReached  your tenant's profile allows no more   HTTP 403
 |-- NotFound           there is no such thing                 HTTP 404, CoAP 4.04, MQTT 0x90
 |-- Conflict           it clashes with what is there          HTTP 409, CoAP 4.09, MQTT 0x83
 |    `-- StaleVersion  somebody else changed it first         HTTP 409
 |-- TooLarge           over a size limit                      HTTP 413, CoAP 4.13, MQTT 0x95
 |-- RateLimited        slower, please                         HTTP 429, CoAP 4.29, MQTT 0x97
 `-- Unavailable        try again later                        HTTP 503, CoAP 5.03, MQTT 0x88

Domains subclass a kind and say what and which. A message says what was wrong and what would be
right, and holds no secret and no payload.
"""


class FieldlineError(Exception):
    """An expected failure; its text is written for whoever caused it."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Invalid(FieldlineError):
    """The input is wrong."""


class Unauthenticated(FieldlineError):
    """The caller did not prove who it is."""


class Forbidden(FieldlineError):
    """The caller is known and may not do this."""


class LimitReached(Forbidden):
    """A count limit of the tenant profile is used up.

    Args:
        entity_type: what is limited, as ``DEVICE``.
        limit: how many the profile allows.
    """

    def __init__(self, message: str, *, entity_type: str, limit: int) -> None:
        super().__init__(message)
        self.entity_type = entity_type
        self.limit = limit


class NotFound(FieldlineError):
    """There is no such thing, or the caller may not know of it."""


class Conflict(FieldlineError):
    """The change clashes with what is stored."""


class StaleVersion(Conflict):
    """The version given is not the stored one: somebody else was faster."""


class TooLarge(FieldlineError):
    """A body, packet or value is over its limit."""


class RateLimited(FieldlineError):
    """Too many requests; ``retry_after_s`` says when to come back."""

    def __init__(self, message: str, *, retry_after_s: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Unavailable(FieldlineError):
    """A part that is needed is away or full; the same request may work later."""

    def __init__(self, message: str, *, retry_after_s: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
