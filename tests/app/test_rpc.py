"""Commands from people to devices, through the whole platform."""

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from fieldline.app import retention
from fieldline.app.retention import Retention
from fieldline.database.base import now_ms
from fieldline.domains.rpc import service as rpc_service
from fieldline.domains.rpc.command import RpcStatus
from fieldline.domains.rpc.waiting import GRACE_S
from fieldline.domains.rpc.writer import RpcWriter
from fieldline.ingest.server_rpc import SWEEP_S
from fieldline.kit.clock import ManualClock
from fieldline.kit.service_id import SERVICE_ID
from fieldline.messaging.message import Message
from fieldline.protocols.mqtt.packets import Publish
from tests.api.support import Client, created
from tests.app.plant import Plant, opened, settings_of
from tests.transports.mqtt.client import MqttClient
from tests.waiting import until, until_async

CALL: dict[str, Any] = {"method": "setGpio", "params": {"pin": 7}}
REQUESTS = "v1/devices/me/rpc/request/+"


async def answering(plant: Plant, token: str, answer: bytes = b'{"ok":true}') -> MqttClient:
    """Connect a device that answers every command."""
    device: MqttClient
    tasks: set[asyncio.Task[None]] = set()

    def on_message(packet: Publish) -> None:
        plant.heard.append(packet)
        topic = packet.topic.replace("request", "response")
        tasks.add(asyncio.get_running_loop().create_task(device.publish(topic, answer)))

    device = await plant.connect(token, on_message=on_message)
    await device.subscribe(REQUESTS)
    return device


async def kept(admin: Client, rpc_id: str, *statuses: str) -> dict[str, Any]:
    """Return a kept command once it is that far."""
    found: dict[str, Any] = {}
    async with asyncio.timeout(20):
        while found.get("status") not in statuses:
            answer = await admin.get(f"/api/rpc/persistent/{rpc_id}")
            assert answer.status_code == 200, answer.text
            found = answer.json()
            await asyncio.sleep(0.01)
    return found


@pytest.mark.parametrize("path", ["/api/rpc", "/api/plugins/rpc"])
async def test_a_call_and_its_answer(plant: Plant, path: str) -> None:
    admin = await plant.tenant()
    device_id = await plant.device(admin, "valve")
    await answering(plant, "valve")

    answer = await admin.post(f"{path}/twoway/{device_id}", json=CALL)
    oneway = await admin.post(f"{path}/oneway/{device_id}", json=CALL)
    await until(lambda: len(plant.heard) == 2)

    assert (answer.status_code, answer.json()) == (200, {"ok": True})
    assert (oneway.status_code, oneway.content) == (200, b"")
    assert json.loads(plant.heard[0].payload) == CALL
    assert [packet.topic.rsplit("/", 1)[1] for packet in plant.heard] == ["0", "1"]


async def test_an_answer_that_is_no_json_is_406(plant: Plant) -> None:
    admin = await plant.tenant()
    device_id = await plant.device(admin, "valve")
    await answering(plant, "valve", b"done")

    assert (await admin.post(f"/api/rpc/twoway/{device_id}", json=CALL)).status_code == 406


@pytest.mark.parametrize(
    ("path", "absent", "silent"), [("/api/rpc", 504, 504), ("/api/plugins/rpc", 409, 408)]
)
async def test_a_call_that_nobody_answers(
    plant: Plant, path: str, absent: int, silent: int
) -> None:
    admin = await plant.tenant()
    device_id = await plant.device(admin, "valve")
    soon = plant.platform.services.clock.now_ms() + 300
    nobody = await admin.post(f"{path}/twoway/{device_id}", json={**CALL, "expirationTime": soon})
    device = await plant.connect("valve")
    await device.subscribe(REQUESTS)

    soon = plant.platform.services.clock.now_ms() + 300
    no_answer = await admin.post(
        f"{path}/twoway/{device_id}", json={**CALL, "expirationTime": soon}
    )

    assert (nobody.status_code, no_answer.status_code) == (absent, silent)


