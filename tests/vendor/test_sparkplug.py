"""Sparkplug B edge nodes by two independent libraries from PyPI, unmodified.

One server serves all tests; each has a device profile and an edge node of its own.
"""

import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from queue import Queue
from threading import Thread
from typing import Any

import pytest

from tests.e2e.server import Server
from tests.vendor.link import Link
from tests.vendor.test_sdks import CLIENTS, python_of
from tests.vendor.waits import within

pytestmark = [pytest.mark.e2e, pytest.mark.vendor]
SOON_S = 20.0
"""Far more than anything takes: other tests have the machine meanwhile."""
THEN_MS = 1_700_000_000_000
PREFIX = "Plant 1:Linie 2 ü"
_numbers = count()


class Program:
    """A client's script: lines go in, lines come out."""

    def __init__(self, environment: str, script: str, port: int, token: str) -> None:
        self._process = subprocess.Popen(
            [python_of(environment), str(CLIENTS / script), str(port), token],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._lines: Queue[str] = Queue()
        self._reader = Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line.strip())

    def line(self) -> str:
        """Return the next line that it printed."""
        return self._lines.get(timeout=SOON_S)

    def tell(self, line: str = "") -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()
        self._reader.join()


class Edge:
    """An edge node by pysparkplug, and its device in the platform."""

    def __init__(self, plant: "Plant", node_id: str, program: Program) -> None:
        self._plant = plant
        self._program = program
        self.id = node_id

    def says(
        self, kind: str, *metrics: dict[str, Any], device: str | None = None, lost: int = 0
    ) -> None:
        """Say something; ``lost``: so many messages before it never arrive."""
        step = {"say": kind, "metrics": metrics, "device": device, "lost": lost}
        self._program.tell(json.dumps(step))

    def hears(self) -> dict[str, Any]:
        """Return the next thing that it was told, or that it is connected."""
        found: dict[str, Any] = json.loads(self._program.line())
        return found

    def leaves(self) -> None:
        self._program.tell('{"leave": true}')

    def device(self, name: str) -> Any:
        """Return one of its devices, as soon as it is there."""
        full = f"{PREFIX}:{name}"

        def find() -> Any:
            found = self._plant.rest.get("/api/v1/devices", search=full)
            return next((each for each in found if each["name"] == full), None)

        return within(SOON_S, find)

    def stored(self, entity_id: str | None = None) -> dict[str, tuple[int, Any]]:
        """Return the latest time and value of each key."""
        path = f"/api/v1/telemetry/DEVICE/{entity_id or self.id}/values/timeseries"
        found = self._plant.rest.get(path)["data"]
        return {key: (points[0]["ts"], points[0]["value"]) for key, points in found.items()}

    def latest(self, entity_id: str | None = None) -> dict[str, Any]:
        return {key: value for key, (_, value) in self.stored(entity_id).items()}

    def is_stored(self, entity_id: str | None = None, **values: Any) -> dict[str, Any]:
        """Wait until these are the latest values, and return all of them."""

        def look() -> dict[str, Any] | None:
            found = self.latest(entity_id)
            return found if values.items() <= found.items() else None

        seen: dict[str, Any] = within(SOON_S, look)
        return seen

    def attributes(self, scope: str, entity_id: str | None = None) -> dict[str, Any]:
        path = (
            f"/api/plugins/telemetry/DEVICE/{entity_id or self.id}/values/attributes/{scope}_SCOPE"
        )
        return {each["key"]: each["value"] for each in self._plant.rest.get(path)}


