"""What the MQTT server can be told; every limit has its name here."""

from dataclasses import dataclass
from pathlib import Path

from fieldline.protocols.mqtt.handshake import SessionLimits


@dataclass(frozen=True, slots=True)
class MqttTls:
    """The TLS listener.

    Attributes:
        certificate: PEM file with the server's certificate and what leads to its root.
        key: PEM file with its private key; None when it is in ``certificate``.
        key_password: what the key is encrypted with.
        client_ca: PEM file with the authorities (or the very certificates) of devices that sign on
            by X.509, beside those of device profiles; without any, no certificate is asked for.
    """

    certificate: Path
    key: Path | None = None
    key_password: str | None = None
    client_ca: Path | None = None
    port: int = 8883


@dataclass(frozen=True, slots=True)
class MqttOptions:
    """Where the server listens and what it allows; times in seconds, sizes in bytes.

    Attributes:
        port: the plain listener; 0 takes a free one, None has none.
        reuse_port: share the ports with other processes (``--workers``).
        max_connections: more are closed when they are accepted.
        max_packet_size: of a packet's remaining length.
        max_in_flight: QoS 1 publishes of one connection that are not yet acknowledged; over it the
            socket is not read. MQTT 5 clients are told (Receive Maximum).
        max_topic_aliases: that an MQTT 5 client may set.
        max_downlinks_in_flight: QoS 1 messages to a client that it has not acknowledged.
        max_downlinks_queued: messages that wait for those; then the connection is closed. A
            gateway may get one for each of its devices at once.
        max_downlinks_queued_bytes: of the payloads of those.
        max_wills: of lost connections that the rules have not finished with; then no client with
            a will is let in.
        max_held_bytes: taken before the CONNECT is answered.
        max_write_buffer: bytes that a client leaves unread; then the connection is cut.
        connect_timeout_s: from accept to CONNECT, also of the TLS handshake.
        authentication_timeout_s: from CONNECT to CONNACK.
        idle_timeout_s: silence of a client that wants no keep-alive.
        write_timeout_s: how long a client may leave the socket full.
        close_timeout_s: how long a connection that is to be closed waits for its last
            acknowledgements, and after that for its last bytes to be read.
    """

    host: str = "127.0.0.1"
    port: int | None = 1883
    tls: MqttTls | None = None
    reuse_port: bool = False
    backlog: int = 1_024
    max_connections: int = 20_000
    max_packet_size: int = 65_536
    max_in_flight: int = 1_000
    max_topic_aliases: int = 10
    max_downlinks_in_flight: int = 100
    max_downlinks_queued: int = 20_000
    max_downlinks_queued_bytes: int = 1_048_576
    max_wills: int = 10_000
    max_held_bytes: int = 1_048_576
    max_write_buffer: int = 1_048_576
    connect_timeout_s: float = 10.0
    authentication_timeout_s: float = 30.0
    idle_timeout_s: float = 600.0
    write_timeout_s: float = 60.0
    close_timeout_s: float = 5.0

    def session_limits(self) -> SessionLimits:
        """Return what the protocol's session has to know of these."""
        return SessionLimits(
            max_remaining_length=self.max_packet_size,
            receive_maximum=min(self.max_in_flight, 0xFFFF),
            topic_alias_maximum=self.max_topic_aliases,
            max_unacknowledged=self.max_downlinks_in_flight,
            max_queued=self.max_downlinks_queued,
            max_queued_bytes=self.max_downlinks_queued_bytes,
            max_held_bytes=self.max_held_bytes,
            connect_timeout_ms=int(self.connect_timeout_s * 1000),
            authentication_timeout_ms=int(self.authentication_timeout_s * 1000),
            idle_timeout_ms=int(self.idle_timeout_s * 1000),
        )
