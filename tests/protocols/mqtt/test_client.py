"""The client's half of a connection, driven by bytes that a server would send."""

import pytest

from fieldline.protocols.mqtt.client import ClientOptions, ClientSession, ClientState
from fieldline.protocols.mqtt.encoder import encode
from fieldline.protocols.mqtt.inbox import Inbox, Incoming
from fieldline.protocols.mqtt.packets import (
    MQTT_5,
    MQTT_311,
    Connack,
    Connect,
    Disconnect,
    Packet,
    Pingreq,
    Pingresp,
    Puback,
    Pubcomp,
    Publish,
    Pubrec,
    Pubrel,
    Suback,
    Subscribe,
    Subscription,
    Unsubscribe,
)
from fieldline.protocols.mqtt.properties import Properties
from fieldline.protocols.mqtt.reader import PacketReader
from fieldline.protocols.mqtt.reason_codes import ReasonCode


class Server:
    """What the other side sends and reads."""

    def __init__(
        self,
        version: int = MQTT_5,
        inbox: Inbox | None = None,
        former: tuple[str, ...] = (),
        window: int = 10,
    ) -> None:
        properties = Properties(receive_maximum=window) if version == MQTT_5 else Properties()
        connect = Connect("c", version, clean_start=False, keep_alive_s=30, properties=properties)
        filters = (Subscription("a/#", 1), Subscription("b", 2))
        self.version = version
        self.inbox = inbox or Inbox()
        self.client = ClientSession(ClientOptions(connect, filters, former), self.inbox, 0)
        self._reader = PacketReader(0)

    def read(self) -> list[Packet]:
        """Return what the client sent."""
        packets = self._reader.feed(self.client.data_to_send())
        return packets + (self._reader.feed(b"") if packets else [])

    def send(self, *packets: Packet, now_ms: int = 0) -> list[tuple[Publish, Incoming | None]]:
        data = b"".join(encode(packet, self.version) for packet in packets)
        return self.client.receive(data, now_ms)

    def accept(self, *, session_present: bool = False) -> None:
        self.read()
        self.send(Connack(0, session_present), Suback(1, [1, 2]))
        assert self.client.state is ClientState.READY
        self.read()

    def store(self, *messages: Incoming | None) -> list[Packet]:
        """Have messages stored; returns what the client then sends."""
        for message in messages:
            if message is not None:
                self.inbox.stored(message)
        self.client.answer(0)
        return self.read()


def publish(packet_id: int, qos: int = 1, *, dup: bool = False) -> Publish:
    return Publish("a/x", b"{}", qos, packet_id if qos else 0, dup=dup)


@pytest.mark.parametrize("version", [MQTT_311, MQTT_5])
def test_connects_and_subscribes(version: int) -> None:
    server = Server(version)

    (connect,) = server.read()
    server.send(Connack())
    (subscribe,) = server.read()
    server.send(Suback(1, [1, 2]))

    assert isinstance(connect, Connect)
    assert not connect.clean_start
    assert isinstance(subscribe, Subscribe)
    assert [each.topic_filter for each in subscribe.subscriptions] == ["a/#", "b"]
    assert server.client.state is ClientState.READY
    assert server.client.error is None


def test_takes_former_filters_out_of_a_session_that_is_there() -> None:
    server = Server(former=("old/#",))
    server.read()

    server.send(Connack(0, session_present=True))

    unsubscribe, subscribe = server.read()
    assert isinstance(unsubscribe, Unsubscribe)
    assert unsubscribe.topic_filters == ["old/#"]
    assert isinstance(subscribe, Subscribe)


def test_acknowledges_only_what_is_stored_and_in_the_order_it_came() -> None:
    server = Server()
    server.accept()
    messages = [each for _, each in server.send(publish(1), publish(2, 2), publish(3))]

    early = server.store(messages[1], messages[2])
    late = server.store(messages[0])

    assert early == []
    assert late == [Puback(1), Pubrec(2), Puback(3)]


def test_qos_0_is_handed_over_and_never_answered() -> None:
    server = Server()
    server.accept()

    ((packet, message),) = server.send(publish(0, 0))

    assert packet.topic == "a/x"
    assert message is None
    assert server.store() == []


def test_qos_2_is_taken_once_until_it_is_released() -> None:
    server = Server()
    server.accept()
    ((_, message),) = server.send(publish(7, 2))

    assert server.store(message) == [Pubrec(7)]
    assert server.send(publish(7, 2, dup=True)) == []
    assert server.store() == [Pubrec(7)]
    server.send(Pubrel(7))
    assert server.read() == [Pubcomp(7)]
    assert len(server.send(publish(7, 2))) == 1


def test_a_release_of_what_is_not_known_is_answered_so() -> None:
    server = Server()
    server.accept(session_present=True)

    server.send(Pubrel(9))

    assert server.read() == [Pubcomp(9, ReasonCode.PACKET_IDENTIFIER_NOT_FOUND)]


@pytest.mark.parametrize("qos", [1, 2])
def test_what_comes_again_on_a_new_connection_is_known_and_answered_when_stored(qos: int) -> None:
    first = Server()
    first.accept()
    ((_, message),) = first.send(publish(5, qos))
    first.inbox.disconnected()
    second = Server(inbox=first.inbox)
    second.accept(session_present=True)

    again = second.send(publish(5, qos, dup=True))
    before = second.store()

    assert again == []
    assert before == []
    assert second.store(message) == [Puback(5) if qos == 1 else Pubrec(5)]


