"""Alarm rules decide about every reading exactly once, also when the server dies in between."""

from pathlib import Path

import pytest

from tests.e2e.mqtt_client import Client
from tests.e2e.server import Rest, Server

START_MS = 1_700_000_000_000
READINGS = 1200
WINDOW = 100
KILLS = (200, 600, 601)
"""After so many acknowledgements, with up to a window of readings on their way."""


def level(number: int) -> int:
    """Raise with every seventh reading, renew with the next, clear with the one after it."""
    return 2000 if number % 7 < 2 else 500


def add_rule(rest: Rest, device_id: str) -> None:
    def rule(operation: str) -> dict[str, object]:
        predicate = {"type": "NUMERIC", "operation": operation, "value": {"staticValue": 1000}}
        filter_ = {"argument": "v", "valueType": "NUMERIC", "predicates": [predicate]}
        expression = {"type": "SIMPLE", "filters": [filter_]}
        return {"condition": {"type": "SIMPLE", "expression": expression}}

    rest.post(
        "/api/alarm/rule",
        {
            "entityId": {"entityType": "DEVICE", "id": device_id},
            "name": "Too high",
            "configuration": {
                "type": "ALARM",
                "arguments": {"v": {"refEntityKey": {"key": "co2", "type": "TS_LATEST"}}},
                "createRules": {"MAJOR": rule("GREATER")},
                "clearRule": rule("LESS_OR_EQUAL"),
            },
        },
    )


def send(server: Server, token: str, first: int, until: int) -> int:
    """Publish from reading ``first``; returns the first that is not acknowledged at the end.

    The server is killed as soon as all before ``until`` are acknowledged, unless those are all.
    """
    client = Client(server.mqtt_port, token)
    sent = acknowledged = first
    while acknowledged < until:
        while sent < min(acknowledged + WINDOW, READINGS):
            body = f'{{"ts":{START_MS + sent},"values":{{"co2":{level(sent)}}}}}'
            client.publish("v1/devices/me/telemetry", body.encode(), sent + 1)
            sent += 1
        client.read_ack()
        acknowledged += 1
    if until < READINGS:
        server.kill()
    client.close()
    return acknowledged


def scan() -> list[tuple[int, int]]:
    """Return start and clear time of the alarms that there must be; 0 is not cleared."""
    found: list[tuple[int, int]] = []
    for number in range(READINGS):
        is_active = bool(found) and found[-1][1] == 0
        if level(number) > 1000 and not is_active:
            found.append((START_MS + number, 0))
        elif level(number) <= 1000 and is_active:
            found[-1] = (found[-1][0], START_MS + number)
    return found


@pytest.mark.e2e
@pytest.mark.long
def test_alarms_are_exact_across_kill_9_and_readings_sent_again(tmp_path: Path) -> None:
    server = Server(tmp_path / "data")
    server.start()
    try:
        rest = server.login()
        device_id = rest.create_device("climber", "CLIMBER")
        add_rule(rest, device_id)
        first = 0
        for until in (*KILLS, READINGS):
            first = send(server, "CLIMBER", first, until)
            if until < READINGS:
                server.start()

        page = server.login().get(
            f"/api/alarm/DEVICE/{device_id}",
            pageSize=1000, page=0, sortProperty="startTs", sortOrder="ASC",
        )  # fmt: skip
    finally:
        server.stop()

    assert [(alarm["startTs"], alarm["clearTs"]) for alarm in page["data"]] == scan()
