"""What stands in the data folder, and what is stopped with the platform."""

import base64
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from fieldline.app.platform import open_platform
from fieldline.app.storage import open_services
from fieldline.domains.bootstrap.service import DEFAULT_ADMIN_EMAIL
from fieldline.security.secrets import ROOT_KEY_FILE
from fieldline.settings import Settings, load_settings
from tests.api.isolation.world import Maker
from tests.api.support import Client, created

PASSWORD = "the password of a person"


def settings_in(folder: Path) -> Settings:
    return load_settings(data_dir=folder, mqtt_enabled=False, admin_password=PASSWORD)


async def test_the_threads_that_hash_passwords_end_with_the_services(tmp_path: Path) -> None:
    async with open_services(settings_in(tmp_path)) as services:
        assert await services.passwords.hash(PASSWORD)

    with pytest.raises(RuntimeError, match="shutdown"):
        await services.passwords.hash(PASSWORD)


async def test_a_new_data_folder_is_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"

    async with open_services(settings_in(folder)):
        assert folder.stat().st_mode & 0o777 == 0o700


async def test_no_secret_stands_in_the_data_folder_in_clear(tmp_path: Path) -> None:
    async with open_platform(settings_in(tmp_path), demo=False) as platform:
        maker = Maker(platform)
        signing_key = base64.b64encode(platform.services.tokens._key).decode()
        secrets = [*await make_secrets(maker), signing_key]
        for client in maker.clients:
            await client.aclose()

        stored = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
        key = stored.pop(ROOT_KEY_FILE).strip()

    found = [
        (name, text)
        for name, content in stored.items()
        for text in [key, *(secret.encode() for secret in secrets)]
        if text in content
    ]
    assert "fieldline.db" in stored
    assert found == []


async def make_secrets(maker: Maker) -> list[str]:
    """Have the platform store every kind of secret; returns them."""
    sysadmin = await maker.as_user(DEFAULT_ADMIN_EMAIL)
    admin, _ = await maker.tenant(sysadmin, "tenant")
    await created(admin, "/api/device?accessToken=a-token-of-a-device", {"name": "token"})
    basic = '{"clientId":"gate","userName":"gatekeeper","password":"password-of-a-device"}'
    await replace_credentials(admin, "MQTT_BASIC", basic)
    psk = "00112233445566778899aabbccddeeff"
    await replace_credentials(admin, "LWM2M_CREDENTIALS", lwm2m(psk))
    provision = {"type": "ALLOW_CREATE_NEW_DEVICES", "provisionDeviceSecret": "provision-secret"}
    profile = {
        "name": "P",
        "provisionType": "ALLOW_CREATE_NEW_DEVICES",
        "provisionDeviceKey": "provision-key",
        "profileData": {"provisionConfiguration": provision},
    }
    assert "provision-secret" in str(await created(admin, "/api/deviceProfile", profile))
    user = (await admin.get("/api/auth/user")).json()["id"]["id"]
    link = (await sysadmin.get(f"/api/user/{user}/activationLink")).text
    login = {"username": DEFAULT_ADMIN_EMAIL, "password": PASSWORD}
    pair = await created(maker.client(None), "/api/auth/login", login)
    return [
        PASSWORD,
        "a-token-of-a-device",
        "gatekeeper",
        "password-of-a-device",
        psk,
        "provision-secret",
        link.partition("activateToken=")[2],
        pair["token"],
        pair["refreshToken"],
    ]


def lwm2m(psk: str) -> str:
    return (
        '{"client":{"securityConfigClientMode":"PSK","endpoint":"meter","identity":"meter",'
        f'"key":"{psk}"}},"bootstrap":{{"bootstrapServer":{{"securityMode":"NO_SEC"}},'
        '"lwm2mServer":{"securityMode":"NO_SEC"}}}'
    )


async def replace_credentials(admin: Client, kind: str, value: str) -> None:
    device = await created(admin, "/api/device", {"name": kind})
    body: dict[str, Any] = {"credentialsType": kind, "credentialsValue": value}
    await created(admin, "/api/device/credentials", body | {"deviceId": device["id"]})


@pytest.mark.postgres
async def test_settings_of_postgresql_that_may_lose_readings_are_named(
    postgres_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    url = make_url(postgres_url)
    settings = load_settings(
        data_dir=tmp_path,
        postgres_server=url.query["host"],
        postgres_user=url.username,
        postgres_db=url.database,
        secret_key="a secret of tests that is long enough",
    )

    async with open_services(settings):
        pass

    told = [line for line in caplog.messages if "may lose readings" in line]
    assert len(told) == 3
    assert "fsync = off" in told[0]
