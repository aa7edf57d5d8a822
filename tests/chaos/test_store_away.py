"""A store that is stopped, cut off, held or slow is waited for; nothing grows, nothing is lost."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import httpx

from tests.chaos import form
from tests.chaos.fleet import Fleet
from tests.chaos.postgresql import PostgreSQL
from tests.chaos.watched import Watched, check_all, wait
from tests.e2e.server import Server

FLOOD = 100_000


def test_a_stopped_postgresql_is_waited_for(on_postgresql: Server, postgresql: PostgreSQL) -> None:
    fleet = Fleet(on_postgresql, on_postgresql.login(), rate=FLOOD)
    fleet.await_more()
    memory = Watched(on_postgresql)

    postgresql.stop()
    wait(form(4, 60), memory)
    was_ready = httpx.get(f"{on_postgresql.url}/readyz")
    login = {"username": "tenant@thingsboard.org", "password": "tenant"}
    refused = httpx.post(f"{on_postgresql.url}/api/auth/login", json=login)
    before = fleet.acknowledged
    postgresql.start()

    check_all(on_postgresql, fleet, memory)
    assert fleet.acknowledged > before
    assert was_ready.status_code == 503
    assert refused.status_code == 503
    assert int(refused.headers["Retry-After"]) >= 1
    log = on_postgresql.log.read_text()
    assert "Readings wait until the store is back" in log
    assert "The store is back after" in log


def test_a_postgresql_that_is_restarted_again_and_again_loses_nothing(
    on_postgresql: Server, postgresql: PostgreSQL
) -> None:
    fleet = Fleet(on_postgresql, on_postgresql.login(), rate=FLOOD)
    memory = Watched(on_postgresql)

    for _ in range(int(form(3, 20))):
        fleet.await_more()
        postgresql.stop()
        postgresql.start()

    check_all(on_postgresql, fleet, memory)
    assert "The store is back after" in on_postgresql.log.read_text()


def test_connections_that_are_cut_in_a_transaction_lose_nothing(
    on_postgresql: Server, postgresql: PostgreSQL
) -> None:
    fleet = Fleet(on_postgresql, on_postgresql.login(), rate=FLOOD)
    fleet.await_more()
    memory = Watched(on_postgresql)

    for _ in range(int(form(60, 300))):
        postgresql.cut_connections()
        time.sleep(0.05)
        memory.check_bound()

    check_all(on_postgresql, fleet, memory)
    assert "The store is back after" in on_postgresql.log.read_text()


def test_a_postgresql_that_does_not_answer_holds_the_devices_back(
    on_postgresql: Server, postgresql: PostgreSQL
) -> None:
    fleet = Fleet(on_postgresql, on_postgresql.login(), rate=FLOOD)
    fleet.await_more()
    memory = Watched(on_postgresql)

    with postgresql.held():
        wait(form(4, 60), memory)

    check_all(on_postgresql, fleet, memory)
    assert "The store is slow" in on_postgresql.log.read_text()


def test_a_postgresql_of_a_tenth_of_its_speed_holds_the_devices_back(
    on_postgresql: Server, postgresql: PostgreSQL
) -> None:
    fleet = Fleet(on_postgresql, on_postgresql.login(), rate=FLOOD)
    fleet.await_more()
    memory = Watched(on_postgresql)

    with postgresql.slowed():
        wait(form(4, 60), memory)
        fleet.await_more()

    check_all(on_postgresql, fleet, memory)


@contextmanager
def locked(server: Server, *, rests_s: float = 0.0, runs_s: float = 0.0) -> Iterator[None]:
    """Keep SQLite's only writer, all the time or for ``rests_s`` in every turn."""
    is_over = threading.Event()

    def hold() -> None:
        path = server.data_dir / "fieldline.db"
        with closing(sqlite3.connect(path, isolation_level=None, timeout=60)) as connection:
            while not is_over.is_set():
                connection.execute("BEGIN IMMEDIATE")
                is_over.wait(rests_s or None)
                connection.execute("ROLLBACK")
                is_over.wait(runs_s)

    thread = threading.Thread(target=hold, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join(60)


def test_an_sqlite_that_another_process_holds_is_waited_for(on_sqlite: Server) -> None:
    fleet = Fleet(on_sqlite, on_sqlite.login(), rate=FLOOD)
    fleet.await_more()
    memory = Watched(on_sqlite)

    with locked(on_sqlite):
        wait(form(13, 60), memory)  # longer than a writer waits in SQLite
        was_ready = httpx.get(f"{on_sqlite.url}/readyz")

    check_all(on_sqlite, fleet, memory)
    assert was_ready.status_code == 503
    log = on_sqlite.log.read_text()
    assert "Readings wait until the store is back" in log
    assert "The store is back after" in log


def test_an_sqlite_of_a_tenth_of_its_speed_holds_the_devices_back(on_sqlite: Server) -> None:
    fleet = Fleet(on_sqlite, on_sqlite.login(), rate=FLOOD)
    fleet.await_more()
    memory = Watched(on_sqlite)

    with locked(on_sqlite, rests_s=0.09, runs_s=0.01):
        wait(form(4, 60), memory)
        fleet.await_more()

    check_all(on_sqlite, fleet, memory)
