"""ThingsBoard's own clients from PyPI, unmodified, each in an environment of its own."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.e2e.server import Server

pytestmark = [pytest.mark.e2e, pytest.mark.vendor]
ROOT = Path(__file__).parents[2]
CLIENTS = Path(__file__).parent / "clients"


def python_of(environment: str) -> str:
    """Return the interpreter of a vendor's environment (`make e2e-long` makes them)."""
    path = ROOT / ".vendor-envs" / environment / "bin" / "python"
    if not path.exists():
        reason = f"{path} is missing; `make e2e-long` makes it"
        if os.environ.get("FIELDLINE_REQUIRE_VENDOR"):
            pytest.fail(reason)
        pytest.skip(reason)
    return str(path)


def test_tb_mqtt_client_sends_requests_and_receives(tmp_path: Path) -> None:
    python = python_of("tb-mqtt-client")
    server = Server(tmp_path / "data")
    server.start()
    try:
        rest = server.login()
        device_id = rest.create_device("SDK device", "SDK_TOKEN")
        process = subprocess.Popen(
            [python, str(CLIENTS / "mqtt_device.py"), str(server.mqtt_port), "SDK_TOKEN"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        assert any(line.strip() == "READY" for line in lines)
        rest.post(
            f"/api/plugins/telemetry/DEVICE/{device_id}/attributes/SHARED_SCOPE",
            {"targetTemperature": 19.5},
        )
        output, errors = process.communicate(timeout=60)
        seen = json.loads(output.splitlines()[-1])

        assert seen["connected"], errors
        assert (seen["telemetry"], seen["history"], seen["attributes"]) == (0, 0, 0)
        assert seen["push arrived"]
        assert seen["pushed"] == {"targetTemperature": 19.5}
        assert seen["requested"] == {
            "client": {"firmware": "1.2.3", "limits": {"high": 80}},
            "shared": {"targetTemperature": 19.5},
        }
        latest = rest.get(f"/api/v1/telemetry/DEVICE/{device_id}/values/timeseries")["data"]
        assert {key: points[0]["value"] for key, points in latest.items()} == {
            "temperature": 21.5, "on": True, "name": "x",
        }  # fmt: skip
    finally:
        server.stop()


def test_tb_ce_client_logs_in_and_manages_devices(tmp_path: Path) -> None:
    python = python_of("tb-ce-client")
    server = Server(tmp_path / "data")
    server.start()
    try:
        result = subprocess.run(
            [python, str(CLIENTS / "rest_devices.py"), server.url],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

        assert result.returncode == 0, result.stderr
        assert json.loads(result.stdout) == {
            "created": ["Pump 1", "default", 1],
            "credentials": "PUMP_1",
            "updated": "South",
            "listed": [["Pump 1", "South"]],
            "read": "Pump 1",
            "left": 0,
            "after delete": 404,
        }
    finally:
        server.stop()


LIFE = {"named": True, "listed": True, "version": 2, "after delete": 404}


def test_tb_ce_client_manages_every_kind_of_entity(tmp_path: Path) -> None:
    python = python_of("tb-ce-client")
    server = Server(tmp_path / "data")
    server.start()
    try:
        result = subprocess.run(
            [python, str(CLIENTS / "rest_entities.py"), server.url],
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

        assert result.returncode == 0, result.stderr
        seen = json.loads(result.stdout)
        for kind in (
            "tenant", "customer", "device profile", "asset profile", "device", "asset",
            "dashboard", "entity view",
        ):  # fmt: skip
            assert seen.pop(kind) == LIFE, kind
        assert seen == {
            "tenant profile": {**LIFE, "version": None},
            "relation": {
                "listed": 1,
                "searched": ["Pump 2"],
                "updated": {"changed": True},
                "after delete": 404,
            },
            "alarm": {
                "severity": "CRITICAL",
                "commented": True,
                "listed": ["Pump 2"],
                "status": ["ACTIVE_ACK", "CLEARED_ACK"],
                "after delete": 404,
            },
            "rule chain": {
                "nodes": ["Log it"],
                "renamed": "All pumps",
                "listed": True,
                "after delete": 404,
            },
            "user": {
                "updated": "Somebody",
                "listed": ["somebody@example.org"],
                "after delete": 404,
            },
            "audit log": ["ADDED", "ALARM_ACK", "DELETED", "UPDATED"],
            "user settings": {"openedMenuSections": ["devices"]},
            "own": {
                "devices": ["own device"],
                "assets": ["own asset"],
                "dashboards": ["own dashboard"],
                "alarms": ["own alarm"],
                "users": ["user@acme.example.org"],
                "customer": "Acme",
            },
            "hidden": {
                "device": 403, "asset": 403, "dashboard": 403, "alarm": 403, "customer": 403,
            },
            "of others": {"devices": 403, "assets": 403, "new device": 403, "audit log": 403},
        }  # fmt: skip
    finally:
        server.stop()
