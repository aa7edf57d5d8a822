"""Loads what the demo needs through the REST API: a device profile with its alarm rule, devices."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from fieldline.kit.errors import FieldlineError, Unavailable

PROFILE = "Office room"
ALARM = "High CO2"
CO2_LIMIT_PPM = 1000.0
"""Above it the air of an office is stale (Pettenkofer's number)."""


@dataclass(frozen=True, slots=True)
class DemoDevice:
    """A device of the demo and what it proves its identity with."""

    id: UUID
    name: str
    access_token: str


class DemoTenant:
    """The demo's tenant, as its administrator sees it over REST."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def log_in(self, email: str, password: str) -> None:
        """Log in.

        Raises:
            Unavailable: nothing answers, or the login is refused.
        """
        body = {"username": email, "password": password}
        token = (await self._call("POST", "/api/auth/login", body))["token"]
        self._client.headers["X-Authorization"] = f"Bearer {token}"

    async def device(self, name: str) -> DemoDevice:
        """Return the device of this name; the first call creates it."""
        profile_id = await self._profile_id()
        found = await self._find("/api/tenant/devices", name)
        if found is None:
            body = {"name": name, "deviceProfileId": profile_id, "label": "Recorded readings"}
            found = await self._call("POST", "/api/device", body)
        device_id = found["id"]["id"]
        credentials = await self._call("GET", f"/api/device/{device_id}/credentials")
        return DemoDevice(UUID(device_id), name, credentials["credentialsId"])

    async def stored_points(self, device: DemoDevice, start_ms: int, end_ms: int) -> int:
        """Count the points of a device in ``[start_ms, end_ms)``, over all its keys."""
        path = f"/api/plugins/telemetry/DEVICE/{device.id}"
        keys = await self._call("GET", f"{path}/keys/timeseries")
        if not keys:
            return 0
        query = {"keys": ",".join(keys), "startTs": start_ms, "endTs": end_ms, "agg": "COUNT"}
        query["interval"] = max(end_ms - start_ms, 1000)
        counts = await self._call("GET", f"{path}/values/timeseries", params=query)
        return sum(int(point["value"]) for points in counts.values() for point in points)

    async def alarms(self, device: DemoDevice) -> int:
        """Count the alarms of a device."""
        query = {"pageSize": 1, "page": 0}
        page = await self._call("GET", f"/api/alarm/DEVICE/{device.id}", params=query)
        return int(page["totalElements"])

    async def _profile_id(self) -> dict[str, Any]:
        found = await self._find("/api/deviceProfiles", PROFILE)
        if found is None:
            body = {
                "name": PROFILE,
                "description": "A room with a sensor for temperature, humidity, light and CO2",
            }
            found = await self._call("POST", "/api/deviceProfile", body)
        profile_id: dict[str, Any] = found["id"]
        rules = await self._find(f"/api/alarm/rules/DEVICE_PROFILE/{profile_id['id']}", ALARM)
        if rules is None:
            await self._call("POST", "/api/alarm/rule", _alarm_rule(profile_id["id"]))
        return profile_id

    async def _find(self, path: str, name: str) -> dict[str, Any] | None:
        query = {"pageSize": 100, "page": 0, "textSearch": name}
        page = await self._call("GET", path, params=query)
        return next((item for item in page["data"] if item["name"] == name), None)

    async def _call(
        self,
        method: str,
        path: str,
        body: object = None,
        params: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - JSON
        try:
            answer = await self._client.request(method, path, json=body, params=params)
        except httpx.HTTPError as error:
            msg = f"{self._client.base_url} does not answer ({error!r}); is the server running?"
            raise Unavailable(msg) from error
        if answer.is_error:
            msg = f"{method} {path} was answered {answer.status_code}: {answer.text[:300]}"
            raise FieldlineError(msg)
        return answer.json() if answer.content else None


def _alarm_rule(profile_id: str) -> dict[str, Any]:
    """Raise a MAJOR alarm while CO2 is above the limit; clear it when it is not any more."""
    return {
        "entityId": {"entityType": "DEVICE_PROFILE", "id": profile_id},
        "name": ALARM,
        "configuration": {
            "type": "ALARM",
            "arguments": {"co2": {"refEntityKey": {"key": "CO2", "type": "TS_LATEST"}}},
            "createRules": {"MAJOR": _rule("GREATER", "CO2 is ${co2} ppm")},
            "clearRule": _rule("LESS_OR_EQUAL", "CO2 fell to ${co2} ppm"),
        },
    }


def _rule(operation: str, details: str) -> dict[str, Any]:
    predicate = {
        "type": "NUMERIC",
        "operation": operation,
        "value": {"staticValue": CO2_LIMIT_PPM},
    }
    condition = {
        "type": "SIMPLE",
        "expression": {
            "type": "SIMPLE",
            "filters": [{"argument": "co2", "valueType": "NUMERIC", "predicates": [predicate]}],
        },
    }
    return {"condition": condition, "alarmDetails": details}