def test_why_nobody_answered_is_waited_for() -> None:
    assert GRACE_S > 2 * SWEEP_S  # of an absent device 409 comes, not 408


@pytest.mark.parametrize(
    "body",
    [{}, {"params": {}}, {"method": ""}, {"method": "m", "timeout": "x"}, {"method": "m" * 256}],
)
async def test_a_body_that_is_no_call_is_400(plant: Plant, body: dict[str, Any]) -> None:
    admin = await plant.tenant()
    device_id = await plant.device(admin, "valve")

    answer = await admin.post(f"/api/rpc/twoway/{device_id}", json=body)

    assert (answer.status_code, answer.json()["errorCode"]) == (400, 31)


async def test_a_call_is_recorded_and_foreign_devices_are_not_called(plant: Plant) -> None:
    admin, stranger = await plant.tenant(), await plant.tenant("other")
    device_id = await plant.device(admin, "valve")
    await answering(plant, "valve")

    refused = await stranger.post(f"/api/rpc/twoway/{device_id}", json=CALL)
    nobodys = await admin.post(f"/api/rpc/twoway/{uuid4()}", json=CALL)
    await admin.post(f"/api/rpc/twoway/{device_id}", json=CALL)
    log = (await admin.get("/api/audit/logs?pageSize=10&page=0&actionTypes=RPC_CALL")).json()

    assert (refused.status_code, nobodys.status_code) == (404, 404)
    assert len(plant.heard) == 1
    [record] = log["data"]
    assert record["actionData"]["method"] == "setGpio"


async def test_a_kept_command_needs_an_id_of_its_own(plant: Plant) -> None:
    admin = await plant.tenant()
    device_id = await plant.device(admin, "valve")
    body = {**CALL, "persistent": True, "requestUUID": str(uuid4())}

    first = await admin.post(f"/api/rpc/oneway/{device_id}", json=body)
    second = await admin.post(f"/api/rpc/oneway/{device_id}", json=body)

    assert first.json() == {"rpcId": body["requestUUID"]}
    assert (second.status_code, second.json()["errorCode"]) == (400, 31)
    assert "exists already" in second.json()["message"]


async def test_messages_and_events_name_the_server_alike(plant: Plant) -> None:
    admin = await plant.tenant()
    device_id = await plant.device(admin, "valve")
    switch = "org.thingsboard.rule.engine.filter.TbMsgTypeSwitchNode"
    chain = await created(admin, "/api/ruleChain", {"name": "debugged"})
    node = {"type": switch, "name": "switch", "configuration": {}, "debugMode": True}
    body = {"ruleChainId": chain["id"], "firstNodeIndex": 0, "nodes": [node], "connections": []}
    saved = await created(admin, "/api/ruleChain/metadata", body)
    await created(admin, f"/api/ruleChain/{chain['id']['id']}/root", {})
    device = await plant.connect("valve")
    events = f"/api/events/RULE_NODE/{saved['nodes'][0]['id']['id']}/DEBUG_RULE_NODE"
    tenant_id = chain["tenantId"]["id"]

    async def told() -> dict[str, dict[str, Any]]:
        page = await admin.get(f"{events}?tenantId={tenant_id}&pageSize=99&page=0")
        return {each["body"]["msgType"]: each["body"] for each in page.json()["data"]}

    soon = plant.platform.services.clock.now_ms() + 300
    await admin.post(f"/api/rpc/oneway/{device_id}", json={**CALL, "expirationTime": soon})
    await device.publish("v1/devices/me/rpc/request/1", b'{"method":"getTime"}')
    await until_async(
        lambda: _holds(told, "RPC_CALL_FROM_SERVER_TO_DEVICE", "TO_SERVER_RPC_REQUEST")
    )
    found = await told()

    down, up = found["RPC_CALL_FROM_SERVER_TO_DEVICE"], found["TO_SERVER_RPC_REQUEST"]
    assert down["server"] == up["server"] == SERVICE_ID
    assert json.loads(down["metadata"])["originServiceId"] == SERVICE_ID
    assert json.loads(up["metadata"])["serviceId"] == SERVICE_ID