class Plant:
    """The platform."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.rest = server.login()

    def restart(self) -> None:
        """Kill the server and start it again."""
        self.server.kill()
        self.server.start()
        self.rest = self.server.login()

    def node(self, *attribute_names: str) -> tuple[str, str]:
        """Make an edge node with a profile of its own; returns its id and token."""
        name = f"node {next(_numbers)}"
        transport = {
            "type": "MQTT",
            "sparkplug": True,
            "sparkplugAttributesMetricNames": attribute_names,
        }
        profile = self.rest.post(
            "/api/deviceProfile",
            {
                "name": f"edge of {name}",
                "type": "DEFAULT",
                "transportType": "MQTT",
                "profileData": {
                    "configuration": {"type": "DEFAULT"},
                    "transportConfiguration": transport,
                },
            },
        )
        body = {"name": name, "deviceProfileId": profile["id"]}
        made = self.rest.post("/api/device", body, accessToken=name)
        return made["id"]["id"], name

    @contextmanager
    def edge(self, *attribute_names: str, port: int | None = None) -> Iterator[Edge]:
        node_id, token = self.node(*attribute_names)
        mqtt_port = port or self.server.mqtt_port
        program = Program("pysparkplug", "sparkplug_edge.py", mqtt_port, token)
        try:
            edge = Edge(self, node_id, program)
            assert edge.hears() == {"connected": True}
            yield edge
        finally:
            program.end()


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    for environment in ("pysparkplug", "mqtt-spb-wrapper"):
        python_of(environment)
    server = Server(tmp_path_factory.mktemp("plant") / "data")
    server.start()
    try:
        yield Plant(server)
    finally:
        server.stop()


def metric(name: str, kind: str, value: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, "value": value, **more}


EVERY_TYPE = {
    "INT8": (-128, 127),
    "INT16": (-32_768, 32_767),
    "INT32": (-(2**31), 2**31 - 1),
    "INT64": (-(2**63), 2**63 - 1),
    "UINT8": (255, 1),
    "UINT16": (65_535, 1),
    "UINT32": (2**32 - 1, 1),
    "UINT64": (2**63 - 1, 1),
    "FLOAT": (20.5, -0.25),
    "DOUBLE": (20.123456789, -1e-9),
    "BOOLEAN": (True, False),
    "STRING": ("Pump 21", "Grüße / 水"),
    "DATETIME": (THEN_MS, THEN_MS + 1),
    "TEXT": ("a\nb", ""),
    "UUID": ("00000000-0000-0000-0000-000000000007", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
    "BYTES": ([0, 127, 128, 255], []),
    "FILE": ([137, 80], [1]),
    "INT8_ARRAY": ([-1, 2], [3]),
    "UINT16_ARRAY": ([65_535, 0], []),
    "INT64_ARRAY": ([-1, 2**40], [3]),
    "FLOAT_ARRAY": ([0.5, -2.25], [1.0]),
    "DOUBLE_ARRAY": ([0.1, -2.5], [1.5]),
    "BOOLEAN_ARRAY": ([True] * 8 + [False, True], [False]),
    "STRING_ARRAY": (["a", "ü", ""], ["x"]),
    "DATETIME_ARRAY": ([THEN_MS, 0], [1_000]),
}
"""A value of a birth and one of data, of each type that the library has."""


def as_stored(kind: str, value: Any) -> Any:
    if kind in {"BYTES", "FILE"}:
        return [byte - 256 if byte > 127 else byte for byte in value]
    return value


def test_every_type_by_name_and_by_alias(plant: Plant) -> None:
    with plant.edge() as edge:
        edge.says("NBIRTH", metric("Node Control/Rebirth", "BOOLEAN", value=False))
        for number, device in enumerate(("D 1", "D 2")):
            born = [
                metric(f"m/{kind}", kind, values[0], alias=100 * number + at, ts=THEN_MS + at)
                for at, (kind, values) in enumerate(EVERY_TYPE.items())
            ]
            edge.says("DBIRTH", *born, device=device)
        first, second = (edge.device(name)["id"] for name in ("D 1", "D 2"))
        edge.is_stored(second, **{"DBIRTH seq": 2})
        birth = edge.stored(second)
        said = [
            {"type": kind, "value": values[1], "alias": at, "ts": THEN_MS + 1_000}
            for at, (kind, values) in enumerate(EVERY_TYPE.items())
        ]
        edge.says("DDATA", *said, device="D 1")
        edge.is_stored(first, **{"DDATA seq": 3})
        data, untouched = edge.stored(first), edge.latest(second)

    for at, (kind, (before, after)) in enumerate(EVERY_TYPE.items()):
        assert birth[f"m/{kind}"] == (THEN_MS + at, as_stored(kind, before)), kind
        assert data[f"m/{kind}"] == (THEN_MS + 1_000, as_stored(kind, after)), kind
        assert untouched[f"m/{kind}"] == as_stored(kind, before), kind
    assert "sparkplugConnectionState" in birth


def test_names_profiles_and_attributes(plant: Plant) -> None:
    with plant.edge("Properties/*", "serial") as edge:
        edge.says(
            "NBIRTH",
            metric("Properties/OS", "STRING", "Linux"),
            metric("load", "DOUBLE", 0.5),
        )
        edge.says("DBIRTH", metric("serial", "UINT32", 7), metric("t", "FLOAT", 1.5), device="D 3")
        device = edge.device("D 3")
        edge.is_stored(device["id"], t=1.5, sparkplugConnectionState="ONLINE")
        node = edge.is_stored(load=0.5, sparkplugConnectionState="ONLINE")
        made = plant.rest.get(f"/api/device/info/{device['id']}")
        within(SOON_S, lambda: edge.attributes("SHARED", device["id"]))
        shared = edge.attributes("SHARED"), edge.attributes("SHARED", device["id"])

    own = plant.rest.get(f"/api/device/info/{edge.id}")
    assert (made["label"], made["deviceProfileName"]) == (
        "D 3",
        f"{own['deviceProfileName']} device",
    )
    assert made["additionalInfo"]["lastConnectedGateway"] == edge.id
    assert (node["NBIRTH seq"], node["NBIRTH bdSeq"]) == (0, 0)
    assert shared == ({"Properties/OS": "Linux"}, {"serial": 7})


def test_history_and_null(plant: Plant) -> None:
    with plant.edge("mode") as edge:
        edge.says(
            "NBIRTH",
            metric("level", "INT32", 5, ts=THEN_MS + 2_000),
            metric("mode", "STRING", "auto"),
            metric("later", "DOUBLE", None),
            metric("end", "BOOLEAN", value=False),
        )
        edge.says(
            "NDATA",
            metric("level", "INT32", 3, ts=THEN_MS, historical=True),
            metric("level", "INT32", 4, ts=THEN_MS + 1_000, historical=True),
            metric("level", "INT32", None, ts=THEN_MS + 3_000),
            metric("mode", "STRING", "manual", ts=THEN_MS, historical=True),
        )
        edge.says("NDATA", metric("end", "BOOLEAN", value=True))
        seen = edge.is_stored(end=True)
        path = f"/api/v1/telemetry/DEVICE/{edge.id}/values/timeseries"
        period = {"startTs": THEN_MS, "endTs": THEN_MS + 10_000}
        history = plant.rest.get(path, keys="level,mode", **period)["data"]
        shared = edge.attributes("SHARED")

    assert seen["level"] == 5
    assert "later" not in seen
    assert [(point["ts"] - THEN_MS, point["value"]) for point in history["level"]] == [
        (2_000, 5), (1_000, 4), (0, 3)
    ]  # fmt: skip
    assert [point["value"] for point in history["mode"]] == ["manual"]
    assert shared == {"mode": "auto"}


def test_commands_and_shared_attributes(plant: Plant) -> None:
    with plant.edge() as edge:
        edge.says("NBIRTH", metric("Scan Rate", "INT64", 1_000, alias=1))
        edge.says(
            "DBIRTH",
            metric("target", "FLOAT", 20.5, alias=2),
            metric("text", "STRING", ""),
            metric("counts", "INT16_ARRAY", []),
            device="D 4",
        )
        device_id = edge.device("D 4")["id"]
        edge.is_stored(device_id, target=20.5)

        def call(entity_id: str, method: str, name: str, value: Any) -> tuple[Any, Any]:
            body = {"method": method, "params": {"metricName": name, "value": value}}
            answer = plant.rest.post(f"/api/rpc/twoway/{entity_id}", body)
            return answer, edge.hears() if "error" not in answer else None

        node = call(edge.id, "NCMD", "Scan Rate", -5)
        target = call(device_id, "DCMD", "target", 18)
        counts = call(device_id, "DCMD", "counts", [-1, 300])
        refused, _ = call(device_id, "DCMD", "unknown", 1)
        shared = f"/api/plugins/telemetry/DEVICE/{device_id}/attributes/SHARED_SCOPE"
        plant.rest.post(shared, {"text": "Grüße", "target": 19.5, "other": 1})
        written = edge.hears()

    assert node == (
        {"result": "Success: NCMD"},
        {"heard": "NCMD", "device": None, "metrics": [["Scan Rate", "INT64", -5]]},
    )
    assert target == (
        {"result": "Success: DCMD"},
        {"heard": "DCMD", "device": "D 4", "metrics": [["target", "FLOAT", 18.0]]},
    )
    assert counts[1]["metrics"] == [["counts", "INT16_ARRAY", [-1, 300]]]
    assert refused["result"] == "BAD_REQUEST_PARAMS"
    assert (written["heard"], written["device"]) == ("DCMD", "D 4")
    assert sorted(written["metrics"]) == [["target", "FLOAT", 19.5], ["text", "STRING", "Grüße"]]


REBIRTH = {
    "heard": "NCMD",
    "device": None,
    "metrics": [["Node Control/Rebirth", "BOOLEAN", True]],
}


def test_what_is_missing_is_asked_for_again(plant: Plant) -> None:
    with plant.edge() as edge:
        edge.says("NBIRTH", metric("n", "INT32", 1))
        edge.says("NDATA", metric("n", "INT32", 2), lost=1)
        asked = edge.hears()
        edge.says("NBIRTH", metric("n", "INT32", 3))
        for number in range(4, 264):  # over the end of the numbers
            edge.says("NDATA", metric("n", "INT32", number))
        seen = edge.is_stored(n=263)
        call = {"method": "NCMD", "params": {"metricName": "n", "value": 9}}
        plant.rest.post(f"/api/rpc/twoway/{edge.id}", call)
        after = edge.hears()

    assert asked == REBIRTH
    assert seen["NDATA seq"] == 260 % 256
    assert after["metrics"] == [["n", "INT32", 9]], "nothing was asked for before"


def test_a_cut_link_and_deaths(plant: Plant) -> None:
    with ExitStack() as stack:
        link = Link(plant.server.mqtt_port)
        stack.callback(link.stop)
        edge = stack.enter_context(plant.edge(port=link.port))

        def births() -> None:
            edge.says("NBIRTH", metric("n", "INT32", 1))
            for name in ("D 5", "D 6"):
                edge.says("DBIRTH", metric("t", "DOUBLE", 1.5), device=name)

        def are(state: str, *ids: str | None) -> bool:
            wanted = "sparkplugConnectionState"
            return all(edge.latest(each).get(wanted) == state for each in ids)

        def is_connected(entity_id: str | None) -> bool:
            seen = edge.attributes("SERVER", entity_id)
            return bool(seen["lastConnectTime"] > seen.get("lastDisconnectTime", 0))

        births()
        devices = [edge.device(name)["id"] for name in ("D 5", "D 6")]
        everybody = [None, *devices]
        within(SOON_S, lambda: are("ONLINE", *everybody))
        edge.says("DDEATH", device="D 5")
        within(SOON_S, lambda: are("OFFLINE", devices[0]) and not is_connected(devices[0]))
        one_died = are("ONLINE", None, devices[1]) and is_connected(devices[1])
        link.cut()
        within(SOON_S, lambda: are("OFFLINE", *everybody))
        within(SOON_S, lambda: not any(is_connected(each) for each in everybody))
        died = edge.latest()
        link.restore()
        assert edge.hears() == {"connected": True}
        births()
        within(SOON_S, lambda: are("ONLINE", *everybody))
        within(SOON_S, lambda: all(is_connected(each) for each in everybody))
        edge.leaves()
        within(SOON_S, lambda: are("OFFLINE", *everybody))

    assert one_died
    assert died["NDEATH bdSeq"] == 0


def test_a_killed_server_asks_for_births(plant: Plant) -> None:
    with ExitStack() as stack:
        link = Link(plant.server.mqtt_port)
        stack.callback(link.stop)
        edge = stack.enter_context(plant.edge(port=link.port))
        edge.says("NBIRTH", metric("n", "INT32", 1))
        edge.says("DBIRTH", metric("t", "DOUBLE", 1.5, alias=1, ts=THEN_MS), device="D 7")
        device_id = edge.device("D 7")["id"]
        edge.is_stored(device_id, t=1.5)

        def said(value: float, at_ms: int) -> dict[str, Any]:
            return {"type": "DOUBLE", "value": value, "alias": 1, "ts": THEN_MS + at_ms}

        plant.restart()
        assert edge.hears() == {"connected": True}
        edge.says("DDATA", said(2.5, 2), device="D 7")
        asked = edge.hears()
        edge.says("NBIRTH", metric("n", "INT32", 2))
        edge.says("DBIRTH", {"name": "t", **said(3.5, 3)}, device="D 7")
        edge.says("DDATA", said(4.5, 4), device="D 7")
        edge.is_stored(device_id, t=4.5)
        history = plant.rest.get(
            f"/api/v1/telemetry/DEVICE/{device_id}/values/timeseries",
            keys="t", startTs=0, endTs=2**53,
        )["data"]["t"]  # fmt: skip

    assert asked == REBIRTH
    assert [point["value"] for point in history] == [4.5, 3.5, 1.5], "nothing by a guess"


def test_an_edge_node_by_mqtt_spb_wrapper(plant: Plant) -> None:
    node_id, token = plant.node("ATTR/*")
    port = plant.server.mqtt_port
    program = Program("mqtt-spb-wrapper", "sparkplug_registers.py", port, token)
    edge = Edge(plant, node_id, program)
    try:
        assert program.line() == "READY"
        born = edge.is_stored(None, sparkplugConnectionState="ONLINE", **{"DATA/power": 1.5})
        shared = edge.attributes("SHARED")
        program.tell()
        edge.is_stored(count=-4)
        path = f"/api/v1/telemetry/DEVICE/{node_id}/values/timeseries"
        period = {"startTs": THEN_MS, "endTs": THEN_MS + 10_000}
        powers = plant.rest.get(path, keys="power", **period)["data"]["power"]
        assert json.loads(program.line()) == {"connected": True}
        program.tell()
        edge.is_stored(sparkplugConnectionState="OFFLINE")
    finally:
        program.end()

    assert {key: value for key, value in born.items() if key.startswith("DATA/")} == {
        "DATA/power": 1.5,
        "DATA/count": -3,
        "DATA/on": True,
        "DATA/note": "Größe",
        "DATA/raw": [0, 127, -1],
        "DATA/id": "00000000-0000-0000-0000-000000000007",
        "DATA/at": THEN_MS,
        "DATA/table": {
            "columns": ["phase", "volt"],
            "types": ["String", "Float"],
            "rows": [["a", 230.5], ["b", 231.0]],
        },
    }
    assert shared == {"ATTR/serial": "A-17"}
    assert [(point["ts"] - THEN_MS, point["value"]) for point in powers] == [(1_000, 2.5)]
