"""The directory: found by every credential, right after every change, one load for many."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import UUID

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy.ext.asyncio import AsyncSession

from fieldline.database.engine import Database
from fieldline.domains.customer import service as customer_service
from fieldline.domains.device.directory import DeviceDirectory
from fieldline.domains.device_credentials.content import Content, certificate_body, check_content
from fieldline.domains.device_profile import service as profile_service
from fieldline.domains.tenant import service as tenant_service
from fieldline.kit.errors import Unavailable
from fieldline.kit.ids import new_id
from fieldline.kit.json import dumps_text
from fieldline.messaging.backends.memory import MemoryBus
from fieldline.security.secrets import sha3_hex
from fieldline.security.tokens import Tokens
from tests.domains.device.certificates import make_certificate
from tests.domains.device.factory import World
from tests.people import SYS_ADMIN, VAULT

Stored = tuple[str | None, str | None, str | None]
Login = tuple[str, str | None, str | None]
MQTT_LOGINS: list[tuple[Stored, Login, bool]] = [
    (("c1", None, None), ("c1", None, None), True),
    (("c1", None, None), ("c1", None, "any"), True),
    (("c1", None, None), ("c2", None, None), False),
    (("c1", None, None), ("c1", "u1", None), False),
    ((None, "u1", None), ("whatever", "u1", "any"), True),
    ((None, "u1", "p1"), ("whatever", "u1", "p1"), True),
    ((None, "u1", "p1"), ("", "u1", "p1"), True),
    ((None, "u1", "p1"), ("whatever", "u1", "p2"), False),
    ((None, "u1", "p1"), ("whatever", "u1", None), False),
    (("c1", "u1", "p1"), ("c1", "u1", "p1"), True),
    (("c1", "u1", None), ("c1", "u1", "any"), True),
    (("c1", "u1", "p1"), ("c1", "u1", "p2"), False),
    (("c1", "u1", "p1"), ("c2", "u1", "p1"), False),
    (("c1", "u1", "p1"), ("c1", None, None), False),
    (("a|b", "c", None), ("a", "b|c", None), False),
]
"""Client id, user name and password: as stored, as used, and whether that is right."""
TOKENS = Tokens(b"k" * 64)


class CountingDatabase(Database):
    """Counts the sessions opened for reading."""

    reads = 0

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        self.reads += 1
        async with super().read() as session:
            yield session


def mqtt_basic(client_id: str | None, user_name: str | None, password: str | None) -> Content:
    value = {"clientId": client_id, "userName": user_name, "password": password}
    return check_content("MQTT_BASIC", None, dumps_text(value))


async def test_finds_a_device_by_its_access_token(world: World) -> None:
    device = await world.device("gate", token="T1", additional_info={"gateway": True}, type="meter")

    record = await world.directory.by_access_token("T1")

    assert record is not None
    assert record.id == device.id
    assert record.ref == ("DEVICE", device.id)
    assert record.tenant_id == world.tenant_id
    assert (record.name, record.profile_name, record.is_gateway) == ("gate", "meter", True)
    assert record.transport_type == "DEFAULT"
    assert record is await world.directory.by_id(device.id)
    assert record is world.directory.cached_by_id(device.id)


async def test_unknown_ids_and_tokens_are_none(world: World) -> None:
    assert await world.directory.by_access_token("nobody") is None
    assert await world.directory.by_access_token("") is None
    assert await world.directory.by_certificate("0" * 64) is None
    assert await world.directory.by_mqtt_basic("", None, None) is None
    assert await world.directory.by_id(new_id()) is None
    assert world.directory.cached_by_id(new_id()) is None


async def test_an_access_token_is_not_a_certificate(world: World) -> None:
    await world.device(token="T1")

    assert await world.directory.by_certificate("T1") is None


async def test_finds_a_device_by_its_certificate(world: World) -> None:
    pem = make_certificate("sensor")
    device = await world.device_with(
        check_content("X509_CERTIFICATE", None, pem), {"name": "sensor"}
    )
    der = x509.load_pem_x509_certificate(pem.encode())
    body = base64.b64encode(der.public_bytes(Encoding.DER)).decode()

    record = await world.directory.by_certificate(sha3_hex(body))

    assert certificate_body(pem) == body
    assert record is not None
    assert record.id == device.id
    assert await world.directory.by_access_token(sha3_hex(body)) is None


async def test_mqtt_basic_wants_every_stored_part(world: World) -> None:
    for number, (stored, login, is_right) in enumerate(MQTT_LOGINS):
        device = await world.device_with(mqtt_basic(*stored), {"name": f"sensor {number}"})

        record = await world.directory.by_mqtt_basic(*login)

        assert (record is not None) is is_right, (stored, login)
        await world.delete(device.id)


async def test_a_token_as_user_name_needs_no_password_or_client_id(world: World) -> None:
    device = await world.device(token="T1")

    record = await world.directory.by_mqtt_basic("any client", "T1", "any password")

    assert record is not None
    assert record.id == device.id


async def test_a_wrong_password_does_not_fall_back_to_the_token(world: World) -> None:
    await world.device("by token", token="u1")
    await world.device_with(mqtt_basic("c1", "u1", "p1"), {"name": "by both"})

    refused = await world.directory.by_mqtt_basic("c1", "u1", "wrong")
    by_token = await world.directory.by_mqtt_basic("c2", "u1", "wrong")

    assert refused is None
    assert by_token is not None
    assert by_token.name == "by token"


async def test_many_misses_of_one_moment_are_two_queries(database_url: str, world: World) -> None:
    tokens = [f"T{number}" for number in range(20)]
    for token in tokens:
        await world.device(token, token=token)
    database = CountingDatabase(database_url)
    directory = DeviceDirectory(database, VAULT, MemoryBus())

    found = await asyncio.gather(*(directory.by_access_token(token) for token in tokens * 5))

    assert [record.name for record in found if record] == tokens * 5
    assert database.reads == 2
    await directory.close()
    await database.close()


async def test_what_is_known_asks_the_database_no_more(database_url: str, world: World) -> None:
    await world.device(token="T1")
    database = CountingDatabase(database_url)
    directory = DeviceDirectory(database, VAULT, MemoryBus())
    await directory.by_access_token("T1")
    await directory.by_access_token("wrong")
    database.reads = 0

    await directory.by_access_token("T1")
    await directory.by_access_token("wrong")

    assert database.reads == 0
    await directory.close()
    await database.close()


async def test_the_number_of_entries_is_bounded(world: World) -> None:
    directory = DeviceDirectory(world.database, VAULT, world.bus, max_records=2, max_unknown=2)
    devices = [await world.device(f"d{number}", token=f"T{number}") for number in range(4)]
    for number in range(4):
        await directory.by_access_token(f"T{number}")
        await directory.by_access_token(f"wrong {number}")

    assert sum(directory.cached_by_id(device.id) is not None for device in devices) == 2
    found = await directory.by_access_token("T0")
    assert found is not None
    assert found.name == "d0"
    await directory.close()


async def test_a_record_that_is_held_is_the_one_that_is_found_again(world: World) -> None:
    directory = DeviceDirectory(world.database, VAULT, world.bus, max_records=1)
    await world.device("first", token="T1")
    await world.device("second", token="T2")
    held = await directory.by_access_token("T1")
    await directory.by_access_token("T2")

    assert held is not None
    assert await directory.by_access_token("T1") is held
    await directory.close()


async def test_a_change_reaches_the_record_in_place(world: World) -> None:
    device = await world.device(token="T1")
    record = await world.directory.by_access_token("T1")
    assert record is not None

    await world.update(device.id, name="renamed", customer_id=world.customer.customer_id)

    assert await world.directory.by_id(device.id) is record
    assert (record.name, record.customer_id) == ("renamed", world.customer.customer_id)


async def test_a_held_record_changes_without_being_asked_for(world: World) -> None:
    device = await world.device(token="T1")
    record = await world.directory.by_access_token("T1")
    assert record is not None

    await world.update(device.id, label="on the roof")
    await _until(lambda: record.label == "on the roof")

    assert record.label == "on the roof"


async def test_a_change_of_the_profile_reaches_its_devices(world: World) -> None:
    device = await world.device(token="T1", type="meter")
    record = await world.directory.by_access_token("T1")
    assert record is not None

    async with world.database.write() as session:
        await profile_service.update(
            session, world.admin, record.profile_id, {"name": "counter"}, vault=VAULT
        )

    await world.directory.by_id(device.id)
    assert record.profile_name == "counter"


async def test_a_deleted_device_is_gone_everywhere(world: World) -> None:
    device = await world.device(token="T1")
    record = await world.directory.by_access_token("T1")

    await world.delete(device.id)

    assert record is not None
    assert record.is_deleted
    assert world.directory.cached_by_id(device.id) is None
    assert await world.directory.by_id(device.id) is None
    assert await world.directory.by_access_token("T1") is None


async def test_new_credentials_take_effect_at_once(world: World) -> None:
    device = await world.device(token="T1")
    await world.directory.by_access_token("T1")
    assert await world.directory.by_access_token("T2") is None

    await world.replace_credentials(device.id, "ACCESS_TOKEN", "T2", None)

    assert await world.directory.by_access_token("T1") is None
    found = await world.directory.by_access_token("T2")
    assert found is not None
    assert found.id == device.id


async def test_a_token_that_was_unknown_is_found_once_its_device_is_made(world: World) -> None:
    assert await world.directory.by_access_token("T1") is None

    await world.device(token="T1")

    assert await world.directory.by_access_token("T1") is not None


async def test_the_devices_of_a_deleted_tenant_are_gone(world: World) -> None:
    device = await world.device(token="T1")
    record = await world.directory.by_access_token("T1")

    async with world.database.write() as session:
        await tenant_service.delete(session, SYS_ADMIN, world.tenant_id, tokens=TOKENS)

    assert record is not None
    assert record.is_deleted
    assert await world.directory.by_id(device.id) is None
    assert await world.directory.by_access_token("T1") is None


async def test_the_devices_of_a_deleted_customer_are_unassigned(world: World) -> None:
    customer_id: UUID | None = world.customer.customer_id
    assert customer_id is not None
    device = await world.device(token="T1", customer_id=customer_id)
    record = await world.directory.by_access_token("T1")

    async with world.database.write() as session:
        await customer_service.delete(session, world.admin, customer_id, tokens=TOKENS)

    assert record is not None
    assert record.customer_id is None
    assert (await world.directory.by_id(device.id)) is record


async def test_whoever_gives_up_waiting_leaves_the_others_alone(world: World) -> None:
    await world.device(token="T1")
    impatient = asyncio.create_task(world.directory.by_access_token("T1"))
    patient = asyncio.create_task(world.directory.by_access_token("T1"))
    await asyncio.sleep(0)

    impatient.cancel()

    assert await patient is not None
    assert impatient.cancelled() or impatient.cancelling()


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - nothing tells when a record was refreshed
            await asyncio.sleep(0.005)


async def test_a_database_that_is_away_is_said_and_asked_again() -> None:
    database = Database("postgresql+asyncpg://nobody@127.0.0.1:1/none")
    directory = DeviceDirectory(database, VAULT, MemoryBus())

    for _ in range(2):
        with pytest.raises(Unavailable):
            await directory.by_access_token("T1")
        with pytest.raises(Unavailable):
            await directory.by_id(new_id())

    await directory.close()
    await database.close()
