"""A device as the platform's users see it: what it said, and how to reach it."""

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from tests.e2e.server import Rest
from tests.vendor.waits import within

TELEMETRY = "v1/devices/me/telemetry"
ATTRIBUTES = "v1/devices/me/attributes"
ATTRIBUTES_REQUEST = "v1/devices/me/attributes/request/1"
ATTRIBUTES_RESPONSE = "v1/devices/me/attributes/response/+"
RPC_REQUESTS = "v1/devices/me/rpc/request/+"
RPC_RESPONSES = "v1/devices/me/rpc/response/+"
WAIT_S = 20.0
"""Far more than anything takes: other tests have the machine meanwhile."""


class Device:
    """One device of the demo's tenant; its access token is its MQTT user name."""

    def __init__(self, rest: Rest, token: str, device_id: str) -> None:
        self.token = token
        self.id = device_id
        self._rest = rest
        self._threads = ThreadPoolExecutor(1)

    @classmethod
    def make(cls, rest: Rest, number: int) -> "Device":
        token = f"CLIENT_{number}"
        return cls(rest, token, rest.create_device(f"Client {number}", token))

    def history(self, key: str) -> list[Any]:
        """Return every value of a key, the oldest first: what is not there twice came once."""
        found = self._rest.get(
            f"/api/plugins/telemetry/DEVICE/{self.id}/values/timeseries",
            keys=key, startTs=0, endTs=2**53, limit=1_000, orderBy="ASC", useStrictDataTypes="true",
        )  # fmt: skip
        return [point["value"] for point in found.get(key, [])]

    def attributes(self, scope: str = "CLIENT_SCOPE") -> dict[str, Any]:
        found = self._rest.get(f"/api/plugins/telemetry/DEVICE/{self.id}/values/attributes/{scope}")
        return {each["key"]: each["value"] for each in found}

    def comes(self, key: str, *values: Any) -> None:
        """Wait until a key has had these values, and no others."""
        within(WAIT_S, lambda: len(self.history(key)) >= len(values))
        assert self.history(key) == list(values)

    def share(self, **values: object) -> None:
        """Set shared attributes; the device is told when they are stored."""
        self._rest.post(f"/api/plugins/telemetry/DEVICE/{self.id}/SHARED_SCOPE", values)

    def command(self, method: str, params: object) -> Any:
        """Send a command and return what the device answers."""
        body = {"method": method, "params": params, "timeout": int(WAIT_S * 1000)}
        return self._rest.post(f"/api/rpc/twoway/{self.id}", body)

    def start_command(self, method: str, params: object) -> "Future[Any]":
        """Do as :meth:`command`, in the background."""
        return self._threads.submit(self.command, method, params)

    def leave_command(self, method: str, params: object) -> None:
        """Leave a command that waits for the device to ask for commands."""
        body = {"method": method, "params": params, "persistent": True}
        self._rest.post(f"/api/rpc/oneway/{self.id}", body)

    def open_commands(self) -> list[Any]:
        """Return the commands left that the device did not acknowledge."""
        found: list[Any] = []
        for status in ("QUEUED", "SENT"):
            page = self._rest.get(
                f"/api/rpc/persistent/device/{self.id}", pageSize=100, page=0, rpcStatus=status
            )
            found += page["data"]
        return found
