"""The HTTP device API: what it answers, and when."""

import asyncio
import math
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import Message

from fieldline.domains.rpc.command import Command, RpcStatus
from fieldline.ingest.client_rpc import TIMEOUT_MS
from fieldline.ingest.parts import IngestOptions
from fieldline.kit import errors as kinds
from fieldline.kit.ids import EntityRef, EntityType, new_id
from fieldline.kit.values import Value
from fieldline.messaging.events import AttributesSaved, Change, EntityChanged, KeysDeleted
from fieldline.messaging.message import Message as RulesMessage
from fieldline.timeseries.backends.memory import MemoryStore
from fieldline.timeseries.store import Point, Scope
from fieldline.transports.http.errors import STATUS, answer
from fieldline.transports.http.transport import HttpOptions, device_router
from tests.ingest.world import World
from tests.waiting import until


class Api:
    """The device API over a whole ingest, as a client sees it."""

    def __init__(self, world: World, options: HttpOptions | None = None) -> None:
        self.world = world
        self.device = world.device("secret")
        self.app = FastAPI()
        self.app.include_router(device_router(world.door, options))
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app), base_url="http://fieldline/api/v1"
        )

    async def post(self, path: str, content: bytes) -> httpx.Response:
        return await self.http.post(path, content=content)

    async def get_until(self, hung_up: asyncio.Event, path: str) -> None:
        """Ask, and hang up before the answer."""
        waiting = [{"type": "http.request", "body": b""}]

        async def receive() -> Message:
            if not waiting:
                await hung_up.wait()
                return {"type": "http.disconnect"}
            return waiting.pop()

        async def send(_message: Message) -> None:
            assert hung_up.is_set()

        given = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": []}
        await self.app(given, receive, send)

    async def stored(self, scope: Scope, values: dict[str, Value]) -> None:
        self.world.writer.save_attributes(self.device.tenant_id, self.device.ref, scope, values)
        await self.world.writer.flush()


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World(MemoryStore())
    await world.start()
    await world.door.start()
    world.bus.consume(world.save)
    yield world
    await world.door.stop()
    await world.stop()


@pytest.fixture
async def api(world: World) -> AsyncIterator[Api]:
    api = Api(world)
    yield api
    await api.http.aclose()


async def test_telemetry_is_stored_when_the_answer_comes(api: Api) -> None:
    response = await api.post("/secret/telemetry", b'{"ts":5,"values":{"k":1.5}}')

    assert response.status_code == 200
    assert response.content == b""
    assert await api.world.store.latest(api.device.id) == {"k": Point(5, 1.5)}


@pytest.mark.parametrize("payload", [b"[]", b"{}", b'{"k":null}'])
async def test_telemetry_without_values_is_fine(api: Api, payload: bytes) -> None:
    assert (await api.post("/secret/telemetry", payload)).status_code == 200


async def test_a_megabyte_of_telemetry_is_stored(api: Api) -> None:
    readings = [b'{"ts":%d,"values":{"k":%d}}' % (i, i) for i in range(30_000)]

    response = await api.post("/secret/telemetry", b"[" + b",".join(readings) + b"]")

    assert response.status_code == 200
    assert await api.world.store.latest(api.device.id) == {"k": Point(29_999, 29_999)}


async def test_attributes_are_stored_when_the_answer_comes(api: Api) -> None:
    response = await api.post("/secret/attributes", b'{"serial":"A1"}')

    found = await api.world.store.attributes(api.device.id, Scope.CLIENT)
    assert response.status_code == 200
    assert response.content == b""
    assert [(a.key, a.value) for a in found] == [("serial", "A1")]


