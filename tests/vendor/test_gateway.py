"""ThingsBoard's IoT Gateway from PyPI, unmodified, between devices and Fieldline.

One gateway serves all tests of this file, as its start takes long: it reads meters on a broker and
a boiler that speaks Modbus. Each test has meters of its own.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest

from tests.e2e.server import Rest, Server
from tests.mosquitto import Mosquitto
from tests.vendor import broker, modbus
from tests.vendor.broker import Meters
from tests.vendor.gateway import TOKEN, configure, gateway
from tests.vendor.link import Link
from tests.vendor.modbus import SETPOINT, TEMPERATURE, Registers
from tests.vendor.test_sdks import python_of
from tests.vendor.waits import within

pytestmark = [pytest.mark.e2e, pytest.mark.vendor]
START_S = 60.0
"""The gateway imports much, and waits for what it asked."""
SOON_S = 20.0
"""Far more than anything takes: other tests have the machine meanwhile."""
RECONNECT_S = 150.0
"""The gateway's pauses between two attempts begin at 5 s and grow up to two minutes."""
THEN_MS = 1_700_000_000_000


@dataclass
class Plant:
    """What there is, from the devices to the platform."""

    server: Server
    rest: Rest
    link: Link
    meters: Meters
    registers: Registers

    def device(self, name: str) -> Any:
        """Return a device by its name, None while it is not there."""
        found = self.rest.get("/api/v1/devices", search=name)
        return next((each for each in found if each["name"] == name), None)

    def appears(self, name: str) -> Any:
        return within(SOON_S, lambda: self.device(name))

    def attributes(self, device: Any, scope: str) -> dict[str, Any]:
        path = f"/api/plugins/telemetry/DEVICE/{device['id']}/values/attributes/{scope}_SCOPE"
        return {each["key"]: each["value"] for each in self.rest.get(path)}

    def share(self, device: Any, **attributes: object) -> None:
        path = f"/api/plugins/telemetry/DEVICE/{device['id']}/attributes/SHARED_SCOPE"
        self.rest.post(path, attributes)

    def call(self, device: Any, method: str, params: object) -> Any:
        """Send a two-way RPC and return the answer."""
        path = f"/api/rpc/twoway/{device['id']}"
        return self.rest.post(path, {"method": method, "params": params, "timeout": 20_000})

    def latest(self, device: Any, *keys: str) -> dict[str, Any]:
        path = f"/api/v1/telemetry/DEVICE/{device['id']}/values/timeseries"
        found = self.rest.get(path, keys=",".join(keys))["data"]
        return {key: points[0]["value"] for key, points in found.items()}

    def history(self, name: str) -> dict[int, Any]:
        """Return everything that a meter ever read, by its time."""
        device = self.device(name)
        if device is None:
            return {}
        path = f"/api/v1/telemetry/DEVICE/{device['id']}/values/timeseries"
        period = {"startTs": THEN_MS, "endTs": THEN_MS + 1_000_000, "limit": 50_000}
        points = self.rest.get(path, keys="n", **period)["data"].get("n", [])
        assert len({point["ts"] for point in points}) == len(points)
        return {point["ts"]: point["value"] for point in points}


class Counting:
    """A meter that reads 0, 1, 2 ... every millisecond from ``THEN_MS`` on."""

    def __init__(self, plant: Plant, name: str) -> None:
        self._plant = plant
        self.name = name
        self._numbers = count()
        self.said: dict[int, int] = {}

    def say(self, times: int = 1) -> None:
        for _ in range(times):
            n = next(self._numbers)
            self.said[THEN_MS + n] = n
            self._plant.meters.say(f"meters/{self.name}", {"ts": THEN_MS + n, "n": n})

    def has_arrived(self) -> bool:
        return self._plant.history(self.name) == self.said


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    python_of("thingsboard-gateway")
    folder = tmp_path_factory.mktemp("plant")
    with ExitStack() as stack:
        mosquitto = Mosquitto(folder)
        stack.callback(mosquitto.stop)
        mosquitto.start()
        registers = stack.enter_context(modbus.simulator(folder))
        server = Server(folder / "data")
        server.start()
        stack.callback(server.stop)
        rest = server.login()
        body = {"name": "gateway", "additionalInfo": {"gateway": True}}
        rest.post("/api/device", body, accessToken=TOKEN)
        link = Link(server.mqtt_port)
        stack.callback(link.stop)
        connectors = {
            "meters": ("mqtt", broker.connector(mosquitto.port)),
            "boilers": ("modbus", modbus.connector(registers.port)),
        }
        configure(folder / "gateway", link.port, connectors)
        stack.enter_context(gateway(folder / "gateway"))
        meters = Meters(mosquitto.port)
        stack.callback(meters.stop)
        plant = Plant(server, rest, link, meters, registers)

        def is_running() -> bool:
            meters.say("meters/first", {"ts": THEN_MS, "n": 1})
            return bool(plant.history("first"))

        within(START_S, is_running)
        yield plant


def test_a_meter_appears_with_what_it_says(plant: Plant) -> None:
    meter = Counting(plant, "one")
    meter.say(3)
    plant.meters.say("meters/one", {"ts": THEN_MS + 3, "n": -7, "serial": "A1"})
    meter.said[THEN_MS + 3] = -7

    within(SOON_S, meter.has_arrived)
    device = plant.device("one")
    within(SOON_S, lambda: "serial" in plant.attributes(device, "CLIENT"))

    assert device["type"] == "meter"
    assert plant.attributes(device, "CLIENT") == {
        "serial": "A1", "connectorType": "mqtt", "connectorName": "meters",
    }  # fmt: skip


