"""What does the embedded store reach once every series has pages of its own?

A new store puts the points of many series on one page; after some hundred points of each, every
point goes to a page of its own, and pages are what a commit costs. Fills a store, then writes more
in batches of several sizes, with several distances of checkpoints; prints rows a second of each.

    .venv/bin/python -m benchmarks.store_at_rest
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from uuid import UUID

from benchmarks.writer_process import make_store
from fieldline.kit.ids import new_id
from fieldline.timeseries.backends.sqlite import SqliteStore
from fieldline.timeseries.store import ReadingsWrite, WriteBatch

DEVICES = 1_000
BATCH_ROWS = (300, 1_500, 3_000, 6_000, 12_000)
CHECKPOINT_PAGES = (1_000, 4_000, 16_000)


class Source:
    """Readings of three values, each device in its turn, 178 ms apart."""

    def __init__(self) -> None:
        self._devices = [new_id() for _ in range(DEVICES)]
        self._count = 0

    def batch(self, rows: int) -> WriteBatch:
        return WriteBatch([self._next() for _ in range(rows // 3)])

    def _next(self) -> ReadingsWrite:
        turn, number = divmod(self._count, DEVICES)
        self._count += 1
        device: UUID = self._devices[number]
        values = {"pulseCounter": turn, "leakage": False, "batteryLevel": 100 - turn % 100}
        return ReadingsWrite(device, 1_700_000_000_000 + turn * 178, values)


async def rate(store: SqliteStore, source: Source, rows: int, seconds: float) -> float:
    batches = [source.batch(rows) for _ in range(4)]
    written, started = 0, time.perf_counter()
    while (took := time.perf_counter() - started) < seconds:
        batch = batches.pop() if batches else source.batch(rows)
        await store.write(batch)
        written += rows
    return written / took


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=400, help="of each series, before")
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store, source = await make_store(Path(folder)), Source()
        for _ in range(options.points * DEVICES * 3 // 12_000):
            await store.write(source.batch(12_000))
        found: dict[tuple[int, int], list[float]] = {}
        for _ in range(options.rounds):
            for pages in CHECKPOINT_PAGES:
                opened = store._write_connection  # noqa: SLF001 - what is measured
                assert opened is not None
                opened.execute(f"PRAGMA wal_autocheckpoint={pages}")
                for rows in BATCH_ROWS:
                    reached = await rate(store, source, rows, options.seconds)
                    found.setdefault((pages, rows), []).append(reached)
        await store.stop()
    print(f"{'checkpoint':>10}" + "".join(f"{rows:>9}" for rows in BATCH_ROWS) + "  rows a batch")
    for pages in CHECKPOINT_PAGES:
        medians = [statistics.median(found[pages, rows]) for rows in BATCH_ROWS]
        print(f"{pages:>10}" + "".join(f"{median:>9,.0f}" for median in medians) + "  rows/s")


if __name__ == "__main__":
    asyncio.run(main())