async def _holds(read: Callable[[], Awaitable[dict[str, Any]]], *names: str) -> bool:
    return {*names} <= {*await read()}


async def test_request_ids_are_of_one_tenant(plant: Plant) -> None:
    tenants = [await plant.tenant(), await plant.tenant("other")]
    body = {**CALL, "requestUUID": str(uuid4())}
    calls = []
    for number, admin in enumerate(tenants):
        device_id = await plant.device(admin, f"valve{number}")
        device = await plant.connect(f"valve{number}")
        await device.subscribe(REQUESTS)
        calls.append(asyncio.create_task(admin.post(f"/api/rpc/twoway/{device_id}", json=body)))
        await until(lambda: len(plant.heard) == len(calls))
    for number, device in reversed(list(enumerate(plant.devices))):
        await device.publish("v1/devices/me/rpc/response/0", b"%d" % number)

    assert [(await call).json() for call in calls] == [0, 1]


async def test_http_devices_poll_for_commands(plant: Plant) -> None:
    admin, device = await plant.tenant(), plant.client()
    device_id = await plant.device(admin, "valve")
    nothing = await device.get("/api/v1/valve/rpc?timeout=1")
    call = asyncio.create_task(admin.post(f"/api/rpc/twoway/{device_id}", json=CALL))
    second = asyncio.create_task(admin.post(f"/api/rpc/twoway/{device_id}", json=CALL))

    for number in (0, 1):
        request = await device.get("/api/v1/valve/rpc?timeout=20000")
        assert request.json() == {"id": number, **CALL}
        await device.post(f"/api/v1/valve/rpc/{number}", content=b'{"n":%d}' % number)
    unknown = await device.post("/api/v1/valve/rpc/99", content=b"{}")
    none = await device.post("/api/v1/valve/rpc/x", content=b"{}")

    assert nothing.status_code == 408
    answers = [(await each).json() for each in (call, second)]
    assert sorted(answers, key=str) == [{"n": 0}, {"n": 1}]
    assert (unknown.status_code, none.status_code) == (200, 400)
    assert none.text == "'number' must be a whole number of 32 bits"


async def test_a_kept_command_waits_for_its_device(plant: Plant) -> None:
    admin = await plant.tenant()
    device_id = await plant.device(admin, "valve")
    body = {**CALL, "persistent": True, "timeout": 3_600_000, "additionalInfo": {"by": "me"}}
    answer = (await admin.post(f"/api/rpc/twoway/{device_id}", json=body)).json()
    queued = await kept(admin, answer["rpcId"], "QUEUED")

    await answering(plant, "valve")
    done = await kept(admin, answer["rpcId"], "SUCCESSFUL")

    assert (queued["response"], done["response"]) == (None, {"ok": True})
    assert done["request"]["body"] == {"method": "setGpio", "params": '{"pin":7}'}
    assert done["additionalInfo"] == {"by": "me"}
    assert done["deviceId"] == {"entityType": "DEVICE", "id": device_id}


async def test_a_kept_command_is_answered_over_http(plant: Plant) -> None:
    admin, device = await plant.tenant(), plant.client()
    device_id = await plant.device(admin, "valve")
    body = {**CALL, "persistent": True, "timeout": 3_600_000}
    rpc = await created(admin, f"/api/rpc/twoway/{device_id}", body)

    polls = [(await device.get("/api/v1/valve/rpc?timeout=20000")).json() for _ in range(2)]
    await device.post(f"/api/v1/valve/rpc/{polls[0]['id']}", content=b'{"ok":true}')
    done = await kept(admin, rpc["rpcId"], "SUCCESSFUL")
    nothing = await device.get("/api/v1/valve/rpc?timeout=50")

    assert polls[0] == polls[1] == {"id": 0, **CALL}
    assert (done["response"], nothing.status_code) == ({"ok": True}, 408)


