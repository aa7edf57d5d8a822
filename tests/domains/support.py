"""Small things that tests of entities over HTTP share."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from sqlalchemy import event

from fieldline.database.engine import Database

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For cases that one database is enough for: refused before any SQL runs, or about one writer."""


def expect_error(answer: httpx.Response, status: int, code: int, message: str = "") -> None:
    """Check an error in ThingsBoard's form; ``message`` may be a part of it."""
    assert answer.status_code == status, answer.text
    body: dict[str, Any] = answer.json()
    assert (body["status"], body["errorCode"]) == (status, code)
    assert message in body["message"]


def expect_v1_error(answer: httpx.Response, status: int, detail: str = "") -> None:
    """Check an error in v1's form; ``detail`` may be a part of it."""
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"detail", "status_code"}
    assert answer.json()["status_code"] == status
    assert detail in answer.json()["detail"]


async def ids_of(client: httpx.AsyncClient, path: str) -> list[str]:
    """Return the ids of a page of ThingsBoard's dialect."""
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return [item["id"]["id"] for item in answer.json()["data"]]


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """Collect what is sent to the database, but for what begins and ends transactions."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.startswith(("BEGIN", "COMMIT", "ROLLBACK")):
            seen.append(statement)

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(database.engine.sync_engine, "before_cursor_execute", note)
