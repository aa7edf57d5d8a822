from typing import Any

from fieldline.domains.device import service as device_service
from fieldline.kit.ids import EntityRef, EntityType, new_id
from tests.domains.alarm.platform import Platform

Json = dict[str, Any]
NULL = "13814000-1dd2-11b2-8080-808080808080"
PAGE = "pageSize=10&page=0"


def body(device: EntityRef, type_: str = "Too hot", **more: object) -> Json:
    return {
        "originator": {"entityType": device.type.value, "id": str(device.id)},
        "type": type_,
        "severity": "MAJOR",
        **more,
    }


async def make(
    platform: Platform, device: EntityRef, type_: str = "Too hot", **more: object
) -> Json:
    answer = await platform.as_admin.post("/api/alarm", json=body(device, type_, **more))
    assert answer.status_code == 200, answer.text
    made: Json = answer.json()
    return made


async def customers_device(platform: Platform) -> EntityRef:
    customer_id = platform.world.customer.customer_id
    return await platform.world.device("barn meter", {"customer_id": customer_id, "label": "Barn"})


async def test_a_saved_alarm_has_every_field_of_the_wire(platform: Platform) -> None:
    device = await platform.world.device()
    now = platform.world.clock.now_ms()

    made = await make(platform, device, details={"t": 40})

    assert made["id"]["entityType"] == "ALARM"
    assert made["tenantId"] == {"entityType": "TENANT", "id": str(platform.world.tenant_id)}
    assert made["customerId"] == {"entityType": "CUSTOMER", "id": NULL}
    assert made["originator"] == {"entityType": "DEVICE", "id": str(device.id)}
    assert (made["type"], made["name"], made["status"]) == ("Too hot", "Too hot", "ACTIVE_UNACK")
    assert (made["startTs"], made["endTs"], made["createdTime"]) == (now, now, now)
    assert (made["ackTs"], made["clearTs"], made["assignTs"]) == (0, 0, 0)
    assert made["assigneeId"] is None
    assert made["details"] == {"t": 40}
    assert made["propagateRelationTypes"] is None


async def test_saving_again_renews_the_active_alarm_and_after_clearing_makes_a_new_one(
    platform: Platform,
) -> None:
    device = await platform.world.device()
    first = await make(platform, device)

    renewed = await make(platform, device, severity="CRITICAL", startTs=5, endTs=9)
    await platform.as_admin.post(f"/api/alarm/{first['id']['id']}/clear")
    second = await make(platform, device)

    assert renewed["id"] == first["id"]
    assert (renewed["severity"], renewed["startTs"], renewed["endTs"]) == ("CRITICAL", 5, 9)
    assert second["id"] != first["id"]


async def test_an_id_changes_that_alarm(platform: Platform) -> None:
    device = await platform.world.device()
    made = await make(platform, device)

    changed = await make(platform, device, id=made["id"], severity="MINOR", acknowledged=True)

    assert (changed["id"], changed["severity"]) == (made["id"], "MINOR")
    assert changed["status"] == "ACTIVE_ACK"


async def test_acknowledging_and_clearing_work_once(platform: Platform) -> None:
    made = await make(platform, await platform.world.device())
    path = f"/api/alarm/{made['id']['id']}"

    cleared = await platform.as_admin.post(f"{path}/clear")
    acked = await platform.as_admin.post(f"{path}/ack")
    again = [await platform.as_admin.post(f"{path}/{what}") for what in ("clear", "ack")]

    assert cleared.json()["status"] == "CLEARED_UNACK"
    assert cleared.json()["originatorName"] == "meter"
    assert acked.json()["status"] == "CLEARED_ACK"
    assert [(a.status_code, a.json()["errorCode"], a.json()["message"]) for a in again] == [
        (400, 31, "Alarm was already cleared!"),
        (400, 31, "Alarm was already acknowledged!"),
    ]


async def test_rules_are_told_what_users_do(platform: Platform) -> None:
    device = await platform.world.device()
    made = await make(platform, device)
    path = f"/api/alarm/{made['id']['id']}"

    await platform.as_admin.post(f"{path}/ack")
    await platform.as_admin.post(f"{path}/clear")
    await platform.as_admin.delete(path)

    assert [(m.type, m.originator) for m in platform.messages] == [
        ("ENTITY_CREATED", device),
        ("ALARM_ACK", device),
        ("ALARM_CLEAR", device),
        ("ALARM_DELETE", device),
    ]
    assert platform.messages[0].data["originatorName"] == "meter"
    assert platform.messages[0].metadata["userEmail"] == "admin@farm.example.org"


