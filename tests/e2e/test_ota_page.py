"""The page on OTA updates: its commands and its device work, and answer what it shows."""

import sys
from pathlib import Path

import pytest

from tests.e2e import tour
from tests.e2e.server import Server
from tests.programs import require

PAGE = tour.ROOT / "docs" / "ota.md"


@pytest.mark.e2e
@pytest.mark.long
def test_the_page_works_as_written(tmp_path: Path) -> None:
    require("curl")
    server = Server(tmp_path / "data")
    try:
        server.start()
        # The device needs the paho-mqtt of this interpreter.
        printed = tour.run(
            PAGE,
            server,
            {
                'python3 "$FOLDER/pump.py" 1883': f'{sys.executable} "$FOLDER/pump.py" '
                f"{server.mqtt_port}"
            },
        )
    finally:
        server.stop()

    for block, text in zip(tour.blocks(PAGE), printed, strict=True):
        assert tour.normal(text) == tour.normal(block.answer or ""), block.commands
