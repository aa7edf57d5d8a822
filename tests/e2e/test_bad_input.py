"""Bad input gets its answer, and every reading sent before it is stored and acknowledged."""

import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from tests.e2e.mqtt_client import PUBACK, Client, connect, packet, publish, text
from tests.e2e.server import Rest, Server

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("bad-input")]
TELEMETRY = "v1/devices/me/telemetry"
GOOD = b'{"ts":1700000000000,"values":{"good":1}}'


@pytest.fixture
def connect_as(shared_server: Server) -> Iterator[Callable[[str], Client]]:
    """Open connections that end with the test."""
    with ExitStack() as stack:

        def open_client(token: str) -> Client:
            client = Client(shared_server.mqtt_port, token)
            stack.callback(client.close)
            return client

        yield open_client


@pytest.fixture(scope="module")
def tenant(shared_server: Server) -> Rest:
    """The tenant administrator, logged in once: each login costs a bcrypt."""
    return shared_server.login()


@pytest.fixture(scope="module")
def devices(shared_server: Server) -> dict[str, str]:
    """Device ids by token, made when first asked for."""
    return {}


def device(tenant: Rest, devices: dict[str, str], name: str) -> tuple[str, str]:
    token = f"BAD_{len(devices)}"
    devices[token] = tenant.create_device(f"{name} {len(devices)}", token)
    return token, devices[token]


def latest(tenant: Rest, device_id: str) -> dict[str, Any]:
    answer = tenant.get(f"/api/v1/telemetry/DEVICE/{device_id}/values/timeseries")
    return {key: points[0]["value"] for key, points in answer["data"].items()}


CLOSES = {
    "not JSON": publish(TELEMETRY, b"temperature=21", 2),
    "NaN": publish(TELEMETRY, b'{"a":NaN}', 2),
    "a number": publish(TELEMETRY, b"21", 2),
    "values that are no object": publish(TELEMETRY, b'{"ts":1,"values":[1]}', 2),
    "a time that is no number": publish(TELEMETRY, b'{"ts":"yesterday","values":{"a":1}}', 2),
    "a time that is null": publish(TELEMETRY, b'{"ts":null,"values":{"a":1}}', 2),
    "over 64 KB": publish(TELEMETRY, b'{"a":"' + b"x" * 65_540 + b'"}', 2),
    "a length of five bytes": b"\x32\xff\xff\xff\xff\x7f",
    "reserved packet type": b"\xf0\x00" + b"\x00\x00",
    "wrong flags": packet(0x83, struct.pack(">H", 1) + text("v1/devices/me/attributes") + b"\x01"),
    "QoS 3": packet(0x36, text(TELEMETRY) + b"\x00\x02" + GOOD),
    "packet id 0": publish(TELEMETRY, GOOD, 0),
    "a topic with a wildcard": publish("v1/devices/+/telemetry", GOOD, 2),
    "a topic that is not UTF-8": packet(0x32, b"\x00\x02\xc3\x28\x00\x02" + GOOD),
    "a topic longer than the packet": packet(0x32, b"\x00\x99ab"),
    "an empty subscription": packet(0x82, struct.pack(">H", 1)),
    "a second CONNECT": connect("whoever"),
}


@pytest.mark.parametrize("bad", CLOSES.values(), ids=CLOSES.keys())
def test_mqtt_acknowledges_what_came_before_and_closes(
    tenant: Rest,
    devices: dict[str, str],
    connect_as: Callable[[str], Client],
    bad: bytes,
) -> None:
    token, device_id = device(tenant, devices, "closes")
    client = connect_as(token)

    client.socket.sendall(publish(TELEMETRY, GOOD, 1) + bad)

    assert client.read_ack() == 1
    with pytest.raises(ConnectionError):
        client.read()
    assert latest(tenant, device_id) == {"good": 1}


STAYS = {
    "an integer beyond int64": (b'{"a":9223372036854775808}', {"a": "9223372036854775808"}),
    "the largest integer": (b'{"a":9223372036854775807}', {"a": 9223372036854775807}),
    "a time as text": (b'{"ts":"1700000000001","values":{"a":1}}', {"a": 1}),
    "a time with a fraction": (b'{"ts":1700000000001.5,"values":{"a":1}}', {"a": 1}),
    "null": (b'{"a":null,"b":1}', {"b": 1}),
    "nothing": (b"{}", {}),
    "an empty list": (b"[]", {}),
    "a key over 255 characters": (b'{"' + b"k" * 256 + b'":1}', {}),
    "a key with HTML": (b'{"<script>alert(1)</script>":1}', {}),
    "a number as text": (b'{"a":"007","b":"1e5"}', {"a": 7, "b": "1e5"}),
    "text that is not UTF-8": (b'{"a":"\xc3\x28"}', {"a": "\ufffd("}),
}


@pytest.mark.parametrize(("payload", "stored"), STAYS.values(), ids=STAYS.keys())
def test_mqtt_acknowledges_and_stays_open(
    tenant: Rest,
    devices: dict[str, str],
    connect_as: Callable[[str], Client],
    payload: bytes,
    stored: dict[str, Any],
) -> None:
    token, device_id = device(tenant, devices, "stays")
    client = connect_as(token)

    client.publish(TELEMETRY, payload, 7)
    assert client.read_ack() == 7
    client.publish(TELEMETRY, GOOD, 8)

    assert client.read_ack() == 8
    assert latest(tenant, device_id) == {**stored, "good": 1}


def test_mqtt_refuses_a_wrong_token(connect_as: Callable[[str], Client]) -> None:
    assert connect_as("nobody").return_code == 5


