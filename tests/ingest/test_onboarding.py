"""Devices that may be claimed, and clients that want to be devices, at the door."""

import asyncio

import pytest

from fieldline.domains.provision.request import ProvisionAnswer, ProvisionRequest, Status
from fieldline.ingest import onboarding
from fieldline.ingest.parts import IngestOptions
from fieldline.kit.errors import Forbidden, RateLimited, Unavailable
from fieldline.timeseries.backends.memory import MemoryStore
from tests.ingest.world import Acks, World
from tests.waiting import until

BODY = b'{"provisionDeviceKey":"k","provisionDeviceSecret":"s"}'


async def test_a_claim_is_acknowledged_when_it_is_stored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(onboarding, "RETRY_AFTER_S", 0.001)
    world, acks = World(MemoryStore()), Acks()
    await world.door.start()
    session = world.door.brief(world.device())
    world.newcomers.error = Unavailable("away")

    receipt = acks.receipt()
    world.door.claim(session, b'{"secretKey":"k"}', receipt)
    receipt.release()
    await asyncio.sleep(0.01)
    meanwhile = acks.count
    world.newcomers.error = None
    await until(lambda: acks.count)

    assert meanwhile == 0
    assert [request.secret_key for _device, request in world.newcomers.claims] == ["k"]
    await world.door.stop()


async def test_a_device_is_not_told_that_it_cannot_be_claimed() -> None:
    world, acks = World(MemoryStore()), Acks()
    await world.door.start()
    world.newcomers.error = Forbidden("no")

    receipt = acks.receipt()
    world.door.claim(world.door.brief(world.device()), b"", receipt)
    receipt.release()
    await until(lambda: acks.count)
    await world.door.stop()


async def test_wrong_keys_of_one_address_are_counted() -> None:
    world = World(MemoryStore())
    request = ProvisionRequest.parse(BODY)
    world.newcomers.status = Status.NOT_FOUND
    for number in range(world.door.limits.guard.most):
        guess = BODY.replace(b'"s"', b'"guess %d"' % number)
        await world.door.provision(ProvisionRequest.parse(guess), "10.0.0.1")

    with pytest.raises(RateLimited):
        await world.door.provision(request, "10.0.0.1")
    elsewhere = await world.door.provision(request, "10.0.0.2")
    world.clock.advance(60_000)
    later = await world.door.provision(request, "10.0.0.1")

    assert (elsewhere.status, later.status) == (Status.NOT_FOUND, Status.NOT_FOUND)


async def test_only_so_many_wait_to_be_provisioned(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(MemoryStore(), options=IngestOptions(waiting_provisions=1))
    request = ProvisionRequest.parse(BODY)
    go_on = asyncio.Event()

    async def provision(_request: ProvisionRequest) -> ProvisionAnswer:
        await go_on.wait()
        return ProvisionAnswer(Status.FAILURE)

    monkeypatch.setattr(world.newcomers, "provision", provision)
    first = asyncio.create_task(world.door.provision(request, ""))
    await asyncio.sleep(0)

    with pytest.raises(Unavailable, match="Too many devices wait"):
        await world.door.provision(request, "")
    go_on.set()
    assert (await first).status is Status.FAILURE
