"""ThingsBoard's MQTT SDK, unmodified, downloads firmware in chunks and checks its checksum."""

import hashlib
from pathlib import Path

import pytest

from tests.e2e.server import Server
from tests.vendor.test_sdks import python_of, running

pytestmark = [pytest.mark.e2e, pytest.mark.vendor]
DATA = bytes(number % 251 for number in range(10_500))
"""Ten chunks of 1,000 bytes and a half."""
STATES = ["QUEUED", "INITIATED", "DOWNLOADING", "DOWNLOADED", "VERIFIED", "UPDATED"]


@pytest.mark.parametrize("algorithm", ["SHA256", "MURMUR3_128"])
def test_tb_mqtt_client_updates_its_firmware(tmp_path: Path, algorithm: str) -> None:
    python = python_of("tb-mqtt-client")
    server = Server(tmp_path / "data")
    server.start()
    try:
        rest = server.login()
        device_id = rest.create_device("pump", "SDK_TOKEN")
        device = rest.get(f"/api/device/{device_id}")
        package = rest.post(
            "/api/otaPackage",
            {
                "title": "pump",
                "version": "v2",
                "type": "FIRMWARE",
                "deviceProfileId": device["deviceProfileId"],
            },
        )
        path = f"/api/otaPackage/{package['id']['id']}"
        rest.upload(path, DATA, checksumAlgorithm=algorithm)
        with running(python, "mqtt_firmware.py", server, "SDK_TOKEN") as client:
            rest.post("/api/device", {**device, "firmwareId": package["id"]})
            seen = client.result()
        history = rest.get(
            f"/api/v1/telemetry/DEVICE/{device_id}/values/timeseries",
            keys="fw_state,current_fw_version,fw_error", startTs=0, endTs=2**53,
        )["data"]  # fmt: skip

        assert seen == {
            "answered": True,
            "told": 1,
            "received": True,
            "version": "v2",
            "size": len(DATA),
            "sha256": hashlib.sha256(DATA).hexdigest(),
        }
        told = [point["value"] for point in reversed(history["fw_state"])]
        assert [state for state in told if state in STATES] == STATES
        assert history["current_fw_version"][0]["value"] == "v2"
    finally:
        server.stop()
