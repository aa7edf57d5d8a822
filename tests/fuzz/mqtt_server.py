"""The running server against damaged connections, while good clients go on beside them.

It stays alive and in bounds, says nothing that a client could not read, logs no failure of its own,
and every reading of the good clients is acknowledged and stored.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.typing import Subprotocol

from fieldline.protocols.mqtt.packets import Connect
from fieldline.protocols.mqtt.reader import PacketReader
from tests.e2e.server import Rest, Server
from tests.fuzz.mqtt_codec import Found
from tests.fuzz.mqtt_streams import Streams
from tests.fuzz.mqtt_talk import (
    DEVICE,
    GATEWAY,
    NDEATH,
    PROTOBUF,
    PROTOBUF_SCHEMA,
    SPARKPLUG,
    Talk,
    Who,
)
from tests.transports.mqtt.client import MqttClient

AT_ONCE = 16
"""Damaged connections of a round."""
BAD_DEVICES = 9
"""Whose connections these are; now and then one takes over from another."""
LISTEN_S = 0.15
"""How long a connection stays open for answers when the server does not close it."""
ANSWER_S = 30.0
GROWTH_BYTES = 300 * 1024 * 1024
"""More than the server's caches and buffers may take once it has been fuzzed for a while."""
BAD_WORDS = ("Traceback", "error id", "CRITICAL")


