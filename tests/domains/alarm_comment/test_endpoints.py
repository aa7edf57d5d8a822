"""What users say of alarms, and what the platform notes of their life."""

from dataclasses import dataclass
from typing import Any

import pytest

from fieldline.kit.ids import new_id
from fieldline.messaging.message import Message
from tests.api.support import PASSWORD, Client, Platform, Tenant, created
from tests.domains.outbox.telling import telling

PAGE = "pageSize=100&page=0&sortProperty=createdTime&sortOrder=ASC"
Json = dict[str, Any]


@dataclass
class World:
    """An alarm of a device that belongs to the tenant's customer."""

    platform: Platform
    tenant: Tenant
    alarm_id: str

    @property
    def admin(self) -> Client:
        return self.tenant.admin

    @property
    def user(self) -> Client:
        return self.tenant.customer_user

    @property
    def path(self) -> str:
        return f"/api/alarm/{self.alarm_id}/comment"

    async def comments(self, client: Client | None = None) -> list[Json]:
        answer = await (client or self.admin).get(f"{self.path}?{PAGE}")
        assert answer.status_code == 200, answer.text
        found: list[Json] = answer.json()["data"]
        return found

    async def say(self, client: Client, text: str) -> Json:
        said: Json = await created(client, self.path, {"comment": {"text": text}})
        return said

    async def noted(self) -> list[Json]:
        """Return the last system comment's content, and check that it is one."""
        return [item["comment"] for item in await self.comments() if item["type"] == "SYSTEM"]


@pytest.fixture
async def world(platform: Platform) -> World:
    tenant = await platform.tenant()
    customer = {"entityType": "CUSTOMER", "id": str(tenant.customer_id)}
    device = await created(
        tenant.admin, "/api/device", {"name": "meter", "type": "default", "customerId": customer}
    )
    body = {"originator": device["id"], "type": "Too hot", "severity": "MAJOR"}
    alarm = await created(tenant.admin, "/api/alarm", body)
    return World(platform, tenant, alarm["id"]["id"])


async def test_a_comment_has_every_field_of_the_wire(world: World) -> None:
    said = await world.say(world.user, "I am on my way")

    (listed,) = await world.comments()
    me = (await world.user.get("/api/auth/user")).json()
    assert set(said["id"]) == {"id"}
    assert said["alarmId"] == {"entityType": "ALARM", "id": world.alarm_id}
    assert said["userId"] == me["id"]
    assert (said["type"], said["comment"]) == ("OTHER", {"text": "I am on my way"})
    assert said["name"] == '{"text":"I am on my way"}'
    assert listed == said | {
        "firstName": me["firstName"],
        "lastName": me["lastName"],
        "email": me["email"],
    }


async def test_comments_come_in_pages(world: World) -> None:
    for text in ("a", "b", "c"):
        await world.say(world.admin, text)

    answer = await world.admin.get(f"{world.path}?pageSize=2&page=0")

    assert (answer.json()["totalElements"], answer.json()["hasNext"]) == (3, True)
    assert len(answer.json()["data"]) == 2


async def test_the_author_changes_a_comment_which_is_then_marked(world: World) -> None:
    said = await world.say(world.user, "On my way")
    now = world.platform.clock.now_ms()

    body = {"id": said["id"], "comment": {"text": "Repaired", "edited": "false"}}
    changed = await created(world.user, world.path, body)

    assert changed["id"] == said["id"]
    assert changed["comment"] == {"text": "Repaired", "edited": "true", "editedOn": now}
    assert [item["comment"]["text"] for item in await world.comments()] == ["Repaired"]


async def test_nobody_changes_what_somebody_else_said(world: World) -> None:
    said = await world.say(world.user, "On my way")

    body = {"id": said["id"], "comment": {"text": "Nonsense"}}
    answer = await world.admin.post(world.path, json=body)

    assert answer.status_code == 403
    assert "Only the author" in answer.json()["message"]
    assert [item["comment"]["text"] for item in await world.comments()] == ["On my way"]


