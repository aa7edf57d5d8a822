"""The writer refuses what no store can hold, before anything of it is stored."""

import pytest

from fieldline.kit.errors import Invalid
from fieldline.kit.ids import EntityRef
from fieldline.kit.values import JsonText, Value
from fieldline.timeseries.store import (
    Scope,
)
from fieldline.timeseries.writer import TimeseriesWriter
from tests.timeseries.faults import T0, TENANT, FaultyStore, Told


@pytest.mark.parametrize(
    "key", ["", "  ", "k" * 256, "<b>", "a<script>", "{{x}}", "nul\0", "\ud800"]
)
async def test_refuses_a_key(
    writer: TimeseriesWriter, store: FaultyStore, device: EntityRef, key: str
) -> None:
    with pytest.raises(Invalid):
        writer.save_readings(TENANT, device, T0, {"good": 1, key: 1})
    with pytest.raises(Invalid):
        writer.save_attributes(TENANT, device, Scope.SERVER, {"good": 1, key: 1})
    await writer.flush()

    assert await store.keys(device.id) == []


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), -float("inf"), 2**63, -(2**63) - 1, "\ud800"]
)
async def test_refuses_a_value(
    writer: TimeseriesWriter, store: FaultyStore, device: EntityRef, value: Value
) -> None:
    with pytest.raises(Invalid, match="'k'"):
        writer.save_readings(TENANT, device, T0, {"good": 1, "k": value})
    await writer.flush()

    assert await store.keys(device.id) == []


@pytest.mark.parametrize("ts_ms", [2**63, -(2**63) - 1])
async def test_refuses_a_time(writer: TimeseriesWriter, device: EntityRef, ts_ms: int) -> None:
    with pytest.raises(Invalid, match="64 bits"):
        writer.save_readings(TENANT, device, ts_ms, {"k": 1})


async def test_removes_nul_characters_from_strings(
    writer: TimeseriesWriter, store: FaultyStore, told: Told, device: EntityRef
) -> None:
    given: dict[str, Value] = {"s": "a\0b\0", "n": 1, "j": JsonText('"\0"')}
    writer.save_readings(TENANT, device, T0, given)
    await writer.flush()

    cleaned = {"s": "ab", "n": 1, "j": '""'}
    assert {key: point.value for key, point in (await store.latest(device.id)).items()} == cleaned
    assert type((await store.latest(device.id))["j"].value) is JsonText
    assert told.events == [("readings", device, T0, cleaned)]
    assert given["s"] == "a\0b\0"
