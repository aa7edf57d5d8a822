"""Devices that make themselves known by a certificate that the authority of their profile signed.

TLS has verified the chain when it comes here: signatures, dates, and that each authority may sign.
Source: ``provisioning_ota_claim.md`` section 1.5.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from fieldline.domains.device_profile import service as profile_service
from fieldline.domains.device_profile.authority import PATTERN, authority_key
from fieldline.domains.device_profile.kinds import ProvisionType
from fieldline.domains.device_profile.service import Provisioning
from fieldline.domains.provision import service
from fieldline.domains.provision.provisioner import Provisioner
from fieldline.kit.errors import FieldlineError, Invalid, Unavailable
from fieldline.kit.ids import EntityType
from fieldline.kit.tame_pattern import MAX_TEXT, tame_pattern
from fieldline.messaging.events import Change, EntityChanged
from fieldline.rest.services import Services

logger = logging.getLogger(__name__)

RETRY_S = 1.0
MAX_CHAIN = 10
"""Authorities above a device that are looked at; OpenSSL takes no longer chains by default."""


class Chains:
    """See the module's text; knows the authorities of all profiles.

    Args:
        services: the database, and the bus that tells of changed profiles.
        provisioner: notes that a device is provisioned.

    Attributes:
        authorities: the certificates (DER) that TLS is to trust, the oldest profile's first.
    """

    def __init__(self, services: Services, provisioner: Provisioner) -> None:
        self.authorities: tuple[bytes, ...] = ()
        self._services = services
        self._provisioner = provisioner
        self._listeners: list[Callable[[], None]] = []
        self._is_stale = False
        self._task: asyncio.Task[None] | None = None
        services.bus.listen(EntityChanged, self._on_entity)

    async def start(self) -> None:
        """Read the authorities.

        Raises:
            Unavailable: the database is away.
        """
        await self._read()

    async def stop(self) -> None:
        """Follow changes no more."""
        self._listeners.clear()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def when_changed(self, callback: Callable[[], None]) -> None:
        """Call back whenever the authorities have become others."""
        self._listeners.append(callback)

    async def provision(self, chain: Sequence[bytes]) -> bool:
        """Make a verified chain's first certificate that of the device which it names.

        Returns:
            Whether a device has it now; why not is told to the log, not to the client.

        Raises:
            Unavailable: the database is away.
        """
        try:
            profile = await self._profile_of(chain[1:])
            if profile is None:
                return False
            leaf = x509.load_der_x509_certificate(chain[0])
            name = _device_name(leaf, str(profile.configuration.get(PATTERN)))
            pem = leaf.public_bytes(Encoding.PEM).decode()
            vault = self._services.vault
            async with self._services.database.write() as session:
                device = await service.by_certificate(session, profile, name, pem, vault=vault)
        except Unavailable:
            raise
        except (FieldlineError, ValueError) as error:
            logger.info("no device is provisioned by a certificate: %s", error)
            return False
        if device is None:
            logger.info(
                "profile %s: no device '%s' is provisioned by a certificate: it is of another "
                "profile, or new ones are not allowed",
                profile.profile_id,
                name,
            )
            return False
        await self._provisioner.mark(device)
        return True

    async def _profile_of(self, signers: Sequence[bytes]) -> Provisioning | None:
        """Return the profile of the authority nearest to the device."""
        async with self._services.database.read() as session:
            for der in signers[:MAX_CHAIN]:
                profile = await profile_service.provisioning_of(
                    session, authority_key(der), vault=self._services.vault
                )
                if profile is not None and profile.type is ProvisionType.X509_CERTIFICATE_CHAIN:
                    return profile
        return None

    def _on_entity(self, event: EntityChanged) -> None:
        is_tenant = event.entity.type is EntityType.TENANT and event.change is Change.DELETED
        if not is_tenant and event.entity.type is not EntityType.DEVICE_PROFILE:
            return
        self._is_stale = True
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._refresh())

    async def _refresh(self) -> None:
        """Read again what has changed, however long the database is away."""
        while self._is_stale:
            self._is_stale = False
            try:
                await self._read()
            except Exception as error:  # noqa: BLE001 - its outermost loop: it must go on
                logger.warning("authorities of devices could not be read again: %s", error)
                self._is_stale = True
                await asyncio.sleep(RETRY_S)

    async def _read(self) -> None:
        async with self._services.database.read() as session:
            found = await profile_service.authorities(session, vault=self._services.vault)
        authorities = tuple(authority.der for authority in found)
        if authorities != self.authorities:
            self.authorities = authorities
            for listener in self._listeners:
                listener()


def _device_name(leaf: x509.Certificate, pattern: str) -> str:
    """Return the name that a certificate's common name stands for.

    Raises:
        Invalid: it has none, or none that the pattern fits.
    """
    names = leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    common_name = names[0].value if len(names) == 1 else None
    if not isinstance(common_name, str) or not 0 < len(common_name) <= MAX_TEXT:
        msg = f"a certificate must have one common name (CN) of {MAX_TEXT} characters at the most"
        raise Invalid(msg)
    match = tame_pattern(pattern).search(common_name)
    if match is None or not match[1]:
        raise Invalid("the certificate's common name does not fit the profile's pattern")
    return match[1]
