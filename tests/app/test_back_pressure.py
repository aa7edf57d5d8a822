"""What waits in the rules holds the devices back, however few packets it came in."""

import asyncio
from pathlib import Path

import pytest

from fieldline.app import rules
from fieldline.kit.ids import EntityRef, EntityType, new_id
from fieldline.kit.json import dumps
from fieldline.messaging.events import Change, EntityChanged
from fieldline.messaging.receipt import unattended
from tests.app.plant import opened, settings_of

LIMIT = 50


async def test_a_packet_of_many_times_fills_the_rules(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "MAX_WAITING_MESSAGES", LIMIT)
    async with opened(settings_of(database_url, tmp_path)) as plant:
        await plant.device(await plant.tenant(), "meter")
        door = plant.platform.door
        device = await door.authenticate_token("meter")
        payload = dumps([{"ts": ts, "values": {"n": ts}} for ts in range(1, LIMIT + 1)])
        has_room = asyncio.Event()
        reload = EntityChanged(
            device.tenant_id, EntityRef(EntityType.RULE_CHAIN, new_id()), Change.UPDATED
        )

        plant.platform.services.bus.emit(reload)  # messages wait until the chains are there
        door.telemetry(door.brief(device), payload, packet := unattended())
        packet.release()
        was_full = door.is_full
        door.when_room(has_room.set)
        async with asyncio.timeout(30):
            await has_room.wait()

        assert was_full
        assert not door.is_full
