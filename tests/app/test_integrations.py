"""Integrations through the whole platform, fed by a real Mosquitto."""

import asyncio
import datetime as dt
import ipaddress
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from fieldline.app.platform import Platform
from fieldline.domains.device import service as device_service
from tests.api.support import Client, created
from tests.app.plant import Plant, opened, settings_of
from tests.domains.support import on_sqlite
from tests.mosquitto import Mosquitto
from tests.programs import PATH
from tests.waiting import TIMEOUT_S, until

CONVERTER = {
    "device_name": {"topic_level": 1},
    "device_type": {"constant": "meter"},
    "timestamp": "$.ts",
    "telemetry": {"t": "$.t"},
    "attributes": {"model": "$.model"},
}
Json = dict[str, Any]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    broker = Mosquitto(tmp_path)
    broker.start()
    yield broker
    broker.kill()


async def say(broker: Mosquitto, topic: str, *payloads: object, **how: Any) -> None:
    texts = [each if isinstance(each, str) else json.dumps(each) for each in payloads]
    await asyncio.to_thread(broker.publish, topic, *texts, **how)


async def integrate(admin: Client, broker: Mosquitto, **fields: Any) -> str:
    body = {
        "name": "plant",
        "host": "127.0.0.1",
        "port": broker.port,
        "topic_filters": [{"filter": "plant/+/up", "qos": 1}],
        "converter": CONVERTER,
    } | fields
    made = await created(admin, "/api/v1/integrations", body, 201)
    integration_id: str = made["id"]
    return integration_id


async def when(
    admin: Client, integration_id: str, is_so: Callable[[Json], object] | None = None
) -> Json:
    """Wait until an integration is so, by default connected; returns it."""
    is_so = is_so or (lambda shown: shown["connection_state"] == "CONNECTED")
    shown: Json = {}
    try:
        async with asyncio.timeout(TIMEOUT_S):
            while True:
                answer = await admin.get(f"/api/v1/integrations/{integration_id}")
                shown = answer.json()
                if is_so(shown):
                    return shown
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"it does not become so: {shown}") from None


def stored(count: int) -> Callable[[Json], bool]:
    return lambda shown: shown["statistics"]["readings_stored"] >= count


def errs(text: str) -> Callable[[Json], bool]:
    return lambda shown: text in (shown["last_error"] or "")


async def devices(admin: Client) -> dict[str, Json]:
    answer = await admin.get("/api/v1/devices?limit=1000")
    return {each["name"]: each for each in answer.json()}


async def series(admin: Client, name: str, key: str = "t") -> dict[int, str]:
    """Return the readings of a device: time to value."""
    device_id = (await devices(admin))[name]["id"]
    path = f"/api/plugins/telemetry/DEVICE/{device_id}/values/timeseries"
    query = f"keys={key}&startTs=0&endTs=9999999999999&limit=50000"
    answer = await admin.get(f"{path}?{query}")
    return {each["ts"]: each["value"] for each in answer.json().get(key, [])}


async def test_messages_become_devices_with_telemetry_and_attributes(
    plant: Plant, broker: Mosquitto
) -> None:
    admin = await plant.tenant()
    integration_id = await integrate(admin, broker)
    await when(admin, integration_id)

    await say(broker, "plant/m1/up", {"ts": 1_700_000_000, "t": "21.5", "model": "X1"})
    await say(broker, "plant/m2/up", {"ts": 1_700_000_001, "t": 3})
    shown = await when(admin, integration_id, stored(3))

    made = await devices(admin)
    path = f"/api/plugins/telemetry/DEVICE/{made['m1']['id']}/values/attributes/CLIENT_SCOPE"
    attributes = (await admin.get(path)).json()
    assert {name: each["type"] for name, each in made.items()} == {"m1": "meter", "m2": "meter"}
    assert await series(admin, "m1") == {1_700_000_000_000: "21.5"}
    assert await series(admin, "m2") == {1_700_000_001_000: "3"}
    assert [(each["key"], each["value"]) for each in attributes] == [("model", "X1")]
    counted = shown["statistics"]
    assert counted.pop("last_message_time") > 1_700_000_000_000
    assert counted == {
        "received": 2,
        "converted": 2,
        "failed": 0,
        "devices_created": 2,
        "readings_stored": 3,
    }
    assert shown["last_error"] is None


