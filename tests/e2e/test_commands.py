"""What the commands say in one line when the server is not what they were told."""

import os
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from tests.e2e.server import free_port
from tests.e2e.test_startup import last_line

pytestmark = pytest.mark.e2e


def fieldline(tmp_path: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "FIELDLINE_DATA_DIR": str(tmp_path / "data"),
        "HTTP_BIND_PORT": str(free_port()),
        "MQTT_BIND_PORT": str(free_port()),
        **settings,
    }
    return subprocess.run(
        [sys.executable, "-m", "fieldline", *arguments],
        env=environment, capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path,
    )  # fmt: skip


@pytest.mark.parametrize("url", ["somewhere", "ftp://localhost", "http://localhost:1"])
def test_watch_names_a_url_where_no_server_is(tmp_path: Path, url: str) -> None:
    result = fieldline(tmp_path, "watch", str(uuid4()), "--token", "x", "--url", url)

    assert url in last_line(result)


def test_the_demo_names_a_port_that_takes_no_readings(tmp_path: Path) -> None:
    port = str(free_port())

    result = fieldline(tmp_path, "demo", MQTT_ENABLED="false", MQTT_BIND_PORT=port)

    assert port in last_line(result)
