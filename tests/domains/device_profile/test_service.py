"""Device profiles: completed, checked, one default, and kept while devices use them."""

import pytest
from sqlalchemy import text

from fieldline.domains.device_profile import service
from fieldline.domains.device_profile.service import ProfileFields
from fieldline.domains.rule_chain import service as rule_chain_service
from fieldline.kit.errors import Conflict, Forbidden, Invalid, StaleVersion
from fieldline.kit.ids import new_id
from fieldline.kit.paging import PageRequest
from fieldline.messaging.events import Change
from tests.domains.device.factory import World
from tests.people import SYS_ADMIN, VAULT

IMPOSSIBLE_FIELDS: list[ProfileFields] = [
    {"name": ""},
    {"name": "<b>"},
    {"type": "OTHER"},
    {"transport_type": "PIGEON"},
    {"provision_type": "SOMETIMES"},
    {"transport_type": "MQTT", "transport_configuration": {"type": "COAP"}},
    {"transport_type": "MQTT", "transport_configuration": {"deviceTelemetryTopic": "a/#/b"}},
    {"transport_type": "MQTT", "transport_configuration": {"deviceTelemetryTopic": "a+"}},
    {"transport_type": "MQTT", "transport_configuration": {"deviceTelemetryTopic": 5}},
    {
        "transport_type": "MQTT",
        "transport_configuration": {
            "deviceTelemetryTopic": "same",
            "deviceAttributesTopic": "same",
        },
    },
    {"transport_type": "MQTT", "transport_configuration": {"sparkplug": "yes"}},
    {
        "transport_type": "MQTT",
        "transport_configuration": {"sparkplugAttributesMetricNames": "Node Control/*"},
    },
    {
        "transport_type": "MQTT",
        "transport_configuration": {"sparkplugAttributesMetricNames": [1]},
    },
    {
        "transport_type": "MQTT",
        "transport_configuration": {"sparkplugAttributesMetricNames": [""]},
    },
    {
        "transport_type": "MQTT",
        "transport_configuration": {"sparkplugAttributesMetricNames": ["x"] * 1_001},
    },
    {"profile_data": {"provisionConfiguration": {"type": "ALLOW_CREATE_NEW_DEVICES"}}},
    {"profile_data": {"provisionConfiguration": [1]}},
    {"profile_data": {"configuration": "x"}},
    {"profile_data": {"x": "a\0b"}},
    {"transport_configuration": {"x": 2**64}},
    {"default_queue_name": "Express"},
    {"default_rule_chain_id": new_id()},
    {"default_dashboard_id": new_id()},
    {"firmware_id": new_id()},
    {"software_id": new_id()},
]
SECRET = {"provisionConfiguration": {"provisionDeviceSecret": "hush"}}


async def test_parts_that_are_not_given_are_completed(world: World) -> None:
    profile = await world.profile(name="meter", transport_type="MQTT")

    assert profile.provision_type == "DISABLED"
    assert profile.profile_data == {
        "alarms": None,
        "configuration": {"type": "DEFAULT"},
        "provisionConfiguration": {"type": "DISABLED", "provisionDeviceSecret": None},
    }
    assert profile.transport_configuration == {
        "type": "MQTT",
        "deviceTelemetryTopic": "v1/devices/me/telemetry",
        "deviceAttributesTopic": "v1/devices/me/attributes",
        "deviceAttributesSubscribeTopic": "v1/devices/me/attributes",
        "transportPayloadTypeConfiguration": {"transportPayloadType": "JSON"},
        "sparkplug": False,
        "sparkplugAttributesMetricNames": [],
        "sendAckOnValidationException": False,
    }


async def test_fields_that_cannot_be_are_refused(world: World) -> None:
    for fields in IMPOSSIBLE_FIELDS:
        complete: ProfileFields = {"name": "meter", **fields}
        with pytest.raises(Invalid):
            await world.profile(**complete)