def test_a_meter_connects_and_disconnects(plant: Plant) -> None:
    plant.meters.say("meters/two/connect", {})
    device = plant.appears("two")
    within(SOON_S, lambda: "lastConnectTime" in plant.attributes(device, "SERVER"))
    before = plant.attributes(device, "SERVER")
    plant.meters.say("meters/two/disconnect", {})
    within(SOON_S, lambda: "lastDisconnectTime" in plant.attributes(device, "SERVER"))

    assert device["type"] == "meter"
    assert "lastDisconnectTime" not in before


def test_a_meter_is_told_its_shared_attributes_and_asks_for_them(plant: Plant) -> None:
    plant.meters.say("meters/three/connect", {})
    device = plant.appears("three")
    plant.share(device, limit=12.5, other="not for it")
    pushed = plant.meters.told("to/three/limit")
    plant.meters.say("meters/three/ask", {"name": "limit"})

    assert pushed == 12.5
    assert plant.meters.told("to/three/answer") == 12.5


def test_a_meter_is_commanded(plant: Plant) -> None:
    plant.meters.say("meters/four/connect", {})
    device = plant.appears("four")

    plant.rest.post(f"/api/rpc/oneway/{device['id']}", {"method": "open", "params": 7})
    opened = plant.meters.told("to/four/open")
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(plant.call, device, "count", {"by": 2})
        counted = plant.meters.told("to/four/count")
        plant.meters.say("meters/four/count/answer", {"total": 44})

    assert (opened, counted) == (7, {"by": 2})
    assert answer.result() == {"total": 44}


def test_a_boiler_appears_with_its_registers(plant: Plant) -> None:
    device = plant.appears("boiler")
    keys = ("temperature", "power", "fan")
    within(SOON_S, lambda: len(plant.latest(device, *keys)) == len(keys))
    before = plant.latest(device, *keys)
    within(SOON_S, lambda: "serial" in plant.attributes(device, "CLIENT"))
    plant.registers.write(TEMPERATURE, 987)
    within(SOON_S, lambda: plant.latest(device, "temperature") == {"temperature": 98.7})

    assert device["type"] == "heating"
    assert before == {"temperature": 21.5, "power": 12.5, "fan": False}
    assert plant.attributes(device, "CLIENT") == {
        "serial": "AX-170", "connectorType": "modbus", "connectorName": "boilers",
    }  # fmt: skip


def test_a_boiler_is_commanded(plant: Plant) -> None:
    device = plant.appears("boiler")
    plant.registers.write(SETPOINT, 55)
    register = f"type=16uint;functionCode={{}};objectsCount=1;address={SETPOINT};"

    read = plant.call(device, "getSetpoint", None)
    fan = plant.call(device, "setFan", 1)
    # What the gateway knows to do for every Modbus device.
    written = plant.call(device, "set", f"{register.format(6)}value=61;")
    got = plant.call(device, "get", register.format(3))

    answers = [answer["result"]["value"] for answer in (read, fan, written, got)]
    assert answers == [55, 1, "61", 61]
    assert plant.registers.read(SETPOINT) == 61
    within(SOON_S, lambda: plant.latest(device, "fan") == {"fan": True})


def test_a_shared_attribute_becomes_a_register(plant: Plant) -> None:
    device = plant.appears("boiler")

    before = plant.registers.read(SETPOINT)
    plant.share(device, setpoint=before + 1)

    within(SOON_S, lambda: plant.registers.read(SETPOINT) == before + 1)


def test_the_gateway_says_how_it_is_and_answers(plant: Plant) -> None:
    device = plant.appears("gateway")
    within(SOON_S, lambda: plant.latest(device, "machineStats"))
    devices = plant.call(device, "gateway_devices", None)

    assert plant.latest(device, "machineStats")["machineStats"]["totalCpuUsage"] >= 0
    assert plant.call(device, "gateway_ping", None) == {"code": 200, "resp": "pong"}
    assert devices["resp"]["boiler"] == "boilers"


def test_a_link_that_is_cut_before_the_acknowledgement_loses_nothing(plant: Plant) -> None:
    meters = [Counting(plant, name) for name in ("link one", "link two")]
    for meter in meters:
        meter.say(3)
        within(SOON_S, meter.has_arrived)

    plant.link.lose_answers()
    for meter in meters:
        meter.say(20)
    # Some are stored, and the gateway waits to be told so.
    within(SOON_S, lambda: any(len(plant.history(meter.name)) > 3 for meter in meters))
    plant.link.cut()
    for meter in meters:
        meter.say(20)
    plant.link.restore()
    for meter in meters:
        meter.say(20)

    for meter in meters:
        within(RECONNECT_S, meter.has_arrived)


def test_a_killed_server_loses_nothing(plant: Plant) -> None:
    meters = [Counting(plant, name) for name in ("kill one", "kill two")]
    for meter in meters:
        meter.say(3)
        within(SOON_S, meter.has_arrived)

    def say_all() -> None:
        for _ in range(200):
            for meter in meters:
                meter.say()

    with ThreadPoolExecutor(1) as pool:
        saying = pool.submit(say_all)
        plant.server.kill()
        plant.server.start()
        saying.result()
    plant.rest = plant.server.login()

    for meter in meters:
        within(RECONNECT_S, meter.has_arrived)
