"""paho-mqtt over WebSocket, at /mqtt of the HTTP port."""

import json

import pytest

from tests.clients.conftest import Open
from tests.clients.device import ATTRIBUTES, RPC_REQUESTS, TELEMETRY, Device
from tests.clients.paho_client import MQTT_5, MQTT_31, MQTT_311

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("paho-websocket")]
every_version = pytest.mark.parametrize("version", [MQTT_31, MQTT_311, MQTT_5])


@every_version
def test_it_is_mqtt_as_over_tcp(paho: Open, device: Device, version: int) -> None:
    client = paho(version, "browser", transport="websockets")

    told = client.connect(device.token)
    codes = client.subscribe(ATTRIBUTES, RPC_REQUESTS)
    client.publish(TELEMETRY, '{"a":1}')
    device.share(limit=5)
    pushed = client.hears()
    answer = device.start_command("add", [1, 2])
    request = client.hears()
    client.publish(request.topic.replace("request", "response"), "3")

    assert (told.code, codes) == (0, [1, 1])
    assert device.history("a") == [1]
    assert json.loads(pushed.payload) == {"limit": 5}
    assert answer.result() == 3


@every_version
def test_the_largest_message_passes_in_pieces(paho: Open, device: Device, version: int) -> None:
    client = paho(version, "browser", transport="websockets")
    client.connect(device.token)

    assert client.publish(TELEMETRY, json.dumps({"a": "x" * 65_000})) == 0

    assert device.history("a") == ["x" * 65_000]


def test_wrong_credentials_are_told(paho: Open) -> None:
    assert paho(MQTT_5, transport="websockets").connect("nobody").code == 0x86


def test_tcp_takes_over_from_a_websocket(paho: Open, device: Device) -> None:
    browser, meter = paho(MQTT_5, transport="websockets"), paho(MQTT_5)
    browser.connect(device.token)

    meter.connect(device.token)

    assert browser.is_cut_off().code == 0x8E
