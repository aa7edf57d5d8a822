"""ThingsBoard's IoT Gateway from PyPI, unmodified, between devices on a broker and Fieldline."""

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.server import Rest, Server, free_port
from tests.vendor.test_sdks import python_of

pytestmark = [pytest.mark.e2e, pytest.mark.vendor]
START_S = 60.0
"""The gateway imports much, and waits for what it asked."""


RECONNECT_S = 150.0
"""Its pauses between two attempts grow up to two minutes."""


def within(seconds: float, what: Callable[[], Any]) -> Any:
    """Return the first answer that is something."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = what()
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError("it did not come in time")


@contextmanager
def broker(folder: Path) -> Iterator[int]:
    """Run Mosquitto; gives its port."""
    program = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        if os.environ.get("FIELDLINE_REQUIRE_VENDOR"):
            pytest.fail("Debian's package mosquitto is missing")
        pytest.skip("Debian's package mosquitto is missing")
    port = free_port()
    configuration = folder / "mosquitto.conf"
    configuration.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
    process = subprocess.Popen(
        [program, "-c", str(configuration)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        within(20, lambda: is_open(port))
        yield port
    finally:
        process.kill()
        process.wait()


def is_open(port: int) -> bool:
    """Tell whether somebody listens on a port."""
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def say(port: int, topic: str, payload: object) -> None:
    """Publish to the broker."""
    subprocess.run(
        ["mosquitto_pub", "-p", str(port), "-q", "1", "-t", topic, "-m", json.dumps(payload)],
        check=True,
    )


def configure(folder: Path, server: Server, broker_port: int) -> None:
    """Write the gateway's configuration: readings from `meters/<name>`, commands to them."""
    folder.mkdir()
    (folder / "logs.json").write_text(
        json.dumps({"version": 1, "disable_existing_loggers": False, "root": {"level": "INFO"}})
    )
    service = {
        "thingsboard": {
            "host": "127.0.0.1",
            "port": server.mqtt_port,
            "remoteConfiguration": False,
            "remoteShell": False,
            "security": {"type": "accessToken", "accessToken": "GATEWAY"},
            "qos": 1,
            "statistics": {"enable": False},
            "checkConnectorsConfigurationInSeconds": 60,
        },
        "storage": {
            "type": "sqlite",
            "data_file_path": f"{folder}/",
            "read_records_count": 100,
            "max_records_count": 10000,
        },
        "connectors": [{"type": "mqtt", "name": "meters", "configuration": "meters.json"}],
    }
    (folder / "tb_gateway.json").write_text(json.dumps(service))
    name = {
        "deviceNameExpressionSource": "topic",
        "deviceNameExpression": "(?<=meters/)(.*)",
        "deviceProfileExpressionSource": "constant",
        "deviceProfileExpression": "meter",
    }
    connector = {
        "broker": {
            "host": "127.0.0.1",
            "port": broker_port,
            "clientId": "gateway",
            "version": 5,
            "security": {"type": "anonymous"},
        },
        "mapping": [
            {
                "topicFilter": "meters/+",
                "subscriptionQos": 1,
                "converter": {
                    "type": "json",
                    "deviceInfo": name,
                    "sendDataOnlyOnChange": False,
                    "timeout": 60000,
                    "attributes": [{"type": "string", "key": "serial", "value": "${serial}"}],
                    # A key of its own each: the gateway gives what it takes at once one time.
                    "timeseries": [{"type": "integer", "key": "${k}", "value": "${n}"}],
                },
            }
        ],
        "requestsMapping": {
            "serverSideRpc": [
                {
                    "type": "oneWay",
                    "deviceNameFilter": ".*",
                    "methodFilter": "open",
                    "requestTopicExpression": "commands/${deviceName}/${methodName}",
                    "valueExpression": "${params}",
                }
            ]
        },
    }
    (folder / "meters.json").write_text(json.dumps(connector))


@contextmanager
def gateway(folder: Path) -> Iterator[None]:
    """Run the gateway."""
    python = Path(python_of("thingsboard-gateway"))
    with (folder / "gateway.log").open("ab") as log:
        process = subprocess.Popen(
            [str(python.with_name("thingsboard-gateway"))],
            cwd=folder,
            env={**os.environ, "TB_GW_CONFIG_DIR": str(folder)},
            stdout=log,
            stderr=log,
        )
        try:
            yield
        finally:
            process.kill()
            process.wait()


def readings(rest: Rest, name: str) -> set[str]:
    """Return the keys of a meter that have readings; none while it is not there."""
    found = [each for each in rest.get("/api/v1/devices", search=name) if each["name"] == name]
    if not found:
        return set()
    return set(rest.get(f"/api/v1/telemetry/DEVICE/{found[0]['id']}/keys/timeseries"))


def test_readings_commands_and_a_link_that_is_cut(tmp_path: Path) -> None:
    python_of("thingsboard-gateway")
    server = Server(tmp_path / "data")
    server.start()
    folder = tmp_path / "gateway"
    try:
        rest = server.login()
        body = {"name": "gateway", "additionalInfo": {"gateway": True}}
        rest.post("/api/device", body, accessToken="GATEWAY")
        with broker(tmp_path) as port:
            configure(folder, server, port)
            with gateway(folder):

                def arrives() -> bool:
                    say(port, "meters/one", {"k": "first", "n": 0, "serial": "A1"})
                    return readings(rest, "one") == {"first"}

                within(START_S, arrives)
                [one] = rest.get("/api/v1/devices", search="one")
                listening = subprocess.Popen(
                    ["mosquitto_sub", "-p", str(port), "-t", "commands/#", "-C", "1", "-v"],
                    stdout=subprocess.PIPE, text=True,
                )  # fmt: skip
                time.sleep(0.5)
                rest.post(f"/api/rpc/oneway/{one['id']}", {"method": "open", "params": 7})
                command, _ = listening.communicate(timeout=20)

                server.kill()
                for n in range(50):
                    name = ("one", "two")[n % 2]
                    say(port, f"meters/{name}", {"k": f"r{n}", "n": n, "serial": "A1"})
                server.start()
                rest = server.login()
                wanted = {
                    name: {f"r{n}" for n in range(50) if n % 2 == at}
                    for at, name in enumerate(("one", "two"))
                }
                within(
                    RECONNECT_S,
                    lambda: all(readings(rest, name) >= keys for name, keys in wanted.items()),
                )

        assert one["type"] == "meter"
        assert command.split() == ["commands/one/open", "7"]
        assert readings(rest, "one") == wanted["one"] | {"first"}
        assert readings(rest, "two") == wanted["two"]
    finally:
        server.stop()
