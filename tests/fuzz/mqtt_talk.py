"""What devices, gateways and Sparkplug's edge nodes say, to be damaged.

That is a CONNECT that is let in, and messages by topic.
"""

from typing import NamedTuple

from tests.fuzz.mqtt_streams import PACKETS, Streams, packet_of
from tests.protocols.sparkplug import wire
from tests.protocols.sparkplug.wire import BOOLEAN, DOUBLE, INT64, STRING, metric

TELEMETRY = (
    b'{"t":21.5}', b'[{"ts":1700000000000,"values":{"a":1,"b":"x","c":true,"d":null}}]',
    b'{"ts":"1","values":{"a":{"b":[1,{}]}}}', b"[]", b"{}", b'{"a\\u0000":"\\ud800"}', b"1e999",
)  # fmt: skip
DEVICE: dict[str, tuple[bytes, ...]] = {
    "v1/devices/me/telemetry": TELEMETRY,
    "v2/t": TELEMETRY,
    "v2/t/j": TELEMETRY,
    "v2/t/p": (b"\x0a\x05\x0a\x01a\x10\x02", b""),
    "v1/devices/me/attributes": TELEMETRY,
    "v2/a/p": (b"\x0a\x05\x0a\x01a\x10\x02",),
    "v1/devices/me/attributes/request/1": (b'{"clientKeys":"a,b","sharedKeys":"c"}', b"{}", b""),
    "v2/a/req/7": (b'{"clientKeys":["a"]}',),
    "v1/devices/me/rpc/request/1": (b'{"method":"getSessionLimits","params":{}}', b'{"method":1}'),
    "v1/devices/me/rpc/response/0": (b'{"ok":true}', b"no JSON"),
    "v1/devices/me/claim": (b'{"secretKey":"x","durationMs":1}', b""),
    "v2/fw/request/1/chunk/0": (b"100", b"", b"-1", b"x"),
    "provision": (b"{}",),
    "/provision/request": (b'{"deviceName":"x","provisionDeviceKey":"k"}',),
}
GATEWAY: dict[str, tuple[bytes, ...]] = {
    "v1/gateway/connect": (b'{"device":"A","type":"t"}', b'{"device":"A\\u0000\\n"}', b"[]"),
    "v1/gateway/disconnect": (b'{"device":"A"}', b'{"device":null}'),
    "v1/gateway/telemetry": (
        b'{"A":[{"ts":1,"values":{"a":1}},{"b":2}],"B":[]}', b'{"\\u0000":[{"a":1}]}',
        b'{"A":[{"ts":"\\u0000","values":{}}]}',
        b'{"A":[{"a":1,"metadata":{"connector":"c","receivedTs":1,"publishedTs":2}}]}',
    ),
    "v1/gateway/attributes": (b'{"A":{"a":1},"B":{}}', b'{"A":1}'),
    "v1/gateway/attributes/request": (
        b'{"id":1,"device":"A","client":true,"key":"a"}', b'{"id":"\\u0000","device":"A"}',
        b'{"id":2,"device":"B","client":false,"keys":[]}',
    ),
    "v1/gateway/rpc": (b'{"device":"A","id":0,"data":{"a":1}}', b'{"device":"A\\u0000","id":{}}'),
    "v1/gateway/claim": (b'{"A":{"secretKey":"x","durationMs":1000}}',),
    "v1/gateway/other": (b"",),
}  # fmt: skip
PROTOBUF: dict[str, tuple[bytes, ...]] = {
    "v1/devices/me/telemetry": (
        b"\x09\x00\x00\x00\x00\x00\x80\x35\x40\x10\x57\x18\x01",
        b"\x22\x03abc\x2a\x05\x0a\x01k\x10\x02\x32\x03\x01\x02\x03",
        b"",
    ),
    "v1/devices/me/attributes": (b"\x0a\x0212", b"{}"),
    "v1/devices/me/attributes/request/1": (b"\x0a\x01a\x12\x01b",),
    "v1/devices/me/rpc/response/0": (b"\x0a\x02{}", b""),
}
PROTOBUF_SCHEMA = """syntax = "proto3";
message Reading {
  double temperature = 1; optional int32 level = 2; State state = 3; repeated string names = 4;
  map<string, int32> counts = 5; repeated int64 packed = 6;
  oneof one { bytes raw = 7; Reading in = 8; }
  enum State { UNKNOWN = 0; RUNNING = 1; }
}"""
_SEQ = metric("bdSeq", INT64, 3)
_ALIASED = metric("load", DOUBLE, 0.5, alias=1, ts=1_700_000_000_000)
SPARKPLUG: dict[str, tuple[bytes, ...]] = {
    "spBv1.0/G/NBIRTH/E": (
        wire.payload([_SEQ, _ALIASED, metric("on", BOOLEAN, True, alias=2)], seq=0, ts=1),
        wire.payload([_SEQ, metric("\u0000", STRING, "\u0000")], seq=0),
    ),
    "spBv1.0/G/NDATA/E": (
        wire.payload([metric("", DOUBLE, 0.75, alias=1)], seq=1),
        wire.payload([metric("load", null=True), metric("x", 99, b"?", historical=True)], seq=2),
    ),
    "spBv1.0/G/DBIRTH/E/D": (wire.payload([metric("t", STRING, "x", alias=7)], seq=1),),
    "spBv1.0/G/DDATA/E/D": (wire.payload([metric("", STRING, "y", alias=7)], seq=2), b""),
    "spBv1.0/G/DDEATH/E/D": (wire.payload(seq=3),),
    "spBv1.0/G/NDEATH/E": (wire.death(3),),
    "spBv1.0/G/NCMD/E": (b"",),
    "spBv1.0/STATE/host": (b'{"online":true}',),
}
NDEATH = ("spBv1.0/G/NDEATH/E", wire.death(3))
FILTERS = (
    "v1/devices/me/attributes",
    "v1/devices/me/rpc/request/+",
    "v1/devices/me/attributes/response/+",
    "v2/a",
    "v2/a/p",
    "v2/r/req/p/+",
    "v1/gateway/rpc",
    "v1/gateway/attributes",
    "#",
    "$share/g/a",
    "/provision/response",
    "spBv1.0/G/NCMD/E/#",
)


