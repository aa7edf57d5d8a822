"""What devices ask: their attributes, their limits, and RPC that rules answer."""

import asyncio
from collections.abc import AsyncIterator

import orjson
import pytest

from fieldline.ingest.attributes import AttributeRequest, FoundAttributes, attributes_json
from fieldline.ingest.client_rpc import TIMEOUT_MS, MissingMethod
from fieldline.ingest.parts import IngestOptions
from fieldline.ingest.session import DeviceSession
from fieldline.kit.errors import Invalid, Unavailable
from fieldline.kit.ids import new_id
from fieldline.kit.json import dumps
from fieldline.kit.values import JsonText, Value
from fieldline.timeseries.backends.memory import MemoryStore
from fieldline.timeseries.store import Scope
from tests.ingest.world import World

EVERYTHING = AttributeRequest(None, None)


@pytest.fixture
async def session(world: World) -> AsyncIterator[DeviceSession]:
    device = world.device()
    stored: list[tuple[Scope, dict[str, Value]]] = [
        (Scope.CLIENT, {"c": 1, "both": "client"}),
        (Scope.SHARED, {"s": 10.0, "both": "shared", "j": JsonText('{"a":[1]}')}),
        (Scope.SERVER, {"secret": 1}),
    ]
    for scope, values in stored:
        world.writer.save_attributes(device.tenant_id, device.ref, scope, values)
    await world.writer.flush()
    await world.door.start()
    yield world.door.brief(device)
    await world.door.stop()


async def asked(world: World, session: DeviceSession, payload: bytes) -> object:
    answer: asyncio.Future[FoundAttributes] = asyncio.get_running_loop().create_future()
    world.door.request_attributes(session, AttributeRequest.parse(payload), answer.set_result)
    async with asyncio.timeout(5):
        return orjson.loads(dumps(attributes_json(await answer)))


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (
            b"{}",
            {
                "client": {"c": 1, "both": "client"},
                "shared": {"s": 10.0, "both": "shared", "j": {"a": [1]}},
            },
        ),
        (b'{"clientKeys":"c,unknown"}', {"client": {"c": 1}}),
        (b'{"sharedKeys":"s,both"}', {"shared": {"s": 10.0, "both": "shared"}}),
        (
            b'{"clientKeys":"both","sharedKeys":"both"}',
            {"client": {"both": "client"}, "shared": {"both": "shared"}},
        ),
        (b'{"clientKeys":"unknown"}', {}),
        (b'{"sharedKeys":"secret"}', {}),
        (b'{"clientKeys":""}', {}),
        (b'{"clientKeys":"c,,"}', {"client": {"c": 1}}),
    ],
)
async def test_attributes_are_answered_by_name(
    world: World, session: DeviceSession, payload: bytes, expected: object
) -> None:
    assert await asked(world, session, payload) == expected


@pytest.mark.parametrize(
    "payload",
    [b"", b"x", b"null", b"[]", b'{"clientKeys":null}', b'{"sharedKeys":["a","b"]}', b'"a"'],
)
def test_a_request_of_another_form_is_refused(payload: bytes) -> None:
    with pytest.raises(Invalid):
        AttributeRequest.parse(payload)


async def test_requests_are_answered_in_the_order_asked(
    world: World, session: DeviceSession
) -> None:
    answers: list[int] = []
    done = asyncio.Event()

    def reply_to(number: int) -> None:
        def reply(_answer: object) -> None:
            answers.append(number)
            if len(answers) == 20:
                done.set()

        world.door.request_attributes(session, EVERYTHING, reply)

    for number in range(20):
        reply_to(number)
    await done.wait()

    assert answers == list(range(20))


async def test_more_waiting_requests_than_allowed_are_refused() -> None:
    world = World(MemoryStore(), options=IngestOptions(waiting_reads=1))
    session = world.door.brief(world.device())
    world.door.request_attributes(session, EVERYTHING, lambda _answer: None)

    with pytest.raises(Unavailable):
        world.door.request_attributes(session, EVERYTHING, lambda _answer: None)


async def test_attributes_can_be_waited_for(world: World, session: DeviceSession) -> None:
    answer = await world.door.read_attributes(session, AttributeRequest.of("c", None))

    assert answer == {"client": {"c": 1}}


async def limits(world: World, session: DeviceSession) -> object:
    answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    world.door.client_rpc(
        session, b'{"method":"getSessionLimits","params":{"timeout":5000}}', answer.set_result
    )
    async with asyncio.timeout(5):
        return orjson.loads(await answer)


async def test_session_limits_come_from_the_tenant_profile(
    world: World, session: DeviceSession
) -> None:
    world.tenant_profile = {
        "transportDeviceMsgRateLimit": "10:1,100:60",
        "transportDeviceTelemetryMsgRateLimit": None,
        "transportDeviceTelemetryDataPointsRateLimit": "",
    }

    assert await limits(world, session) == {
        "maxPayloadSize": 65536,
        "maxInflightMessages": 100,
        "rateLimits": {
            "messages": "10:1,100:60",
            "telemetryMessages": None,
            "telemetryDataPoints": "",
        },
    }


