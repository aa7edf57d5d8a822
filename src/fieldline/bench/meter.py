"""A smart meter: three values a message.

Packets are encoded once; only the packet id, the digits of the time and of the battery level are
patched per message, so that the generator costs little beside the server on the same machine.
"""

from fieldline.bench.publisher import Pace, Publisher
from fieldline.protocols.mqtt.encoder import encode
from fieldline.protocols.mqtt.packets import MQTT_311, Publish

TOPIC = "v1/devices/me/telemetry"
POINTS = 3
LOW_BATTERY = 20
"""The alarm rule raises below this level, and clears from it on."""
_LOW_EVERY, _LOW_FOR = 1_000, 10
"""Of 1,000 messages of a meter 10 in a row tell of a low battery: one alarm, raised and cleared."""
_TIME_DIGITS = 13
_PAYLOAD = (
    b'{"ts": %013d, "values": {"pulseCounter": 1234567, "leakage": false, "batteryLevel": 81}}'
)


def payload(ts_ms: int) -> bytes:
    """Return the reading of that time, as every message is."""
    return _PAYLOAD % ts_ms


class Device(Publisher):
    """A meter, each reading of which is 1 ms later than the one before.

    Args:
        token, window, pace: as every publisher's.
        first_ms: time of the first reading.
        phase: where in the life of its battery the meter begins, so that not all are low together.
    """

    def __init__(
        self, token: str, window: int, first_ms: int, pace: Pace, *, phase: int = 0
    ) -> None:
        super().__init__(token, window, pace)
        self.first_ms = first_ms
        self._phase = phase
        self._packet = bytearray(encode(Publish(TOPIC, payload(first_ms), 1, 1), MQTT_311))
        self._id_at = self._packet.index(TOPIC.encode()) + len(TOPIC)
        self._ts_at = self._packet.index(b"%013d" % first_ms)
        self._battery_at = self._packet.rindex(b"81")  # the time may hold it too

    @property
    def last_ms(self) -> int:
        """Time of the newest reading that was sent."""
        return self.first_ms + self.sent - 1

    def packet(self, number: int) -> bytes:
        packet, id_at, ts_at, battery_at = self._packet, self._id_at, self._ts_at, self._battery_at
        packet[id_at : id_at + 2] = self.packet_id(number).to_bytes(2, "big")
        packet[ts_at : ts_at + _TIME_DIGITS] = b"%013d" % (self.first_ms + number)
        is_low = (number + self._phase) % _LOW_EVERY < _LOW_FOR
        packet[battery_at : battery_at + 2] = b"12" if is_low else b"81"
        return bytes(packet)
