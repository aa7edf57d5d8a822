"""What goes wrong in the protocol, and whose fault it is."""

from fieldline.protocols.mqtt.reason_codes import ReasonCode


class ProtocolError(Exception):
    """Base of the two; the message is written for whoever reads a log."""


class LocalProtocolError(ProtocolError):
    """Our side asked for something that MQTT does not allow; nothing was sent."""


class RemoteProtocolError(ProtocolError):
    """The peer broke the protocol; the connection has to be closed.

    Args:
        reason_code: what an MQTT 5 peer is told (CONNACK before the session is open, else
            DISCONNECT); MQTT 3 peers only see the socket close.
    """

    def __init__(self, message: str, reason_code: ReasonCode = ReasonCode.MALFORMED_PACKET) -> None:
        super().__init__(message)
        self.reason_code = reason_code


class UnsupportedVersionError(RemoteProtocolError):
    """A CONNECT of a protocol level that is not spoken here."""

    def __init__(self, level: int) -> None:
        super().__init__(
            f"protocol level {level} is not supported; 3, 4 and 5 are",
            ReasonCode.UNSUPPORTED_PROTOCOL_VERSION,
        )
        self.level = level