async def test_a_name_is_unique_in_its_tenant(world: World) -> None:
    await world.profile(name="meter")

    with pytest.raises(Conflict):
        await world.profile(name="meter")
    async with world.database.write() as session:
        await service.create(session, world.foreign_admin, {"name": "meter"}, vault=VAULT)


async def test_the_rule_chain_must_be_the_tenants_own(world: World) -> None:
    async with world.database.write() as session:
        own = await rule_chain_service.create(session, world.admin, {"name": "own"})
        foreign = await rule_chain_service.create(session, world.foreign_admin, {"name": "x"})

    profile = await world.profile(name="meter", default_rule_chain_id=own.id)

    assert profile.default_rule_chain_id == own.id
    with pytest.raises(Invalid):
        await world.profile(name="other", default_rule_chain_id=foreign.id)


async def test_the_provisioning_secret_is_stored_encrypted(world: World) -> None:
    profile = await world.profile(
        name="meter", provision_type="ALLOW_CREATE_NEW_DEVICES", profile_data=SECRET
    )

    async with world.database.read() as session:
        rows = (await session.execute(text("SELECT * FROM device_profile"))).all()

    full = service.full_profile_data(profile, VAULT)
    assert full["provisionConfiguration"]["provisionDeviceSecret"] == "hush"
    assert "hush" not in repr(rows)


async def test_changing_another_field_keeps_the_secret(world: World) -> None:
    profile = await world.profile(
        name="meter", provision_type="ALLOW_CREATE_NEW_DEVICES", profile_data=SECRET
    )

    async with world.database.write() as session:
        changed = await service.update(
            session, world.admin, profile.id, {"description": "x"}, vault=VAULT
        )

    full = service.full_profile_data(changed, VAULT)
    assert full["provisionConfiguration"]["provisionDeviceSecret"] == "hush"


async def test_a_provision_key_is_unique_over_all_tenants(world: World) -> None:
    await world.profile(name="meter", provision_device_key="key")

    fields: ProfileFields = {"name": "x", "provision_device_key": "key"}
    with pytest.raises(Invalid):
        async with world.database.write() as session:
            await service.create(session, world.foreign_admin, fields, vault=VAULT)


async def test_the_transport_of_a_profile_in_use_stays(world: World) -> None:
    used = await world.profile(name="used")
    free = await world.profile(name="free")
    await world.device(device_profile_id=used.id)

    async with world.database.write() as session:
        changed = await service.update(
            session, world.admin, free.id, {"transport_type": "MQTT"}, vault=VAULT
        )

    assert changed.transport_configuration["type"] == "MQTT"
    fields: ProfileFields = {"transport_type": "MQTT"}
    with pytest.raises(Conflict):
        async with world.database.write() as session:
            await service.update(session, world.admin, used.id, fields, vault=VAULT)


async def test_there_is_always_one_default(world: World) -> None:
    profile = await world.profile(name="meter")

    async with world.database.write() as session:
        await service.set_default(session, world.admin, profile.id)

    async with world.database.read() as session:
        page = await service.page(session, world.admin, PageRequest())
        default = await service.get_default(session, world.admin)
    assert default.id == profile.id
    assert [item.name for item in page.items if item.is_default] == ["meter"]


async def test_a_stale_version_is_refused(world: World) -> None:
    profile = await world.profile(name="meter")
    async with world.database.write() as session:
        await service.update(session, world.admin, profile.id, {}, vault=VAULT)

    with pytest.raises(StaleVersion):
        async with world.database.write() as session:
            await service.update(session, world.admin, profile.id, {}, vault=VAULT, version=1)


async def test_names_may_be_of_used_profiles_only(world: World) -> None:
    used = await world.profile(name="used")
    await world.profile(name="free")
    await world.device(device_profile_id=used.id)

    async with world.database.read() as session:
        every = await service.names(session, world.admin)
        active = await service.names(session, world.customer, active_only=True)

    assert [name for _, name in every] == ["default", "free", "used"]
    assert active == [(used.id, "used")]