async def test_deleting_leaves_a_note(world: World) -> None:
    said = await world.say(world.user, "On my way")

    answer = await world.user.delete(f"{world.path}/{said['id']['id']}")

    assert answer.status_code == 200
    (left,) = await world.comments()
    assert (left["id"], left["type"]) == (said["id"], "SYSTEM")
    assert left["comment"] == {
        "text": "Comment was deleted by user customer1@example.com",
        "subtype": "COMMENT_DELETED",
        "userName": "customer1@example.com",
    }


async def test_an_administrator_deletes_what_a_user_said_but_not_the_reverse(
    world: World,
) -> None:
    of_user, of_admin = await world.say(world.user, "a"), await world.say(world.admin, "b")

    allowed = await world.admin.delete(f"{world.path}/{of_user['id']['id']}")
    refused = await world.user.delete(f"{world.path}/{of_admin['id']['id']}")

    assert (allowed.status_code, refused.status_code) == (200, 403)


async def test_system_comments_stay(world: World) -> None:
    await created(world.admin, f"/api/alarm/{world.alarm_id}/ack", None)
    ((note),) = await world.comments()

    deleted = await world.admin.delete(f"{world.path}/{note['id']['id']}")
    body = {"id": note["id"], "comment": {"text": "x"}}
    changed = await world.admin.post(world.path, json=body)

    assert (deleted.status_code, changed.status_code) == (400, 400)
    assert "System comments" in deleted.json()["message"]


async def test_what_users_do_to_an_alarm_is_noted(world: World) -> None:
    alarm = f"/api/alarm/{world.alarm_id}"
    admin, user = "admin1@example.com", "customer1@example.com"
    user_id = (await world.user.get("/api/v1/auth/user")).json()["id"]
    await created(world.admin, f"{alarm}/assign/{user_id}", None)
    await world.user.delete(f"{alarm}/assign")
    await created(world.user, f"{alarm}/ack", None)
    await created(world.admin, f"{alarm}/clear", None)

    assert await world.noted() == [
        {
            "text": f"Alarm was assigned by user {admin} to user {user}",
            "subtype": "ASSIGNED_TO_USER",
            "userName": admin,
            "assigneeName": user,
        },
        {
            "text": f"Alarm was unassigned by user {user}",
            "subtype": "UNASSIGNED_BY_USER",
            "userName": user,
        },
        {
            "text": f"Alarm was acknowledged by user {user}",
            "subtype": "ACKED_BY_USER",
            "userName": user,
        },
        {
            "text": f"Alarm was cleared by user {admin}",
            "subtype": "CLEARED_BY_USER",
            "userName": admin,
        },
    ]


async def test_another_severity_is_noted_and_the_same_is_not(world: World) -> None:
    alarm = (await world.admin.get(f"/api/alarm/{world.alarm_id}")).json()
    for severity in ("MAJOR", "CRITICAL"):
        await created(world.admin, "/api/alarm", {**alarm, "severity": severity})

    assert await world.noted() == [
        {
            "text": "Alarm severity was updated from MAJOR to CRITICAL",
            "subtype": "SEVERITY_CHANGED",
            "oldSeverity": "MAJOR",
            "newSeverity": "CRITICAL",
        }
    ]


async def _assigned(world: World) -> str:
    """Give the alarm to a new user of the customer, whose name is Ada Byron."""
    body = {
        "email": "ada@example.com",
        "authority": "CUSTOMER_USER",
        "customer_id": str(world.tenant.customer_id),
        "first_name": "Ada",
        "last_name": "Byron",
        "password": PASSWORD,
    }
    user_id: str = (await created(world.admin, "/api/v1/users", body, 201))["id"]
    await created(world.admin, f"/api/alarm/{world.alarm_id}/assign/{user_id}", None)
    return user_id