async def test_kept_commands_are_listed_and_deleted(plant: Plant) -> None:
    admin = await plant.tenant()
    device_id = await plant.device(admin, "valve")
    path = f"/api/rpc/persistent/device/{device_id}?pageSize=10&page=0"
    body = {**CALL, "persistent": True, "timeout": 3_600_000}
    ids = [
        (await admin.post(f"/api/rpc/oneway/{device_id}", json=body)).json()["rpcId"]
        for _ in range(2)
    ]

    listed = (await admin.get(path + "&sortProperty=createdTime&sortOrder=ASC")).json()
    deleted = await admin.delete(f"/api/rpc/persistent/{ids[0]}")
    left = (await admin.get(path + "&rpcStatus=QUEUED")).json()["data"]
    successful = (await admin.get(path + "&rpcStatus=SUCCESSFUL")).json()["data"]
    gone = [await admin.get(f"/api/rpc/persistent/{ids[0]}")]
    gone.append(await admin.delete(f"/api/rpc/persistent/{ids[0]}"))
    of_deleted = await admin.get(path + "&rpcStatus=DELETED")
    await answering(plant, "valve")
    await kept(admin, ids[1], "DELIVERED")

    assert (listed["totalElements"], {each["id"]["id"] for each in listed["data"]}) == (2, set(ids))
    assert deleted.status_code == 200
    assert ([each["id"]["id"] for each in left], successful) == ([ids[1]], [])
    assert [answer.status_code for answer in gone] == [404, 404]
    assert of_deleted.status_code == 400
    assert len(plant.heard) == 1


async def test_a_kept_command_outlives_the_process(database_url: str, tmp_path: Path) -> None:
    settings = settings_of(database_url, tmp_path)
    async with opened(settings) as plant:
        admin = await plant.tenant()
        device_id = await plant.device(admin, "valve")
        body = {**CALL, "persistent": True, "timeout": 3_600_000}
        answer = await created(admin, f"/api/rpc/twoway/{device_id}", body)
    async with opened(settings) as plant:
        admin = await plant.user("admin@acme.org")
        await answering(plant, "valve")

        done = await kept(admin, answer["rpcId"], "SUCCESSFUL")

    assert done["response"] == {"ok": True}


async def test_a_kept_command_expires_while_its_device_is_away(plant: Plant) -> None:
    admin = await plant.tenant()
    device_id = await plant.device(admin, "valve")
    soon = plant.platform.services.clock.now_ms() + 200
    body = {**CALL, "persistent": True, "expirationTime": soon}
    answer = await created(admin, f"/api/rpc/twoway/{device_id}", body)

    await asyncio.sleep(0.3)
    await plant.platform.door._server_rpc._kept.expire()
    await kept(admin, answer["rpcId"], "EXPIRED")
    await answering(plant, "valve")
    await asyncio.sleep(0.05)

    assert plant.heard == []


