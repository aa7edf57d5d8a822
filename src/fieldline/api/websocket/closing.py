"""Why a socket is closed. Source: RFC 6455 section 7.4; ThingsBoard's use of the codes."""

from enum import IntEnum

MAX_REASON_BYTES = 123
"""RFC 6455 section 5.5: a control frame has 125 bytes, two of them the code."""


class CloseCode(IntEnum):
    """Codes that are sent."""

    NORMAL = 1000
    BAD_DATA = 1007
    POLICY = 1008
    TOO_BIG = 1009
    SERVER_ERROR = 1011
    RESTART = 1012
    TRY_LATER = 1013
    NOT_RELIABLE = 4500


class Close(Exception):
    """End the session with this code and reason."""

    def __init__(self, code: CloseCode, reason: str = "") -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason.encode()[:MAX_REASON_BYTES].decode(errors="ignore")


class Gone(Exception):
    """The client has left."""
