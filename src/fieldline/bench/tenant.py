"""The demo's tenant administrator, who prepares a benchmark over REST and counts what is stored."""

from typing import Any

import httpx

from fieldline.bench.meter import LOW_BATTERY

KEYS = "pulseCounter,leakage,batteryLevel"
ALARM = "Low battery"


class Tenant:
    """A logged-in client; close it."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=60)
        self.token = ""
        self.log_in()

    def log_in(self) -> None:
        """Get a token; it is valid for an hour."""
        body = {"username": "tenant@thingsboard.org", "password": "tenant"}
        self.token = self._post("/api/auth/login", body)["token"]
        self._client.headers["X-Authorization"] = f"Bearer {self.token}"

    def add_alarm_rule(self) -> None:
        """Have the default profile's devices raise an alarm while their battery is low."""
        profile = self._get("/api/deviceProfileInfo/default")
        rule = {
            "entityId": profile["id"],
            "name": ALARM,
            "configuration": {
                "type": "ALARM",
                "arguments": {
                    "battery": {"refEntityKey": {"key": "batteryLevel", "type": "TS_LATEST"}}
                },
                "createRules": {"MAJOR": _rule("LESS")},
                "clearRule": _rule("GREATER_OR_EQUAL"),
            },
        }
        self._post("/api/alarm/rule", rule)

    def create_devices(self, count: int, prefix: str, **fields: object) -> dict[str, str]:
        """Create devices ``prefix-0`` ..., each with its name as access token; token -> id."""
        created = {}
        for number in range(count):
            token = f"{prefix}-{number}"
            body = {"name": token, **fields}
            created[token] = self._post(f"/api/device?accessToken={token}", body)["id"]["id"]
        return created

    def device_ids(self) -> dict[str, str]:
        """Return the ids of all devices by name."""
        found: dict[str, str] = {}
        while True:
            query = {"pageSize": "1000", "page": str(len(found) // 1000)}
            page = self._get("/api/tenant/devices", query)
            found.update((device["name"], device["id"]["id"]) for device in page["data"])
            if not page["hasNext"]:
                return found

    def count_points(self, device_id: str, start_ms: int, end_ms: int, keys: str = KEYS) -> int:
        """Count the stored points of a device in ``[start_ms, end_ms)``, over all keys."""
        query = {
            "keys": keys,
            "startTs": str(start_ms),
            "endTs": str(end_ms),
            "agg": "COUNT",
            "interval": str(max(end_ms - start_ms, 1000)),
        }
        path = f"/api/plugins/telemetry/DEVICE/{device_id}/values/timeseries"
        found = self._get(path, query)
        return sum(int(point["value"]) for points in found.values() for point in points)

    def count_alarms(self) -> int:
        """Count the tenant's alarms, active or not."""
        return int(self._get("/api/alarms", {"pageSize": "1", "page": "0"})["totalElements"])

    def send(self, token: str, readings: list[dict[str, Any]]) -> None:
        """Send readings as a device does over HTTP."""
        self._client.post(f"/api/v1/{token}/telemetry", json=readings).raise_for_status()

    def get(self, path: str) -> bytes:
        """Return an answer's body."""
        return self._client.get(path).raise_for_status().content

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _get(self, path: str, query: dict[str, str] | None = None) -> Any:  # noqa: ANN401 - JSON
        return self._client.get(path, params=query).raise_for_status().json()

    def _post(self, path: str, body: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
        return self._client.post(path, json=body).raise_for_status().json()


def _rule(operation: str) -> dict[str, Any]:
    predicate = {
        "type": "NUMERIC",
        "operation": operation,
        "value": {"staticValue": LOW_BATTERY},
    }
    filter_ = {"argument": "battery", "valueType": "NUMERIC", "predicates": [predicate]}
    return {
        "condition": {
            "type": "SIMPLE",
            "expression": {"type": "SIMPLE", "filters": [filter_]},
        },
        "alarmDetails": "The battery is at ${battery} %",
    }
