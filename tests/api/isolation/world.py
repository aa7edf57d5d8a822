"""The whole platform with a tenant that owns one of everything, and everybody who is not it.

What the victim owns has :data:`MARK` in its name, value or token: an answer to somebody else that
holds it has leaked.
"""

import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import UUID, uuid4

from fastapi import FastAPI

from fieldline.app.platform import Platform, open_platform
from fieldline.domains.api_usage import writer as usage_writer
from fieldline.domains.bootstrap.service import DEFAULT_ADMIN_EMAIL
from fieldline.domains.user import credentials
from fieldline.rest.services import Services
from fieldline.settings import load_settings
from tests.api.support import Client, created
from tests.waiting import until

MARK = "victim"
KEY = "reading"
"""Not marked: answers about own things repeat the keys that were asked for."""

SYSADMIN = "system administrator"
STRANGER = "administrator of another tenant"
STRANGE_USER = "customer user of another tenant"
NEIGHBOUR = "user of another customer"
PUBLIC = "public user of the tenant"
NOBODY = "nobody"
ROLES = (SYSADMIN, STRANGER, STRANGE_USER, NEIGHBOUR, PUBLIC, NOBODY)
Ids = dict[str, str]


@dataclass
class World:
    """Who is there; ``ids`` are the victim's, ``own`` those of each role's own things."""

    app: FastAPI
    services: Services
    path: Path
    owner: Client
    ids: Ids = field(default_factory=dict)
    own: dict[str, Ids] = field(default_factory=dict)
    clients: dict[str, Client] = field(default_factory=dict)

    def secrets_from(self, role: str) -> set[str]:
        """Return texts that an answer to this role must not hold."""
        known = {"tenant_profile"} | ({"tenant"} if role in {NEIGHBOUR, PUBLIC} else set())
        return {text for name, text in self.ids.items() if name not in known} | {MARK}

    def ids_for(self, role: str) -> Ids:
        """Return the victim's ids, and the role's own things as ``own_device`` and so on."""
        own = self.own.get(role, {})
        names = ["device", "alarm", "profile", "customer", "rule_chain", "alarm_rule"]
        names += ["asset", "asset_profile", "dashboard", "entity_view", "gateway", "integration"]
        return self.ids | {f"own_{name}": own.get(name, str(uuid4())) for name in names}

    async def settle(self) -> None:
        """Wait until the rules have finished with what they were told of earlier changes."""
        with closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)) as connection:
            await until(lambda: connection.execute("SELECT id FROM outbox").fetchone() is None)

    @contextmanager
    def watch(self) -> Iterator[Callable[[], bool]]:
        """Give a question: has nothing been written to the database since?"""
        with closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)) as connection:

            def version() -> object:
                return connection.execute("PRAGMA data_version").fetchone()

            before = version()
            yield lambda: version() == before


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[World]:
    """Start the platform in a folder and fill it."""
    settings = load_settings(data_dir=folder, mqtt_enabled=False, admin_password="a password")
    # What nobody asked for must not be taken for a change that a call made.
    with patch.object(usage_writer, "EVERY_S", 3_600.0):
        async with open_platform(settings, demo=False) as platform:
            made = Maker(platform)
            world = await _world(made, folder / "fieldline.db")
            yield world
            for client in made.clients:
                await client.aclose()


