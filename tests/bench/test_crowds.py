"""Many devices behind gateways, and many commands under way, on both databases.

The scenarios check what matters: all that was acknowledged is stored, every command has its own
answer. Their full size is ``fieldline bench``'s.
"""

from dataclasses import replace

import pytest
from sqlalchemy import make_url

from fieldline.bench.crowds import gateways, rpc
from fieldline.bench.gateways import Gateway
from fieldline.bench.publisher import Pace
from fieldline.bench.results import Measured
from fieldline.bench.stage import Bench
from fieldline.kit.json import loads
from fieldline.protocols.mqtt.packets import Publish
from fieldline.protocols.mqtt.reader import PacketReader

SMALL = Bench(
    runs=1,
    seconds=1,
    warm_up_s=0.2,
    devices=100,
    gateways=5,
    gateway_devices=25,
    commands=500,
)


@pytest.fixture
def bench(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A bench on this database, an empty one of PostgreSQL's or an embedded one."""
    url = make_url(database_url)
    if url.get_backend_name() == "sqlite":
        return SMALL
    monkeypatch.setenv("POSTGRES_SERVER", str(url.query["host"]))
    monkeypatch.setenv("POSTGRES_USER", str(url.username))
    monkeypatch.setenv("POSTGRES_DB", str(url.database))
    return replace(SMALL, database="postgresql")


def named(measured: list[Measured]) -> dict[str, float]:
    return {each.figure.name: each.median for each in measured}


@pytest.mark.e2e
@pytest.mark.long
def test_all_devices_of_many_gateways_come_and_send(bench: Bench) -> None:
    found = named(gateways(bench))

    assert found["readings"] > 0
    assert found["points"] == pytest.approx(3 * found["readings"], abs=1)
    assert found["all known devices in"] < found["all new devices in"]


@pytest.mark.e2e
@pytest.mark.long
def test_every_command_of_many_under_way_is_answered(bench: Bench) -> None:
    found = named(rpc(bench))

    assert found["all answered"] > 0
    assert found["all persistent ones done"] > 0


def test_a_gateway_names_its_devices_and_then_speaks_for_each_in_turn() -> None:
    gateway = Gateway("gw", 1, Pace(), 12, 1_781_818_181_818)
    reader = PacketReader(4)

    sent = reader.feed(b"".join(gateway.packet(number) for number in range(15)))

    publishes = [packet for packet in sent if isinstance(packet, Publish)]
    assert [each.packet_id for each in publishes] == list(range(1, 16))
    assert [loads(each.payload) for each in publishes[:12]] == [
        {"device": f"gw/{number}"} for number in range(12)
    ]
    readings = [loads(each.payload) for each in publishes[12:]]
    assert [sorted(each) for each in readings] == [
        sorted(f"gw/{number}" for number in range(10)),
        ["gw/10", "gw/11"],
        sorted(f"gw/{number}" for number in range(10)),
    ]
    assert [next(iter(each.values()))[0]["ts"] for each in readings] == [
        1_781_818_181_818,
        1_781_818_181_819,
        1_781_818_181_820,
    ]


def test_readings_are_counted_by_device() -> None:
    gateway = Gateway("gw", 1, Pace(), 12, 0)

    counts = []
    for acknowledged in (5, 12, 13, 14, 15):
        gateway.acknowledged = acknowledged
        counts.append(gateway.readings)

    assert counts == [0, 0, 10, 12, 22]