@pytest.mark.parametrize("version", ["5", "3.1.1"])
@on_sqlite
async def test_each_qos_and_version_of_mqtt(plant: Plant, broker: Mosquitto, version: str) -> None:
    admin = await plant.tenant()
    filters = [{"filter": f"q{qos}/+", "qos": qos} for qos in (0, 1, 2)]
    integration_id = await integrate(admin, broker, topic_filters=filters, protocol_version=version)
    await when(admin, integration_id)

    for qos in (0, 1, 2):
        readings = [{"ts": 1_700_000_000 + n, "t": n} for n in range(300)]
        await say(broker, f"q{qos}/m{qos}", *readings, qos=qos)
    await when(admin, integration_id, stored(900))

    for qos in (0, 1, 2):
        expected = {1_700_000_000_000 + n * 1000: str(n) for n in range(300)}
        assert await series(admin, f"m{qos}") == expected


@on_sqlite
async def test_an_array_holds_readings_of_many_devices(plant: Plant, broker: Mosquitto) -> None:
    admin = await plant.tenant()
    converter = {
        "items": "$.readings[?@.ok == true]",
        "device_name": "$.id",
        "device_type": {"json_path": "$.plant", "of": "message"},
        "timestamp": "$.at",
        "telemetry": "$.values",
    }
    integration_id = await integrate(
        admin, broker, topic_filters=[{"filter": "all", "qos": 1}], converter=converter
    )
    await when(admin, integration_id)

    readings = [
        {
            "id": n % 10,
            "ok": n != 5,
            "at": f"2026-01-01T00:00:{n:02}Z",
            "values": {"t": n, "x": None},
        }
        for n in range(40)
    ]
    await say(broker, "all", {"plant": "hall", "readings": readings})
    shown = await when(admin, integration_id, stored(39))

    assert sorted(await devices(admin)) == [str(n) for n in range(10)]
    assert (await devices(admin))["3"]["type"] == "hall"
    assert len(await series(admin, "5")) == 3
    assert shown["statistics"]["received"] == 1
    assert shown["statistics"]["devices_created"] == 10


@on_sqlite
async def test_a_message_that_cannot_be_converted_stops_nothing(
    plant: Plant, broker: Mosquitto
) -> None:
    admin = await plant.tenant()
    integration_id = await integrate(admin, broker, topic_filters=[{"filter": "#", "qos": 2}])
    await when(admin, integration_id)

    await say(broker, "plant/m1/up", "no JSON", {"other": 1}, {"t": 1, "ts": "never"}, qos=2)
    await say(broker, "short", {"t": 1}, qos=2)
    await say(broker, "plant/m1/up", {"t": 5, "ts": 1_700_000_000}, qos=2)
    shown = await when(admin, integration_id, stored(1))

    assert shown["statistics"]["failed"] == 4
    assert shown["statistics"]["converted"] == 1
    assert shown["last_error"] == "The topic has 1 levels, and none of number 1"
    assert shown["connection_state"] == "CONNECTED"
    assert await series(admin, "m1") == {1_700_000_000_000: "5"}


@on_sqlite
async def test_retained_messages_come_with_a_new_subscription_only(
    plant: Plant, broker: Mosquitto
) -> None:
    admin = await plant.tenant()
    await say(broker, "plant/m1/up", {"t": 1, "ts": 1_700_000_000}, retain=True)
    integration_id = await integrate(admin, broker)
    await when(admin, integration_id, stored(1))

    await admin.put(f"/api/v1/integrations/{integration_id}", json={"enabled": False})
    await admin.put(f"/api/v1/integrations/{integration_id}", json={"enabled": True})
    await when(admin, integration_id)
    await say(broker, "plant/m1/up", {"t": 2, "ts": 1_700_000_001})
    shown = await when(admin, integration_id, stored(2))

    assert shown["statistics"]["received"] == 2


