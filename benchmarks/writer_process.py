"""Would the embedded store write faster in a process of its own than in a thread?

Both do the same: the event loop's process parses readings of meters, as the path of a reading does
without its rules, and hands them to the SQLite store in batches, two under way at a time. Once the
store's thread is in this process; once the store is in another one, to which batches go pickled
through a pipe. Prints the messages a second of both, in turns.

    .venv/bin/python -m benchmarks.writer_process
"""

import argparse
import asyncio
import multiprocessing
import pickle
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from uuid import UUID

from fieldline.bench.meter import POINTS, payload
from fieldline.database.engine import Database, WriteGate
from fieldline.database.migrate import upgrade
from fieldline.kit.ids import new_id
from fieldline.kit.telemetry_json import TypingRules, parse_telemetry
from fieldline.timeseries.backends.sqlite import SqliteStore
from fieldline.timeseries.store import ReadingsWrite, WriteBatch

MESSAGES = 500
"""Of one batch: with three points each the limit of a commit."""
UNDER_WAY = 2
DEVICES = 1_000
Write = Callable[[WriteBatch], Awaitable[object]]


async def make_store(folder: Path) -> SqliteStore:
    path = folder / "fieldline.db"
    database = Database(f"sqlite+aiosqlite:///{path}")
    await upgrade(database)
    await database.close()
    store = SqliteStore(path, WriteGate().enter)
    await store.start()
    return store


class Source:
    """Parses the next batch; each device sends in turn, each time 1 ms later."""

    def __init__(self) -> None:
        self._tenant = new_id()
        self._devices = [new_id() for _ in range(DEVICES)]
        self._count = 0
        self._rules = TypingRules()

    def next_batch(self) -> WriteBatch:
        batch = WriteBatch()
        for _ in range(MESSAGES):
            device: UUID = self._devices[self._count % DEVICES]
            ts_ms = 1_700_000_000_000 + self._count // DEVICES
            self._count += 1
            for parsed_ms, values in parse_telemetry(payload(ts_ms), ts_ms, self._rules):
                batch.readings.append(ReadingsWrite(device, parsed_ms, dict(values)))
        return batch


async def run(write: Write, seconds: float) -> float:
    """Return the messages a second that were parsed and committed."""
    source, begin_s, written = Source(), time.perf_counter(), 0
    under_way: set[asyncio.Task[object]] = set()
    while time.perf_counter() - begin_s < seconds:
        under_way.add(asyncio.ensure_future(write(source.next_batch())))
        await asyncio.sleep(0)
        if len(under_way) >= UNDER_WAY:
            done, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
            written += MESSAGES * len(done)
    if under_way:
        await asyncio.wait(under_way)
        written += MESSAGES * len(under_way)
    return written / (time.perf_counter() - begin_s)


async def in_thread(seconds: float) -> float:
    with tempfile.TemporaryDirectory() as folder:
        store = await make_store(Path(folder))
        rate = await run(store.write, seconds)
        await store.stop()
        return rate


async def in_process(seconds: float) -> float:
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(1) as sender:
        await (await make_store(Path(folder))).stop()
        with _writer_process(Path(folder)) as pipe:
            loop = asyncio.get_running_loop()
            waiting: list[asyncio.Future[object]] = []

            def committed() -> None:
                while pipe.poll():
                    pipe.recv_bytes()
                    waiting.pop(0).set_result(None)

            loop.add_reader(pipe.fileno(), committed)

            async def write(batch: WriteBatch) -> None:
                done: asyncio.Future[object] = loop.create_future()
                waiting.append(done)
                await loop.run_in_executor(sender, _send, pipe, batch)
                await done

            rate = await run(write, seconds)
            loop.remove_reader(pipe.fileno())
            return rate


def _send(pipe: "Connection[bytes, bytes]", batch: WriteBatch) -> None:
    pipe.send_bytes(pickle.dumps(batch, pickle.HIGHEST_PROTOCOL))


@contextmanager
def _writer_process(folder: Path) -> Iterator["Connection[bytes, bytes]"]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, folder), daemon=True)
    process.start()
    theirs.close()
    ours.recv_bytes()
    try:
        yield ours
    finally:
        ours.close()
        process.join(10)


def _serve(pipe: "Connection[bytes, bytes]", folder: Path) -> None:
    asyncio.run(_write_all(pipe, folder))


async def _write_all(pipe: "Connection[bytes, bytes]", folder: Path) -> None:
    store = SqliteStore(folder / "fieldline.db", WriteGate().enter)
    await store.start()
    pipe.send_bytes(b"ready")
    while True:
        try:
            batch = pickle.loads(pipe.recv_bytes())  # noqa: S301 - our own process sent it
        except EOFError:
            break
        await store.write(batch)
        pipe.send_bytes(b"done")
    await store.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5.0)
    options = parser.parse_args()
    rates: dict[str, list[float]] = {"thread": [], "process": []}
    for _ in range(options.runs):
        rates["thread"].append(asyncio.run(in_thread(options.seconds)))
        rates["process"].append(asyncio.run(in_process(options.seconds)))
    for name, found in rates.items():
        print(
            f"{name}: {statistics.median(found):,.0f} messages/s "
            f"({min(found):,.0f} - {max(found):,.0f}), {POINTS} points each"
        )


if __name__ == "__main__":
    main()
