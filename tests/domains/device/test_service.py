"""Devices: names, profiles, customers, limits, versions, and what is told of them."""

from collections.abc import Coroutine
from uuid import UUID

import pytest

from fieldline.database.things import ThingFilter
from fieldline.domains.device import service
from fieldline.domains.device.fields import DeviceFields
from fieldline.domains.device_credentials.content import check_content
from fieldline.domains.device_profile import service as profile_service
from fieldline.kit.errors import (
    Conflict,
    FieldlineError,
    Forbidden,
    Invalid,
    LimitReached,
    NotFound,
    StaleVersion,
)
from fieldline.kit.ids import new_id
from fieldline.kit.paging import PageRequest
from fieldline.kit.unique_name import NameConflict, Naming, Strategy
from fieldline.messaging.events import Change
from tests.domains.device.factory import World
from tests.people import SYS_ADMIN, VAULT, make_tenant

IMPOSSIBLE_FIELDS: list[DeviceFields] = [
    {"firmware_id": new_id()},
    {"software_id": new_id()},
    {"device_data": {"configuration": []}},
    {"device_data": {"x": "a\0b"}},
    {"additional_info": {"x": "<script>"}},
    {"additional_info": {"x": 2**64}},
    {"additional_info": {"x": float("nan")}},
    {"label": "y" * 256},
    {"type": "<b>"},
]
HOSTILE_NAMES = ["", "  ", "a" * 256, "<b>x</b>", "{{ 7*7 }}", "a\0b"]


def told(world: World, device_id: UUID) -> list[Change]:
    return [event.change for event in world.events if event.entity.id == device_id]


async def test_a_device_that_names_no_profile_gets_the_default_one(world: World) -> None:
    device = await world.device()

    assert device.type == "default"
    assert device.device_data == {
        "configuration": {"type": "DEFAULT"},
        "transportConfiguration": {"type": "DEFAULT"},
    }
    assert told(world, device.id) == [Change.CREATED]


async def test_a_type_makes_its_profile_once(world: World) -> None:
    first = await world.device("a", type="meter")
    second = await world.device("b", type="meter")

    assert first.type == second.type == "meter"
    assert first.device_profile_id == second.device_profile_id


async def test_the_profile_named_wins_over_the_type(world: World) -> None:
    profile = await world.profile(name="valve", transport_type="MQTT")

    device = await world.device(type="something", device_profile_id=profile.id)

    assert device.type == "valve"
    assert device.device_data["transportConfiguration"] == {"type": "MQTT"}


async def test_a_profile_of_another_tenant_is_refused(world: World) -> None:
    async with world.database.read() as session:
        foreign = await profile_service.get_default(session, world.foreign_admin)

    with pytest.raises(Invalid):
        await world.device(device_profile_id=foreign.id)
    with pytest.raises(Invalid):
        await world.device(device_profile_id=new_id())


async def test_a_new_name_of_the_profile_becomes_the_type(world: World) -> None:
    device = await world.device(type="meter")

    async with world.database.write() as session:
        await profile_service.update(
            session, world.admin, device.device_profile_id, {"name": "counter"}, vault=VAULT
        )

    async with world.database.read() as session:
        assert (await service.get(session, world.admin, device.id)).type == "counter"


async def test_a_bad_name_is_refused(world: World) -> None:
    for name in HOSTILE_NAMES:
        with pytest.raises(Invalid):
            await world.device(name)


async def test_a_name_is_unique_in_its_tenant(world: World) -> None:
    await world.device("meter")

    with pytest.raises(Conflict):
        await world.device("meter")
    async with world.database.write() as session:
        await service.create(session, world.foreign_admin, {"name": "meter"}, vault=VAULT)


@pytest.mark.parametrize(
    ("strategy", "expected"), [(Strategy.INCREMENTAL, "meter-2"), (Strategy.RANDOM, None)]
)
async def test_a_taken_name_can_be_made_unique(
    world: World, strategy: Strategy, expected: str | None
) -> None:
    await world.device("meter")
    await world.device("meter-1")
    naming = Naming(NameConflict.UNIQUIFY, "-", strategy)

    async with world.database.write() as session:
        device = await service.create(
            session, world.admin, {"name": "meter"}, vault=VAULT, naming=naming
        )

    assert device.name == expected or (expected is None and len(device.name) == len("meter-") + 6)


async def test_the_limit_of_the_tenant_profile_holds(world: World) -> None:
    admin = await make_tenant(world.database, "Small", max_devices=1)
    async with world.database.write() as session:
        await service.create(session, admin, {"name": "first"}, vault=VAULT)

    with pytest.raises(LimitReached) as refusal:
        async with world.database.write() as session:
            await service.create(session, admin, {"name": "second"}, vault=VAULT)

    assert refusal.value.message == "Devices limit reached"
    assert (refusal.value.entity_type, refusal.value.limit) == ("DEVICE", 1)


async def test_only_given_fields_change_and_the_version_rises(world: World) -> None:
    device = await world.device(label="roof", additional_info={"a": 1}, type="meter")

    changed = await world.update(device.id, name="renamed")
    again = await world.update(device.id)

    assert (changed.name, changed.label, changed.type) == ("renamed", "roof", "meter")
    assert changed.additional_info == {"a": 1}
    assert (changed.version, again.version) == (2, 3)


async def test_a_stale_version_is_refused(world: World) -> None:
    device = await world.device()
    await world.update(device.id, label="x")

    with pytest.raises(StaleVersion):
        async with world.database.write() as session:
            await service.update(session, world.admin, device.id, {"label": "y"}, version=1)


