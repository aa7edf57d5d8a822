"""Claiming from both sides: devices say that they may be had, users take them.

Attributes are read before and written after the transaction: the store of attributes may need the
database's only writer.
"""

import logging
from uuid import UUID

from fieldline.domains.claim import service
from fieldline.domains.claim.request import ClaimRequest
from fieldline.domains.claim.schemas import ClaimResponse
from fieldline.domains.claim.service import Claim
from fieldline.domains.device import service as device_service
from fieldline.domains.telemetry.service import Telemetry
from fieldline.kit.errors import Forbidden, Unavailable
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.kit.json import loads
from fieldline.kit.values import Value, to_json
from fieldline.rest.services import Services
from fieldline.security.caller import Caller, platform_of
from fieldline.timeseries.store import Scope

logger = logging.getLogger(__name__)

ALLOWED = "claimingAllowed"
DATA = "claimingData"
"""Server attributes: whether a device may be claimed, and by whom."""
LONGEST_MS = 86_400_000
"""How long a device may be claimed at the most, unless the settings say more: ThingsBoard's."""


class Claiming:
    """See the module's text."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._telemetry = Telemetry(services)

    # What devices want

    async def keep(self, tenant_id: UUID, device_id: UUID, request: ClaimRequest) -> None:
        """Keep a device's word that it may be claimed; it outlives the process.

        Raises:
            Forbidden: the device may not be claimed: it is a customer's, or not allowed.
            NotFound: there is no such device.
            Unavailable: the database is away.
        """
        limits = self._services.limits
        if not limits.allow_claiming:
            found = await self._attributes(device_id)
            if found.get(ALLOWED) is not True:
                msg = f"The device cannot be claimed: the server attribute {ALLOWED} is not true"
                raise Forbidden(msg)
        now_ms = self._services.clock.now_ms()
        longest_ms = max(limits.claim_duration_ms, LONGEST_MS)
        duration_ms = min(request.duration_ms or limits.claim_duration_ms, longest_ms)
        claim = self._claim(device_id, request.secret_key, now_ms + duration_ms)
        async with self._services.database.write() as session:
            await service.keep(session, tenant_id, device_id, claim, now_ms)

    # What users want

    async def claim(
        self, caller: Caller, name: str, secret_key: str
    ) -> tuple[device_service.Row, ClaimResponse]:
        """Give the device of a name to the caller's customer, if the key is right.

        Raises:
            NotFound: the tenant has no device of this name.
            Forbidden: the caller is nobody in particular.
            RateLimited: the user tried too often.
        """
        now_ms = self._services.clock.now_ms()
        self._services.claims.take(caller.user_id, now_ms)
        async with self._services.database.read() as session:
            device_id = (await service.find(session, caller, name)).id
        attributes = await self._attributes(device_id)
        of_tenant = self._of_tenant(device_id, attributes.get(DATA))
        given = service.secret_hash(self._services.vault, device_id, secret_key)
        async with self._services.database.write() as session:
            device, response = await service.claim(
                session, caller, device_id, given, of_tenant, now_ms=now_ms
            )
        if response is not ClaimResponse.FAILURE:
            self._services.claims.give_back(caller.user_id)
            await self._forget(device)
        return device, response

    async def give_back(self, caller: Caller, name: str) -> None:
        """Take the device of a name from its customer, so that it may be claimed again.

        Raises:
            NotFound: the tenant has no device of this name.
            Forbidden: it is another customer's than the caller's.
        """
        async with self._services.database.write() as session:
            device = await service.find(session, caller, name)
            was_had = await service.give_back(session, caller, device.id)
        if was_had and not self._services.limits.allow_claiming:
            await self._telemetry.save_attributes(
                platform_of(device.tenant_id), _ref(device), Scope.SERVER, {ALLOWED: True}
            )

    async def _attributes(self, device_id: UUID) -> dict[str, Value]:
        keys = (ALLOWED, DATA)
        found = await self._services.store.attributes(device_id, Scope.SERVER, keys)
        return {attribute.key: attribute.value for attribute in found}

    async def _forget(self, device: device_service.Row) -> None:
        """Delete the attributes that are about claiming a device, which is had now."""
        try:
            found = await self._attributes(device.id)
            if found:
                await self._telemetry.delete_attributes(
                    platform_of(device.tenant_id), _ref(device), Scope.SERVER, list(found)
                )
        except Unavailable as error:
            # The device is given away already: the user must not be told otherwise.
            logger.warning("device %s: its claiming attributes stay: %s", device.id, error.message)

    def _of_tenant(self, device_id: UUID, value: Value | None) -> Claim | None:
        """Read ``{"secretKey": "k", "expirationTime": ms}``; what is none opens nothing."""
        if not isinstance(value, str):
            return None
        data = to_json(value)
        if isinstance(data, str):
            try:
                data = loads(data)
            except ValueError:
                return None
        if not isinstance(data, dict):
            return None
        secret_key, expires_ms = data.get("secretKey") or "", data.get("expirationTime")
        if not isinstance(secret_key, str) or not isinstance(expires_ms, int):
            return None
        return self._claim(device_id, secret_key, expires_ms)

    def _claim(self, device_id: UUID, secret_key: str, expires_ms: int) -> Claim:
        return Claim(service.secret_hash(self._services.vault, device_id, secret_key), expires_ms)


def _ref(device: device_service.Row) -> EntityRef:
    return EntityRef(EntityType.DEVICE, device.id)
