"""Provisions devices for the transports: what stands behind ``ingest``'s door."""

import hmac
import logging
from uuid import UUID

from fieldline.domains.device import service as device_service
from fieldline.domains.device_credentials import service as credentials_service
from fieldline.domains.device_credentials.service import Credentials
from fieldline.domains.device_profile import service as profile_service
from fieldline.domains.device_profile.kinds import ProvisionType
from fieldline.domains.device_profile.service import Provisioning
from fieldline.domains.provision import service
from fieldline.domains.provision.request import ProvisionAnswer, ProvisionRequest, Status
from fieldline.domains.telemetry.service import Telemetry
from fieldline.kit.errors import FieldlineError, Unavailable
from fieldline.kit.ids import EntityRef, EntityType
from fieldline.rest.services import Services
from fieldline.security.caller import platform_of
from fieldline.timeseries.store import Scope

logger = logging.getLogger(__name__)

STATE = "provisionState"
"""The server attribute of devices that were provisioned."""
_PROVISIONED = "provisioned"
_BY_REQUEST = {
    ProvisionType.ALLOW_CREATE_NEW_DEVICES,
    ProvisionType.CHECK_PRE_PROVISIONED_DEVICES,
}


class Provisioner:
    """See the module's text."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._telemetry = Telemetry(services)
        self._under_way: set[UUID] = set()

    async def provision(self, request: ProvisionRequest) -> ProvisionAnswer:
        """Do what a request asks for; why it is refused is told to the log, not to the device.

        Raises:
            Unavailable: the database or the store is away.
        """
        profile = await self._profile(request)
        if profile is None:
            return ProvisionAnswer(Status.NOT_FOUND)
        try:
            if profile.type is ProvisionType.ALLOW_CREATE_NEW_DEVICES:
                credentials = await self._create(profile, request)
            else:
                credentials = await self._hand_out(profile, request)
        except Unavailable:
            raise
        except FieldlineError as error:
            logger.info("profile %s: no device provisioned: %s", profile.profile_id, error.message)
            credentials = None
        if credentials is None:
            return ProvisionAnswer(Status.FAILURE)
        return ProvisionAnswer(Status.SUCCESS, credentials)

    async def _profile(self, request: ProvisionRequest) -> Provisioning | None:
        """Return the profile of the request's key, if the secret is right and it lets devices."""
        async with self._services.database.read() as session:
            profile = await profile_service.provisioning_of(
                session, request.key, vault=self._services.vault
            )
        if profile is None or profile.type not in _BY_REQUEST or not profile.secret:
            return None
        is_right = hmac.compare_digest(profile.secret.encode(), request.secret.encode())
        return profile if is_right else None

    async def _create(self, profile: Provisioning, request: ProvisionRequest) -> Credentials | None:
        vault = self._services.vault
        async with self._services.database.write() as session:
            device, credentials = await service.create(session, profile, request, vault=vault)
        if credentials is not None:
            await self.mark(device)
        return credentials

    async def mark(self, device: device_service.Row) -> None:
        """Note of a device that is stored that it is provisioned.

        It is not refused because that fails: it would never get its credentials.
        """
        try:
            await self._mark(device)
        except Unavailable as error:
            logger.warning("device %s: %s is not stored: %s", device.id, STATE, error.message)

    async def _hand_out(
        self, profile: Provisioning, request: ProvisionRequest
    ) -> Credentials | None:
        async with self._services.database.read() as session:
            device = await service.expected(session, profile, request)
        if device is None or device.id in self._under_way:
            return None
        self._under_way.add(device.id)
        try:
            return await self._hand_out_once(device, request)
        finally:
            self._under_way.discard(device.id)

    async def _hand_out_once(
        self, device: device_service.Row, request: ProvisionRequest
    ) -> Credentials | None:
        store = self._services.store
        state = await store.attributes(device.id, Scope.SERVER, (STATE,))
        async with self._services.database.write() as session:
            if state:
                await service.note(
                    session, device, request.shown(), failure="It is provisioned already"
                )
                return None
            await service.note(session, device, request.shown())
            credentials = await credentials_service.get(
                session, device.id, vault=self._services.vault
            )
        # Last, so that a device whose request fails half-way may ask again.
        await self._mark(device)
        return credentials

    async def _mark(self, device: device_service.Row) -> None:
        await self._telemetry.save_attributes(
            platform_of(device.tenant_id),
            EntityRef(EntityType.DEVICE, device.id),
            Scope.SERVER,
            {STATE: _PROVISIONED},
        )