class ServerFuzz:
    """Fuzzes one server; ``found.failures`` says what did not hold."""

    def __init__(self, server: Server, seed: int) -> None:
        self.found = Found()
        self._server = server
        self._seed = seed
        self._streams = Streams(seed)
        self._talk = Talk(self._streams)
        self._rest = server.login()
        self._good = _device(self._rest, "good")
        self._bad: dict[str, str] = {}
        self._whos = [Who("provision", DEVICE)]
        for number in range(2):
            self._whos += [self._edge_node(number), self._protobuf_device(number)]
        for number in range(BAD_DEVICES):
            token = f"bad-{number}"
            is_gateway = number % 3 == 0
            self._make(token, is_gateway=is_gateway)
            self._whos.append(Who(token, GATEWAY | DEVICE if is_gateway else DEVICE))
        self._sent = 0
        self._warm_bytes = 0

    def run(self, *, rounds: int = 0, seconds: float = 0) -> Found:
        """Fuzz for a number of rounds, or for some seconds."""
        asyncio.run(self._run(rounds, time.monotonic() + seconds))
        return self.found

    async def _run(self, rounds: int, until: float) -> None:
        connection = Connect("good", 5, username="good", keep_alive_s=0)
        good = await MqttClient.open("127.0.0.1", self._server.mqtt_port, connection)
        while not self.found.failures and (self.found.rounds < rounds or time.monotonic() < until):
            self.found.rounds += 1
            said = [
                self._talk.connection(self._streams.random.choice(self._whos))
                for _ in range(AT_ONCE)
            ]
            with self._failing("a damaged connection", said):
                await asyncio.gather(*(self._connect(*each) for each in said))
            with self._failing("the good client", said):
                await self._publish(good)
                self._look()
        with self._failing("the end", []):
            await good.close()
            await self._ends()

    def _edge_node(self, number: int) -> Who:
        token = f"edge-{number}"
        self._make(token, profile=_profile(self._rest, token, sparkplug=True))
        return Who(token, SPARKPLUG | DEVICE, NDEATH)

    def _protobuf_device(self, number: int) -> Who:
        token = f"protobuf-{number}"
        payload = {
            "transportPayloadType": "PROTOBUF",
            "deviceTelemetryProtoSchema": PROTOBUF_SCHEMA,
            "deviceAttributesProtoSchema": 'syntax = "proto3"; message A { string serial = 1; }',
            "enableCompatibilityWithJsonPayloadFormat": number == 1,
        }
        profile = _profile(self._rest, token, transportPayloadTypeConfiguration=payload)
        self._make(token, profile=profile)
        return Who(token, DEVICE | PROTOBUF)

    def _make(self, token: str, **how: Any) -> None:
        self._bad[token] = _device(self._rest, token, **how)

    async def _connect(self, version: int, said: bytes) -> None:
        random = self._streams.random
        pieces = self._streams.pieces(said)
        reader = PacketReader(version)
        if random.random() < 0.15:
            await self._by_websocket(pieces, reader)
        else:
            await self._by_tcp(pieces, reader, random.randrange(3))
        if version:  # else what it takes the client for is not known
            assert reader.error is None, f"the server said what cannot be read: {reader.error}"

    async def _by_tcp(self, pieces: list[bytes], packets: PacketReader, how: int) -> None:
        """Send the pieces; then wait for answers, hang up at once, or half of it."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._server.mqtt_port)
        with suppress(OSError):  # the server may be faster
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)
            if how == 1:
                writer.write_eof()
            if how != 2:
                await _listen(reader, packets)
        writer.transport.abort()

    async def _by_websocket(self, pieces: list[bytes], packets: PacketReader) -> None:
        url = f"ws://127.0.0.1:{self._server.http_port}/mqtt"
        with suppress(OSError, WebSocketException):
            async with connect(url, subprotocols=[Subprotocol("mqtt")]) as socket:
                for piece in pieces:
                    await socket.send(piece)
                await _listen_to(socket, packets)

    async def _publish(self, good: MqttClient) -> None:
        async with asyncio.timeout(ANSWER_S):
            self._sent += 1
            body = b'{"ts":%d,"values":{"n":%d}}' % (self._sent, self._sent)
            await good.publish("v1/devices/me/telemetry", body)
            await good.drain()
        assert good.refused == 0, f"a good reading was refused with 0x{good.last_refusal:02X}"

    def _look(self) -> None:
        log = self._server.log.read_text()
        for word in BAD_WORDS:
            assert word not in log, f"the log holds '{word}'"
        used = _memory(self._server.pid)
        if self.found.rounds == 20:
            self._warm_bytes = used
        grown = used - (self._warm_bytes or used)
        assert grown < GROWTH_BYTES, f"the server grew by {grown >> 20} MiB"

    async def _ends(self) -> None:
        """Every connection is gone, everybody was let in, and every good reading is there."""
        await _until(lambda: not _gauge(self._rest, "fieldline_mqtt_connections"))
        for token, device_id in self._bad.items():
            await _until(partial(self._was_let_in, device_id), f"{token} was never let in")
        stored = self._rest.get(
            f"/api/plugins/telemetry/DEVICE/{self._good}/values/timeseries",
            keys="n", startTs=0, endTs=self._sent + 1, limit=50_000, orderBy="ASC",
            useStrictDataTypes="true",
        )  # fmt: skip
        assert [each["value"] for each in stored["n"]] == list(range(1, self._sent + 1))[-50_000:]
        self._look()

    def _was_let_in(self, device_id: str) -> bool:
        scope = f"/api/plugins/telemetry/DEVICE/{device_id}/values/attributes/SERVER_SCOPE"
        return any(each["value"] for each in self._rest.get(scope, keys="lastConnectTime"))

    @contextmanager
    def _failing(self, where: str, said: list[tuple[int, bytes]]) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001 - this is what is looked for
            streams = "\n".join(f"{version} {data.hex()}" for version, data in said)
            log = self._server.log.read_text()
            self.found.failures[where] = (
                f"round {self.found.rounds} of seed {self._seed}, {where}: {error!r}\n{streams}\n"
                f"{log[-6_000:]}"
            )


async def _until(is_so: Callable[[], bool], otherwise: str = "it did not come to that") -> None:
    """Ask until something is so, which has no event."""
    deadline = time.monotonic() + ANSWER_S
    while not is_so():
        assert time.monotonic() < deadline, otherwise
        await asyncio.sleep(0.05)


async def _listen(reader: asyncio.StreamReader, packets: PacketReader) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(LISTEN_S):
            while data := await reader.read(65_536):
                packets.feed(data)


async def _listen_to(socket: ClientConnection, packets: PacketReader) -> None:
    with suppress(TimeoutError, ConnectionClosed):
        async with asyncio.timeout(LISTEN_S):
            while True:
                data = await socket.recv()
                assert isinstance(data, bytes)
                packets.feed(data)


def _profile(rest: Rest, name: str, **configuration: object) -> dict[str, str]:
    body = {
        "name": name,
        "type": "DEFAULT",
        "transportType": "MQTT",
        "profileData": {
            "configuration": {"type": "DEFAULT"},
            "transportConfiguration": {"type": "MQTT", **configuration},
        },
    }
    profile_id: dict[str, str] = rest.post("/api/deviceProfile", body)["id"]
    return profile_id


def _device(
    rest: Rest, token: str, *, is_gateway: bool = False, profile: dict[str, str] | None = None
) -> str:
    body: dict[str, object] = {
        "name": f"Fuzzed {token}",
        "additionalInfo": {"gateway": is_gateway},
    }
    if profile is not None:
        body["deviceProfileId"] = profile
    device_id: str = rest.post("/api/device", body, accessToken=token)["id"]["id"]
    return device_id


def _memory(pid: int) -> int:
    """Return the bytes of memory that a process has (Linux)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def _gauge(rest: Rest, name: str) -> float:
    for line in rest.http.get("/metrics").text.splitlines():
        if line.startswith(f"{name} "):
            return float(line.split()[1])
    raise AssertionError(f"/metrics has no {name}")
