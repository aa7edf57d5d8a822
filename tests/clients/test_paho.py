"""paho-mqtt in every version of MQTT: what they have in common."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.clients.conftest import Open
from tests.clients.device import (
    ATTRIBUTES,
    ATTRIBUTES_REQUEST,
    ATTRIBUTES_RESPONSE,
    RPC_REQUESTS,
    RPC_RESPONSES,
    TELEMETRY,
    Device,
)
from tests.clients.paho_client import MQTT_5, MQTT_31, MQTT_311

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("paho")]
VERSIONS = [MQTT_31, MQTT_311, MQTT_5]
NOT_AUTHORIZED, BAD_USER_NAME_OR_PASSWORD = 0x87, 0x86
every_version = pytest.mark.parametrize("version", VERSIONS)


@every_version
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_telemetry_is_stored_once(paho: Open, device: Device, version: int, qos: int) -> None:
    client = paho(version, "meter")
    client.connect(device.token)

    for value in range(5):
        assert (
            client.publish(TELEMETRY, json.dumps({"ts": value + 1, "values": {"a": value}}), qos)
            == 0
        )

    device.comes("a", 0, 1, 2, 3, 4)


@every_version
@pytest.mark.parametrize("qos", [1, 2])
def test_what_is_acknowledged_is_stored(paho: Open, device: Device, version: int, qos: int) -> None:
    client = paho(version, "meter")
    client.connect(device.token)

    client.publish(TELEMETRY, '{"a":1}', qos)

    assert device.history("a") == [1]


@every_version
def test_attributes_are_stored_and_asked_for(paho: Open, device: Device, version: int) -> None:
    client = paho(version, "meter")
    client.connect(device.token)
    device.share(limit=7)

    client.publish(ATTRIBUTES, '{"model":"X1"}')
    client.subscribe(ATTRIBUTES_RESPONSE)
    client.publish(ATTRIBUTES_REQUEST, '{"clientKeys":"model","sharedKeys":"limit"}')
    answer = client.hears()

    assert device.attributes() == {"model": "X1"}
    assert answer.topic == "v1/devices/me/attributes/response/1"
    assert json.loads(answer.payload) == {"client": {"model": "X1"}, "shared": {"limit": 7}}


@every_version
@pytest.mark.parametrize("qos", [0, 1])
def test_shared_attributes_are_pushed(paho: Open, device: Device, version: int, qos: int) -> None:
    client = paho(version, "meter")
    client.connect(device.token)

    codes = client.subscribe(ATTRIBUTES, qos=qos)
    device.share(limit=5)
    pushed = client.hears()

    assert codes == [qos]
    assert (pushed.topic, pushed.qos, pushed.retain) == (ATTRIBUTES, qos, False)
    assert json.loads(pushed.payload) == {"limit": 5}


@every_version
def test_a_command_is_answered(paho: Open, device: Device, version: int) -> None:
    client = paho(version, "meter")
    client.connect(device.token)
    client.subscribe(RPC_REQUESTS)

    answer = device.start_command("add", [1, 2])
    request = client.hears()
    client.publish(request.topic.replace("request", "response"), '{"sum":3}')

    assert json.loads(request.payload) == {"method": "add", "params": [1, 2]}
    assert answer.result() == {"sum": 3}


@every_version
def test_the_platform_is_asked(paho: Open, device: Device, version: int) -> None:
    client = paho(version, "meter")
    client.connect(device.token)
    client.subscribe(RPC_RESPONSES)

    client.publish("v1/devices/me/rpc/request/9", '{"method":"getSessionLimits","params":{}}')
    answer = client.hears()

    assert answer.topic == "v1/devices/me/rpc/response/9"
    assert json.loads(answer.payload)["maxPayloadSize"] == 65_536


@every_version
def test_a_second_connection_takes_over(paho: Open, device: Device, version: int) -> None:
    first, second = paho(version, "one"), paho(version, "two")
    first.connect(device.token)

    second.connect(device.token)
    told = first.is_cut_off()
    second.publish(TELEMETRY, '{"a":1}')

    assert version != MQTT_5 or told.code == 0x8E
    assert device.history("a") == [1]


@every_version
def test_no_session_outlives_its_connection(paho: Open, device: Device, version: int) -> None:
    """The CONNACK says so, from which clients know that they have to subscribe again."""
    is_5 = version == MQTT_5
    wanted: dict[str, Any] = {}
    if is_5:
        wanted = {"clean_start": False, "SessionExpiryInterval": 600}
    clients = [paho(version, "meter", **({} if is_5 else {"clean_session": False})) for _ in "ab"]
    clients[0].connect(device.token, **wanted)
    clients[0].subscribe(ATTRIBUTES)
    clients[0].end()

    told = clients[1].connect(device.token, **wanted)
    device.share(limit=1)
    clients[1].publish(ATTRIBUTES_REQUEST, "{}")

    assert not told.is_session_present
    assert told.properties.get("SessionExpiryInterval") == (0 if is_5 else None)
    assert clients[1].hears().topic == "v1/devices/me/attributes/response/1"


@every_version
@pytest.mark.parametrize(
    ("username", "password"), [("nobody", None), ("nobody", "secret")], ids=["token", "password"]
)
def test_wrong_credentials_are_told(
    paho: Open, version: int, username: str, password: str | None
) -> None:
    expected = BAD_USER_NAME_OR_PASSWORD if version == MQTT_5 else NOT_AUTHORIZED

    assert paho(version, "meter").connect(username, password).code == expected


@every_version
def test_a_client_that_falls_silent_is_cut_off(paho: Open, device: Device, version: int) -> None:
    client = paho(version, "meter")
    client.connect(device.token, keepalive=1)

    told = client.falls_silent()

    assert version != MQTT_5 or told.code == 0x8D


@every_version
def test_pings_keep_the_connection(paho: Open, device: Device, version: int) -> None:
    client = paho(version, "meter")
    client.connect(device.token, keepalive=1)

    client.pings(2)
    client.publish(TELEMETRY, '{"a":1}')

    assert device.history("a") == [1]


@every_version
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_a_will_is_said_when_the_connection_is_lost(
    paho: Open, device: Device, version: int, qos: int
) -> None:
    client = paho(version, "meter")
    client.connect(device.token, will=(TELEMETRY, '{"lost":true}', qos))
    client.publish(TELEMETRY, '{"lost":false}')

    client.vanish()

    device.comes("lost", False, True)


@every_version
def test_a_will_is_said_of_a_client_that_fell_silent(
    paho: Open, device: Device, version: int
) -> None:
    client = paho(version, "meter")
    client.connect(device.token, keepalive=1, will=(TELEMETRY, '{"lost":true}', 1))

    client.falls_silent()

    device.comes("lost", True)


@every_version
def test_a_good_bye_takes_the_will_back(paho: Open, device: Device, version: int) -> None:
    first, second = paho(version, "meter"), paho(version, "meter")
    first.connect(device.token, will=(TELEMETRY, '{"lost":1}', 1))
    first.end()
    second.connect(device.token, will=(TELEMETRY, '{"lost":2}', 1))

    second.vanish()

    device.comes("lost", 2)


@every_version
def test_a_will_is_said_before_who_takes_over_speaks(
    paho: Open, device: Device, version: int
) -> None:
    first, second = paho(version, "meter"), paho(version, "meter")
    first.connect(device.token, will=(ATTRIBUTES, '{"online":false}', 1))

    second.connect(device.token)
    second.publish(ATTRIBUTES, '{"online":true}')

    assert device.attributes() == {"online": True}


@every_version
def test_filters_are_granted_and_refused_one_by_one(
    paho: Open, device: Device, version: int
) -> None:
    client = paho(version, "meter")
    client.connect(device.token)

    codes = client.subscribe("#", ATTRIBUTES, "other/topic", RPC_REQUESTS, qos=2)

    refused = 0x8F if version == MQTT_5 else 0x80
    assert codes == [refused, 1, refused, 1]


@every_version
def test_nothing_is_pushed_after_unsubscribe(paho: Open, device: Device, version: int) -> None:
    client = paho(version, "meter")
    client.connect(device.token)
    client.subscribe(ATTRIBUTES)

    codes = client.unsubscribe(ATTRIBUTES, RPC_REQUESTS)
    device.share(limit=1)
    client.publish(ATTRIBUTES_REQUEST, '{"sharedKeys":"limit"}')

    assert codes == ([0, 0x11] if version == MQTT_5 else [])
    assert client.hears().topic == "v1/devices/me/attributes/response/1"


@every_version
def test_devices_do_not_hear_each_other(
    paho: Open, make_device: Callable[[], Device], version: int
) -> None:
    """Equal client ids are those of different devices."""
    one, other = make_device(), make_device()
    first, second = paho(version, "same"), paho(version, "same")
    first.connect(one.token)
    second.connect(other.token)
    first.subscribe(ATTRIBUTES)
    second.subscribe(ATTRIBUTES)

    second.publish(ATTRIBUTES, '{"from":"second"}')
    other.share(limit=2)
    one.share(limit=1)

    assert json.loads(first.hears().payload) == {"limit": 1}
    assert json.loads(second.hears().payload) == {"limit": 2}
