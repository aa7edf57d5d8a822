"""paho-mqtt in MQTT 5: reason codes, limits both ways, and what may be ignored."""

import json

import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from tests.clients.conftest import Open
from tests.clients.device import (
    ATTRIBUTES,
    ATTRIBUTES_REQUEST,
    ATTRIBUTES_RESPONSE,
    TELEMETRY,
    Device,
)
from tests.clients.paho_client import MQTT_5, MQTT_311, properties

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("paho-5")]
PACKET = 65_540
"""Bytes of the largest packet: 65,536 behind the fixed header of 4."""


def test_the_connack_names_what_there_is(paho: Open, device: Device) -> None:
    told = paho(MQTT_5).connect(device.token, keepalive=0)

    assert told.code == 0
    assert told.properties["MaximumPacketSize"] == PACKET
    assert told.properties["ReceiveMaximum"] > 0
    assert told.properties["TopicAliasMaximum"] > 0
    assert told.properties["RetainAvailable"] == 0
    assert "MaximumQoS" not in told.properties
    assert told.properties["SubscriptionIdentifierAvailable"] == 0
    assert told.properties["SharedSubscriptionAvailable"] == 0
    assert told.properties["ServerKeepAlive"] > 0
    assert told.properties["AssignedClientIdentifier"]


@pytest.mark.parametrize(
    ("username", "password", "client_id", "code"),
    [
        ("nobody", None, "meter", 0x86),
        ("nobody", "secret", "meter", 0x86),
        (None, None, "meter", 0x85),
        (None, None, "", 0x87),
    ],
)
def test_why_credentials_are_refused(
    paho: Open, username: str | None, password: str | None, client_id: str, code: int
) -> None:
    assert paho(MQTT_5, client_id).connect(username, password).code == code


def test_enhanced_authentication_is_refused(paho: Open, device: Device) -> None:
    told = paho(MQTT_5).connect(device.token, AuthenticationMethod="SCRAM-SHA-1")

    assert told.code == 0x8C


@pytest.mark.parametrize(
    ("topic", "payload", "code"),
    [
        (TELEMETRY, '{"a":1}', 0),
        (TELEMETRY, "no JSON", 0x99),
        (ATTRIBUTES, "[]", 0x99),
        ("some/topic", "x", 0x90),
    ],
)
def test_each_publish_gets_its_reason_code(
    paho: Open, device: Device, topic: str, payload: str, code: int
) -> None:
    client = paho(MQTT_5)
    client.connect(device.token)

    refused = client.publish(topic, payload)
    after = client.publish(TELEMETRY, '{"b":1}')

    assert (refused, after) == (code, 0)
    assert device.history("b") == [1]


def test_a_refused_message_of_qos_2_is_a_failure(paho: Open, device: Device) -> None:
    """paho releases what the PUBREC refused, too, and hears that there is nothing to release."""
    client = paho(MQTT_5)
    client.connect(device.token)

    refused = client.publish(TELEMETRY, "no JSON", 2)
    after = client.publish(TELEMETRY, '{"b":1}', 2)

    assert (refused, after) == (0x92, 0)
    assert device.history("b") == [1]


@pytest.mark.parametrize(
    ("topic", "payload", "code"),
    [
        (TELEMETRY, '{"ts":"yesterday","values":{"a":1}}', 0x99),
        ("v1/devices/me/rpc/request/1", '{"params":{}}', 0x99),
        ("v1/devices/me/rpc/request/x", '{"method":"m","params":{}}', 0x90),
        ("v2/fw/request/1/chunk/0", "all", 0x99),
    ],
)
def test_what_ends_the_connection_is_told(
    paho: Open, device: Device, topic: str, payload: str, code: int
) -> None:
    client = paho(MQTT_5)
    client.connect(device.token)

    client.publish(topic, payload, 0)

    assert client.is_cut_off().code == code


def test_a_topic_alias_stands_for_its_topic(paho: Open, device: Device) -> None:
    client = paho(MQTT_5)
    client.connect(device.token)

    client.publish(TELEMETRY, '{"ts":1,"values":{"a":1}}', TopicAlias=1)
    client.publish("", '{"ts":2,"values":{"a":2}}', TopicAlias=1)
    client.publish(ATTRIBUTES, '{"a":3}', TopicAlias=1)
    client.publish("", '{"a":4}', TopicAlias=1)

    assert device.history("a") == [1, 2]
    assert device.attributes() == {"a": 4}


@pytest.mark.parametrize(("topic", "alias", "code"), [("", 5, 0x82), (TELEMETRY, 999, 0x94)])
def test_an_alias_that_is_none_ends_the_connection(
    paho: Open, device: Device, topic: str, alias: int, code: int
) -> None:
    client = paho(MQTT_5)
    client.connect(device.token)

    client.publish(topic, "{}", 0, TopicAlias=alias)

    assert client.is_cut_off().code == code


def test_aliases_end_with_their_connection(paho: Open, device: Device) -> None:
    first, second = paho(MQTT_5), paho(MQTT_5)
    first.connect(device.token)
    first.publish(TELEMETRY, '{"a":1}', TopicAlias=1)
    first.end()
    second.connect(device.token)

    second.publish("", '{"a":2}', 0, TopicAlias=1)

    assert second.is_cut_off().code == 0x82


