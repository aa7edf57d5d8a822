"""The README's five-minute tour, run as it is written."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.e2e.server import Server
from tests.programs import require

ROOT = Path(__file__).parents[2]


def tour_script() -> str:
    blocks = re.findall(r"```bash tour\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert len(blocks) >= 5
    return "set -e\n" + "\n".join(blocks) + "\nwait\n"


@pytest.mark.e2e
def test_the_five_minute_tour_works_as_written(server: Server) -> None:
    require("mosquitto_pub")
    script = (
        tour_script()
        .replace("localhost:8080", f"127.0.0.1:{server.http_port}")
        .replace("-h localhost -p 1883", f"-h 127.0.0.1 -p {server.mqtt_port}")
        .replace("fieldline watch", f"fieldline watch --url ws://127.0.0.1:{server.http_port}")
    )

    result = subprocess.run(
        ["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )

    assert result.returncode == 0, result.stderr
    v1, tb, first, second = (json.loads(line) for line in result.stdout.splitlines())
    assert v1["data"]["temperature"][0]["value"] == 21.5
    assert v1["data"]["valve"][0]["value"] == "open"
    assert tb["temperature"][0]["value"] == "21.5"
    assert first["temperature"][0][1] == "21.5"
    assert second["temperature"][0][1] == "22.0"
