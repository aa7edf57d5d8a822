"""A disk that is full is a store that is away; when there is room again, everything flows."""

import resource
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.chaos import form
from tests.chaos.fleet import Fleet
from tests.chaos.watched import Watched, check_all, wait
from tests.e2e.server import Server

DISK_MB = 48
CHUNK = b"\0" * 65_536


@contextmanager
def small_disk(folder: Path) -> Iterator[Path | None]:
    """Mount a small file system, where that is allowed."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        yield None
        return
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(disk: Path) -> Callable[[], None]:
    """Leave no room on a disk; returns what makes it again."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(CHUNK)
        except OSError:
            pass
    return filler.unlink


def forbid_growth(server: Server) -> Callable[[], object]:
    """Let no file of a server grow beyond the largest; returns what allows it again."""
    _, hard = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
    largest = max(path.stat().st_size for path in server.data_dir.glob("fieldline.db*"))
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (largest, hard))
    return lambda: resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (hard, hard))


def test_a_full_disk_is_waited_for(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        server = Server((disk or tmp_path) / "data")
        server.start()
        try:
            rest = server.login()
            fleet = Fleet(server, rest, rate=100_000)
            fleet.await_more()
            memory = Watched(server)

            make_room = fill(disk) if disk is not None else forbid_growth(server)
            end_s = time.monotonic() + 60
            while "Readings wait until the store is back" not in server.log.read_text():
                assert time.monotonic() < end_s, "the disk was never full"
                time.sleep(0.05)
            wait(form(3, 60), memory)
            stopped_at = fleet.acknowledged
            time.sleep(1)
            assert fleet.acknowledged == stopped_at
            answer = rest.http.post("/api/device", json={"name": "no room"})
            make_room()

            check_all(server, fleet, memory)
            assert answer.status_code == 503, answer.text
            assert "The store is back after" in server.log.read_text()
        finally:
            server.stop()