def test_a_packet_of_just_the_limit_is_taken(paho: Open, device: Device) -> None:
    client = paho(MQTT_5)
    client.connect(device.token)
    # 2 bytes for the topic's length, 2 for the packet id, 1 for the length of the properties.
    room = 65_536 - 2 - len(TELEMETRY) - 2 - 1

    assert client.publish(TELEMETRY, '{"a":1}'.ljust(room)) == 0
    client.publish(TELEMETRY, '{"a":2}'.ljust(room + 2 + 1), 0)  # QoS 0 has no packet id

    assert client.is_cut_off().code == 0x95
    assert device.history("a") == [1]


def test_a_message_over_the_clients_packet_size_is_left_out(paho: Open, device: Device) -> None:
    client = paho(MQTT_5)
    client.connect(device.token, MaximumPacketSize=100)
    client.subscribe(ATTRIBUTES)

    device.share(text="x" * 200)
    device.share(limit=1)

    assert json.loads(client.hears().payload) == {"limit": 1}


def test_no_more_is_in_flight_than_the_client_receives(paho: Open, device: Device) -> None:
    client = paho(MQTT_5, manual_ack=True)
    client.connect(device.token, ReceiveMaximum=2)
    client.subscribe(ATTRIBUTES)
    for value in range(4):
        device.share(n=value)
    first, second = client.hears(), client.hears()

    client.publish(TELEMETRY, '{"a":1}')  # its acknowledgement comes behind what was sent
    held_back = client.messages.empty()
    client.client.ack(first.mid, 1)
    third = client.hears()
    client.client.ack(second.mid, 1)
    client.client.ack(third.mid, 1)
    fourth = client.hears()

    assert held_back
    assert [json.loads(each.payload)["n"] for each in (first, second, third, fourth)] == [
        0,
        1,
        2,
        3,
    ]


def test_user_properties_and_the_rest_are_ignored(paho: Open, device: Device) -> None:
    user = [("key", "one"), ("key", "two")]
    client = paho(MQTT_5)
    client.connect(
        device.token,
        UserProperty=user,
        RequestResponseInformation=1,
        RequestProblemInformation=0,
        TopicAliasMaximum=5,
    )

    codes = client.subscribe(ATTRIBUTES, UserProperty=user)
    acknowledged = client.publish(
        TELEMETRY,
        '{"a":1}',
        UserProperty=user,
        ContentType="application/json",
        ResponseTopic="some/where",
        CorrelationData=b"1",
        MessageExpiryInterval=10,
        PayloadFormatIndicator=1,
    )
    device.share(limit=1)

    assert (codes, acknowledged) == ([1], 0)
    assert device.history("a") == [1]
    assert client.hears().payload == b'{"limit":1}'


def test_what_is_not_offered_is_told(paho: Open, device: Device) -> None:
    client = paho(MQTT_5)
    client.connect(device.token)

    assert client.subscribe(f"$share/group/{ATTRIBUTES}") == [0x9E]

    client.publish(TELEMETRY, "{}", 0, retain=True)
    assert client.is_cut_off().code == 0x9A


def test_subscription_identifiers_are_refused(paho: Open, device: Device) -> None:
    client = paho(MQTT_5)
    client.connect(device.token)

    client.starts_to_subscribe(ATTRIBUTES, SubscriptionIdentifier=1)

    assert client.is_cut_off().code == 0xA1


def test_a_good_bye_may_leave_the_will(paho: Open, device: Device) -> None:
    client = paho(MQTT_5)
    client.connect(device.token, will=(TELEMETRY, '{"lost":true}', 1))

    client.client.disconnect(reasoncode=ReasonCode(PacketTypes.DISCONNECT, identifier=0x04))

    device.comes("lost", True)


def test_a_will_waits_no_longer_than_its_session(paho: Open, device: Device) -> None:
    """The CONNACK says that the session ends with the connection."""
    client = paho(MQTT_5)
    client.client.will_set(
        TELEMETRY,
        '{"lost":true}',
        properties=properties(PacketTypes.WILLMESSAGE, WillDelayInterval=3600),
    )
    client.connect(device.token, SessionExpiryInterval=3600)

    client.vanish()

    device.comes("lost", True)


def test_a_retained_will_is_refused(paho: Open, device: Device) -> None:
    client = paho(MQTT_5)
    client.client.will_set(TELEMETRY, "{}", retain=True)

    assert client.connect(device.token).code == 0x9A


def test_answers_come_to_who_asked_whatever_version(paho: Open, device: Device) -> None:
    """The same device may speak MQTT 3.1.1 today and MQTT 5 tomorrow."""
    for version in (MQTT_5, MQTT_311, MQTT_5):
        client = paho(version, "meter")
        client.connect(device.token)
        client.subscribe(ATTRIBUTES_RESPONSE)
        client.publish(ATTRIBUTES_REQUEST, "{}")

        assert client.hears().payload == b"{}"
        client.end()
