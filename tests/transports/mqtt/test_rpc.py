"""Commands to devices over MQTT."""

import json

import pytest

from fieldline.domains.rpc.command import Answer, Command
from fieldline.kit.ids import new_id
from tests.transports.mqtt.conftest import Site, Start
from tests.waiting import until

REQUESTS = "v1/devices/me/rpc/request/+"


def send(site: Site, answers: list[Answer], *, is_oneway: bool = False) -> None:
    [device] = site.world.devices.records.values()
    command = Command(
        new_id(), device.tenant_id, device.id, "reboot", [1], 2**50, is_oneway=is_oneway
    )
    site.world.door.send_rpc(command, answers.append)


@pytest.mark.parametrize(
    ("topic", "response"),
    [
        ("v1/devices/me/rpc/request/", "v1/devices/me/rpc/response/"),
        ("v2/r/req/", "v2/r/res/"),
        ("v2/r/req/j/", "v2/r/res/j/"),
    ],
)
@pytest.mark.parametrize("version", [4, 5])
async def test_a_command_comes_and_its_answer_goes_back(
    site: Site, topic: str, response: str, version: int
) -> None:
    answers: list[Answer] = []
    client = await site.client(version)
    await client.subscribe(f"{topic}+")

    send(site, answers)
    await until(lambda: site.heard)
    await client.publish(f"{response}0", b'{"done":true}')
    await until(lambda: answers)

    assert site.heard[0].topic == f"{topic}0"
    assert json.loads(site.heard[0].payload) == {"method": "reboot", "params": [1]}
    assert answers == [Answer('{"done":true}')]


async def test_what_waits_comes_after_the_subscription(site: Site) -> None:
    answers: list[Answer] = []
    send(site, answers)
    client = await site.client()

    codes = await client.subscribe(REQUESTS)
    heard_with_suback = len(site.heard)
    await until(lambda: site.heard)

    assert (codes, heard_with_suback) == ([1], 0)


@pytest.mark.parametrize("qos", [0, 1])
async def test_a_one_way_command_is_done_when_it_is_out(site: Site, qos: int) -> None:
    answers: list[Answer] = []
    client = await site.client()
    await client.subscribe(REQUESTS, qos=qos)

    send(site, answers, is_oneway=True)

    assert answers == [Answer()]
    await until(lambda: site.heard)
    assert site.heard[0].qos == qos


async def test_the_acknowledgement_is_noted(site: Site) -> None:
    answers: list[Answer] = []
    client = await site.client()
    await client.subscribe(REQUESTS)

    send(site, answers)
    await until(lambda: site.heard)
    server_rpc = site.world.door._server_rpc
    [open_] = server_rpc._open.values()
    await until(lambda: open_.is_delivered)

    assert answers == []


async def test_commands_follow_the_last_subscription_that_is_left(site: Site) -> None:
    client = await site.client()
    await client.subscribe(REQUESTS)
    await client.subscribe("v2/r/req/+")
    await client.unsubscribe("v2/r/req/+")

    send(site, [])
    await until(lambda: site.heard)

    assert site.heard[0].topic == "v1/devices/me/rpc/request/0"


async def test_after_unsubscribing_no_command_comes(site: Site) -> None:
    answers: list[Answer] = []
    client = await site.client()
    await client.subscribe(REQUESTS)
    await client.unsubscribe(REQUESTS)

    send(site, answers)
    await client.publish("v1/devices/me/telemetry", b'{"k":1}')
    await client.drain()

    assert site.heard == []


@pytest.mark.parametrize("number", ["7", "-1"])
async def test_an_answer_to_nothing_is_acknowledged(site: Site, number: str) -> None:
    client = await site.client()

    await client.publish(f"v1/devices/me/rpc/response/{number}", b"{}")
    await client.drain()

    assert client.is_open


async def test_an_answer_whose_number_is_none(site: Site) -> None:
    client = await site.client()

    await client.publish("v1/devices/me/rpc/response/x", b"{}")
    await client.drain()

    assert (client.refused, client.last_refusal) == (1, 0x99)


async def test_hundreds_of_commands_that_waited_for_their_device(site: Site) -> None:
    answers: list[Answer] = []
    for _ in range(500):
        send(site, answers)
    client = await site.client()

    await client.subscribe(REQUESTS)
    await until(lambda: len(site.heard) == 500)

    assert client.is_open
    numbers = [int(packet.topic.rsplit("/", 1)[1]) for packet in site.heard]
    assert numbers == list(range(500))


async def test_commands_beyond_the_bytes_that_may_wait_close(start: Start) -> None:
    site = await start(max_downlinks_in_flight=1, max_downlinks_queued_bytes=100)
    client = await site.client()
    client.acknowledges = False
    await client.subscribe(REQUESTS)

    for _ in range(10):
        send(site, [])
    await client.wait_closed()

    assert client.disconnect_code == 0x97