async def test_a_deleted_user_is_unassigned_with_a_note(world: World) -> None:
    user_id = await _assigned(world)

    await world.admin.delete(f"/api/user/{user_id}")

    alarm = (await world.admin.get(f"/api/alarm/{world.alarm_id}")).json()
    assert alarm["assigneeId"] is None
    assert (await world.noted())[-1] == {
        "text": "Alarm was unassigned because user Ada Byron - was deleted",
        "subtype": "UNASSIGNED_FROM_DELETED_USER",
        "userName": "Ada Byron",
    }


async def test_a_disabled_user_is_unassigned_by_who_disabled_it(world: World) -> None:
    user_id = await _assigned(world)

    await world.admin.put(f"/api/v1/users/{user_id}", json={"enabled": False})

    alarm = (await world.admin.get(f"/api/alarm/{world.alarm_id}")).json()
    assert alarm["assigneeId"] is None
    assert alarm["assignTs"] > 0
    assert (await world.noted())[-1]["subtype"] == "UNASSIGNED_BY_USER"


async def test_an_enabled_user_keeps_its_alarms(world: World) -> None:
    user_id = await _assigned(world)

    await world.admin.put(f"/api/v1/users/{user_id}", json={"enabled": True})

    alarm = (await world.admin.get(f"/api/alarm/{world.alarm_id}")).json()
    assert alarm["assigneeId"]["id"] == user_id


async def test_comments_go_with_their_alarm(world: World) -> None:
    await world.say(world.admin, "a")

    assert (await world.admin.delete(f"/api/alarm/{world.alarm_id}")).status_code == 200

    assert (await world.admin.get(f"{world.path}?{PAGE}")).status_code == 404


async def test_comments_of_another_alarm_are_not_found(world: World) -> None:
    said = await world.say(world.admin, "a")
    tenant = {"entityType": "TENANT", "id": str(world.tenant.id)}
    other = await created(
        world.admin, "/api/alarm", {"originator": tenant, "type": "x", "severity": "MINOR"}
    )
    path = f"/api/alarm/{other['id']['id']}/comment"

    deleted = await world.admin.delete(f"{path}/{said['id']['id']}")
    changed = await world.admin.post(path, json={"id": said["id"], "comment": {"text": "b"}})

    assert (deleted.status_code, changed.status_code) == (404, 404)


async def test_people_of_others_are_refused(world: World) -> None:
    other = await world.platform.tenant()
    said = await world.say(world.admin, "a")
    sysadmin = await world.platform.sysadmin()

    for client in (other.admin, other.customer_user, sysadmin):
        answers = [
            await client.get(f"{world.path}?{PAGE}"),
            await client.post(world.path, json={"comment": {"text": "b"}}),
            await client.delete(f"{world.path}/{said['id']['id']}"),
        ]
        assert {answer.status_code for answer in answers} == {403}


@pytest.mark.parametrize(
    ("comment", "told"),
    [
        (None, "JSON object"),
        ("plain", "JSON object"),
        ({}, "text should be specified"),
        ({"text": "  "}, "text should be specified"),
        ({"text": 5}, "text should be specified"),
        ({"text": "x" * 10_000}, "length must be equal or less than 10000"),
        ({"text": "<b>bold</b>"}, "HTML"),
        ({"text": "nul\0"}, "U+0000"),
    ],
)
async def test_bad_comments_are_told(world: World, comment: object, told: str) -> None:
    answer = await world.admin.post(world.path, json={"comment": comment})

    assert answer.status_code == 400
    assert told in answer.json()["message"]
    assert await world.comments() == []


