"""What is bounded, and how long is waited, in the MQTT connector."""

from dataclasses import dataclass, field

from fieldline.security.outbound import Outbound


@dataclass(frozen=True, slots=True)
class ConnectorOptions:
    """Of all connectors of a process.

    Attributes:
        first_retry_s: about how long the first attempt after a lost connection waits; each further
            one twice as long.
        max_retry_s: the longest wait.
        stable_s: a connection that held for so long makes the next wait a short one.
        connect_timeout_s: for TCP and TLS.
        stop_timeout_s: how long a stop waits for what is on its way, and for the broker to close.
        save_s: between two writes of the statistics.
        outbound: which addresses of brokers they may connect to.
    """

    first_retry_s: float = 1.0
    max_retry_s: float = 60.0
    stable_s: float = 30.0
    connect_timeout_s: float = 10.0
    stop_timeout_s: float = 5.0
    save_s: float = 10.0
    outbound: Outbound = field(default_factory=Outbound)