class Maker:
    """Makes users, who need no password here, and their things."""

    def __init__(self, platform: Platform) -> None:
        self.app, self.services = platform.app, platform.services
        self.clients: list[Client] = []

    def client(self, token: str | None) -> Client:
        self.clients.append(Client(self.app, token))
        return self.clients[-1]

    async def user(self, maker: Client, email: str, authority: str, **where: object) -> Client:
        body = {"email": email, "authority": authority, "firstName": email.split("@")[1], **where}
        await created(maker, "/api/user?sendActivationMail=false", body)
        return await self.as_user(email)

    async def as_user(self, email: str) -> Client:
        async with self.services.database.read() as session:
            found = await credentials.by_email(session, email)
        assert found is not None
        return self.client(self.services.tokens.issue(credentials.caller_of(found[0])).access)

    async def tenant(self, sysadmin: Client, name: str) -> tuple[Client, str]:
        tenant = await created(sysadmin, "/api/tenant", {"title": f"{name} tenant"})
        admin = await self.user(
            sysadmin, f"admin@{name}.org", "TENANT_ADMIN", tenantId=tenant["id"]
        )
        return admin, tenant["id"]["id"]

    async def customer(self, admin: Client, name: str) -> tuple[Client, str]:
        customer = await created(admin, "/api/customer", {"title": f"{name} customer"})
        email = f"user@{name}.org"
        user = await self.user(admin, email, "CUSTOMER_USER", customerId=customer["id"])
        return user, customer["id"]["id"]

    async def things(self, admin: Client, name: str, customer: str) -> Ids:
        """Make one of each kind; device and asset are assigned to the customer."""
        profile = await created(admin, "/api/deviceProfile", {"name": f"{name} profile"})
        device = await created(
            admin,
            f"/api/device?accessToken={name}-token",
            {
                "name": f"{name} device",
                "deviceProfileId": profile["id"],
                "customerId": {"entityType": "CUSTOMER", "id": customer},
            },
        )
        asset_profile = await created(admin, "/api/assetProfile", {"name": f"{name} halls"})
        asset = {
            "name": f"{name} asset",
            "assetProfileId": asset_profile["id"],
            "customerId": {"entityType": "CUSTOMER", "id": customer},
        }
        chain = await created(admin, "/api/ruleChain", {"name": f"{name} chain"})
        dashboard = await created(admin, "/api/dashboard", {"title": f"{name} dashboard"})
        path = f"/api/customer/{customer}/dashboard/{dashboard['id']['id']}"
        rule = alarm_rule(device["id"], f"{name} rule")
        view = {
            "name": f"{name} view",
            "type": f"{name} kind of view",
            "entityId": device["id"],
            "customerId": device["customerId"],
        }
        gateway = {"name": f"{name} gateway", "additionalInfo": {"gateway": True}}
        alarm = {"type": f"{name} alarm", "originator": device["id"], "severity": "MAJOR"}
        made = {
            "profile": profile,
            "device": device,
            "asset_profile": asset_profile,
            "asset": await created(admin, "/api/asset", asset),
            "rule_chain": chain,
            "alarm_rule": await created(admin, "/api/alarm/rule", rule),
            "alarm": await created(admin, "/api/alarm", alarm),
            "dashboard": await created(admin, path, None),
            "entity_view": await created(admin, "/api/entityView", view),
            "gateway": await created(admin, "/api/device", gateway),
        }
        made["ota_package"] = await created(
            admin, "/api/otaPackage", package_of(name, profile["id"]["id"])
        )
        integration = await created(admin, "/api/v1/integrations", integration_of(name), 201)
        ids = {kind: body["id"]["id"] for kind, body in made.items()}
        return ids | {"customer": customer, "integration": integration["id"]}


