"""Devices that make themselves known by certificates, over real TLS, through the whole platform."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fieldline.protocols.mqtt.packets import Connect
from tests.api.support import Client, created
from tests.app.authorities import Certified, make_authority
from tests.app.plant import Plant, opened, settings_of
from tests.app.test_provisioning import device_named, state_of
from tests.e2e.server import free_port
from tests.transports.mqtt.client import ConnectionRefused, MqttClient
from tests.waiting import until

CHAIN = "X509_CERTIFICATE_CHAIN"
REFUSED = 0x87


@dataclass
class Site:
    """A platform with a TLS port, and a tenant."""

    plant: Plant
    admin: Client
    server: Path
    folder: Path

    async def connect(self, client: Certified) -> MqttClient:
        """Connect by a certificate.

        Raises:
            OSError: the handshake failed, or (ConnectionRefused) the CONNECT.
        """
        context = ssl.create_default_context(cafile=self.server)
        context.load_cert_chain(client.write(self.folder / "client.pem"))
        port = self.plant.settings.mqtt_ssl_bind_port
        made = await MqttClient.open("localhost", port, Connect("c", 5), tls=context)
        self.plant.devices.append(made)
        return made

    async def refusal(self, client: Certified) -> int:
        """Return the code of the CONNACK; 0: the handshake failed already."""
        try:
            await self.connect(client)
        except ConnectionRefused as error:
            return error.code
        except OSError:
            return 0
        pytest.fail("the certificate was let in")

    async def trusts(self, *authorities: Certified) -> None:
        """Wait until TLS trusts exactly these."""
        mqtt = self.plant.platform.door.chains
        wanted = {ssl.PEM_cert_to_DER_cert(each.pem) for each in authorities}
        await until(lambda: set(mqtt.authorities) == wanted)
        transport = next(iter(mqtt._listeners)).__self__  # type: ignore[attr-defined]
        await until(
            lambda: set(transport._context.current.get_ca_certs(binary_form=True)) == wanted
        )


@pytest.fixture
async def site(database_url: str, tmp_path: Path) -> AsyncIterator[Site]:
    server = make_authority("localhost").write(tmp_path / "server.pem")
    settings = settings_of(database_url, tmp_path).model_copy(
        update={
            "mqtt_ssl_enabled": True,
            "mqtt_ssl_bind_port": free_port(),
            "mqtt_ssl_certificate": server,
            "mqtt_ssl_key": server,
        }
    )
    async with opened(settings) as plant:
        yield Site(plant, await plant.tenant(), server, tmp_path)


def body_of(authority: Certified, name: str = "chain", **configuration: Any) -> dict[str, Any]:
    provision = {
        "type": CHAIN,
        "provisionDeviceSecret": authority.pem,
        "certificateRegExPattern": r"(.*)\.plant",
        "allowCreateNewDevicesByX509Certificate": True,
        **configuration,
    }
    data = {"provisionConfiguration": provision}
    return {"name": name, "provisionType": CHAIN, "profileData": data}


async def profile(site: Site, authority: Certified, **configuration: Any) -> dict[str, Any]:
    made = await created(site.admin, "/api/deviceProfile", body_of(authority, **configuration))
    await site.trusts(authority)
    found: dict[str, Any] = made
    return found


async def is_there(admin: Client, name: str) -> bool:
    answer = await admin.get("/api/tenant/devices", params={"deviceName": name})
    return answer.status_code == 200


async def send(client: MqttClient) -> None:
    await client.publish("v1/devices/me/telemetry", b'{"t":1}')
    await client.drain()
    assert client.acknowledged - client.refused == 1


async def test_a_device_is_made_of_its_certificate_and_comes_back(site: Site) -> None:
    authority = make_authority()
    made = await profile(site, authority)
    own = authority.sign("meter.plant")

    await send(await site.connect(own))
    device = await device_named(site.admin, "meter")
    await send(await site.connect(own))
    credentials = (await site.admin.get(f"/api/device/{device['id']['id']}/credentials")).json()
    log = await site.admin.get("/api/audit/logs?pageSize=9&page=0&actionTypes=PROVISION_SUCCESS")

    assert device["deviceProfileId"] == made["id"]
    assert credentials["credentialsType"] == "X509_CERTIFICATE"
    assert await state_of(site.admin, device["id"]["id"]) == ["provisioned"]
    assert [each["actionData"]["deviceName"] for each in log.json()["data"]] == ["meter"]


@pytest.mark.parametrize("is_profile_of_root", [True, False])
async def test_an_intermediate_authority(site: Site, is_profile_of_root: bool) -> None:
    root = make_authority("Root CA")
    middle = root.sign("Line CA", is_authority=True)
    await profile(site, root if is_profile_of_root else middle)

    await send(await site.connect(middle.sign("meter.plant")))

    assert await is_there(site.admin, "meter")


async def test_certificates_that_tls_refuses(site: Site) -> None:
    authority, stranger = make_authority(), make_authority("Other CA")
    await profile(site, authority)
    pretender = make_authority()
    leaf = authority.sign("leaf.plant")

    refusals = {
        "expired": await site.refusal(authority.sign("meter.plant", days=-1)),
        "of another authority": await site.refusal(stranger.sign("meter.plant")),
        "of another key by the same name": await site.refusal(pretender.sign("meter.plant")),
        "signed by a device": await site.refusal(leaf.sign("meter.plant")),
        "signed by itself": await site.refusal(make_authority("meter.plant")),
        "of an expired authority": await site.refusal(
            authority.sign("Line CA", is_authority=True, days=-1).sign("meter.plant")
        ),
    }

    assert refusals == dict.fromkeys(refusals, 0)
    assert not await is_there(site.admin, "meter")


@pytest.mark.parametrize("common_name", ["meter.office", ".plant"])
async def test_names_that_do_not_fit(site: Site, common_name: str) -> None:
    authority = make_authority()
    await profile(site, authority)

    assert await site.refusal(authority.sign(common_name)) == REFUSED


async def test_new_devices_only_where_they_are_allowed(site: Site) -> None:
    authority = make_authority()
    await profile(site, authority, allowCreateNewDevicesByX509Certificate=False)

    assert await site.refusal(authority.sign("meter.plant")) == REFUSED
    assert not await is_there(site.admin, "meter")


async def test_a_device_of_the_profile_gets_the_new_certificate(site: Site) -> None:
    authority = make_authority()
    made = await profile(site, authority, allowCreateNewDevicesByX509Certificate=False)
    await site.plant.device(site.admin, "meter", deviceProfileId=made["id"])
    by_token = await site.plant.connect("meter")
    first, second = authority.sign("meter.plant"), authority.sign("meter.plant")

    by_first = await site.connect(first)
    await by_token.wait_closed()
    by_second = await site.connect(second)
    await by_first.wait_closed()

    await send(by_second)
    with pytest.raises(ConnectionRefused):
        await site.plant.connect("meter")


async def test_a_device_of_another_profile_is_left_alone(site: Site) -> None:
    authority = make_authority()
    await profile(site, authority)
    await site.plant.device(site.admin, "meter")

    refusal = await site.refusal(authority.sign("meter.plant"))
    log = await site.admin.get("/api/audit/logs?pageSize=9&page=0&actionTypes=PROVISION_FAILURE")

    assert refusal == REFUSED
    assert (await site.plant.connect("meter")).is_open
    assert [each["actionFailureDetails"] for each in log.json()["data"]] == [
        "It has another profile"
    ]


async def test_a_changed_and_a_removed_authority_take_effect(site: Site) -> None:
    first, second = make_authority(), make_authority("New CA")
    made = await profile(site, first)
    own = first.sign("meter.plant")
    await site.connect(own)

    whole = {**made, **{key: body_of(second)[key] for key in ("provisionType", "profileData")}}
    await created(site.admin, "/api/deviceProfile", whole)
    await site.trusts(second)
    refusals = [await site.refusal(own), await site.refusal(first.sign("pump.plant"))]
    await send(await site.connect(second.sign("meter.plant")))
    current = (await site.admin.get(f"/api/deviceProfile/{made['id']['id']}")).json()
    current |= {"provisionType": "DISABLED"}
    current["profileData"]["provisionConfiguration"] = {"type": "DISABLED"}
    saved = await created(site.admin, "/api/deviceProfile", current)
    await site.trusts()

    assert refusals == [0, 0]
    assert saved["provisionDeviceKey"] is None
    # Nobody is asked for a certificate any more; whoever comes without is refused at CONNECT.
    assert await site.refusal(second.sign("meter.plant")) == 0x85


async def test_many_connections_at_once_make_one_device(site: Site) -> None:
    authority = make_authority()
    await profile(site, authority)
    own = authority.sign("meter.plant")

    results = await asyncio.gather(*(site.connect(own) for _ in range(5)), return_exceptions=True)

    assert any(isinstance(each, MqttClient) for each in results)
    found = await site.admin.get("/api/tenant/devices?pageSize=10&page=0")
    assert [each["name"] for each in found.json()["data"]] == ["meter"]


async def test_an_authority_speaks_for_devices_of_its_tenant_only(site: Site) -> None:
    authority, foreign = make_authority(), make_authority("Foreign CA")
    await profile(site, authority)
    own = authority.sign("meter.plant")
    await site.connect(own)
    other = await site.plant.tenant("other")
    await created(other, "/api/deviceProfile", body_of(foreign))
    await site.trusts(authority, foreign)

    await send(await site.connect(foreign.sign("meter.plant")))

    mine, theirs = await device_named(site.admin, "meter"), await device_named(other, "meter")
    assert mine["id"] != theirs["id"]
    await send(await site.connect(own))


@pytest.mark.parametrize("is_root_first", [True, False])
async def test_authorities_that_certified_each_other_are_of_one_tenant(
    site: Site, is_root_first: bool
) -> None:
    root = make_authority("Root CA")
    middle = root.sign("Line CA", is_authority=True)
    first, second = (root, middle) if is_root_first else (middle, root)
    await profile(site, first)
    other = await site.plant.tenant("other")

    refused = await other.post("/api/deviceProfile", json=body_of(second))
    await created(site.admin, "/api/deviceProfile", body_of(second, "mine"))

    assert refused.status_code == 400
    assert "Another tenant has the authority that certified this one" in refused.json()["message"]


async def test_an_authority_of_another_tenants_name_is_refused(site: Site) -> None:
    await profile(site, make_authority("Plant CA"))
    other = await site.plant.tenant("other")

    same_name = await other.post("/api/deviceProfile", json=body_of(make_authority("Plant CA")))

    assert same_name.status_code == 400
    assert "An authority with this subject is there already" in same_name.json()["message"]