class Who(NamedTuple):
    """A client: its user name, the topics that it speaks on, and the will that it needs."""

    username: str
    topics: dict[str, tuple[bytes, ...]]
    will: tuple[str, bytes] | None = None


class Talk:
    """Makes what one client says on one connection."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams
        self._random = streams.random

    def connection(self, who: Who) -> tuple[int, bytes]:
        """Return a version, 0 when the CONNECT may not say which, and everything that is said."""
        random, version = self._random, self._random.choice((3, 4, 5))
        connect = self._connect(who, version)
        told = version
        if random.random() < 0.2:
            connect, told = self._streams.perhaps_damaged(connect), 0
        said = [self._packet(who, version) for _ in range(random.randint(0, 8))]
        return told, connect + b"".join(said)

    def _connect(self, who: Who, version: int) -> bytes:
        random = self._random
        name = b"MQIsdp" if version == 3 else b"MQTT"
        properties = b"\x00" if version == 5 else b""
        if version == 5 and random.random() < 0.5:
            # Receive Maximum 1 to 3, Maximum Packet Size 1 to 300
            size = random.randint(1, 300).to_bytes(4, "big")
            properties = b"\x08\x21\x00" + bytes([random.randint(1, 3)]) + b"\x27" + size
        flags, will = 0x82, b""
        if who.will is not None or random.random() < 0.3:
            flags |= 0x04 | (random.choice((0, 0x08, 0x10)) if who.will is None else 0x08)
            topic = random.choice(list(who.topics))
            topic, payload = who.will or (topic, random.choice(who.topics[topic]))
            will = (b"\x00" if version == 5 else b"") + _field(topic.encode()) + _field(payload)
        keep_alive = random.choice((b"\x00\x00", b"\x00\x3c"))
        body = _field(name) + bytes([version, flags]) + keep_alive + properties
        return packet_of(0x10, body + _field(b"fuzz") + will + _field(who.username.encode()))

    def _packet(self, who: Who, version: int) -> bytes:
        choice = self._random.random()
        if choice < 0.3:
            return self._streams.perhaps_damaged(self._random.choice(PACKETS[version]))
        packet = self._publish(who, version) if choice < 0.85 else self._subscribe(version)
        return self._streams.damaged(packet) if self._random.random() < 0.05 else packet

    def _publish(self, who: Who, version: int) -> bytes:
        random = self._random
        topic = random.choice(list(who.topics))
        payload = random.choice(who.topics[topic])
        if random.random() < 0.3:
            payload = self._streams.damaged(payload)
        name = self._streams.damaged(topic.encode()) if random.random() < 0.1 else topic.encode()
        qos = random.choice((0, 1, 1, 1, 2))
        packet_id = random.randint(1, 5).to_bytes(2, "big") if qos else b""
        properties = b"\x00" if version == 5 else b""
        return packet_of(0x30 | qos << 1, _field(name) + packet_id + properties + payload)

    def _subscribe(self, version: int) -> bytes:
        chosen = self._random.choices(FILTERS, k=self._random.randint(1, 3))
        wanted = b"".join(_field(each.encode()) + b"\x01" for each in chosen)
        if self._random.random() < 0.3:
            wanted = b"".join(_field(each.encode()) for each in chosen)
            return packet_of(0xA2, b"\x00\x09" + (b"\x00" if version == 5 else b"") + wanted)
        return packet_of(0x82, b"\x00\x09" + (b"\x00" if version == 5 else b"") + wanted)


def _field(data: bytes) -> bytes:
    return (len(data) & 0xFFFF).to_bytes(2, "big") + data
