"""Which device is it: access token, MQTT user name and password, or certificate."""

import base64
import hashlib

from fieldline.domains.device.directory import DeviceRecord
from fieldline.ingest.parts import Devices
from fieldline.kit.errors import Unauthenticated, Unavailable

MQTT_TRANSPORTS = frozenset({"DEFAULT", "MQTT"})
"""Transport types of a device profile whose devices may use MQTT."""


class Authentication:
    """Finds the device that credentials belong to."""

    def __init__(self, devices: Devices) -> None:
        self._devices = devices

    async def by_token(self, token: str) -> DeviceRecord:
        """Return the device with this access token.

        Raises:
            Unauthenticated: no device has it.
        """
        return _known(await self._devices.by_access_token(token))

    async def by_mqtt(
        self,
        client_id: str,
        username: str | None,
        password: str | None,
        certificate_der: bytes | None,
    ) -> DeviceRecord:
        """Return the device of an MQTT CONNECT: by its certificate if it showed one.

        Raises:
            Unauthenticated: the credentials are not those of a device.
            Unavailable: the device's profile wants another transport than MQTT.
        """
        if certificate_der is not None:
            found = await self._devices.by_certificate(certificate_hash(certificate_der))
        else:
            found = await self._devices.by_mqtt_basic(client_id, username, password)
        device = _known(found)
        if device.transport_type not in MQTT_TRANSPORTS:
            msg = f"The device's profile is for {device.transport_type}, not for MQTT"
            raise Unavailable(msg)
        return device


def certificate_hash(der: bytes) -> str:
    """Return what X.509 credentials are found by: SHA3-256 of the base64 text without breaks."""
    return hashlib.sha3_256(base64.b64encode(der)).hexdigest()


def _known(device: DeviceRecord | None) -> DeviceRecord:
    if device is None or device.is_deleted:
        msg = "The credentials are not those of a device; check token, user name and password"
        raise Unauthenticated(msg)
    return device
