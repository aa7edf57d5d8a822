"""ThingsBoard's own clients from PyPI, unmodified, each in an environment of its own."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.server import Rest, Server

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


class VendorClient:
    """A vendor's client that has said that it is ready."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def result(self) -> dict[str, Any]:
        """Wait for its end and return what it saw."""
        assert self._process.stdout is not None
        # Not communicate(): what was read beyond the first line is in this file's buffer.
        output = self._process.stdout.read()
        assert output, self._process.communicate(timeout=60)[1]
        found: dict[str, Any] = json.loads(output.splitlines()[-1])
        return found


@contextmanager
def running(python: str, script: str, port: int, token: str) -> Iterator[VendorClient]:
    """Start a client's script; the block begins when it has said READY."""
    process = subprocess.Popen(
        [python, str(CLIENTS / script), str(port), token],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        assert any(line.strip() == "READY" for line in lines), process.communicate()[1]
        yield VendorClient(process)
    finally:
        process.kill()
        process.communicate()


def test_tb_mqtt_client_sends_requests_and_receives(tmp_path: Path) -> None:
    python = python_of("tb-mqtt-client")
    server = Server(tmp_path / "data")
    server.start()
    try:
        rest = server.login()
        device_id = rest.create_device("SDK device", "SDK_TOKEN")
        with running(python, "mqtt_device.py", server.mqtt_port, "SDK_TOKEN") as client:
            rest.post(
                f"/api/plugins/telemetry/DEVICE/{device_id}/attributes/SHARED_SCOPE",
                {"targetTemperature": 19.5},
            )
            seen = client.result()

        assert seen["connected"]
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


def root_chain_that_answers(rest: Rest) -> None:
    """Have the root chain answer RPC of devices with what they sent."""
    [root] = rest.get("/api/v1/ruleChains", search="root")
    graph = rest.get(f"/api/ruleChain/{root['id']}/metadata")
    names = [node["name"] for node in graph["nodes"]]
    reply = {
        "type": "org.thingsboard.rule.engine.rpc.TbSendRPCReplyNode",
        "name": "answer",
        "configuration": {},
        "additionalInfo": {},
    }
    graph["nodes"].append(reply)
    switch = names.index("Message Type Switch")
    label = "RPC Request from Device"
    graph["connections"] = [each for each in graph["connections"] if each["type"] != label]
    graph["connections"].append({"fromIndex": switch, "toIndex": len(names), "type": label})
    rest.post("/api/ruleChain/metadata", graph)


def test_tb_mqtt_client_calls_and_is_called(tmp_path: Path) -> None:
    python = python_of("tb-mqtt-client")
    server = Server(tmp_path / "data")
    server.start()
    try:
        rest = server.login()
        device_id = rest.create_device("SDK device", "SDK_TOKEN")
        root_chain_that_answers(rest)
        with running(python, "mqtt_rpc.py", server.mqtt_port, "SDK_TOKEN") as client:
            call = {"method": "getGpio", "params": {"pin": 7}}
            answer = rest.post(f"/api/rpc/twoway/{device_id}", call)
            rest.post(f"/api/rpc/oneway/{device_id}", {"method": "blink", "params": 3})
            kept = rest.post(f"/api/plugins/rpc/twoway/{device_id}", {**call, "persistent": True})
            seen = client.result()

        assert answer == {"pin": 7, "value": 1}
        assert [request["method"] for _, request in seen["requests"]] == [
            "getGpio", "blink", "getGpio",
        ]  # fmt: skip
        assert rest.get(f"/api/rpc/persistent/{kept['rpcId']}")["status"] == "SUCCESSFUL"
        assert (seen["answered"], seen["error"]) == (True, None)
        assert seen["answer"] == {"method": "getTime", "params": {"zone": "UTC"}}
    finally:
        server.stop()


def test_tb_mqtt_client_is_a_gateway(tmp_path: Path) -> None:
    python = python_of("tb-mqtt-client")
    server = Server(tmp_path / "data")
    server.start()
    try:
        rest = server.login()
        body = {"name": "SDK gateway", "additionalInfo": {"gateway": True}}
        rest.post("/api/device", body, accessToken="SDK_TOKEN")
        with running(python, "mqtt_gateway.py", server.mqtt_port, "SDK_TOKEN") as client:
            [meter] = rest.get("/api/v1/devices", search="SDK meter")
            rest.post(
                f"/api/plugins/telemetry/DEVICE/{meter['id']}/attributes/SHARED_SCOPE",
                {"target": 19.5},
            )
            answer = rest.post(
                f"/api/rpc/twoway/{meter['id']}", {"method": "open", "params": {"by": 5}}
            )
            seen = client.result()
        [other] = rest.get("/api/v1/devices", search="SDK other")
        path = "/api/v1/telemetry/DEVICE/{}/values/timeseries"
        period = {"keys": "t", "startTs": 0, "endTs": 1700000000001}
        history = [
            rest.get(path.format(each["id"]), **period)["data"]["t"] for each in (meter, other)
        ]

        results = ("connect", "telemetry", "unannounced", "attributes", "disconnect")
        assert [seen[name] for name in results] == [0] * 5
        assert meter["type"] == "meter"
        assert [[point["value"] for point in points] for points in history] == [[20], [1]]
        assert answer == {"done": True}
        assert seen["request"]["data"] == {"id": 0, "method": "open", "params": {"by": 5}}
        assert seen["pushed"] == {"device": "SDK meter", "data": {"target": 19.5}}
        assert seen["shared"]["value"] == 19.5
        assert seen["client"]["value"] == "A1"
        assert seen["several"]["values"] == {"serial": "A1", "limits": {"high": 5}}
    finally:
        server.stop()


def test_tb_mqtt_client_makes_itself_known_and_is_claimed(tmp_path: Path) -> None:
    python = python_of("tb-mqtt-client")
    server = Server(tmp_path / "data")
    server.start()
    try:
        rest = server.login()
        strategy = "ALLOW_CREATE_NEW_DEVICES"
        profile = rest.post(
            "/api/deviceProfile",
            {
                "name": "SDK profile",
                "type": "DEFAULT",
                "transportType": "DEFAULT",
                "provisionType": strategy,
                "provisionDeviceKey": "the-key",
                "profileData": {
                    "configuration": {"type": "DEFAULT"},
                    "transportConfiguration": {"type": "DEFAULT"},
                    "provisionConfiguration": {
                        "type": strategy,
                        "provisionDeviceSecret": "the-secret",
                    },
                },
            },
        )
        with running(python, "mqtt_onboard.py", server.mqtt_port, "the-key:the-secret") as client:
            seen = client.result()
        user = server.login("customer@thingsboard.org", "customer")
        path = "/api/customer/device/SDK made/claim"
        claimed = user.post(path, {"secretKey": "a secret key"})
        [made] = rest.get("/api/v1/devices", search="SDK made")

        assert seen["wrong"] is None
        assert seen["own"]["credentialsValue"] == "OWN_TOKEN"
        assert len(seen["token"]["credentialsValue"]) == 20
        assert seen["basic"]["credentialsValue"]["userName"] == "basic"
        assert (seen["connected"], seen["telemetry"], seen["claim"]) == (True, 0, 0)
        assert made["device_profile_id"] == profile["id"]["id"]
        assert claimed["response"] == "SUCCESS"
        assert made["customer_id"] == claimed["device"]["customerId"]["id"]
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