@pytest.mark.parametrize(
    ("path", "payload", "said"),
    [
        ("telemetry", b"", "not JSON"),
        ("telemetry", b"{", "not JSON"),
        ("telemetry", b'{"k":NaN}', "not JSON"),
        ("telemetry", b"5", "object"),
        ("telemetry", b'{"ts":"x","values":{}}', "'ts'"),
        ("attributes", b"[]", "object"),
        ("attributes", b"", "not JSON"),
        ("rpc", b"x", "not JSON"),
        ("rpc", b"[]", "object"),
        ("rpc", b'{"params":1}', "'method'"),
        ("rpc", b'{"method":"m"}', "'params'"),
    ],
)
async def test_a_bad_body_is_answered_with_what_is_wrong(
    api: Api, path: str, payload: bytes, said: str
) -> None:
    response = await api.post(f"/secret/{path}", payload)

    assert response.status_code == 400
    assert said in response.text


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "telemetry"),
        ("POST", "attributes"),
        ("GET", "attributes"),
        ("GET", "attributes/updates"),
        ("POST", "rpc"),
    ],
)
async def test_an_unknown_token_is_401_without_a_body(api: Api, method: str, path: str) -> None:
    response = await api.http.request(method, f"/wrong/{path}", content=b"not even JSON")

    assert response.status_code == 401
    assert response.content == b""


async def test_attributes_are_read_by_name(api: Api) -> None:
    await api.stored(Scope.CLIENT, {"a": 1, "b": True})
    await api.stored(Scope.SHARED, {"c": "x", "d": 2.0})

    everything = await api.http.get("/secret/attributes")
    some = await api.http.get("/secret/attributes?clientKeys=a,nothing&sharedKeys=d")
    repeated = await api.http.get("/secret/attributes?sharedKeys=c&sharedKeys=d")
    empty = await api.http.get("/secret/attributes?clientKeys=&sharedKeys=")
    nothing = await api.http.get("/secret/attributes?clientKeys=nothing")

    assert everything.json() == {"client": {"a": 1, "b": True}, "shared": {"c": "x", "d": 2.0}}
    assert everything.headers["content-type"] == "application/json"
    assert some.json() == {"client": {"a": 1}, "shared": {"d": 2.0}}
    assert repeated.json() == {"shared": {"c": "x", "d": 2.0}}
    assert empty.json() == everything.json()
    assert nothing.json() == {}


async def until_polling(api: Api) -> None:
    await until(api.world.door._sessions.attributes.all)


async def test_a_poll_ends_with_the_next_change(api: Api) -> None:
    poll = asyncio.create_task(api.http.get("/secret/attributes/updates?timeout=5000"))
    await until_polling(api)

    await api.stored(Scope.SHARED, {"k": 1.0})

    assert (await poll).json() == {"k": 1.0}


async def test_a_poll_ends_with_a_deletion(api: Api) -> None:
    poll = asyncio.create_task(api.http.get("/secret/attributes/updates"))
    await until_polling(api)

    api.world.bus.emit(
        KeysDeleted(api.device.tenant_id, api.device.ref, "SHARED_SCOPE", ("a", "b"))
    )

    assert (await poll).json() == {"deleted": ["a", "b"]}


def command(api: Api, **fields: Any) -> Command:
    expires_ms = api.world.clock.now_ms() + 60_000
    device = api.device
    return Command(new_id(), device.tenant_id, device.id, "open", 1, expires_ms, **fields)


async def test_a_poll_that_was_left_takes_no_command(api: Api) -> None:
    hung_up = asyncio.Event()
    left = asyncio.create_task(api.get_until(hung_up, "/api/v1/secret/rpc"))
    await until(api.world.door._sessions.rpc.all)
    hung_up.set()
    async with asyncio.timeout(5):
        await left
    rpc = command(api, is_oneway=True, is_persistent=True)
    api.world.door.send_rpc(rpc, lambda _: None)

    before = list(api.world.kept.moves[rpc.id])
    poll = await api.http.get("/secret/rpc")

    assert before == [RpcStatus.QUEUED]
    assert poll.json() == {"id": 0, "method": "open", "params": 1}
    assert api.world.kept.moves[rpc.id][-1] is RpcStatus.DELIVERED