@on_sqlite
async def test_a_change_takes_effect_at_once_and_nothing_of_the_old_filters_stays(
    plant: Plant, broker: Mosquitto
) -> None:
    admin = await plant.tenant()
    integration_id = await integrate(admin, broker)
    path = f"/api/v1/integrations/{integration_id}"
    await when(admin, integration_id)

    off = (await admin.put(path, json={"enabled": False})).json()
    await say(broker, "plant/m1/up", {"t": 1, "ts": 1_700_000_000})
    await admin.put(path, json={"topic_filters": [{"filter": "new/+"}]})
    await admin.put(path, json={"enabled": True})
    await when(admin, integration_id, stored(1))  # queued by the broker meanwhile
    await say(broker, "plant/m1/up", {"t": 2, "ts": 1_700_000_001})
    await say(broker, "new/m1", {"t": 3, "ts": 1_700_000_002})
    shown = await when(admin, integration_id, stored(2))

    assert off["connection_state"] == "DISABLED"
    assert shown["statistics"]["received"] == 2
    assert sorted((await series(admin, "m1")).values()) == ["1", "3"]


@on_sqlite
@pytest.mark.parametrize("qos", [1, 2])
async def test_changes_while_messages_flow_take_none_twice(
    plant: Plant, broker: Mosquitto, qos: int
) -> None:
    admin = await plant.tenant()
    filters = [{"filter": "plant/+/up", "qos": qos}]
    integration_id = await integrate(admin, broker, topic_filters=filters)
    path = f"/api/v1/integrations/{integration_id}"
    await when(admin, integration_id)
    count = 4_000

    flood = asyncio.create_task(
        say(
            broker,
            "plant/m1/up",
            *({"t": n, "ts": 1_700_000_000 + n} for n in range(count)),
            qos=qos,
        )
    )
    for number in range(1, 9):
        await when(admin, integration_id, stored(number * count // 10))
        await admin.put(path, json={"additional_info": {"change": number}})
    await flood
    shown = await when(admin, integration_id, stored(count))

    assert shown["statistics"]["received"] == count
    assert len(await series(admin, "m1")) == count


@on_sqlite
async def test_a_change_takes_nothing_twice_of_a_broker_that_does_not_read_its_answers(
    plant: Plant, broker: Mosquitto, caplog: pytest.LogCaptureFixture
) -> None:
    admin = await plant.tenant()
    filters = [{"filter": "plant/+/up", "qos": 2}]
    integration_id = await integrate(admin, broker, topic_filters=filters)
    await when(admin, integration_id)
    await say(broker, "plant/m1/up", {"t": 0, "ts": 1_700_000_000}, qos=2)
    await when(admin, integration_id, stored(1))
    count = 51

    async with plant.platform.services.database.gate.enter():
        readings = [{"t": n, "ts": 1_700_000_000 + n} for n in range(1, count)]
        await say(broker, "plant/m1/up", *readings, qos=2)
        await when(admin, integration_id, lambda shown: shown["statistics"]["received"] == count)
        broker.pause()
    await when(admin, integration_id, stored(count))
    await admin.put(f"/api/v1/integrations/{integration_id}", json={"name": "other"})
    await until(lambda: "does not close the connection" in caplog.text)
    broker.resume()
    await say(broker, "plant/m1/up", {"t": count, "ts": 1_700_000_000 + count}, qos=2)
    shown = await when(admin, integration_id, stored(count + 1))

    assert shown["statistics"]["received"] == count + 1
    assert len(await series(admin, "m1")) == count + 1


@on_sqlite
async def test_a_deleted_integration_leaves_nothing_at_the_broker(
    plant: Plant, broker: Mosquitto
) -> None:
    admin = await plant.tenant()
    integration_id = await integrate(admin, broker, client_id="fl-gone")
    await when(admin, integration_id)

    answer = await admin.delete(f"/api/v1/integrations/{integration_id}")

    assert answer.status_code == 204
    async with asyncio.timeout(TIMEOUT_S):
        while "Received DISCONNECT from fl-gone" not in broker.log():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert "Received UNSUBSCRIBE from fl-gone" in broker.log()
    again = await integrate(admin, broker, client_id="fl-gone")
    await when(admin, again)
    assert "Sending CONNACK to fl-gone (1, 0)" not in broker.log()


async def test_a_restart_goes_on_with_what_the_broker_kept(
    database_url: str, tmp_path: Path, broker: Mosquitto
) -> None:
    settings = settings_of(database_url, tmp_path / "data")
    async with opened(settings) as plant:
        admin = await plant.tenant()
        integration_id = await integrate(admin, broker)
        await when(admin, integration_id)
        await say(broker, "plant/m1/up", {"t": 1, "ts": 1_700_000_000})
        await when(admin, integration_id, stored(1))
    await say(broker, "plant/m1/up", *({"t": n, "ts": 1_700_000_000 + n} for n in range(1, 500)))

    async with opened(settings) as plant:
        admin = await plant.user("admin@acme.org")
        shown = await when(admin, integration_id, stored(500))
        found = await series(admin, "m1")

    assert shown["statistics"]["received"] == 500
    assert len(found) == 500


@on_sqlite
async def test_a_broker_that_is_killed_is_found_again(plant: Plant, broker: Mosquitto) -> None:
    admin = await plant.tenant()
    integration_id = await integrate(admin, broker)
    await when(admin, integration_id)
    await say(broker, "plant/m1/up", {"t": 1, "ts": 1_700_000_000})
    await when(admin, integration_id, stored(1))

    broker.kill()
    lost = await when(admin, integration_id, lambda shown: shown["connection_state"] == "WAITING")
    broker.start()
    await when(admin, integration_id)
    await say(broker, "plant/m1/up", {"t": 2, "ts": 1_700_000_001})
    await when(admin, integration_id, stored(2))

    assert lost["last_error"]
    assert len(await series(admin, "m1")) == 2


@on_sqlite
async def test_a_wrong_password_is_told_and_the_right_one_used(
    plant: Plant, tmp_path: Path
) -> None:
    broker = Mosquitto(tmp_path, "allow_anonymous false", f"password_file {tmp_path}/passwords")
    _write_passwords(tmp_path / "passwords", "fieldline", "right")
    broker.start()
    try:
        admin = await plant.tenant()
        integration_id = await integrate(admin, broker, username="fieldline", password="wrong")
        refused = await when(admin, integration_id, errs("not authorized"))
        path = f"/api/v1/integrations/{integration_id}"
        answer = await admin.put(path, json={"password": "right"})
        await when(admin, integration_id)
    finally:
        broker.kill()

    assert refused["connection_state"] in {"WAITING", "CONNECTING"}
    assert "right" not in answer.text
    assert answer.json()["has_password"] is True


@on_sqlite
async def test_tls_trusts_only_the_given_authority_and_shows_a_certificate(
    plant: Plant, tmp_path: Path
) -> None:
    authority, server, client = (tmp_path / f"{name}.pem" for name in ("ca", "server", "client"))
    _make_certificates(authority, server, client)
    broker = Mosquitto(
        tmp_path,
        f"cafile {authority}",
        *(f"certfile {server}", f"keyfile {server}"),
        *("require_certificate true", "use_identity_as_username true"),
    )
    key, _, certificate = client.read_text().partition("-----BEGIN CERTIFICATE")
    own = {
        "enabled": True,
        "client_certificate": f"-----BEGIN CERTIFICATE{certificate}",
        "client_key": key,
    }
    broker.start()
    try:
        admin = await plant.tenant()
        integration_id = await integrate(admin, broker, tls=own)
        path = f"/api/v1/integrations/{integration_id}"
        refused = await when(admin, integration_id, errs("certificate is refused"))
        trusting = own | {"ca_certificate": authority.read_text()}
        del trusting["client_key"]
        answer = await admin.put(path, json={"tls": trusting})
        await when(admin, integration_id)
        await admin.put(path, json={"tls": {"enabled": True, "client_certificate": None}})
        mismatch = (await admin.get(path)).json()
        insecure = own | {"insecure": True}
        await admin.put(path, json={"tls": insecure})
        await when(admin, integration_id)
    finally:
        broker.kill()

    assert refused["tls"]["has_client_key"] is True
    assert "PRIVATE KEY" not in answer.text
    assert mismatch["tls"]["client_certificate"] is not None  # the half change was refused


@on_sqlite
async def test_a_store_that_is_away_holds_the_acknowledgements_back(
    plant: Plant, broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = await plant.tenant()
    integration_id = await integrate(admin, broker, client_id="fl-held", max_in_flight=5)
    await when(admin, integration_id)
    await say(broker, "plant/m1/up", {"t": 0, "ts": 1_700_000_000})
    await when(admin, integration_id, stored(1))
    before = broker.log().count("Received PUBACK from fl-held")

    gate = plant.platform.services.database.gate
    async with gate.enter():
        readings = [{"t": n, "ts": 1_700_000_000 + n} for n in range(1, 51)]
        await say(broker, "plant/m1/up", *readings)
        held = await when(admin, integration_id, lambda shown: shown["statistics"]["received"] >= 6)
        during = broker.log().count("Received PUBACK from fl-held")
    await when(admin, integration_id, stored(51))

    assert held["statistics"]["readings_stored"] == 1
    assert held["statistics"]["received"] < 51
    assert during == before
    assert len(await series(admin, "m1")) == 51


@on_sqlite
async def test_a_device_that_was_renamed_or_deleted_is_made_again(
    plant: Plant, broker: Mosquitto
) -> None:
    admin = await plant.tenant()
    integration_id = await integrate(admin, broker)
    await when(admin, integration_id)
    await say(broker, "plant/m1/up", {"t": 1, "ts": 1_700_000_000})
    await when(admin, integration_id, stored(1))

    old_id = (await devices(admin))["m1"]["id"]
    await admin.put(f"/api/v1/devices/{old_id}", json={"name": "renamed"})
    await _settled(plant.platform, old_id, "renamed")
    await say(broker, "plant/m1/up", {"t": 2, "ts": 1_700_000_001})
    await when(admin, integration_id, stored(2))
    await admin.delete(f"/api/v1/devices/{(await devices(admin))['m1']['id']}")
    await say(broker, "plant/m1/up", {"t": 3, "ts": 1_700_000_002})
    await when(admin, integration_id, stored(3))

    assert await series(admin, "renamed") == {1_700_000_000_000: "1"}
    assert await series(admin, "m1") == {1_700_000_002_000: "3"}


@on_sqlite
async def test_devices_beyond_the_limit_of_the_tenant_are_failures(
    plant: Plant, broker: Mosquitto
) -> None:
    admin = await plant.tenant()
    sysadmin = await plant.user("sysadmin@thingsboard.org")
    profile = (await sysadmin.get("/api/tenantProfiles?pageSize=10&page=0")).json()["data"][0]
    profile["profileData"]["configuration"]["maxDevices"] = 1
    await created(sysadmin, "/api/tenantProfile", profile)
    integration_id = await integrate(admin, broker)
    await when(admin, integration_id)

    await say(broker, "plant/m1/up", {"t": 1, "ts": 1_700_000_000})
    await say(broker, "plant/m2/up", {"t": 1, "ts": 1_700_000_000})
    await say(broker, "plant/m1/up", {"t": 2, "ts": 1_700_000_001})
    shown = await when(admin, integration_id, stored(2))

    assert shown["statistics"]["failed"] == 1
    assert "limit" in shown["last_error"].lower()
    assert list(await devices(admin)) == ["m1"]


@on_sqlite
async def test_devices_of_a_tenant_over_its_month_wait_to_be_made(
    plant: Plant,
    broker: Mosquitto,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("fieldline.domains.api_usage.counters.RETRY_AFTER_S", 0.1)
    admin = await plant.tenant()
    sysadmin = await plant.user("sysadmin@thingsboard.org")
    profile = (await sysadmin.get("/api/tenantProfiles?pageSize=10&page=0")).json()["data"][0]
    profile["profileData"]["configuration"]["maxTransportMessages"] = 1
    profile = await created(sysadmin, "/api/tenantProfile", profile)
    integration_id = await integrate(admin, broker)
    await when(admin, integration_id)
    await say(broker, "plant/m1/up", {"t": 1, "ts": 1_700_000_000})
    await when(admin, integration_id, stored(1))

    await say(broker, "plant/m2/up", {"t": 2, "ts": 1_700_000_000})
    await until(lambda: "wait to be found: The tenant used the 1 messages" in caplog.text)
    before = list(await devices(admin))
    profile["profileData"]["configuration"]["maxTransportMessages"] = 0
    await created(sysadmin, "/api/tenantProfile", profile)
    await when(admin, integration_id, stored(2))

    assert before == ["m1"]
    assert set(await devices(admin)) == {"m1", "m2"}


async def test_a_broker_in_a_denied_network_is_not_connected_to(
    tmp_path: Path, broker: Mosquitto
) -> None:
    settings = settings_of("sqlite://", tmp_path / "data")
    denied = settings.model_copy(update={"outbound_denied_networks": "127.0.0.0/8,::1"})
    async with opened(denied) as plant:
        admin = await plant.tenant()
        for host in ("127.0.0.1", "localhost"):
            integration_id = await integrate(admin, broker, host=host, name=host)
            shown = await when(admin, integration_id, lambda each: each["last_error"])

            assert shown["connection_state"] == "WAITING"
            assert "127.0.0.1" in shown["last_error"]
            assert "is in a network that nothing here may connect to" in shown["last_error"]


async def test_a_rate_limit_slows_the_broker_down_and_loses_nothing(
    tmp_path: Path, broker: Mosquitto
) -> None:
    settings = settings_of("sqlite://", tmp_path / "data")
    async with opened(settings.model_copy(update={"rate_limit_enabled": True})) as plant:
        admin = await plant.tenant()
        sysadmin = await plant.user("sysadmin@thingsboard.org")
        profile = (await sysadmin.get("/api/tenantProfiles?pageSize=10&page=0")).json()["data"][0]
        limits = {"transportDeviceTelemetryDataPointsRateLimit": "5:1"}
        profile["profileData"]["configuration"].update(limits)
        await created(sysadmin, "/api/tenantProfile", profile)
        converter = CONVERTER | {"telemetry": "$.v"}
        integration_id = await integrate(admin, broker, converter=converter)
        await when(admin, integration_id)

        fits = [{"ts": 1_700_000_000 + n, "v": {"t": n}} for n in range(8)]
        too_large = {"ts": 1_700_000_100, "v": {f"k{n}": n for n in range(6)}}
        await say(broker, "plant/m1/up", *fits, too_large, {"ts": 1_700_000_200, "v": {"t": 9}})
        shown = await when(admin, integration_id, stored(9))

        assert len(await series(admin, "m1")) == 9
        assert shown["statistics"]["failed"] == 1
        assert "more data points" in shown["last_error"]


@on_sqlite
async def test_integrations_of_tenants_make_devices_of_their_own(
    plant: Plant, broker: Mosquitto
) -> None:
    acme, other = await plant.tenant("acme"), await plant.tenant("other")
    first, second = await integrate(acme, broker), await integrate(other, broker)
    await when(acme, first)
    await when(other, second)

    await say(broker, "plant/m1/up", {"t": 1, "ts": 1_700_000_000})
    await when(acme, first, stored(1))
    await when(other, second, stored(1))

    assert (await devices(acme))["m1"]["id"] != (await devices(other))["m1"]["id"]
    assert (await other.get(f"/api/v1/integrations/{first}")).status_code == 403


async def _settled(platform: Platform, device_id: str, name: str) -> None:
    """Wait until the name that is stored is known in memory as well."""
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            async with platform.services.database.read() as session:
                (found,) = await device_service.snapshots(session, [UUID(device_id)])
            if found.name == name:
                return
            await asyncio.sleep(0.01)


def _write_passwords(path: Path, user: str, password: str) -> None:
    program = shutil.which("mosquitto_passwd", path=PATH)
    assert program is not None
    subprocess.run([program, "-b", "-c", str(path), user, password], check=True)


def _make_certificates(authority: Path, server: Path, client: Path) -> None:
    """Make an authority, and a key with its certificate for both sides."""
    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
    ca = _certificate(ca_name, ca_key, ca_name, ca_key, is_authority=True)
    authority.write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    for path in (server, client):
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, path.stem)])
        certificate = _certificate(name, key, ca_name, ca_key, is_authority=False)
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )


def _certificate(
    name: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    is_authority: bool,
) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    addresses = [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(addresses), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(identifier, critical=False)
        .sign(issuer_key, hashes.SHA256())
    )
