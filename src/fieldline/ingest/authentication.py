"""Which device is it: access token, MQTT user name and password, or certificate."""

import base64
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from fieldline.domains.device.directory import DeviceRecord
from fieldline.ingest.guard import Login, LoginGuard
from fieldline.ingest.onboarding import Onboarding
from fieldline.ingest.parts import Devices
from fieldline.kit.clock import Clock
from fieldline.kit.errors import Unauthenticated, Unavailable

MQTT_TRANSPORTS = frozenset({"DEFAULT", "MQTT"})
"""Transport types of a device profile whose devices may use MQTT."""


class MqttCredentials(NamedTuple):
    """What an MQTT client says, and shows, to be a device.

    ``chain``: its certificate (DER) and those that TLS verified it by, up to an authority.
    """

    client_id: str
    username: str | None
    password: str | None
    chain: Sequence[bytes] = ()


class Authentication:
    """Finds the device that credentials belong to."""

    def __init__(
        self, devices: Devices, guard: LoginGuard, onboarding: Onboarding, clock: Clock
    ) -> None:
        self._devices = devices
        self._onboarding = onboarding
        self._guard = guard
        self._now_ms = clock.now_ms

    async def by_token(self, token: str, address: str) -> DeviceRecord:
        """Return the device with this access token.

        Raises:
            Unauthenticated: no device has it.
            RateLimited: too many wrong ones came from the address.
        """
        login = Login(address, token, token)
        return await self._guarded(login, lambda: self._devices.by_access_token(token))

    async def by_mqtt(self, credentials: MqttCredentials, address: str) -> DeviceRecord:
        """Return the device of an MQTT CONNECT: by its certificate if it showed one.

        A certificate cannot be guessed; it does not matter then who else came from the address.

        Raises:
            Unauthenticated: the credentials are not those of a device.
            RateLimited: too many wrong ones came from the address, or for the user name.
            Unavailable: the device's profile wants another transport than MQTT.
        """
        client_id, username, password, chain = credentials
        if chain:
            device = await self._by_chain(chain)
        else:
            name = username or client_id
            login = Login(
                address, credentials, (name, password), name if password is not None else None
            )
            device = await self._guarded(
                login, lambda: self._devices.by_mqtt_basic(client_id, username, password)
            )
        if device.transport_type not in MQTT_TRANSPORTS:
            msg = f"The device's profile is for {device.transport_type}, not for MQTT"
            raise Unavailable(msg)
        return device

    async def _by_chain(self, chain: Sequence[bytes]) -> DeviceRecord:
        sha3 = certificate_hash(chain[0])
        found = await self._devices.by_certificate(sha3)
        if found is None and len(chain) > 1:
            # Also where it failed: another connection may have done it meanwhile.
            await self._onboarding.by_chain(chain)
            found = await self._devices.by_certificate(sha3)
        return _known(found)

    async def _guarded(
        self, login: Login, find: Callable[[], Awaitable[DeviceRecord | None]]
    ) -> DeviceRecord:
        self._guard.check(login, self._now_ms())
        try:
            device = _known(await find())
        except Unauthenticated:
            self._guard.note_wrong(login, self._now_ms())
            raise
        self._guard.note_right(login)
        return device


def certificate_hash(der: bytes) -> str:
    """Return what X.509 credentials are found by: SHA3-256 of the base64 text without breaks."""
    return hashlib.sha3_256(base64.b64encode(der)).hexdigest()


def _known(device: DeviceRecord | None) -> DeviceRecord:
    if device is None or device.is_deleted:
        msg = "The credentials are not those of a device; check token, user name and password"
        raise Unauthenticated(msg)
    return device
