"""Clients that misbehave harm nobody but themselves."""

import asyncio
import socket
import struct
import threading
import time

from tests.chaos import form
from tests.chaos.fleet import TOPIC, Fleet
from tests.chaos.watched import Watched, await_log, check_all
from tests.e2e.mqtt_client import Client, connect, packet, publish, text
from tests.e2e.server import Server

CROWD = 5_000
CONNACK_BYTES = 4


def test_clients_that_never_read_are_cut_off(on_sqlite: Server) -> None:
    server = on_sqlite
    rest = server.login()
    fleet = Fleet(server, rest)
    rest.create_device("deaf", "DEAF")
    device_id = rest.create_device("deaf subscriber", "DEAF_SUBSCRIBER")
    fleet.await_more()
    memory = Watched(server)

    publisher, subscriber = Client(server.mqtt_port, "DEAF"), None
    publisher.socket.settimeout(0.5)
    subscriber = Client(server.mqtt_port, "DEAF_SUBSCRIBER")
    subscriber.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    filter_ = struct.pack(">H", 1) + text("v1/devices/me/attributes") + b"\1"
    subscriber.socket.sendall(packet(0x82, filter_))
    readings = b"".join(
        publish(TOPIC, b'{"n":%d}' % number, number % 60_000 + 1) for number in range(1_000)
    )
    end_s = time.monotonic() + form(5, 60)
    value = "x" * 50_000
    try:
        while time.monotonic() < end_s:
            try:
                publisher.socket.sendall(readings)
            except TimeoutError:
                pass  # nobody reads it any more
            except OSError:
                publisher.close()
                publisher = Client(server.mqtt_port, "DEAF")
                publisher.socket.settimeout(0.5)
            path = f"/api/plugins/telemetry/DEVICE/{device_id}/SHARED_SCOPE"
            for number in range(20):
                rest.post(path, {f"a{number}": value + str(time.monotonic())})
            memory.check_bound()
    finally:
        publisher.close()
        subscriber.close()

    check_all(server, fleet, memory)
    assert await_log(server, "is cut off: it does not read what it is sent over MQTT")


def test_a_crowd_that_connects_at_once_is_served(on_sqlite: Server) -> None:
    server = on_sqlite
    rest = server.login()
    fleet = Fleet(server, rest)
    rest.create_device("crowd", "CROWD")
    fleet.await_more()
    memory = Watched(server)

    answers = asyncio.run(_crowd(server.mqtt_port))

    # One device has one session: the later take over from the earlier ones, but all are answered.
    assert answers.count(b"\x20\x02\x00\x00") == CROWD, set(answers)
    check_all(server, fleet, memory)


async def _crowd(port: int) -> list[bytes]:
    async def sign_on() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(connect("CROWD"))
            return await reader.readexactly(CONNACK_BYTES)
        finally:
            writer.close()

    async with asyncio.timeout(120):
        return await asyncio.gather(*(sign_on() for _ in range(CROWD)))


def test_clients_that_send_a_byte_a_second_are_given_up(on_sqlite: Server) -> None:
    server = on_sqlite
    fleet = Fleet(server, server.login())
    fleet.await_more()
    memory = Watched(server)
    requests = [
        (server.mqtt_port, connect("SLOW", "a client that takes its time" * 10)),
        (server.http_port, b"GET /api/v1/devices HTTP/1.1\r\n" + b"X: y\r\n" * 100),
    ]
    ended: list[float] = []

    def send(port: int, data: bytes) -> None:
        begin_s = time.monotonic()
        with socket.create_connection(("127.0.0.1", port)) as slow:
            slow.settimeout(1)
            for byte in data:
                try:
                    slow.send(bytes([byte]))
                    if not slow.recv(100):
                        break
                except TimeoutError:
                    continue
                except OSError:
                    break
        ended.append(time.monotonic() - begin_s)

    threads = [threading.Thread(target=send, args=each, daemon=True) for each in requests * 5]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert len(ended) == len(threads), "a slow client is still there after a minute"
    check_all(server, fleet, memory)
    assert await_log(server, "is given up: no CONNECT came in time")
    assert await_log(server, "is given up: no head in 20 s")