async def test_a_gateway_gets_the_limits_of_its_devices_too(
    world: World, session: DeviceSession
) -> None:
    world.tenant_profile = {
        "transportDeviceMsgRateLimit": "1:1",
        "transportGatewayMsgRateLimit": "2:1",
        "transportGatewayDeviceMsgRateLimit": "3:1",
    }
    session.device.is_gateway = True

    answer = await limits(world, session)

    assert isinstance(answer, dict)
    assert answer["rateLimits"]["messages"] == "3:1"
    assert answer["gatewayRateLimits"] == {
        "messages": "2:1",
        "telemetryMessages": None,
        "telemetryDataPoints": None,
    }


async def test_an_rpc_goes_to_the_rules_and_their_answer_comes_back(
    world: World, session: DeviceSession
) -> None:
    answers: list[bytes] = []

    world.door.client_rpc(session, b'{"method":"getTime"}', answers.append)
    (message,) = [m for m in world.messages if m.type == "TO_SERVER_RPC_REQUEST"]
    request_id = int(message.metadata["requestId"])
    is_answered = world.door.answer_client_rpc(session.device.id, request_id, b'{"time":5}')
    is_answered_again = world.door.answer_client_rpc(session.device.id, request_id, b"{}")

    assert message.data == {"method": "getTime", "params": None}
    assert message.metadata["sessionId"] == str(session.id)
    assert message.metadata["deviceName"] == session.device.name
    assert answers == [b'{"time":5}']
    assert (is_answered, is_answered_again) == (True, False)


async def test_an_rpc_without_an_answer_times_out_after_a_minute(
    world: World, session: DeviceSession
) -> None:
    answers: list[bytes] = []
    world.door.client_rpc(session, b'{"method":"m","params":1}', answers.append)

    world.clock.advance(TIMEOUT_MS - 1)
    world.door._client_rpc.expire()
    before = list(answers)
    world.clock.advance(1)
    world.door._client_rpc.expire()

    assert before == []
    assert answers == [b'{"error":"timeout"}']


async def test_an_rpc_does_not_wait_for_a_clock_that_was_put_back(
    world: World, session: DeviceSession
) -> None:
    answers: list[bytes] = []
    world.door.client_rpc(session, b'{"method":"m","params":1}', answers.append)

    world.clock.advance(-3_600_000)
    world.door._client_rpc.expire()

    assert answers == [b'{"error":"timeout"}']


async def test_more_waiting_rpcs_than_allowed_are_refused() -> None:
    world = World(MemoryStore(), options=IngestOptions(client_rpcs=1))
    session = world.door.brief(world.device())
    world.door.client_rpc(session, b'{"method":"m"}', lambda _answer: None)

    with pytest.raises(Unavailable):
        world.door.client_rpc(session, b'{"method":"m"}', lambda _answer: None)


async def test_waiting_rpcs_of_a_tenant_leave_room_for_others() -> None:
    world = World(MemoryStore(), options=IngestOptions(tenant_client_rpcs=1))
    session = world.door.brief(world.device())
    other = world.door.brief(world.device("other", tenant_id=new_id()))
    answers: list[bytes] = []
    world.door.client_rpc(session, b'{"method":"m"}', answers.append)

    with pytest.raises(Unavailable, match="of the tenant's devices"):
        world.door.client_rpc(session, b'{"method":"m"}', answers.append)
    world.door.client_rpc(other, b'{"method":"m"}', answers.append)
    world.door._client_rpc.end_waiting()
    world.door.client_rpc(session, b'{"method":"m"}', answers.append)

    assert len(answers) == 2


async def test_a_call_that_is_nested_too_deeply_is_invalid(
    world: World, session: DeviceSession
) -> None:
    deep = b"[" * 300 + b"]" * 300

    with pytest.raises(Invalid, match="nested too deeply"):
        world.door.client_rpc(session, b'{"method":"m","params":%b}' % deep, lambda _: None)

    assert not [m for m in world.messages if m.type == "TO_SERVER_RPC_REQUEST"]


@pytest.mark.parametrize("payload", [b"{}", b'{"params":1}', b'{"method":5}', b'{"method":null}'])
async def test_an_rpc_needs_a_method(world: World, session: DeviceSession, payload: bytes) -> None:
    with pytest.raises(MissingMethod):
        world.door.client_rpc(session, payload, lambda _answer: None)


@pytest.mark.parametrize("payload", [b"", b"x", b"[]", b"null"])
async def test_an_rpc_must_be_an_object(
    world: World, session: DeviceSession, payload: bytes
) -> None:
    with pytest.raises(Invalid):
        world.door.client_rpc(session, payload, lambda _answer: None)