async def test_lists_are_of_one_transport_when_asked(world: World) -> None:
    await world.profile(name="meter", transport_type="MQTT")

    async with world.database.read() as session:
        page = await service.page(session, world.admin, PageRequest(), transport_type="MQTT")

    assert [item.name for item in page.items] == ["meter"]


async def test_a_customer_user_reads_but_does_not_change(world: World) -> None:
    profile = await world.profile(name="meter")

    async with world.database.write() as session:
        assert (await service.get(session, world.customer, profile.id)).name == "meter"
        for attempt in (
            service.create(session, world.customer, {"name": "x"}, vault=VAULT),
            service.update(session, world.customer, profile.id, {"name": "x"}, vault=VAULT),
            service.set_default(session, world.customer, profile.id),
            service.delete(session, world.customer, profile.id),
            service.get(session, SYS_ADMIN, profile.id),
        ):
            with pytest.raises(Forbidden):
                await attempt


async def test_changes_are_told(world: World) -> None:
    profile = await world.profile(name="meter")
    async with world.database.write() as session:
        await service.update(session, world.admin, profile.id, {"name": "x"}, vault=VAULT)
    async with world.database.write() as session:
        await service.delete(session, world.admin, profile.id)

    told = [event.change for event in world.events if event.entity.id == profile.id]
    assert told == [Change.CREATED, Change.UPDATED, Change.DELETED]


def protobuf(**fields: object) -> ProfileFields:
    payload = {"transportPayloadType": "PROTOBUF", **fields}
    return {
        "name": "meter",
        "transport_type": "MQTT",
        "transport_configuration": {"transportPayloadTypeConfiguration": payload},
    }


async def test_protobuf_is_completed_with_the_default_schemas(world: World) -> None:
    schema = 'syntax = "proto3"; message M { int32 a = 1; }'
    profile = await world.profile(**protobuf(deviceTelemetryProtoSchema=schema))

    found = profile.transport_configuration["transportPayloadTypeConfiguration"]
    assert found == {
        "transportPayloadType": "PROTOBUF",
        "deviceTelemetryProtoSchema": schema,
        "deviceAttributesProtoSchema": None,
        "deviceRpcRequestProtoSchema": found["deviceRpcRequestProtoSchema"],
        "deviceRpcResponseProtoSchema": found["deviceRpcResponseProtoSchema"],
        "enableCompatibilityWithJsonPayloadFormat": False,
        "useJsonPayloadFormatForDefaultDownlinkTopics": False,
    }
    assert "string params = 3;" in found["deviceRpcRequestProtoSchema"]
    assert "string payload = 1;" in found["deviceRpcResponseProtoSchema"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"deviceTelemetryProtoSchema": 'syntax = "proto3";\nmessage M {\n string a 1;\n}'},
            "'deviceTelemetryProtoSchema', line 3: expected '=' and a number after field a",
        ),
        (
            {"deviceAttributesProtoSchema": 'syntax = "proto2";'},
            "'deviceAttributesProtoSchema', line 1: only syntax = \"proto3\" is possible",
        ),
        (
            {"deviceRpcRequestProtoSchema": 'syntax = "proto3"; message M { string method = 1; }'},
            "message M must have the fields method, requestId, params; missing: requestId, params",
        ),
        (
            {
                "deviceRpcRequestProtoSchema": 'syntax = "proto3"; message M '
                "{ bool method = 1; int32 requestId = 2; string params = 3; }"
            },
            "'method' must be a string, and 'requestId' an int32",
        ),
        ({"deviceRpcResponseProtoSchema": 5}, "must be a proto3 schema as text"),
        ({"enableCompatibilityWithJsonPayloadFormat": "yes"}, "must be true or false"),
        ({"transportPayloadType": "XML"}, "must be JSON or PROTOBUF; it is 'XML'"),
    ],
)
async def test_protobuf_that_cannot_be_is_refused_with_the_reason(
    world: World, fields: dict[str, object], said: str
) -> None:
    with pytest.raises(Invalid) as caught:
        await world.profile(**protobuf(**fields))
    assert said in caught.value.message