async def test_lists_filter_by_every_part(platform: Platform) -> None:
    device, other = await platform.world.device(), await platform.world.device("other")
    hot = await make(platform, device, "Too hot", severity="CRITICAL")
    platform.world.clock.advance(1000)
    wet = await make(platform, other, "Too wet", severity="WARNING", acknowledged=True)
    platform.world.clock.advance(1000)
    gone = await make(platform, other, "Gone", severity="MINOR", cleared=True)
    start = wet["createdTime"]
    cases = {
        "/api/alarms?": {"Too hot", "Too wet", "Gone"},
        "/api/alarms?searchStatus=ACTIVE&": {"Too hot", "Too wet"},
        "/api/alarms?searchStatus=ANY&": {"Too hot", "Too wet", "Gone"},
        "/api/alarms?status=ACTIVE_ACK&": {"Too wet"},
        "/api/alarms?textSearch=too w&": {"Too wet"},
        "/api/alarms?textSearch=critical&": {"Too hot"},
        "/api/alarms?textSearch=cleared_un&": {"Gone"},
        f"/api/alarms?startTime={start}&endTime={start}&": {"Too wet"},
        "/api/v2/alarms?statusList=CLEARED,ACK&": set(),
        "/api/v2/alarms?statusList=ANY,ACK&": {"Too hot", "Too wet", "Gone"},
        "/api/v2/alarms?statusList=ACTIVE,CLEARED,UNACK&": {"Too hot", "Gone"},
        "/api/v2/alarms?severityList=CRITICAL&severityList=MINOR&": {"Too hot", "Gone"},
        "/api/v2/alarms?typeList=Gone,Too hot&": {"Too hot", "Gone"},
        f"/api/v2/alarms?assigneeId={new_id()}&": set(),
        f"/api/alarm/DEVICE/{other.id}?": {"Too wet", "Gone"},
        f"/api/v2/alarm/DEVICE/{other.id}?severityList=MINOR&": {"Gone"},
    }

    found = {
        path: {a["type"] for a in (await platform.as_admin.get(path + PAGE)).json()["data"]}
        for path in cases
    }

    assert found == cases
    assert gone["status"] == "CLEARED_UNACK"
    assert hot["status"] == "ACTIVE_UNACK"


async def test_lists_sort_by_severity_as_it_ranks(platform: Platform) -> None:
    device = await platform.world.device()
    for severity in ("MINOR", "CRITICAL", "INDETERMINATE", "MAJOR", "WARNING"):
        await make(platform, device, severity, severity=severity)

    answer = await platform.as_admin.get(f"/api/alarms?{PAGE}&sortProperty=severity")
    refused = await platform.as_admin.get(f"/api/alarms?{PAGE}&sortProperty=colour")

    assert [a["severity"] for a in answer.json()["data"]] == [
        "CRITICAL",
        "MAJOR",
        "MINOR",
        "WARNING",
        "INDETERMINATE",
    ]
    assert refused.status_code == 400


async def test_worst_severity_and_types(platform: Platform) -> None:
    device, quiet = await platform.world.device(), await platform.world.device("quiet")
    await make(platform, device, "A", severity="MINOR")
    await make(platform, device, "B", severity="MAJOR", cleared=True)

    def path(ref: EntityRef) -> str:
        return f"/api/alarm/highestSeverity/DEVICE/{ref.id}"

    answers = [
        (await platform.as_admin.get(at)).json()
        for at in (path(device), f"{path(device)}?searchStatus=ACTIVE", path(quiet))
    ]
    types = (await platform.as_admin.get(f"/api/alarm/types?{PAGE}&sortOrder=DESC")).json()

    assert answers == ["MAJOR", "MINOR", None]
    assert [(t["entityType"], t["type"]) for t in types["data"]] == [("ALARM", "B"), ("ALARM", "A")]


