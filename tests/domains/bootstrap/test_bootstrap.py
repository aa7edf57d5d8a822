from collections.abc import AsyncIterator

import pytest

from fieldline.database.engine import Database
from fieldline.domains.bootstrap import service
from fieldline.domains.bootstrap.service import DEFAULT_ADMIN_EMAIL
from fieldline.domains.login import service as login_service
from fieldline.domains.user.errors import EmailTaken
from fieldline.kit.clock import ManualClock
from fieldline.kit.errors import Invalid, NotFound, Unauthenticated
from fieldline.messaging.backends.memory import MemoryBus
from fieldline.rest.services import Services
from tests.api.support import make_services


@pytest.fixture
async def services(database_url: str) -> AsyncIterator[Services]:
    bus = MemoryBus()
    database = Database(database_url, emit=bus.emit, pool_size=5)
    services = make_services(database, bus, ManualClock())
    yield services
    await services.background.finish()
    services.passwords.close()
    await database.close()


async def test_the_first_start_makes_an_administrator_with_a_password_of_its_own(
    services: Services,
) -> None:
    made = await service.first_start(services)

    assert made is not None
    assert made.email == DEFAULT_ADMIN_EMAIL
    assert made.password is not None
    assert len(made.password) >= 16
    assert await login_service.log_in(services, made.email, made.password)
    assert await service.first_start(services) is None


async def test_a_given_password_is_not_shown(services: Services) -> None:
    made = await service.first_start(services, email="a@example.com", password="given one")

    assert made is not None
    assert made.password is None
    assert await login_service.log_in(services, "a@example.com", "given one")


async def test_two_installations_have_different_passwords(services: Services) -> None:
    first = await service.create_administrator(services, "a@example.com")
    second = await service.create_administrator(services, "b@example.com")

    assert first.password != second.password


async def test_no_well_known_login_exists_without_the_demo(services: Services) -> None:
    await service.first_start(services)

    for name in ("sysadmin", "tenant", "customer"):
        with pytest.raises(Unauthenticated):
            await login_service.log_in(services, f"{name}@thingsboard.org", name)


async def test_an_administrator_needs_an_address_of_its_own_and_a_password(
    services: Services,
) -> None:
    await service.first_start(services, email="a@example.com", password="given one")

    with pytest.raises(EmailTaken):
        await service.create_administrator(services, "a@example.com", "another one")
    with pytest.raises(Invalid):
        await service.create_administrator(services, "b@example.com", "short")
    with pytest.raises(Invalid):
        await service.create_administrator(services, "nonsense", "long enough")


async def test_a_reset_administrator_logs_in_with_the_new_password(services: Services) -> None:
    await service.first_start(services, email="a@example.com", password="given one")

    password = await service.reset_administrator(services, "a@example.com")

    assert await login_service.log_in(services, "a@example.com", password)
    with pytest.raises(Unauthenticated):
        await login_service.log_in(services, "a@example.com", "given one")
    with pytest.raises(NotFound):
        await service.reset_administrator(services, "nobody@example.com")


async def test_the_demo_logins_work_and_are_made_once(services: Services) -> None:
    first = await service.seed_demo_logins(services)
    second = await service.seed_demo_logins(services)

    assert (first.is_new, second.is_new) == (True, False)
    assert (first.tenant_id, first.customer_id) == (second.tenant_id, second.customer_id)
    for name in ("sysadmin", "tenant", "customer"):
        assert await login_service.log_in(services, f"{name}@thingsboard.org", name)
    assert await service.first_start(services) is None


async def test_the_demo_changes_nobodys_password(services: Services) -> None:
    made = await service.first_start(services)
    assert made is not None

    await service.seed_demo_logins(services)

    assert made.password is not None
    assert await login_service.log_in(services, made.email, made.password)
    with pytest.raises(Unauthenticated):
        await login_service.log_in(services, made.email, "sysadmin")
