"""Sends commands to devices over REST, many at once, and plays the devices.

*Two-way*: every request waits until all commands are at their devices; only then these answer. So
as many are in flight as there are. *Persistent*: they are kept while the devices are away; then
these come, and answer what they are sent.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from http import HTTPStatus
from itertools import cycle, islice
from typing import Any, cast

import orjson

from fieldline.bench.measuring import CONNECTING_AT_ONCE
from fieldline.bench.requests import HttpConnection, open_connections, request
from fieldline.bench.usage import memory_bytes, peak_memory_bytes
from fieldline.protocols.mqtt.encoder import encode
from fieldline.protocols.mqtt.packets import (
    MQTT_311,
    Connack,
    Connect,
    Packet,
    Puback,
    Publish,
    Suback,
    Subscribe,
    Subscription,
)
from fieldline.protocols.mqtt.reader import PacketReader

REQUESTS = "v1/devices/me/rpc/request/+"
RESPONSE = "v1/devices/me/rpc/response/"
ALL_IN_TIME_S = 60.0
"""For all commands to be at their devices, and again for all answers."""
KEEPING_AT_ONCE = 64
"""Connections over which persistent commands are sent."""
PAGE = 1_000
"""Commands of a device whose answers are looked at."""


@dataclass(frozen=True, slots=True)
class CommandPlan:
    """One run: so many commands, dealt out to the devices, whose ids are by token."""

    host: str
    port: int
    http_url: str
    user_token: str
    devices: dict[str, str]
    commands: int
    server_pid: int


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What came out: seconds, and the server's memory in bytes.

    Attributes:
        out_s: until all two-way commands were at their devices, at the same time.
        answered_s: from then until the last of the requests had its answer.
        kept_s: until all persistent ones were kept.
        done_s: from when their devices came until all were noted as successful.
        failures: commands that were not answered right.
    """

    out_s: float
    answered_s: float
    kept_s: float
    done_s: float
    memory_before: int
    memory_out: int
    peak_memory_mb: float
    failures: list[str]

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


