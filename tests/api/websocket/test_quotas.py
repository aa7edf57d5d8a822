"""Limits of the tenant's profile on sockets and subscriptions."""

from dataclasses import replace
from uuid import uuid4

import pytest

from fieldline.domains.tenant_profile import service as tenant_profile_service
from tests.api.websocket.server import connected, serving
from tests.domains.telemetry.platform import Json, Platform
from tests.people import SYS_ADMIN


async def allow(platform: Platform, **limits: int) -> None:
    async with platform.services.database.write() as session:
        profile = await tenant_profile_service.get_default(session)
        configuration = profile.profile_data["configuration"] | limits
        await tenant_profile_service.update(
            session,
            SYS_ADMIN,
            profile.id,
            {"profile_data": profile.profile_data | {"configuration": configuration}},
        )


def subscribe(platform: Platform, cmd_id: int) -> Json:
    entity = str(platform.customer_device.id)
    command = {"type": "TIMESERIES", "cmdId": cmd_id, "entityType": "DEVICE", "entityId": entity}
    return {"cmds": [command]}


@pytest.mark.parametrize(
    ("limit", "text"),
    [
        ("maxWsSessionsPerTenant", "Max tenant sessions limit reached!"),
        ("maxWsSessionsPerCustomer", "Max customer sessions limit reached"),
        ("maxWsSessionsPerRegularUser", "Max regular user sessions limit reached"),
    ],
)
async def test_one_socket_too_many_is_closed(platform: Platform, limit: str, text: str) -> None:
    await allow(platform, **{limit: 1})
    token = platform.token(platform.customer_user)
    async with serving(platform) as port:
        async with connected(port, token=token) as first:
            await first.ask("{")
            async with connected(port, token=token) as second:
                assert await second.closed() == (1008, text)
            async with connected(port, token=platform.token(platform.stranger)) as other:
                assert (await other.ask("{"))["errorCode"] == 2
        async with connected(port, token=token) as again:
            assert (await again.ask("{"))["errorCode"] == 2


async def test_users_of_a_customer_have_their_own_limits(platform: Platform) -> None:
    await allow(platform, maxWsSessionsPerRegularUser=1)
    colleague = replace(platform.customer_user, user_id=uuid4())
    async with (
        serving(platform) as port,
        connected(port, token=platform.token(platform.customer_user)) as first,
        connected(port, token=platform.token(colleague)) as second,
    ):
        assert (await first.ask("{"))["errorCode"] == 2
        assert (await second.ask("{"))["errorCode"] == 2


async def test_public_users_are_counted_by_their_customer(platform: Platform) -> None:
    await allow(platform, maxWsSessionsPerPublicUser=1)
    public = replace(platform.customer_user, is_public=True)
    async with (
        serving(platform) as port,
        connected(port, token=platform.token(public)) as first,
        connected(port, token=platform.token(platform.customer_user)) as regular,
    ):
        await first.ask("{")
        await regular.ask("{")
        async with connected(port, token=platform.token(public)) as second:
            assert await second.closed() == (1008, "Max public user sessions limit reached")


async def test_one_subscription_too_many_closes_the_socket(platform: Platform) -> None:
    await allow(platform, maxWsSubscriptionsPerTenant=2)
    token = platform.token(platform.admin)
    async with (
        serving(platform) as port,
        connected(port, token=token) as first,
        connected(port, token=token) as second,
    ):
        await first.ask(subscribe(platform, 1))
        await second.ask(subscribe(platform, 1))
        again = await second.ask(subscribe(platform, 1))
        await second.send(subscribe(platform, 2))

        assert again["errorCode"] == 0
        assert await second.closed() == (1008, "Max tenant subscriptions limit reached!")
