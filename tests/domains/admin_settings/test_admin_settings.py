import pytest

from fieldline.database.engine import Database
from fieldline.domains.admin_settings import service
from fieldline.security.secrets import Vault, WrongRootKey


async def test_the_signing_key_is_made_once_and_stored_encrypted(database: Database) -> None:
    vault = Vault("root")
    async with database.write() as session:
        first = await service.signing_key(session, vault)
    async with database.write() as session:
        second = await service.signing_key(session, vault)
    async with database.read() as session:
        stored = await service.get(session, service.JWT_KEY)

    assert first == second
    assert len(first) == 64
    assert stored is not None
    assert stored["tokenSigningKey"].startswith("v1:")


async def test_another_root_key_is_told(database: Database) -> None:
    async with database.write() as session:
        await service.signing_key(session, Vault("root"))

    async with database.write() as session:
        with pytest.raises(WrongRootKey, match="SECRET_KEY"):
            await service.signing_key(session, Vault("other"))


async def test_a_setting_is_read_as_it_was_stored_last(database: Database) -> None:
    for value in ({"baseUrl": "http://a"}, {"baseUrl": "http://b"}):
        async with database.write() as session:
            await service.put(session, "general", value)

    async with database.read() as session:
        assert await service.get(session, "general") == {"baseUrl": "http://b"}
        assert await service.get(session, "mail") is None