@pytest.mark.parametrize("kept", [(True, True), (False, False), (False, True), (True, False)])
async def test_polls_get_one_command_after_the_other(api: Api, kept: tuple[bool, ...]) -> None:
    for is_persistent in kept:
        api.world.door.send_rpc(command(api, is_persistent=is_persistent), lambda _: None)

    polls = [(await api.http.get("/secret/rpc")).json()["id"] for _ in range(3)]

    assert sorted(polls[:2]) == [0, 1]
    assert polls[2] in polls[:2]  # neither is answered yet


async def test_a_poll_without_news_is_408(api: Api) -> None:
    response = await api.http.get("/secret/attributes/updates?timeout=1")

    assert response.status_code == 408
    assert response.content == b""
    assert not api.world.door._sessions.attributes.all()


async def test_a_poll_with_a_time_out_that_is_no_number_is_400(api: Api) -> None:
    response = await api.http.get("/secret/attributes/updates?timeout=soon")

    assert response.status_code == 400
    assert "timeout" in response.text


@pytest.mark.parametrize(
    ("change", "status", "body"),
    [(Change.DELETED, 403, "Device was deleted!"), (Change.CREDENTIALS_UPDATED, 401, "")],
)
async def test_a_poll_ends_when_the_device_may_not_wait_any_more(
    api: Api, change: Change, status: int, body: str
) -> None:
    poll = asyncio.create_task(api.http.get("/secret/attributes/updates"))
    await until_polling(api)

    api.world.bus.emit(EntityChanged(api.device.tenant_id, api.device.ref, change))

    response = await poll
    assert (response.status_code, response.text) == (status, body)


async def test_a_stop_ends_what_waits(api: Api) -> None:
    api.world.bus.consume(api.world.finish)
    poll = asyncio.create_task(api.http.get("/secret/attributes/updates"))
    call = asyncio.create_task(api.post("/secret/rpc", b'{"method":"m","params":1}'))
    await until_polling(api)
    await until(lambda: "TO_SERVER_RPC_REQUEST" in api.world.types())

    api.world.door.end_waiting()

    assert (await poll).status_code == 503
    assert (await call).json() == {"error": "timeout"}


async def test_more_polls_than_allowed_are_503(world: World) -> None:
    api = Api(world, HttpOptions(polls=1))
    poll = asyncio.create_task(api.http.get("/secret/attributes/updates"))
    await until_polling(api)

    refused = await api.http.get("/secret/attributes/updates")
    world.bus.emit(
        AttributesSaved(api.device.tenant_id, api.device.ref, "SHARED_SCOPE", 1, {"k": 1})
    )
    await poll
    after = await api.http.get("/secret/attributes/updates?timeout=1")

    assert refused.status_code == 503
    assert int(refused.headers["retry-after"]) >= 1
    assert after.status_code == 408
    await api.http.aclose()


async def test_an_rpc_is_answered_by_the_rules(api: Api) -> None:
    def answer_soon(message: RulesMessage) -> None:
        if message.type == "TO_SERVER_RPC_REQUEST":
            request_id = int(message.metadata["requestId"])
            asyncio.get_running_loop().call_soon(
                api.world.door.answer_client_rpc, message.originator.id, request_id, b'{"time":1}'
            )

    api.world.bus.consume(answer_soon)

    response = await api.post("/secret/rpc", b'{"method":"getTime","params":{}}')

    assert response.status_code == 200
    assert response.json() == {"time": 1}


async def test_an_rpc_that_nobody_answers_times_out(api: Api) -> None:
    api.world.bus.consume(api.world.finish)
    call = asyncio.create_task(api.post("/secret/rpc", b'{"method":"m","params":null}'))
    await until(lambda: "TO_SERVER_RPC_REQUEST" in api.world.types())

    api.world.clock.advance(TIMEOUT_MS)
    api.world.door._client_rpc.expire()

    assert (await call).json() == {"error": "timeout"}