async def test_delivered_oneway_commands_stand_in_nobodys_way(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fieldline.domains.rpc.service.MAX_PENDING", 2)
    monkeypatch.setattr("fieldline.domains.rpc.writer.MAX_BATCH", 2)
    admin = await plant.tenant()
    device_id = await plant.device(admin, "valve")
    device = await answering(plant, "valve")
    soon = plant.platform.services.clock.now_ms() + 1_500
    body = {**CALL, "persistent": True, "expirationTime": soon}
    done = [await created(admin, f"/api/rpc/oneway/{device_id}", body) for _ in range(3)]
    for each in done:
        await kept(admin, each["rpcId"], "DELIVERED")
    device.abort()
    absent = [await created(admin, f"/api/rpc/twoway/{device_id}", body) for _ in range(3)]
    commands = plant.platform.door._server_rpc._kept

    pending = await commands.pending(UUID(device_id))
    await asyncio.sleep(max(soon - plant.platform.services.clock.now_ms(), 0) / 1000)
    await commands.expire()

    assert {str(each.id) for each in pending} <= {each["rpcId"] for each in absent}
    assert len(pending) == 2
    for each in absent:
        await kept(admin, each["rpcId"], "EXPIRED")


async def test_the_rules_see_how_far_a_kept_command_is(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = await plant.tenant()
    device_id = await plant.device(admin, "valve")
    types: list[str] = []
    times: list[int] = []
    bus = plant.platform.services.bus
    publish = bus.publish
    ticks = itertools.count(1_000)

    def note(message: Message) -> None:
        types.append(message.type)
        if message.type.startswith("RPC_"):
            times.append(message.ts_ms)
        publish(message)

    monkeypatch.setattr(bus, "publish", note)
    monkeypatch.setattr(rpc_service, "now_ms", lambda: next(ticks))
    await answering(plant, "valve")
    body = {**CALL, "persistent": True, "timeout": 3_600_000}
    answer = await created(admin, f"/api/rpc/twoway/{device_id}", body)

    await kept(admin, answer["rpcId"], "SUCCESSFUL")
    await until(lambda: "RPC_SUCCESSFUL" in types)

    told = [each for each in types if each.startswith("RPC_") and "CALL" not in each]
    assert told[0] == "RPC_QUEUED"
    assert told[-1] == "RPC_SUCCESSFUL"
    assert times[-len(told) :] == list(range(1_000, 1_000 + len(told)))


async def test_hundreds_of_calls_at_once(plant: Plant) -> None:
    admin = await plant.tenant()
    device_id = await plant.device(admin, "valve")
    await answering(plant, "valve")
    limit = asyncio.Semaphore(100)

    async def call(number: int) -> int:
        async with limit:
            answer = await admin.post(
                f"/api/rpc/twoway/{device_id}", json={"method": "m", "params": number}
            )
            return answer.status_code

    statuses = await asyncio.gather(*(call(number) for number in range(500)))

    assert set(statuses) == {200}


async def test_reading_what_is_kept_waits_for_no_later_changes(plant: Plant) -> None:
    commands = plant.platform.door._server_rpc._kept
    assert isinstance(commands, RpcWriter)
    store, rounds = commands._store, 0

    async def store_while_more_comes(batch: Any) -> None:
        nonlocal rounds
        rounds += 1
        if rounds < 50:
            commands.move(uuid4(), RpcStatus.SENT)
        await store(batch)

    commands._store = store_while_more_comes  # type: ignore[method-assign]
    commands.move(uuid4(), RpcStatus.SENT)

    await commands.pending(uuid4())

    assert rounds < 10


async def test_old_commands_go_as_the_tenants_profile_says(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH_RPCS", 2)
    monkeypatch.setattr(retention, "PAUSE_S", 0.0)
    database = plant.platform.services.database
    sysadmin = await plant.user("sysadmin@thingsboard.org")
    limits = {"name": "short", "profileData": {"configuration": {"rpcTtlDays": 30}}}
    short = await created(sysadmin, "/api/tenantProfile", limits)
    admin, other = await plant.tenant(), await plant.tenant("other")
    me = (await admin.get("/api/auth/user")).json()["tenantId"]["id"]
    tenant = (await sysadmin.get(f"/api/tenant/{me}")).json()
    await created(sysadmin, "/api/tenant", {**tenant, "tenantProfileId": short["id"]})
    mine = await plant.device(admin, "valve")
    theirs = await plant.device(other, "pump")
    body = {**CALL, "persistent": True, "timeout": 100 * retention.DAY_MS}
    for _ in range(3):
        await created(admin, f"/api/rpc/twoway/{mine}", body)
    await created(other, f"/api/rpc/twoway/{theirs}", body)
    device = await plant.connect("valve")
    door = plant.platform.door
    await device.subscribe(REQUESTS)
    await until(lambda: door.open_commands == 3)

    aging = retention.rpcs(database)
    after_ms = 30 * retention.DAY_MS
    young = await Retention(ManualClock(now_ms() + after_ms - 60_000), aging).expire(aging)
    old = await Retention(ManualClock(now_ms() + after_ms + 60_000), aging).expire(aging)

    assert (young, old, door.open_commands) == (0, 3, 0)
    for client, device_id, count in ((admin, mine, 0), (other, theirs, 1)):
        path = f"/api/rpc/persistent/device/{device_id}?pageSize=10&page=0"
        assert (await client.get(path)).json()["totalElements"] == count
