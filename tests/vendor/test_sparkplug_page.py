"""The page on Sparkplug: its commands work, with an independent client, and answer as shown."""

from pathlib import Path

import pytest

from tests.e2e import tour
from tests.e2e.server import Server
from tests.programs import require
from tests.vendor.test_sdks import python_of

PAGE = tour.ROOT / "docs" / "sparkplug.md"


@pytest.mark.e2e
@pytest.mark.vendor
def test_the_page_works_as_written(tmp_path: Path) -> None:
    python = python_of("pysparkplug")
    require("curl")
    server = Server(tmp_path / "data")
    try:
        server.start()
        replaced = {"edge/bin/python": python, "port=1883": f"port={server.mqtt_port}"}
        printed = tour.run(PAGE, server, replaced)
    finally:
        server.stop()

    for block, text in zip(tour.blocks(PAGE), printed, strict=True):
        assert tour.normal(text) == tour.normal(block.answer or ""), block.commands
