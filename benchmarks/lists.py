"""The benchmark of lists: pages of a tenant with 100,000 devices, from a fresh server to a table.

``python -m benchmarks.lists --devices 100000 --database postgresql``: starts a server in an
empty folder, fills its database, and asks over HTTP for pages, one request at a time.
"""

import argparse
import asyncio
import os
import sys
import time
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import httpx
from sqlalchemy import insert

from fieldline.app.storage import open_database
from fieldline.bench.platforms import database, server
from fieldline.bench.results import Figure, Measured, as_json, medians, save, table
from fieldline.domains.customer.models import Customer
from fieldline.domains.device.models import Device
from fieldline.kit.ids import new_id
from fieldline.settings import load_settings

CHUNK = 5_000
RESULTS = Path(__file__).parent / "results"
MUST_MS = 100
CUSTOMERS = 200
CASES = {
    "v1, first page": "/api/v1/devices?limit=100",
    "v1, page at 90,000": "/api/v1/devices?limit=100&offset=90000",
    "v1, of one customer": "/api/v1/devices?limit=100&customer_id={customer}",
    "v1, search": "/api/v1/devices?limit=100&search=meter-77",
    "infos, first page, newest": "/api/tenant/deviceInfos?pageSize=100&page=0"
    "&sortProperty=createdTime&sortOrder=DESC",
    "infos, by name": "/api/tenant/deviceInfos?pageSize=100&page=0&sortProperty=name",
    "infos, search": "/api/tenant/deviceInfos?pageSize=100&page=0&textSearch=meter-77",
    "infos, of one customer": "/api/customer/{customer}/deviceInfos?pageSize=100&page=0",
}
"""Pages of 100 devices; infos carry the names of customer and profile, and the total."""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lists", description=__doc__)
    parser.add_argument("--devices", type=int, default=100_000)
    parser.add_argument("--requests", type=int, default=30, help="measured requests of each page")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    return parser.parse_args()


def main() -> int:
    arguments = _arguments()
    with database(arguments.database) as settings, server(settings) as running:
        os.environ |= settings
        client = httpx.Client(base_url=running.http_url, timeout=60)
        login = {"username": "tenant@thingsboard.org", "password": "tenant"}
        token = client.post("/api/auth/login", json=login).json()["token"]
        client.headers["X-Authorization"] = f"Bearer {token}"
        owner = _owner(client)
        customer = asyncio.run(_fill(running.data_dir, owner, arguments.devices))
        pages = [
            _measure(client, name, path.format(customer=customer), arguments.requests)
            for name, path in CASES.items()
        ]
    path = RESULTS / f"lists-{arguments.database}.json"
    print(table("lists", pages, medians(path).get("lists", {})))
    save(path, arguments.database, {"devices": arguments.devices}, {"lists": as_json(pages)})
    print(f"written to {path}")
    return 0


class Owner(NamedTuple):
    """Whose the devices are."""

    tenant_id: UUID
    profile_id: UUID
    profile_name: str


def _owner(client: httpx.Client) -> Owner:
    profile = client.get("/api/deviceProfileInfo/default").json()
    tenant_id = UUID(client.get("/api/auth/user").json()["tenantId"]["id"])
    return Owner(tenant_id, UUID(profile["id"]["id"]), profile["name"])


async def _fill(folder: Path, owner: Owner, count: int) -> str:
    """Store devices of 200 customers; returns the id of one of these."""
    customers = [
        {
            "id": new_id(),
            "tenant_id": owner.tenant_id,
            "title": f"Customer {number}",
            "is_public": False,
        }
        for number in range(CUSTOMERS)
    ]
    start_ms = time.time_ns() // 1_000_000 - count
    async with open_database(load_settings(data_dir=folder)) as database:
        async with database.write() as session:
            await session.execute(insert(Customer), customers)
        for first in range(0, count, CHUNK):
            rows = [
                {
                    "id": new_id(),
                    "created_time": start_ms + number,
                    "tenant_id": owner.tenant_id,
                    "customer_id": customers[number % CUSTOMERS]["id"],
                    "device_profile_id": owner.profile_id,
                    "name": f"Meter-{number}",
                    "type": owner.profile_name,
                    "device_data": {},
                    "search_text": f"meter-{number}\n",
                }
                for number in range(first, min(first + CHUNK, count))
            ]
            async with database.write() as session:
                await session.execute(insert(Device), rows)
    return str(customers[0]["id"])


def _measure(client: httpx.Client, name: str, path: str, requests: int) -> Measured:
    """Measure how long a page takes; the first answers, which fill caches, do not count."""
    times = []
    for number in range(requests + 3):
        started = time.perf_counter()
        answer = client.get(path)
        elapsed_ms = (time.perf_counter() - started) * 1_000
        answer.raise_for_status()
        if number >= 3:
            times.append(elapsed_ms)
    return Measured(Figure(name, "ms", must=MUST_MS), times)


if __name__ == "__main__":
    sys.exit(main())