class Commanded(asyncio.Protocol):
    """A device that is sent commands; it answers them when it is told to, or at once."""

    def __init__(self, token: str, came: asyncio.Queue[None], *, at_once: bool) -> None:
        self.is_ready = asyncio.Event()
        self.failure: str | None = None
        self._token = token
        self._came = came
        self._at_once = at_once
        self._reader = PacketReader(MQTT_311)
        self._open: list[Publish] = []
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._send(Connect(f"bench-{self._token}", MQTT_311, username=self._token))

    def data_received(self, data: bytes) -> None:
        for packet in self._reader.feed(data):
            if isinstance(packet, Connack):
                if packet.code:
                    self.failure = f"the server refused the connection (code {packet.code})"
                self._send(Subscribe(1, [Subscription(REQUESTS, 1)]))
            elif isinstance(packet, Suback):
                self.is_ready.set()
            elif isinstance(packet, Publish):
                self._take(packet)

    def _take(self, packet: Publish) -> None:
        self._send(Puback(packet.packet_id))
        self._open.append(packet)
        self._came.put_nowait(None)
        if self._at_once:
            self.answer()

    def answer(self) -> None:
        """Answer what came: the number of each command, from its parameters."""
        for number, packet in enumerate(self._open):
            topic = RESPONSE + packet.topic.rpartition("/")[2]
            answer = orjson.dumps({"done": orjson.loads(packet.payload)["params"]})
            self._send(Publish(topic, answer, 1, number + 1))
        self._open.clear()

    def _send(self, packet: Packet) -> None:
        if self._transport is not None:
            self._transport.write(encode(packet, MQTT_311))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is not None and self.failure is None:
            self.failure = f"a device's connection was lost ({exc or 'closed by the server'})"
        self.is_ready.set()

    def close(self) -> None:
        """Cut the connection."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()


async def run(plan: CommandPlan) -> CommandResult:
    """Send two-way commands, then persistent ones."""
    memory_before = memory_bytes(plan.server_pid)
    out_s, answered_s, memory_out, failures = await _two_way(plan)
    kept_s, done_s, more = await _persistent(plan)
    return CommandResult(
        out_s=round(out_s, 3),
        answered_s=round(answered_s, 3),
        kept_s=round(kept_s, 3),
        done_s=round(done_s, 3),
        memory_before=memory_before,
        memory_out=memory_out,
        peak_memory_mb=round(peak_memory_bytes(plan.server_pid) / 1e6, 1),
        failures=failures + more,
    )


async def _two_way(plan: CommandPlan) -> tuple[float, float, int, list[str]]:
    came: asyncio.Queue[None] = asyncio.Queue()
    devices = [Commanded(token, came, at_once=False) for token in plan.devices]
    await _sign_on(plan, devices)
    requests = _requests(plan, is_persistent=False)
    connections = [HttpConnection() for _ in requests]
    await open_connections(plan.http_url, connections)
    started = time.perf_counter()
    answers = [each.ask(sent) for each, sent in zip(connections, requests, strict=True)]
    failures = await _await_all(came, plan.commands)
    out_s = time.perf_counter() - started
    memory_out = memory_bytes(plan.server_pid)
    started = time.perf_counter()
    for device in devices:
        device.answer()
    done, _ = await asyncio.wait(answers, timeout=ALL_IN_TIME_S)
    answered_s = time.perf_counter() - started
    for number, answer in enumerate(answers):
        found = answer.result() if answer in done else "nothing"
        if found != (HTTPStatus.OK, b'{"done":%d}' % number):
            failures.append(f"command {number} was answered with {found!r}")
    failures += [device.failure for device in devices if device.failure is not None]
    _close(connections, devices)
    return out_s, answered_s, memory_out, failures


async def _persistent(plan: CommandPlan) -> tuple[float, float, list[str]]:
    requests = iter(_requests(plan, is_persistent=True))
    connections = [HttpConnection() for _ in range(min(KEEPING_AT_ONCE, plan.commands))]
    await open_connections(plan.http_url, connections)
    failures: list[str] = []

    async def keep(connection: HttpConnection) -> None:
        for sent in requests:
            status, body = await connection.ask(sent)
            if status != HTTPStatus.OK or b"rpcId" not in body:
                failures.append(f"a persistent command was answered with {status} {body!r}")

    started = time.perf_counter()
    await asyncio.gather(*map(keep, connections))
    kept_s = time.perf_counter() - started
    came: asyncio.Queue[None] = asyncio.Queue()
    devices = [Commanded(token, came, at_once=True) for token in plan.devices]
    started = time.perf_counter()
    await _sign_on(plan, devices)
    failures += await _await_all(came, plan.commands)
    failures += await _await_successful(plan)
    done_s = time.perf_counter() - started
    failures += [device.failure for device in devices if device.failure is not None]
    _close(connections, devices)
    return kept_s, done_s, failures


def _close(connections: Sequence[HttpConnection], devices: Sequence[Commanded]) -> None:
    for connection in connections:
        connection.close()
    for device in devices:
        device.close()


async def _sign_on(plan: CommandPlan, devices: Sequence[Commanded]) -> None:
    loop = asyncio.get_running_loop()
    for start in range(0, len(devices), CONNECTING_AT_ONCE):
        group = devices[start : start + CONNECTING_AT_ONCE]
        for device in group:
            await loop.create_connection(lambda device=device: device, plan.host, plan.port)  # type: ignore[misc]
        await asyncio.gather(*(device.is_ready.wait() for device in group))


def _requests(plan: CommandPlan, *, is_persistent: bool) -> list[bytes]:
    found = []
    for number, device_id in enumerate(islice(cycle(plan.devices.values()), plan.commands)):
        body = {"method": "do", "params": number, "timeout": int(3_000 * ALL_IN_TIME_S)}
        path = f"/api/rpc/twoway/{device_id}"
        data = orjson.dumps({**body, "persistent": is_persistent})
        found.append(request(plan.http_url, "POST", path, plan.user_token, data))
    return found


async def _await_all(came: asyncio.Queue[None], commands: int) -> list[str]:
    """Wait until so many commands came; returns what is wrong."""
    count = 0
    try:
        async with asyncio.timeout(ALL_IN_TIME_S):
            while count < commands:
                await came.get()
                count += 1
    except TimeoutError:
        return [f"{count} of {commands} commands came to their devices in {ALL_IN_TIME_S:.0f} s"]
    return [] if came.empty() else [f"{came.qsize()} commands came more often than once"]


async def _await_successful(plan: CommandPlan) -> list[str]:
    """Wait until every persistent command is successful; returns what is wrong with answers."""
    started = time.perf_counter()
    failures: list[str] = []
    connection = HttpConnection()
    await open_connections(plan.http_url, [connection])
    for number, device_id in enumerate(plan.devices.values()):
        wanted = len(range(number, plan.commands, len(plan.devices)))
        path = f"/api/rpc/persistent/device/{device_id}?pageSize={PAGE}&page=0&rpcStatus=SUCCESSFUL"
        ask = request(plan.http_url, "GET", path, plan.user_token)
        while True:
            status, body = await connection.ask(ask)
            if status != HTTPStatus.OK:
                return [*failures, f"the list of commands was answered with {status} {body!r}"]
            page = orjson.loads(body)
            if page["totalElements"] == wanted:
                break
            if time.perf_counter() - started > ALL_IN_TIME_S:
                what = f"{page['totalElements']} of {wanted} commands of a device are successful"
                return [*failures, what]
            await asyncio.sleep(0.01)
        failures += [
            f"a persistent command has the answer {rpc['response']}"
            for rpc in page["data"]
            if rpc["response"] != {"done": orjson.loads(rpc["request"]["body"]["params"])}
        ]
    connection.close()
    return failures