async def test_customers_see_and_handle_only_their_alarms(platform: Platform) -> None:
    device = await customers_device(platform)
    made = await make(platform, device)
    await make(platform, await platform.world.device("of the tenant"))
    path = f"/api/alarm/{made['id']['id']}"

    seen = (await platform.as_customer.get(f"/api/alarms?{PAGE}")).json()["data"]
    unseen = (await platform.as_other_customer.get(f"/api/alarms?{PAGE}")).json()["data"]
    refused = [await platform.as_other_customer.post(f"{path}/ack")]
    refused.append(await platform.as_other_customer.get(f"/api/alarm/DEVICE/{device.id}?{PAGE}"))
    allowed = await platform.as_customer.post(f"{path}/ack")

    assert [(a["type"], a["originatorLabel"]) for a in seen] == [("Too hot", "Barn")]
    assert unseen == []
    assert [answer.status_code for answer in refused] == [403, 403]
    assert allowed.status_code == 200


async def test_strangers_are_refused(platform: Platform) -> None:
    device = await platform.world.device()
    made = await make(platform, device)
    path = f"/api/alarm/{made['id']['id']}"

    for client in (platform.as_stranger, platform.as_sys_admin):
        answers = [
            await client.get(path),
            await client.get(f"/api/alarm/info/{made['id']['id']}"),
            await client.post(f"{path}/ack"),
            await client.delete(path),
        ]
        assert {answer.status_code for answer in answers} == {403}
    created = await platform.as_stranger.post("/api/alarm", json=body(device))
    listed = await platform.as_stranger.get(f"/api/alarm/DEVICE/{device.id}?{PAGE}")
    assert (created.status_code, listed.status_code) == (404, 404)


def nested(levels: int) -> Json:
    value: Json = {}
    for _ in range(levels):
        value = {"a": value}
    return value


async def test_bad_input_is_told(platform: Platform) -> None:
    device = await platform.world.device()
    client = platform.as_admin
    answers = [
        await client.post("/api/alarm", json=body(device, "<b>hot</b>")),
        await client.post("/api/alarm", json=body(device, startTs=10, endTs=5)),
        await client.post("/api/alarm", json=body(device, severity="AWFUL")),
        await client.post("/api/alarm", json=body(device, details={"x": "<script>"})),
        await client.post("/api/alarm", json=body(device, details=nested(300))),
        await client.post("/api/alarm", json=body(device, propagateRelationTypes=["x" * 256])),
        await client.post("/api/alarm", json=body(device, propagateRelationTypes=[""])),
        await client.post("/api/alarm", json=body(device, propagateRelationTypes=["x"] * 101)),
        await client.post("/api/alarm", json={"type": "x", "severity": "MAJOR"}),
        await client.get("/api/alarm/no-uuid"),
        await client.get(f"/api/alarm/SPACESHIP/{device.id}?{PAGE}"),
        await client.get(f"/api/alarms?{PAGE}&searchStatus=ACK&status=ACTIVE_ACK"),
        await client.get(f"/api/v2/alarms?{PAGE}&statusList=WARM"),
    ]

    assert [answer.status_code for answer in answers] == [400] * len(answers)
    missing = await client.get(f"/api/alarm/{new_id()}")
    assert (missing.status_code, missing.json()["errorCode"]) == (404, 32)


async def test_the_v1_dialect(platform: Platform) -> None:
    device = await customers_device(platform)
    client = platform.as_admin
    new = {"originator_id": str(device.id), "type": "Too hot", "severity": "MAJOR"}

    made = await client.post("/api/v1/alarms", json=new)
    alarm = made.json()
    listed = (await client.get("/api/alarms?status=ACTIVE_UNACK&severity=MAJOR")).json()
    acked = await client.post(f"/api/v1/alarms/{alarm['id']}/ack")
    cleared = await client.post(f"/api/alarms/{alarm['id']}/clear")
    again = await client.post(f"/api/v1/alarms/{alarm['id']}/clear")
    deleted = await client.delete(f"/api/v1/alarms/{alarm['id']}")
    missing = await client.get(f"/api/v1/alarms/{alarm['id']}")

    assert made.status_code == 201
    assert alarm["name"] == "Too hot"
    assert alarm["customer_id"] == str(platform.world.customer.customer_id)
    assert alarm["additional_info"] == {}
    assert (alarm["originator_type"], alarm["status"]) == ("DEVICE", "ACTIVE_UNACK")
    assert [a["id"] for a in listed] == [alarm["id"]]
    assert (acked.status_code, acked.json()["status"]) == (200, "ACTIVE_ACK")
    assert cleared.json()["status"] == "CLEARED_ACK"
    assert again.json() == {"detail": "Alarm was already cleared!", "status_code": 400}
    assert (deleted.status_code, missing.status_code) == (204, 404)