def test_what_was_stored_while_the_connection_was_lost_is_answered_at_once() -> None:
    first = Server()
    first.accept()
    ((_, message),) = first.send(publish(5))
    first.inbox.disconnected()
    second = Server(inbox=first.inbox)
    second.accept(session_present=True)
    assert second.store(message) == []

    assert second.send(publish(5, dup=True)) == []

    assert second.store() == [Puback(5)]


def test_a_server_without_the_session_begins_anew() -> None:
    first = Server()
    first.accept()
    ((_, old),) = first.send(publish(5))
    first.inbox.disconnected()
    second = Server(inbox=first.inbox)
    second.accept(session_present=False)

    ((_, new),) = second.send(publish(5, dup=True))

    assert second.store(old) == []
    assert second.store(new) == [Puback(5)]


def test_an_id_without_dup_is_another_message() -> None:
    server = Server()
    server.accept()
    ((_, old),) = server.send(publish(5))

    ((_, new),) = server.send(publish(5))

    assert server.store(old) == []
    assert server.store(new) == [Puback(5)]


def test_takes_more_than_the_window_from_a_server_that_does_not_keep_to_it() -> None:
    server = Server(window=2)
    server.accept()

    messages = server.send(publish(1), publish(2), publish(3))

    assert len(messages) == 3
    assert server.client.error is None


@pytest.mark.parametrize(
    ("version", "code", "reason"),
    [
        (MQTT_5, ReasonCode.NOT_AUTHORIZED, "not authorized"),
        (MQTT_5, ReasonCode.BAD_USER_NAME_OR_PASSWORD, "bad user name or password"),
        (MQTT_311, 4, "bad user name or password"),
        (MQTT_311, 2, "identifier rejected"),
    ],
)
def test_says_why_the_connection_is_refused(version: int, code: int, reason: str) -> None:
    server = Server(version)
    server.read()

    server.send(Connack(code))

    assert str(server.client.error) == f"the broker refused the connection: {reason}"


def test_names_filters_that_are_refused_and_goes_on_with_the_others() -> None:
    server = Server()
    server.read()

    server.send(Connack(), Suback(1, [ReasonCode.NOT_AUTHORIZED, 2]))

    assert server.client.refused == {"a/#": "not authorized"}
    assert server.client.state is ClientState.READY


def test_a_connection_without_any_filter_is_an_error() -> None:
    server = Server()
    server.read()

    server.send(Connack(), Suback(1, [ReasonCode.NOT_AUTHORIZED, ReasonCode.NOT_AUTHORIZED]))

    assert "refused every topic filter" in str(server.client.error)


def test_tells_why_the_server_says_good_bye() -> None:
    server = Server()
    server.accept()

    server.send(Disconnect(ReasonCode.SESSION_TAKEN_OVER))

    assert "session taken over" in str(server.client.error)


@pytest.mark.parametrize(
    "packet", [Publish("a/x", b""), Suback(1, [0, 0]), Pingresp(), Connect("c", MQTT_5)]
)
def test_refuses_what_does_not_belong_before_connack(packet: Packet) -> None:
    server = Server()
    server.read()

    server.send(packet)

    assert server.client.error is not None


def test_refuses_a_topic_alias() -> None:
    server = Server()
    server.accept()

    server.send(Publish("a/x", b"", properties=Properties(topic_alias=1)))

    assert server.client.error is not None
    assert server.client.error.reason_code is ReasonCode.TOPIC_ALIAS_INVALID


def test_pings_a_silent_server_and_gives_it_up() -> None:
    server = Server()
    server.accept()

    server.client.expire(29_999)
    before = server.read()
    server.client.expire(30_000)
    ping = server.read()
    server.client.expire(39_999)
    patient = server.client.error
    server.client.expire(40_000)

    assert before == []
    assert ping == [Pingreq()]
    assert patient is None
    assert "did not answer a ping" in str(server.client.error)


def test_an_answered_ping_is_forgotten() -> None:
    server = Server()
    server.accept()
    server.client.expire(30_000)

    server.send(Pingresp(), now_ms=30_010)
    server.client.expire(45_000)

    assert server.client.error is None


def test_nobody_is_overdue_while_the_socket_is_not_read() -> None:
    server = Server()
    server.accept()
    server.client.expire(30_000)

    server.client.expire(90_000, is_reading=False)

    assert server.client.error is None
    assert server.read()[-1] == Pingreq()


def test_gives_up_a_server_that_does_not_answer_connect() -> None:
    server = Server()

    server.client.expire(10_000)

    assert "did not answer CONNECT" in str(server.client.error)


@pytest.mark.parametrize("version", [MQTT_311, MQTT_5])
def test_says_good_bye_and_may_have_everything_forgotten(version: int) -> None:
    kept, forgotten = Server(version), Server(version)
    kept.accept()
    forgotten.accept()

    kept.client.disconnect(0)
    forgotten.client.disconnect(0, forget=True)

    expected = {"session_expiry_interval": 0} if version == MQTT_5 else {}
    assert kept.read() == [Disconnect()]
    unsubscribe, disconnect = forgotten.read()
    assert isinstance(unsubscribe, Unsubscribe)
    assert isinstance(disconnect, Disconnect)
    assert disconnect.properties == expected
