"""Devices download their OTA packages over MQTT and HTTP, whole and in chunks."""

import hashlib
from typing import Any

from fieldline.domains.ota_package.content import PIECE_BYTES
from fieldline.protocols.mqtt.properties import Properties
from tests.api.support import Client
from tests.app.ota import Heard, assign, package, profile_of
from tests.app.plant import Plant
from tests.domains.support import on_sqlite
from tests.transports.mqtt.client import MqttClient
from tests.waiting import until

DATA = b"".join(hashlib.sha256(bytes([n % 256, n // 256])).digest() for n in range(6_500))
"""208,000 bytes, of which no two parts are alike: three pieces and a bit."""
ERRORS = "v2/fw/error"


class Device:
    """A device that asks for chunks."""

    def __init__(self, plant: Plant, token: str) -> None:
        self._plant = plant
        self._token = token
        self.heard = Heard()
        self.client: MqttClient

    async def connect(self, **fields: Any) -> "Device":
        self.client = await self._plant.connect(self._token, on_message=self.heard.take, **fields)
        return self

    async def ask(self, request: str, size: int | str = "", kind: str = "fw") -> bytes:
        """Ask for `request/chunk/number`; return what comes."""
        before = len(self.heard.chunks)
        await self.client.publish(f"v2/{kind}/request/{request}", str(size).encode())
        await until(lambda: len(self.heard.chunks) > before)
        answer = self.heard.chunks[-1]
        assert answer.topic == f"v2/{kind}/response/{request}"
        return answer.payload

    async def refused(self, request: str, size: int | str = "") -> str:
        """Ask for what cannot be had; return what the device is told before it is disconnected."""
        await self.client.publish(f"v2/fw/request/{request}", str(size).encode())
        await until(lambda: not self.client.is_open)
        [*_, answer] = self.heard.chunks
        assert answer.topic == ERRORS
        return answer.payload.decode()


async def meter(plant: Plant, data: bytes = DATA, **fields: Any) -> tuple[Client, str, str]:
    """Make a device `meter` with a package; returns the administrator, profile and device."""
    admin = await plant.tenant()
    profile_id = await profile_of(admin)
    device_id = await plant.device(admin, "meter", type="meter")
    made = await package(admin, profile_id, data, **fields)
    kind = "software" if fields.get("type") == "SOFTWARE" else "firmware"
    await assign(admin, "device", device_id, made, kind)
    return admin, profile_id, device_id


async def test_chunks_over_mqtt(plant: Plant) -> None:
    await meter(plant)
    device = await Device(plant, "meter").connect(version=4)
    count = -(-len(DATA) // 30_000)

    chunks = [await device.ask(f"7/chunk/{n}", 30_000) for n in range(count)]
    past = [await device.ask(f"7/chunk/{n}", 30_000) for n in (count, 9_999_999_999)]

    assert [len(chunk) for chunk in chunks] == [30_000] * (count - 1) + [len(DATA) % 30_000]
    assert b"".join(chunks) == DATA
    assert past == [b"", b""]


async def test_a_request_keeps_its_chunk_size(plant: Plant) -> None:
    await meter(plant)
    device = await Device(plant, "meter").connect()

    whole = await device.ask("1/chunk/0")
    first = await device.ask("2/chunk/0", 1_000)
    second = await device.ask("2/chunk/1")
    other = await device.ask("2/chunk/0", 500)
    none = await device.ask("2/chunk/0", 0)

    assert whole == none == DATA
    assert (first, second, other) == (DATA[:1_000], DATA[1_000:2_000], DATA[:500])


async def test_a_download_goes_on_after_a_lost_connection(plant: Plant) -> None:
    await meter(plant)
    device = await Device(plant, "meter").connect()
    before = [await device.ask(f"1/chunk/{n}", PIECE_BYTES) for n in range(2)]
    device.client.abort()

    await device.connect()
    after = [await device.ask(f"1/chunk/{n}", PIECE_BYTES) for n in range(2, 4)]

    assert b"".join(before + after) == DATA


async def test_software_over_mqtt_and_http(plant: Plant) -> None:
    await meter(plant, type="SOFTWARE", title="app")
    device = await Device(plant, "meter").connect()

    over_mqtt = await device.ask("1/chunk/1", 1_000, "sw")
    over_http = await plant.client().get(
        "/api/v1/meter/software?title=app&version=1.0&size=1000&chunk=1"
    )

    assert over_mqtt == over_http.content == DATA[1_000:2_000]
    assert await device.refused("1/chunk/1", 1_000) == "NOT_FOUND"


async def test_chunks_of_too_many_bytes(plant: Plant) -> None:
    await meter(plant)
    device = await Device(plant, "meter").connect()

    largest = await device.ask("1/chunk/0", 65_536)

    assert largest == DATA[:65_536]
    for size in (65_537, 9_999_999_999):
        assert await device.refused("1/chunk/0", size) == "PAYLOAD_TOO_LARGE"
        await device.connect()


@on_sqlite
async def test_a_size_that_is_no_number_ends_the_connection(plant: Plant) -> None:
    await meter(plant)
    device = Device(plant, "meter")

    for size in ("-1", "1e3", "ten", "99999999999", " 5", "5\n", "\u0665"):
        await device.connect()
        await device.client.publish("v2/fw/request/1/chunk/0", size.encode())
        await until(lambda: not device.client.is_open)
        assert device.heard.chunks == [], size


@on_sqlite
async def test_a_topic_that_names_no_chunk_is_refused(plant: Plant) -> None:
    await meter(plant)
    device = await Device(plant, "meter").connect()
    bad = (
        "1/chunk/-1",
        "1/chunk/x",
        "1/chunk/",
        "x/chunk/0",
        "1/chunk/99999999999",
        "1",
        "/chunk/",
    )

    for request in bad:
        await device.client.publish(f"v2/fw/request/{request}", b"1000")
        await device.client.drain()
        assert device.client.last_refusal == 0x90, request
        device.client.last_refusal = 0

    assert await device.ask("1/chunk/0", 1_000) == DATA[:1_000]


@on_sqlite
async def test_a_client_that_takes_no_such_packet(plant: Plant) -> None:
    await meter(plant)
    device = await Device(plant, "meter").connect(properties=Properties(maximum_packet_size=1_000))

    assert await device.ask("1/chunk/0", 500) == DATA[:500]
    assert await device.refused("1/chunk/0", 1_000) == "PAYLOAD_TOO_LARGE"


async def test_a_package_that_is_a_url_is_not_served(plant: Plant) -> None:
    admin = await plant.tenant()
    profile_id = await profile_of(admin)
    device_id = await plant.device(admin, "meter", type="meter")
    linked = await package(admin, profile_id, url="https://files.example.org/pump.bin")
    await assign(admin, "device", device_id, linked)
    device = await Device(plant, "meter").connect()

    over_http = await plant.client().get("/api/v1/meter/firmware?title=pump&version=1.0")

    assert over_http.status_code == 404
    assert await device.refused("1/chunk/0", 1_000) == "FAILURE"


async def test_a_package_that_is_replaced_while_it_is_downloaded(plant: Plant) -> None:
    admin, profile_id, device_id = await meter(plant)
    device = await Device(plant, "meter").connect()
    first = await device.ask("1/chunk/0", 100_000 // 2)
    other = await package(admin, profile_id, DATA[::-1], version="2.0")

    await assign(admin, "device", device_id, other)
    second = await device.ask("1/chunk/1")
    new = await device.ask("2/chunk/0", 1_000)
    over_http = await plant.client().get("/api/v1/meter/firmware?title=pump&version=1.0&chunk=1")

    assert first + second == DATA[:100_000]
    assert new == DATA[::-1][:1_000]
    assert over_http.status_code == 400
    assert "'pump' version '2.0', not 'pump' version '1.0'" in over_http.text


async def test_a_package_that_is_deleted_while_it_is_downloaded(plant: Plant) -> None:
    admin, _, device_id = await meter(plant)
    device = await Device(plant, "meter").connect()
    await device.ask("1/chunk/0", 1_000)
    package_id = (await admin.get(f"/api/device/{device_id}")).json()["firmwareId"]["id"]

    await assign(admin, "device", device_id, None)
    assert (await admin.delete(f"/api/otaPackage/{package_id}")).status_code == 200

    assert await device.refused("1/chunk/3", PIECE_BYTES) == "NOT_FOUND"
    await device.connect()
    assert await device.refused("1/chunk/0", 1_000) == "NOT_FOUND"
    answer = await plant.client().get("/api/v1/meter/firmware?title=pump&version=1.0")
    assert answer.status_code == 404


async def test_chunks_over_http(plant: Plant) -> None:
    await meter(plant)
    device = plant.client()
    path = "/api/v1/meter/firmware?title=pump&version=1.0"

    whole = await device.get(path)
    chunks = [await device.get(f"{path}&size=100000&chunk={n}") for n in range(4)]
    beyond = await device.get(f"{path}&size=2147483647&chunk=2147483647")

    assert whole.content == DATA
    assert whole.headers["content-length"] == str(len(DATA))
    assert whole.headers["x-filename"] == "pump.bin"
    assert b"".join(chunk.content for chunk in chunks) == DATA
    assert [len(chunk.content) for chunk in chunks] == [100_000, 100_000, 8_000, 0]
    assert [answer.status_code for answer in (*chunks, beyond)] == [200] * 5
    assert beyond.content == b""


@on_sqlite
async def test_bad_numbers_over_http(plant: Plant) -> None:
    await meter(plant)

    for query in (
        "size=-1", "chunk=-1", "size=2147483648", "chunk=2147483648", "size=x", "chunk=1.5",
    ):  # fmt: skip
        path = f"/api/v1/meter/firmware?title=pump&version=1.0&{query}"
        answer = await plant.client().get(path)
        assert answer.status_code == 400
        assert query.split("=")[0] in answer.text


async def test_what_is_asked_for_over_http_must_be_the_devices(plant: Plant) -> None:
    await meter(plant)
    device = plant.client()

    answers = [
        await device.get(f"/api/v1/meter/firmware?{query}")
        for query in (
            "title=pump&version=9",
            "title=other&version=1.0",
            "title=pump",
            "version=1.0",
        )
    ]
    unknown = await device.get("/api/v1/nobody/firmware?title=pump&version=1.0")

    assert [answer.status_code for answer in answers] == [400] * 4
    assert unknown.status_code == 401
