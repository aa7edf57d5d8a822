"""The page on integrations: its commands work, with a real broker, and answer what it shows."""

from pathlib import Path

import pytest

from tests.e2e import tour
from tests.e2e.server import Server
from tests.mosquitto import Mosquitto
from tests.programs import require

PAGE = tour.ROOT / "docs" / "integrations.md"


@pytest.mark.e2e
@pytest.mark.long
def test_the_page_works_as_written(tmp_path: Path) -> None:
    broker, server = Mosquitto(tmp_path), Server(tmp_path / "data")
    require("curl")
    broker.start()
    try:
        server.start()
        printed = tour.run(PAGE, server, {"1884": str(broker.port)})
    finally:
        server.stop()
        broker.kill()

    for block, text in zip(tour.blocks(PAGE), printed, strict=True):
        shown = text.replace(f'"port":{broker.port}', '"port":1884')
        assert tour.normal(shown) == tour.normal(block.answer or ""), block.commands