async def test_fields_that_cannot_be_are_refused(world: World) -> None:
    for fields in IMPOSSIBLE_FIELDS:
        with pytest.raises(Invalid):
            await world.device_with(None, {"name": "meter", **fields})


async def test_assignment_is_told_with_both_customers(world: World) -> None:
    device = await world.device(customer_id=world.customer.customer_id)

    await world.update(device.id, customer_id=world.other_customer.customer_id)

    assert told(world, device.id) == [
        Change.CREATED,
        Change.UPDATED,
        Change.UNASSIGNED,
        Change.ASSIGNED,
    ]
    details = [event.detail for event in world.events if event.entity.id == device.id]
    about = [detail["customer_id"] if detail else None for detail in details[2:]]
    assert about == [str(world.customer.customer_id), str(world.other_customer.customer_id)]


async def test_a_customer_of_another_tenant_is_refused(world: World) -> None:
    with pytest.raises(NotFound):
        await world.device(customer_id=new_id())


async def test_a_device_is_assigned_to_the_public_customer_and_taken_back(world: World) -> None:
    device = await world.device()

    async with world.database.write() as session:
        await service.assign_to_public(session, world.admin, device.id)
    async with world.database.read() as session:
        extra = await service.get_info(session, world.admin, device.id)
    async with world.database.write() as session:
        unassigned = await service.unassign(session, world.admin, device.id)

    assert (extra.customer_title, extra.customer_is_public) == ("Public", True)
    assert unassigned.customer_id is None
    with pytest.raises(Invalid):
        async with world.database.write() as session:
            await service.unassign(session, world.admin, device.id)


async def test_a_customer_user_sees_and_changes_only_the_own_devices(world: World) -> None:
    own = await world.device("own", customer_id=world.customer.customer_id)
    other = await world.device("other", customer_id=world.other_customer.customer_id)
    nobodys = await world.device("nobody's")

    async with world.database.write() as session:
        seen = await service.page(session, world.customer, PageRequest(), ThingFilter())
        changed = await service.update(session, world.customer, own.id, {"label": "mine"})
        found = await service.by_ids(session, world.customer, [nobodys.id, own.id, other.id])

    assert [device.name for device in seen.items] == ["own"]
    assert changed.label == "mine"
    assert [device.id for device in found] == [own.id]
    for device in (other, nobodys):
        with pytest.raises(Forbidden):
            async with world.database.write() as session:
                await service.update(session, world.customer, device.id, {"label": "mine"})


async def test_a_customer_user_may_not_do_what_administrators_do(world: World) -> None:
    device = await world.device(customer_id=world.customer.customer_id)
    content = check_content("ACCESS_TOKEN", "new", None)
    target = world.other_customer.customer_id
    assert target is not None

    async with world.database.write() as session:
        attempts: dict[str, Coroutine[None, None, object]] = {
            "create": service.create(session, world.customer, {"name": "x"}, vault=VAULT),
            "delete": service.delete(session, world.customer, device.id),
            "assign": service.assign(session, world.customer, device.id, target),
            "move": service.update(session, world.customer, device.id, {"customer_id": target}),
            "credentials": service.replace_credentials(
                session, world.customer, device.id, content, vault=VAULT
            ),
        }
        refused = set()
        for name, attempt in attempts.items():
            try:
                await attempt
            except Forbidden:
                refused.add(name)

    assert refused == set(attempts)


async def test_another_tenants_device_is_not_found(world: World) -> None:
    device = await world.device()

    for caller in (world.foreign_admin, SYS_ADMIN):
        with pytest.raises((NotFound, Forbidden)):
            async with world.database.read() as session:
                await service.get(session, caller, device.id)


async def test_lists_are_newest_first_filtered_and_searched(world: World) -> None:
    await world.device("Alpha", label="Überdach", type="meter")
    await world.device("beta_1", type="valve", customer_id=world.customer.customer_id)
    await world.device("betaX1", type="meter")

    async def names(wanted: ThingFilter, search: str | None = None) -> list[str]:
        async with world.database.read() as session:
            page = await service.info_page(session, world.admin, PageRequest(search=search), wanted)
        assert page.total == len(page.items)
        return [info.thing.name for info in page.items]

    assert await names(ThingFilter()) == ["betaX1", "beta_1", "Alpha"]
    assert await names(ThingFilter(type="meter")) == ["betaX1", "Alpha"]
    assert await names(ThingFilter(customer_id=world.customer.customer_id)) == ["beta_1"]
    assert await names(ThingFilter(), "BETA_") == ["beta_1"]
    assert await names(ThingFilter(), "überDACH") == ["Alpha"]
    assert await names(ThingFilter(), "valve") == ["beta_1"]
    assert await names(ThingFilter(), "barn") == ["beta_1"]
    assert await names(ThingFilter(), "%") == []


async def test_an_unknown_sort_is_refused(world: World) -> None:
    with pytest.raises(Invalid):
        async with world.database.read() as session:
            await service.page(session, world.admin, PageRequest(sort="search_text"), ThingFilter())


async def test_a_refused_device_leaves_nothing(world: World) -> None:
    await world.device("first", token="T1")

    with pytest.raises(FieldlineError):
        await world.device("second", token="T1", type="new type")

    async with world.database.read() as session:
        page = await service.page(session, world.admin, PageRequest(), ThingFilter())
        profiles = await profile_service.names(session, world.admin)
    assert [device.name for device in page.items] == ["first"]
    assert [name for _, name in profiles] == ["default"]