async def test_unknown_and_malformed_ids_are_told(world: World) -> None:
    unknown, comment = str(new_id()), {"text": "a"}
    answers = [
        await world.admin.get(f"/api/alarm/{unknown}/comment?{PAGE}"),
        await world.admin.post(f"/api/alarm/{unknown}/comment", json={"comment": comment}),
        await world.admin.post(world.path, json={"id": {"id": unknown}, "comment": comment}),
        await world.admin.delete(f"{world.path}/{unknown}"),
        await world.admin.get(f"/api/alarm/no-uuid/comment?{PAGE}"),
        await world.admin.delete(f"{world.path}/no-uuid"),
        await world.admin.post(world.path, json={"id": {"id": "x"}, "comment": comment}),
        await world.admin.get(f"{world.path}?{PAGE.replace('createdTime', 'colour')}"),
    ]

    assert [answer.status_code for answer in answers] == [404] * 4 + [400] * 4


async def test_what_is_said_is_recorded(world: World) -> None:
    said = await world.say(world.user, "a")
    await created(world.user, world.path, {"id": said["id"], "comment": {"text": "b"}})
    await world.user.delete(f"{world.path}/{said['id']['id']}")

    path = f"/api/audit/logs/entity/ALARM/{world.alarm_id}?{PAGE}"
    records = (await world.admin.get(path)).json()["data"]

    assert [(item["actionType"], item["entityName"]) for item in records] == [
        ("ADDED", "Too hot"),
        ("ADDED_COMMENT", "Too hot"),
        ("UPDATED_COMMENT", "Too hot"),
        ("DELETED_COMMENT", "Too hot"),
    ]
    assert records[1]["actionData"]["comment"]["comment"] == {"text": "a"}


async def test_rules_are_told_of_comments(world: World) -> None:
    messages: list[Message] = []
    world.platform.bus.consume(messages.append)
    async with telling(world.platform.services):
        messages.clear()
        said = await world.say(world.user, "a")
        await created(world.user, world.path, {"id": said["id"], "comment": {"text": "b"}})

    assert [message.type for message in messages] == ["COMMENT_CREATED", "COMMENT_UPDATED"]
    assert [str(message.originator.id) for message in messages] == [world.alarm_id] * 2
    assert messages[0].data["type"] == "Too hot"
    assert '"text":"a"' in messages[0].metadata["comment"]
    assert messages[0].metadata["userEmail"] == "customer1@example.com"


@pytest.mark.parametrize("prefix", ["/api", "/api/v1"])
async def test_the_v1_dialect(world: World, prefix: str) -> None:
    path = f"{prefix}/alarms/{world.alarm_id}/comments"
    first = await created(world.user, path, {"text": "a"}, 201)
    second = await created(world.user, path, {"comment": {"text": "b"}, "type": "SYSTEM"}, 201)

    changed = await world.user.put(f"{path}/{first['id']}", json={"text": "c"})
    listed = (await world.admin.get(path)).json()
    limited = (await world.admin.get(f"{path}?limit=1&offset=1")).json()
    deleted = await world.user.delete(f"{path}/{second['id']}")
    left = (await world.admin.get(path)).json()

    assert (first["type"], first["comment"], first["alarm_id"]) == (
        "OTHER",
        {"text": "a"},
        world.alarm_id,
    )
    assert (changed.status_code, changed.json()["comment"]["text"]) == (200, "c")
    assert {item["comment"]["text"] for item in listed} == {"b", "c"}
    assert {item["email"] for item in listed} == {"customer1@example.com"}
    assert len(limited) == 1
    assert deleted.status_code == 204
    assert {item["type"] for item in left} == {"OTHER", "SYSTEM"}


async def test_v1_tells_bad_input(world: World) -> None:
    path = f"/api/v1/alarms/{world.alarm_id}/comments"
    answers = [
        await world.admin.post(path, json={}),
        await world.admin.post(path, json={"text": 5}),
        await world.admin.post(f"/api/v1/alarms/{new_id()}/comments", json={"text": "a"}),
        await world.admin.put(f"{path}/{new_id()}", json={"text": "a"}),
        await world.admin.delete(f"{path}/{new_id()}"),
    ]

    assert [answer.status_code for answer in answers] == [400, 422, 404, 404, 404]
