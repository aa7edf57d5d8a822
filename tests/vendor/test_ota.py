"""ThingsBoard's own clients, unmodified, manage OTA packages and update their firmware.

None of them knows software packages; those are in ``tests/app``.
"""

import hashlib
import json
import os
import subprocess
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from fieldline.domains.ota_package.kinds import ChecksumAlgorithm
from tests.e2e.server import Rest, Server
from tests.vendor.link import Link
from tests.vendor.test_sdks import CLIENTS, python_of, running
from tests.vendor.waits import within

pytestmark = [pytest.mark.e2e, pytest.mark.vendor]
DATA = bytes(number % 251 for number in range(10_500))
"""Ten chunks of 1,000 bytes and a half."""
RECEIVED = {"version": "v2", "size": len(DATA), "sha256": hashlib.sha256(DATA).hexdigest()}
TOLD = ["QUEUED", "INITIATED"]
FLEETING = ("DOWNLOADED", "VERIFIED")
"""The MQTT SDK sends what it says when it has handled a message, all at once: of two states that
come in one millisecond only the later one stays in the history."""

REFUSALS = {
    "wrong checksum": "Wrong checksum",
    "second file": "make a new package",
    "without content": "empty data",
    "used by a device": "device 'Pump 1'",
    "used by a profile": "device profile 'pump'",
}
"""What the REST client is refused, and what the message says."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One platform for all: each test has devices of its own."""
    server = Server(tmp_path_factory.mktemp("ota") / "data")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def rest(server: Server) -> Rest:
    return server.login()


@pytest.fixture
def link(server: Server) -> Iterator[Link]:
    """The way of an MQTT client to the platform."""
    link = Link(server.mqtt_port)
    yield link
    link.stop()


def assign_new(rest: Rest, device_id: str, algorithm: str = "SHA256") -> None:
    """Give a device a package of its own."""
    device = rest.get(f"/api/device/{device_id}")
    package = rest.post(
        "/api/otaPackage",
        {
            "title": device["name"],
            "version": "v2",
            "type": "FIRMWARE",
            "deviceProfileId": device["deviceProfileId"],
        },
    )
    rest.upload(f"/api/otaPackage/{package['id']['id']}", DATA, checksumAlgorithm=algorithm)
    rest.post("/api/device", {**device, "firmwareId": package["id"]})


def history(rest: Rest, device_id: str, key: str) -> list[Any]:
    """Return what came of a key, the oldest first: what the SDK said again is there once."""
    found = rest.get(
        f"/api/v1/telemetry/DEVICE/{device_id}/values/timeseries",
        keys=key, startTs=0, endTs=2**53, limit=1000,
    )["data"]  # fmt: skip
    values = [point["value"] for point in reversed(found[key])]
    values = [value for value in values if value not in ("IDLE", "", *FLEETING)]
    return [value for value, _same in groupby(values)]


def test_tb_mqtt_client_updates_by_every_checksum(server: Server, rest: Rest) -> None:
    python = python_of("tb-mqtt-client")
    devices = {each: rest.create_device(each, each) for each in ChecksumAlgorithm}

    with running(python, "mqtt_firmware.py", server.mqtt_port, ",".join(devices)) as client:
        for algorithm, device_id in devices.items():
            assign_new(rest, device_id, algorithm)
        seen = client.result()

    assert set(devices) == {
        "MD5", "SHA256", "SHA384", "SHA512", "CRC32", "MURMUR3_32", "MURMUR3_128",
    }  # fmt: skip
    expected = {"answered": True, "connected": 1, "told": 1, **RECEIVED}
    assert seen == dict.fromkeys(devices, expected)
    for device_id in devices.values():
        assert history(rest, device_id, "fw_state") == [*TOLD, "DOWNLOADING", "UPDATED"]
        assert history(rest, device_id, "current_fw_version") == ["v0", "v2"]


def test_tb_mqtt_client_downloads_again_after_a_cut_link(
    server: Server, rest: Rest, link: Link
) -> None:
    python = python_of("tb-mqtt-client")
    device_id = rest.create_device("cut", "CUT")

    with running(python, "mqtt_firmware.py", link.port, "CUT") as client:
        link.break_after(len(DATA) // 2)
        assign_new(rest, device_id)
        seen = client.result()["CUT"]

    assert seen == {"answered": True, "connected": 2, "told": 1, **RECEIVED}
    assert history(rest, device_id, "fw_state") == [*TOLD, "DOWNLOADING", "UPDATED"]


def test_tb_mqtt_client_says_that_a_download_was_spoiled(
    server: Server, rest: Rest, link: Link
) -> None:
    python = python_of("tb-mqtt-client")
    device_id = rest.create_device("spoiled", "SPOILED")

    with running(python, "mqtt_firmware.py", link.port, "SPOILED") as client:
        link.garble(DATA[5_100:5_200], bytes(100))
        assign_new(rest, device_id)
        seen = client.result()["SPOILED"]

    assert seen == {"answered": True, "connected": 1, "told": 1, **RECEIVED}
    states = history(rest, device_id, "fw_state")
    assert states == [*TOLD, "DOWNLOADING", "FAILED", "DOWNLOADING", "UPDATED"]
    assert history(rest, device_id, "fw_error") == ["Checksum verification failed!"]


def test_tb_http_device_updates_in_chunks(server: Server, rest: Rest, tmp_path: Path) -> None:
    python = python_of("tb-mqtt-client")
    device_id = rest.create_device("web", "WEB")
    assign_new(rest, device_id)
    shared = f"/api/plugins/telemetry/DEVICE/{device_id}/values/attributes/SHARED_SCOPE"
    within(10, lambda: rest.get(shared))

    # The SDK sends local times as if they were of UTC.
    result = subprocess.run(
        [python, str(CLIENTS / "http_firmware.py"), server.url, "WEB"],
        capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path,
        env={**os.environ, "TZ": "UTC"},
    )  # fmt: skip

    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == {"connected": True}
    assert (tmp_path / "web").read_bytes() == DATA
    # What it says before, it changes while that waits to be sent.
    states = history(rest, device_id, "fw_state")
    assert (states[:2], states[-2:]) == (TOLD, ["UPDATING", "UPDATED"])
    assert history(rest, device_id, "current_fw_version") == ["v2"]


def test_tb_ce_client_manages_packages(server: Server) -> None:
    python = python_of("tb-ce-client")

    result = subprocess.run(
        [python, str(CLIENTS / "rest_ota.py"), server.url],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert result.returncode == 0, result.stderr
    seen = json.loads(result.stdout)
    refusals = {name: seen.pop(name) for name in REFUSALS}
    assert {name: status for name, (status, _message) in refusals.items()} == dict.fromkeys(
        REFUSALS, 400
    )
    for name, part in REFUSALS.items():
        assert part in refusals[name][1]
    assert seen == {
        "made": ["pump", "1", False],
        "file": [True, 100_000, "pump.bin", True],
        "listed": ["1", "2", "3"],
        "searched": 1,
        "assignable": ["1", "2"],
        "info": "CRC32",
        "whole": True,
        "downloaded": True,
        "following": 1,
        "assigned": [True, True],
        "own": 0,
        "unassigned": [None, None],
        "left": 0,
        "after delete": 404,
    }
