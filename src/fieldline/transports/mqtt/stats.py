"""What the MQTT server counts; plain numbers, read by /metrics."""

from dataclasses import dataclass


@dataclass(slots=True)
class MqttStats:
    """Counters since the start.

    ``publishes_failed`` were answered with a reason code or a close, ``wills_refused`` had
    nobody to tell, ``unexpected_errors`` are failures of the server itself.
    """

    connections_opened: int = 0
    connections_refused: int = 0
    connects_accepted: int = 0
    connects_refused: int = 0
    bytes_received: int = 0
    publishes_received: int = 0
    publishes_acknowledged: int = 0
    publishes_failed: int = 0
    downlinks_sent: int = 0
    protocol_errors: int = 0
    timeouts: int = 0
    slow_readers: int = 0
    wills_said: int = 0
    wills_refused: int = 0
    unexpected_errors: int = 0