def test_mqtt_survives_a_packet_that_never_ends(
    tenant: Rest, devices: dict[str, str], connect_as: Callable[[str], Client]
) -> None:
    token, device_id = device(tenant, devices, "truncated")
    client = connect_as(token)
    client.socket.sendall(publish(TELEMETRY, GOOD, 1) + publish(TELEMETRY, GOOD, 2)[:-5])

    assert client.read_ack() == 1
    client.close()

    assert latest(tenant, device_id) == {"good": 1}


def test_mqtt_port_ignores_what_is_not_mqtt(shared_server: Server) -> None:
    with socket.create_connection(("127.0.0.1", shared_server.mqtt_port), timeout=10) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert sock.recv(100) == b""


def test_unknown_topics_are_acknowledged(
    tenant: Rest, devices: dict[str, str], connect_as: Callable[[str], Client]
) -> None:
    token, _ = device(tenant, devices, "unknown topic")
    client = connect_as(token)

    client.publish("somewhere/else", b"{}", 3)

    assert client.read() == (PUBACK, struct.pack(">H", 3))


REST_ERRORS: list[tuple[str, str, object, int, int]] = [
    ("GET", "/api/device/not-a-uuid", None, 400, 31),
    ("GET", "/api/device/784f394c-42b6-435a-983c-b7beff2784f9", None, 404, 32),
    ("GET", "/api/tenant/devices", None, 400, 31),
    ("GET", "/api/tenant/devices?pageSize=0&page=0", None, 400, 31),
    ("GET", "/api/tenant/devices?pageSize=10&page=0&sortOrder=UP", None, 400, 31),
    ("GET", "/api/tenant/devices?pageSize=10&page=0&sortProperty=nothing", None, 400, 31),
    ("GET", "/api/no/such/path", None, 404, 32),
    ("PATCH", "/api/device", {}, 405, 31),
    ("POST", "/api/device", {"label": "no name"}, 400, 31),
    ("POST", "/api/device", {"name": "x" * 256}, 400, 31),
    ("POST", "/api/device", {"name": "<b>bold</b>"}, 400, 31),
    ("POST", "/api/device", {"name": 5}, 400, 31),
    ("POST", "/api/device", ["a list"], 400, 31),
    ("POST", "/api/tenant", {"title": "not mine to make"}, 403, 20),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "code"), REST_ERRORS)
def test_thingsboards_dialect_answers_errors_in_its_form(
    tenant: Rest, method: str, path: str, body: object, status: int, code: int
) -> None:
    answer = tenant.http.request(method, path, json=body)

    assert answer.status_code == status, answer.text
    error = answer.json()
    assert (error["status"], error["errorCode"]) == (status, code)
    assert error["message"]
    assert "Traceback" not in answer.text


V1_ERRORS: list[tuple[str, str, object, tuple[int, ...]]] = [
    ("GET", "/api/v1/devices/not-a-uuid", None, (400, 422)),
    ("GET", "/api/v1/devices/784f394c-42b6-435a-983c-b7beff2784f9", None, (404,)),
    ("GET", "/api/v1/devices?limit=-1", None, (400, 422)),
    ("POST", "/api/v1/devices", {"label": "no name"}, (400, 422)),
    ("POST", "/api/v1/devices", {"name": ""}, (400, 422)),
    ("POST", "/api/v1/tenants", {"name": "not mine to make"}, (403,)),
]


@pytest.mark.parametrize(("method", "path", "body", "statuses"), V1_ERRORS)
def test_v1_answers_errors_in_its_form(
    tenant: Rest, method: str, path: str, body: object, statuses: tuple[int, ...]
) -> None:
    answer = tenant.http.request(method, path, json=body)

    assert answer.status_code in statuses, answer.text
    error = answer.json()
    assert error["status_code"] == answer.status_code
    assert isinstance(error["detail"], str)
    assert error["detail"]


def test_a_body_that_is_not_json_is_a_bad_request(tenant: Rest) -> None:
    http = tenant.http

    for path in ("/api/device", "/api/v1/devices"):
        answer = http.post(path, content=b"{name", headers={"Content-Type": "application/json"})
        assert answer.status_code in {400, 422}, answer.text
        assert "Traceback" not in answer.text


def test_without_a_token_or_with_a_wrong_one_nobody_comes_in(shared_server: Server) -> None:
    for headers in ({}, {"X-Authorization": "Bearer nonsense"}):
        tb = httpx.get(f"{shared_server.url}/api/auth/user", headers=headers)
        v1 = httpx.get(f"{shared_server.url}/api/v1/devices", headers=headers)
        assert (tb.status_code, tb.json()["errorCode"]) == (401, 10)
        assert (v1.status_code, v1.json()["status_code"]) == (401, 401)


def test_unknown_fields_are_ignored(tenant: Rest) -> None:
    created = tenant.post("/api/v1/devices", {"name": "with extras", "colour": "red", "id": "x"})

    assert created["name"] == "with extras"
    assert "colour" not in created


def test_http_devices_get_a_bad_request_and_keep_what_was_stored(
    shared_server: Server, tenant: Rest, devices: dict[str, str]
) -> None:
    token, device_id = device(tenant, devices, "http")
    url = f"{shared_server.url}/api/v1/{token}/telemetry"

    assert httpx.post(url, content=GOOD).status_code == 200
    assert httpx.post(url, content=b"not json").status_code == 400
    assert (
        httpx.post(f"{shared_server.url}/api/v1/nobody/telemetry", content=GOOD).status_code == 401
    )
    assert latest(tenant, device_id) == {"good": 1}