async def _world(made: Maker, path: Path) -> World:
    sysadmin = await made.as_user(DEFAULT_ADMIN_EMAIL)
    owner, tenant = await made.tenant(sysadmin, MARK)
    user, customer = await made.customer(owner, MARK)
    stranger, _ = await made.tenant(sysadmin, "stranger")
    strange_user, strange_customer = await made.customer(stranger, "stranger")
    neighbour, other_customer = await made.customer(owner, "neighbour")

    ids = await made.things(owner, MARK, customer)
    ids |= {"tenant": tenant, "user": await _id_of(user), "admin": await _id_of(owner)}
    tenants = (await sysadmin.get(f"/api/tenant/{tenant}")).json()
    ids["tenant_profile"] = tenants["tenantProfileId"]["id"]
    found = (await owner.get(f"/api/device/{ids['device']}/credentials")).json()
    ids["credentials"] = found["id"]["id"]
    root = (await owner.get("/api/v1/ruleChains?search=root")).json()[0]["id"]
    nodes = (await owner.get(f"/api/v1/ruleChains/{root}/metadata")).json()["nodes"]
    ids["rule_node"] = nodes[0]["id"]
    await _fill_telemetry(owner, ids)
    comments = f"/api/alarm/{ids['alarm']}/comment"
    comment = await created(owner, comments, {"comment": {"text": f"{MARK} said"}})
    ids["comment"] = comment["id"]["id"]
    call = {"method": f"{MARK} method", "persistent": True, "timeout": 2**40}
    rpc = await created(owner, f"/api/rpc/oneway/{ids['device']}", call)
    ids["rpc"] = rpc["rpcId"]
    strange = await made.things(stranger, "stranger", strange_customer)
    near = await made.things(owner, "neighbour", other_customer)
    await _relate(owner, ids["device"], near["device"])
    await _relate(owner, near["device"], ids["device"])
    public = await created(owner, f"/api/customer/public/device/{await _extra(owner)}", None)
    anonymous = await created(
        made.client(None), "/api/auth/login/public", {"publicId": public["customerId"]["id"]}
    )
    return World(
        made.app,
        made.services,
        path,
        owner,
        ids,
        {STRANGER: strange, STRANGE_USER: strange, NEIGHBOUR: near},
        {
            SYSADMIN: sysadmin,
            STRANGER: stranger,
            STRANGE_USER: strange_user,
            NEIGHBOUR: neighbour,
            PUBLIC: made.client(anonymous["token"]),
            NOBODY: made.client(None),
        },
    )


async def _relate(owner: Client, start: str, end: str) -> None:
    ends = {
        name: {"entityType": "DEVICE", "id": device}
        for name, device in (("from", start), ("to", end))
    }
    await created(owner, "/api/v2/relation", ends | {"type": "Contains"})


async def _id_of(user: Client) -> str:
    found: str = (await user.get("/api/v1/auth/user")).json()["id"]
    return str(UUID(found))


async def _extra(owner: Client) -> str:
    """Make one more device, to be public."""
    device: dict[str, Any] = await created(owner, "/api/device", {"name": "shown to all"})
    return str(device["id"]["id"])


async def _fill_telemetry(owner: Client, ids: Ids) -> None:
    for kind in ("DEVICE", "ASSET", "CUSTOMER", "USER"):
        name = kind.lower()
        path = f"/api/plugins/telemetry/{kind}/{ids[name]}"
        for tail in ("timeseries/ANY", "SERVER_SCOPE"):
            answer = await owner.post(f"{path}/{tail}", json={KEY: f"{MARK} value"})
            assert answer.status_code == 200, answer.text


def package_of(name: str, profile_id: str) -> dict[str, Any]:
    """Return the body of a package that is somewhere else."""
    return {
        "title": name,
        "version": "1",
        "type": "FIRMWARE",
        "deviceProfileId": {"entityType": "DEVICE_PROFILE", "id": profile_id},
        "url": "https://example.org/firmware",
        "usesUrl": True,
    }


def integration_of(name: str) -> dict[str, Any]:
    """Return the body of an integration that connects to nothing."""
    return {
        "name": f"{name} integration",
        "enabled": False,
        "host": f"{name}.example.org",
        "password": f"{name} password",
        "topic_filters": [{"filter": f"{name}/#"}],
        "converter": {"device_name": {"topic_level": 1}, "telemetry": "$"},
    }


def alarm_rule(entity: object, name: str) -> dict[str, Any]:
    """Return the body of a valid alarm rule."""
    expression = {
        "type": "SIMPLE",
        "operation": "AND",
        "filters": [
            {
                "argument": "a",
                "valueType": "NUMERIC",
                "operation": "AND",
                "predicates": [
                    {"type": "NUMERIC", "operation": "GREATER", "value": {"staticValue": 1}}
                ],
            }
        ],
    }
    configuration = {
        "type": "ALARM",
        "arguments": {"a": {"refEntityKey": {"key": "a", "type": "TS_LATEST"}}},
        "createRules": {"MAJOR": {"condition": {"type": "SIMPLE", "expression": expression}}},
    }
    return {"entityId": entity, "name": name, "configuration": configuration}
