"""Mosquitto's clients for the command line, plain and over TLS."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.app.authorities import Certified, make_authority
from tests.clients.device import (
    ATTRIBUTES,
    RPC_REQUESTS,
    TELEMETRY,
    WAIT_S,
    Device,
)
from tests.clients.mosquitto_tools import VERSIONS, Tools
from tests.e2e.server import Server, free_port
from tests.vendor.waits import within

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("mosquitto-tools")]
every_version = pytest.mark.parametrize("version", VERSIONS)
Make = Callable[..., Tools]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the certificate of an authority, and one that it gave to ``localhost``."""
    folder = tmp_path_factory.mktemp("certificates")
    authority: Certified = make_authority("Test CA")
    (folder / "ca.pem").write_text(authority.pem)
    (folder / "other.pem").write_text(make_authority("Somebody else").pem)
    authority.sign("localhost").write(folder / "server.pem")
    return folder


@pytest.fixture(scope="module")
def tls_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, certificates: Path, tls_port: int
) -> Iterator[Server]:
    server = Server(
        tmp_path_factory.mktemp("tools") / "data",
        MQTT_SSL_ENABLED="true",
        MQTT_SSL_BIND_PORT=str(tls_port),
        MQTT_SSL_CERTIFICATE=str(certificates / "server.pem"),
        MQTT_SSL_KEY=str(certificates / "server.pem"),
    )
    server.start()
    yield server
    server.stop()


@pytest.fixture
def tools(server: Server, device: Device) -> Iterator[Make]:
    """Make tools that speak for the device, or for another ``username``."""
    made: list[Tools] = []

    def make(version: str, *options: str, port: int = 0, username: str = "") -> Tools:
        each = Tools(port or server.mqtt_port, username or device.token, version, *options)
        made.append(each)
        return each

    yield make
    for each in made:
        each.stop()


def lines(process: "subprocess.Popen[bytes]") -> list[Any]:
    """Return what a subscriber heard until it ended."""
    out, _ = process.communicate(timeout=WAIT_S)
    return [json.loads(line) for line in out.splitlines()]


@every_version
@pytest.mark.parametrize("qos", ["0", "1", "2"])
def test_what_is_published_is_stored(tools: Make, device: Device, version: str, qos: str) -> None:
    sent = [json.dumps({"ts": n + 1, "values": {"a": n}}) for n in range(20)]

    said = tools(version).publish(TELEMETRY, *sent, options=("-q", qos))

    assert said == ""
    device.comes("a", *range(20))


@every_version
def test_over_tls(
    tools: Make, device: Device, version: str, certificates: Path, tls_port: int
) -> None:
    secured = tools(version, "--cafile", str(certificates / "ca.pem"), port=tls_port)

    said = secured.publish(TELEMETRY, '{"a":1}', options=("-q", "1"))
    device.leave_command("count", 1)
    heard = lines(secured.subscribe(RPC_REQUESTS, options=("-C", "1")))

    assert said == ""
    assert device.history("a") == [1]
    assert heard == [{"method": "count", "params": 1}]


def test_a_client_that_knows_another_authority_stays_away(
    tools: Make, device: Device, certificates: Path, tls_port: int
) -> None:
    secured = tools("mqttv5", "--cafile", str(certificates / "other.pem"), port=tls_port)

    said = secured.publish(TELEMETRY, '{"a":1}', options=("-q", "1"))

    assert said
    assert device.history("a") == []


@every_version
@pytest.mark.parametrize("qos", ["0", "1", "2"])
def test_commands_are_heard_in_their_order(
    tools: Make, device: Device, version: str, qos: str
) -> None:
    for number in range(3):
        device.leave_command("count", number)

    heard = lines(tools(version).subscribe(RPC_REQUESTS, options=("-q", qos, "-C", "3")))

    assert [each["params"] for each in heard] == [0, 1, 2]


@every_version
def test_shared_attributes_are_heard_and_never_retained(
    tools: Make, device: Device, version: str
) -> None:
    device.share(limit=0)
    listener = tools(version).subscribe(ATTRIBUTES, options=("-q", "1", "-C", "1", "-F", "%r %p"))

    # Again and again, because it says nothing when it has subscribed.
    pushed: list[int] = []
    while listener.poll() is None and len(pushed) < 1_000:
        pushed.append(len(pushed) + 1)
        device.share(limit=pushed[-1])
    out, _ = listener.communicate(timeout=WAIT_S)

    retained, payload = out.decode().split(" ", 1)
    assert retained == "0"
    assert json.loads(payload)["limit"] in pushed


@every_version
def test_wrong_credentials_are_told(tools: Make, version: str) -> None:
    said = tools(version, username="nobody").publish(TELEMETRY, "{}")

    assert "authori" in said.lower() or "bad user name" in said.lower()


@every_version
def test_a_retained_reading_is_a_reading(tools: Make, device: Device, version: str) -> None:
    """In MQTT 5 the client learns from the CONNACK to leave the flag away."""
    said = tools(version).publish(TELEMETRY, '{"a":1}', options=("-q", "1", "-r"))

    assert said == ""
    assert device.history("a") == [1]


@every_version
@pytest.mark.parametrize("qos", ["0", "1", "2"])
def test_a_will_is_said_when_the_process_dies(
    tools: Make, device: Device, version: str, qos: str
) -> None:
    will = ("--will-topic", TELEMETRY, "--will-payload", '{"lost":true}', "--will-qos", qos)
    listener = tools(version, *will).subscribe(RPC_REQUESTS, options=("-q", "1"))
    device.leave_command("count", 1)
    within(WAIT_S, lambda: device.open_commands() == [])

    listener.kill()
    listener.communicate()

    device.comes("lost", True)


def test_a_listener_that_reconnects_hears_what_waited(tools: Make, device: Device) -> None:
    """Commands wait in the platform, whatever MQTT knows of the device's sessions."""
    first = tools("mqttv311", "-i", "meter").subscribe(RPC_REQUESTS, options=("-c", "-q", "1"))
    device.leave_command("count", 1)
    within(WAIT_S, lambda: device.open_commands() == [])
    first.kill()
    first.communicate()
    device.leave_command("count", 2)

    heard = lines(
        tools("mqttv311", "-i", "meter").subscribe(
            RPC_REQUESTS, options=("-c", "-q", "1", "-C", "1")
        )
    )

    assert [each["params"] for each in heard] == [2]
