from hypothesis import given
from hypothesis import strategies as st

from fieldline.protocols.mqtt import packets as p
from fieldline.protocols.mqtt.encoder import encode
from fieldline.protocols.mqtt.handshake import SessionLimits
from fieldline.protocols.mqtt.reader import PacketReader
from fieldline.protocols.mqtt.reason_codes import ReasonCode
from fieldline.protocols.mqtt.session import ServerSession
from fieldline.transports.mqtt.acks import Acks
from tests.transports.mqtt.conftest import Site
from tests.waiting import until


def connected() -> ServerSession:
    session = ServerSession(SessionLimits(), 0)
    session.receive(encode(p.Connect("c", 5), 5), 0)
    session.accept("", 0)
    session.data_to_send()
    return session


@given(
    order=st.integers(1, 12).flatmap(lambda n: st.permutations(range(n))),
    failed=st.sets(st.integers(0, 11)),
)
def test_whatever_is_done_first_acknowledgements_leave_in_order(
    order: list[int], failed: set[int]
) -> None:
    session, reader = connected(), PacketReader(5)
    ready: list[None] = []
    acks = Acks(lambda: ready.append(None))
    receipts = [acks.open(number + 1) for number in range(len(order))]
    sent: list[p.Packet] = []

    for number in order:
        if number in failed:
            receipts[number].code = ReasonCode.PAYLOAD_FORMAT_INVALID
        receipts[number].release()
        if ready:
            ready.clear()
            acks.send(session)
            sent += reader.feed(session.data_to_send())

    expected = [p.Puback(n + 1, 0x99 if n in failed else 0) for n in range(len(order))]
    assert sent == expected
    assert len(acks) == 0


async def test_what_becomes_ready_together_leaves_in_one_write(site: Site) -> None:
    client = await site.client()
    site.world.bus.consume(site.world.keep_open)
    for value in range(100):
        await client.publish("v1/devices/me/telemetry", b'{"a":%d}' % value)
    await until(lambda: site.world.types().count("POST_TELEMETRY_REQUEST") == 100)
    reads_before = client.reads

    for message in site.world.messages:
        if message.type == "POST_TELEMETRY_REQUEST":
            message.receipt.release()
    await client.drain()

    assert client.reads == reads_before + 1