async def test_the_alarms_of_a_deleted_device_go(platform: Platform) -> None:
    world = platform.world
    device = await world.device()
    made = await make(platform, device)

    async with world.database.write() as session:
        await device_service.delete(session, world.admin, device.id)
    await world.alarms.flush()

    assert (await platform.as_admin.get(f"/api/alarm/{made['id']['id']}")).status_code == 404


async def test_originators_other_than_devices_have_names_too(platform: Platform) -> None:
    world = platform.world
    profile_id = await world.profile_id(await world.device())
    customer_id = world.customer.customer_id
    assert customer_id is not None
    await make(platform, EntityRef(EntityType.DEVICE_PROFILE, profile_id), "A")
    await make(platform, EntityRef(EntityType.CUSTOMER, customer_id), "B")
    await make(platform, EntityRef(EntityType.TENANT, world.tenant_id), "C")

    rows = (await platform.as_admin.get(f"/api/alarms?{PAGE}&sortProperty=type")).json()["data"]

    assert [row["originatorName"] for row in rows] == ["default", "Barn", None]


async def test_an_alarm_is_given_to_a_user_and_taken_back(platform: Platform) -> None:
    world = platform.world
    user_id = await world.user("helper@farm.example")
    made = await make(platform, await world.device())
    path = f"/api/alarm/{made['id']['id']}/assign"

    given = (await platform.as_admin.post(f"{path}/{user_id}")).json()
    again = await platform.as_admin.post(f"{path}/{user_id}")
    nobody = await platform.as_admin.post(f"{path}/{new_id()}")
    mine = (await platform.as_admin.get(f"/api/alarms?{PAGE}&assigneeId={user_id}")).json()
    taken = (await platform.as_admin.delete(path)).json()
    nothing = await platform.as_admin.delete(path)

    assert given["assignee"]["email"] == "helper@farm.example"
    assert given["assignTs"] == world.clock.now_ms()
    assert (again.status_code, nobody.status_code, nothing.status_code) == (400, 404, 400)
    assert mine["totalElements"] == 1
    assert (taken["assigneeId"], taken["assignee"]) == (None, None)
    assert [m.type for m in platform.messages] == [
        "ENTITY_CREATED",
        "ALARM_ASSIGNED",
        "ALARM_UNASSIGNED",
    ]


async def test_v1_takes_an_alarm_from_its_assignee(platform: Platform) -> None:
    made = await make(platform, await platform.world.device())
    user_id = await platform.world.user("helper@example.org")
    path = f"/api/v1/alarms/{made['id']['id']}/assign"

    given = await platform.as_admin.post(f"{path}/{user_id}")
    listed = (await platform.as_admin.get(f"/api/v1/alarms?assignee_id={user_id}")).json()
    taken = await platform.as_admin.delete(path)
    again = await platform.as_admin.delete(path)

    assert given.json()["assignee_id"] == str(user_id)
    assert [alarm["id"] for alarm in listed] == [made["id"]["id"]]
    assert (taken.status_code, taken.json()["assignee_id"]) == (200, None)
    assert again.json() == {"detail": "Alarm is not assigned to anybody!", "status_code": 400}


async def test_v1_lists_by_every_filter(platform: Platform) -> None:
    device, other = await customers_device(platform), await platform.world.device("other")
    await make(platform, device, "Too hot", severity="CRITICAL")
    await make(platform, other, "Too wet", acknowledged=True)
    await make(platform, EntityRef(EntityType.TENANT, platform.world.tenant_id), "Ours")
    customer_id = platform.world.customer.customer_id
    cases = {
        "search=wet": {"Too wet"},
        "type=Too hot": {"Too hot"},
        f"customer_id={customer_id}": {"Too hot"},
        "status=ACTIVE_ACK": {"Too wet"},
        "severity=CRITICAL": {"Too hot"},
        f"originator_id={other.id}": {"Too wet"},
        "originator_type=TENANT": {"Ours"},
        "limit=10": {"Too hot", "Too wet", "Ours"},
    }

    found = {
        query: {a["type"] for a in (await platform.as_admin.get(f"/api/v1/alarms?{query}")).json()}
        for query in cases
    }

    assert found == cases