async def test_an_rpc_of_a_device_that_is_deleted_is_403(api: Api) -> None:
    api.world.bus.consume(api.world.finish)
    call = asyncio.create_task(api.post("/secret/rpc", b'{"method":"m","params":null}'))
    await until(lambda: "TO_SERVER_RPC_REQUEST" in api.world.types())
    api.world.bus.emit(
        EntityChanged(api.device.tenant_id, EntityRef(EntityType.DEVICE, new_id()), Change.DELETED)
    )
    api.world.bus.emit(EntityChanged(api.device.tenant_id, api.device.ref, Change.DELETED))

    response = await call

    assert (response.status_code, response.text) == (403, "Device was deleted!")


async def test_an_rpc_that_cannot_be_answered_is_408(world: World) -> None:
    api = Api(world, HttpOptions(rpc_s=0.01))

    response = await api.post("/secret/rpc", b'{"method":"m","params":null}')

    assert (response.status_code, response.content) == (408, b"")
    await api.http.aclose()


async def test_a_body_over_the_limit_is_413_by_length_and_in_fact(world: World) -> None:
    api = Api(world, HttpOptions(max_body_bytes=100, max_rpc_bytes=50))

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"          "

    by_length = await api.post("/secret/telemetry", b" " * 101)
    in_fact = await api.http.post("/secret/telemetry", content=chunks())
    rpc = await api.post("/secret/rpc", b" " * 51)

    for response in (by_length, in_fact, rpc):
        assert response.status_code == 413
        assert "bytes" in response.json()
    await api.http.aclose()


async def test_large_bodies_wait_for_their_turn_and_small_ones_do_not(world: World) -> None:
    api = Api(world, HttpOptions(large_bodies=1))
    may_go_on = asyncio.Event()
    started = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b'{"k":"' + b"x" * 70_000
        started.set()
        await may_go_on.wait()
        yield b'"}'

    async def large() -> AsyncIterator[bytes]:
        yield b'{"large":"' + b"x" * 70_000 + b'"}'

    async def small() -> AsyncIterator[bytes]:
        yield b'{"small":1}'

    first = asyncio.create_task(api.http.post("/secret/telemetry", content=slow()))
    await started.wait()
    second = asyncio.create_task(api.http.post("/secret/telemetry", content=large()))
    third = await api.http.post("/secret/telemetry", content=small())
    is_second_waiting = not second.done()
    may_go_on.set()

    assert third.status_code == 200
    assert is_second_waiting
    assert [(await first).status_code, (await second).status_code] == [200, 200]
    await api.http.aclose()


async def test_a_full_server_is_503_with_retry_after() -> None:
    world = World(MemoryStore(), options=IngestOptions(in_flight=1))
    world.bus.consume(world.keep_open)
    api = Api(world)
    first = asyncio.create_task(api.post("/secret/telemetry", b'{"k":1}'))
    await until(lambda: world.messages)

    refused = await api.post("/secret/telemetry", b'{"k":2}')
    is_waiting = not first.done()
    world.messages[0].receipt.release()

    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "1"
    assert is_waiting
    assert (await first).status_code == 200
    await api.http.aclose()


async def test_a_request_is_activity_but_no_connection(api: Api) -> None:
    await api.post("/secret/telemetry", b"{}")
    await api.world.door.activity.report()

    attributes = await api.world.server_attributes(api.device)
    assert attributes["active"] is True
    assert "lastConnectTime" not in attributes


def every_kind() -> list[type[kinds.FieldlineError]]:
    return [
        kind
        for kind in vars(kinds).values()
        if isinstance(kind, type)
        and issubclass(kind, kinds.FieldlineError)
        and kind is not kinds.FieldlineError
    ]


@pytest.mark.parametrize("kind", every_kind())
def test_every_kind_of_error_has_an_answer(kind: type[kinds.FieldlineError]) -> None:
    extra = {"entity_type": "DEVICE", "limit": 1} if kind is kinds.LimitReached else {}

    response = answer(kind("what", **extra))

    assert response.status_code == next(STATUS[base] for base in kind.__mro__ if base in STATUS)
    assert 400 <= response.status_code < 600


def test_retry_after_is_whole_seconds() -> None:
    response = answer(kinds.RateLimited("slower", retry_after_s=1.2))

    assert response.headers["retry-after"] == str(math.ceil(1.2))
