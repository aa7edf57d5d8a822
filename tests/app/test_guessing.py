"""Guessing the credentials of devices, over every way into the whole platform."""

import re
from typing import Any

import pytest

from fieldline.ingest.guard import GuardOptions
from tests.app.plant import Plant
from tests.transports.mqtt.client import ConnectionRefused


async def refusal(plant: Plant, token: str, **fields: Any) -> int:
    with pytest.raises(ConnectionRefused) as caught:
        await plant.connect(token, **fields)
    return caught.value.code


async def test_guesses_are_refused_and_good_devices_are_not(plant: Plant) -> None:
    admin, http = await plant.tenant(), plant.client()
    await plant.device(admin, "good")
    await plant.device(admin, "new")
    await plant.connect("good")
    most = GuardOptions().most

    answers = [
        (await http.post(f"/api/v1/guess {number}/telemetry", json={})).status_code
        for number in range(most - 2)
    ]
    connacks = [
        await refusal(plant, "guess by mqtt"),
        await refusal(plant, "name", password=b"guess", version=4),
        await refusal(plant, "one more"),
        await refusal(plant, "one more", version=4),
        await refusal(plant, "new"),
    ]
    refused = await http.get("/api/v1/new/attributes")
    metrics = (await http.get("/metrics")).text

    assert answers == [401] * (most - 2)
    assert connacks == [0x86, 5, 0x9F, 3, 0x9F]
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert re.search(r"^fieldline_ingest_failed_logins(_total)? 10(\.0)?$", metrics, re.MULTILINE)
    await plant.connect("good", client_id="another")
