"""What one socket, and all of them together, may hold."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SocketLimits:
    """Bounds of the WebSocket edge.

    Attributes:
        max_sessions: open sockets; one more is closed with 1008.
        max_subscriptions: live subscriptions of one socket; one more closes it with 1008.
        max_entities: entities of one ENTITY_DATA query (``allowedEntities``).
        max_watched_entities: entities that the subscriptions of one socket watch together.
        max_frame_bytes: longest frame that is read; a longer one closes the socket with 1009.
        max_waiting_replies: replies that may wait for a slow reader before its next command is
            read.
        max_pending_points: values of live updates that may wait for a slow reader; with more the
            socket is closed with 1008. Latest-value subscriptions keep one per key.
        max_pending_bytes: the same in bytes of values; as many bytes of replies may wait before
            the next command is read.
        auth_timeout_s: time to authenticate in.
        send_timeout_s: how long one frame may wait for the reader; then close 4500.
        check_interval_s: how often the token is looked at again.
        refresh_interval_s: how often a query with a dynamic page link is run again.
    """

    max_sessions: int = 10_000
    max_subscriptions: int = 1_000
    max_entities: int = 10_000
    max_watched_entities: int = 20_000
    max_frame_bytes: int = 32_768
    max_waiting_replies: int = 16
    max_pending_points: int = 50_000
    max_pending_bytes: int = 4 * 1024 * 1024
    auth_timeout_s: float = 10.0
    send_timeout_s: float = 5.0
    check_interval_s: float = 10.0
    refresh_interval_s: float = 60.0
