"""paho-mqtt in its own thread; what it hears lands in queues, to be waited for."""

from queue import Queue
from select import select
from typing import Any, NamedTuple

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from tests.clients.device import WAIT_S
from tests.e2e.server import Server

MQTT_31, MQTT_311, MQTT_5 = 3, 4, 5


class Told(NamedTuple):
    """What the server said of a connection, a subscription or a publish.

    paho translates the codes of MQTT 3 to those of MQTT 5; ``is_session_present`` belongs to a
    CONNACK.
    """

    code: int
    properties: dict[str, Any]
    is_session_present: bool = False


def properties(packet: int, **values: Any) -> Properties:
    """Make properties of a kind of packet, by paho's names."""
    made = Properties(packet)  # type: ignore[no-untyped-call]
    for name, value in values.items():
        setattr(made, name, value)
    return made


class PahoClient:
    """One client; it stays away when it was disconnected."""

    def __init__(self, server: Server, version: int, client_id: str = "", **options: Any) -> None:
        self._server = server
        self._version = version
        self._transport = options.get("transport", "tcp")
        if version != MQTT_5:
            options.setdefault("clean_session", True)
        self.client = Client(
            CallbackAPIVersion.VERSION2,
            client_id,
            protocol=MQTTProtocolVersion(version),
            reconnect_on_failure=False,
            **options,
        )
        self.messages: Queue[MQTTMessage] = Queue()
        self._connected: Queue[Told] = Queue()
        self._disconnected: Queue[Told] = Queue()
        self._answered: Queue[list[int]] = Queue()
        self._published: Queue[tuple[int, int]] = Queue()
        self._pongs: Queue[None] = Queue()
        self.client.on_connect = self._on_connect
        self.client.on_disconnect = self._on_disconnect
        self.client.on_subscribe = self._on_answer
        self.client.on_unsubscribe = self._on_answer
        self.client.on_publish = self._on_publish
        self.client.on_message = lambda _client, _data, message: self.messages.put(message)
        self.client.on_log = self._on_log

    def connect(
        self,
        username: str | None,
        password: str | None = None,
        keepalive: int = 60,
        will: tuple[str, str, int] | None = None,
        **more: Any,
    ) -> Told:
        """Sign on; ``more`` are properties of the CONNECT, and ``clean_start``."""
        if will is not None:
            topic, payload, qos = will
            self.client.will_set(topic, payload, qos)
        if username is not None or password is not None:
            self.client.username_pw_set(username, password)
        port = self._server.mqtt_port if self._transport == "tcp" else self._server.http_port
        arguments: dict[str, Any] = {}
        if self._version == MQTT_5:
            arguments["clean_start"] = more.pop("clean_start", True)
            arguments["properties"] = properties(PacketTypes.CONNECT, **more)
        self.client.connect("127.0.0.1", port, keepalive, **arguments)
        self.client.loop_start()
        return self._connected.get(timeout=WAIT_S)

    def publish(self, topic: str, payload: str, qos: int = 1, **more: Any) -> int:
        """Publish; returns the code of the acknowledgement (0 with QoS 0: it is written)."""
        retain = more.pop("retain", False)
        made = properties(PacketTypes.PUBLISH, **more) if more else None
        sent = self.client.publish(topic, payload, qos, retain, made)
        while True:
            packet_id, code = self._published.get(timeout=WAIT_S)
            if packet_id == sent.mid:
                return code

    def subscribe(self, *filters: str, qos: int = 1, **more: Any) -> list[int]:
        """Subscribe; returns the codes of the SUBACK."""
        self.starts_to_subscribe(*filters, qos=qos, **more)
        return self._answered.get(timeout=WAIT_S)

    def starts_to_subscribe(self, *filters: str, qos: int = 1, **more: Any) -> None:
        """Send a SUBSCRIBE."""
        made = properties(PacketTypes.SUBSCRIBE, **more) if more else None
        if self._version == MQTT_5:
            wanted: list[Any] = [(each, SubscribeOptions(qos)) for each in filters]
        else:
            wanted = [(each, qos) for each in filters]
        self.client.subscribe(wanted, properties=made)

    def unsubscribe(self, *filters: str) -> list[int]:
        """Unsubscribe; returns the codes of the UNSUBACK, which MQTT 3 does not have."""
        self.client.unsubscribe(list(filters))
        return self._answered.get(timeout=WAIT_S)

    def hears(self) -> MQTTMessage:
        """Wait for the next message."""
        return self.messages.get(timeout=WAIT_S)

    def is_cut_off(self) -> Told:
        """Wait until the server ends the connection; returns what it said."""
        return self._disconnected.get(timeout=WAIT_S)

    def pings(self, times: int) -> None:
        """Wait until that many pings were answered."""
        for _ in range(times):
            self._pongs.get(timeout=WAIT_S)

    def falls_silent(self) -> Told:
        """Send nothing more, not even pings; returns what the server says when it has enough."""
        self.client.loop_stop()
        sock = self.client.socket()
        assert sock is not None
        while self._disconnected.empty():  # the answer to a last ping may come first
            assert select([sock], [], [], WAIT_S)[0], "the server keeps a silent client"
            self.client.loop_read()
        return self.is_cut_off()

    def vanish(self) -> None:
        """Lose the connection without a good-bye."""
        self.client.loop_stop()
        sock = self.client.socket()
        assert sock is not None
        sock.close()

    def end(self) -> None:
        """Say good-bye if the connection is open, and end the thread."""
        self.client.disconnect()
        self.client.loop_stop()

    # -- called by paho's thread

    def _on_connect(
        self, _client: Client, _data: object, flags: ConnectFlags, code: ReasonCode, more: Any
    ) -> None:
        self._connected.put(Told(code.value, _read(more), flags.session_present))

    def _on_disconnect(
        self, _client: Client, _data: object, _flags: DisconnectFlags, code: ReasonCode, more: Any
    ) -> None:
        self._disconnected.put(Told(code.value, _read(more)))

    def _on_answer(
        self, _client: Client, _data: object, _id: int, codes: list[ReasonCode], _more: Any
    ) -> None:
        self._answered.put([code.value for code in codes])

    def _on_publish(
        self, _client: Client, _data: object, packet_id: int, code: ReasonCode, _more: Any
    ) -> None:
        self._published.put((packet_id, code.value))

    def _on_log(self, _client: Client, _data: object, _level: int, line: str) -> None:
        if "Received PINGRESP" in line:
            self._pongs.put(None)


def _read(made: Any) -> dict[str, Any]:
    return {} if made is None else dict(made.json())
