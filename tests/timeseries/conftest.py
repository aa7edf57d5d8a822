"""One PostgreSQL database for all tests of a module: making one takes longer than the tests."""

import asyncio
from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.conftest import _admin, _pg_url


@pytest.fixture(scope="module")
def shared_postgres_url(postgres_server: str, postgres_template: str) -> Iterator[str]:
    """URL of a database with the schema; tests in it must not mind what others left."""
    name = f"shared_{uuid4().hex}"
    asyncio.run(_admin(postgres_server, f"CREATE DATABASE {name} TEMPLATE {postgres_template}"))
    yield _pg_url(postgres_server, name)
    asyncio.run(_admin(postgres_server, f"DROP DATABASE {name} WITH (FORCE)"))
