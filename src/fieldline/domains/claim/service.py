"""The rules of claiming, each within one transaction that holds the device.

The device's own word stands in a table, not in a server attribute: its secret is hashed there, and
it goes in the transaction that gives the device away. A tenant may also set the server attribute
``claimingData``, which counts where there is no word of the device.
"""

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from fieldline.domains.claim.models import DeviceClaim
from fieldline.domains.claim.repository import ClaimRepository
from fieldline.domains.claim.schemas import ClaimResponse
from fieldline.domains.device import service as device_service
from fieldline.kit.errors import Forbidden, NotFound
from fieldline.kit.json import dumps_text
from fieldline.security.caller import Caller, platform_of
from fieldline.security.permissions import DENIED, Operation
from fieldline.security.secrets import Vault

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


@dataclass(frozen=True, slots=True)
class Claim:
    """Who may have a device: whoever knows a key, of which this is the hash, until a time."""

    secret_hash: bytes
    expires_ms: int


def secret_hash(vault: Vault, device_id: UUID, secret_key: str) -> bytes:
    """Return the keyed hash of a device's secret key; the same key differs per device."""
    return vault.lookup_hash(dumps_text(["claim", str(device_id), secret_key]))


async def keep(
    session: "AsyncSession", tenant_id: UUID, device_id: UUID, claim: Claim, now_ms: int
) -> None:
    """Keep a device's word; one that is there already stays until its time is over.

    Raises:
        Forbidden: the device belongs to a customer.
        NotFound: there is no such device.
    """
    device = await _locked(session, platform_of(tenant_id), device_id)
    if device.customer_id is not None:
        raise Forbidden("The device belongs to a customer; it cannot be claimed")
    repository = ClaimRepository(session)
    row = await repository.get(device_id)
    if row is not None:
        if row.expiration_time > now_ms:
            return
        await repository.delete(row)
    await repository.add(
        DeviceClaim(
            device_id=device_id,
            secret_hash=claim.secret_hash,
            expiration_time=claim.expires_ms,
        )
    )


async def find(session: "AsyncSession", caller: Caller, name: str) -> device_service.Row:
    """Return the device of a name, for any user of its tenant: this is how one learns of it.

    Raises:
        NotFound: the tenant has none.
    """
    assert caller.tenant_id is not None  # noqa: S101 - users of tenants and customers have one
    for device in await device_service.by_names(session, caller.tenant_id, [name]):
        return device
    raise NotFound("Requested item wasn't found!")


async def claim(
    session: "AsyncSession",
    caller: Caller,
    device_id: UUID,
    given_hash: bytes,
    of_tenant: Claim | None,
    *,
    now_ms: int,
) -> tuple[device_service.Row, ClaimResponse]:
    """Give a device to the caller's customer, if the key is right; a wrong one ends its word.

    Args:
        session: of the transaction.
        caller: a user of a customer.
        device_id: which.
        given_hash: :func:`secret_hash` of the key that the user knows.
        of_tenant: what the tenant says, for a device that said nothing.
        now_ms: the time.
    """
    device = await _locked(session, caller, device_id)
    repository = ClaimRepository(session)
    row = await repository.get(device_id)
    found = of_tenant if row is None else Claim(row.secret_hash, row.expiration_time)
    if row is not None:
        await repository.delete(row)
    if found is not None and not _opens(found, given_hash, now_ms):
        return device, ClaimResponse.FAILURE
    if device.customer_id is not None:
        return device, ClaimResponse.CLAIMED
    if found is None:
        return device, ClaimResponse.FAILURE
    device = await device_service.claim(session, caller, device_id, caller.customer_id)
    return device, ClaimResponse.SUCCESS


async def give_back(session: "AsyncSession", caller: Caller, device_id: UUID) -> bool:
    """Take a device from its customer; False when it has none.

    Raises:
        Forbidden: it is another customer's than the caller's.
    """
    device = await _locked(session, caller, device_id)
    if device.customer_id is None:
        return False
    if caller.is_customer_user and device.customer_id != caller.customer_id:
        raise Forbidden(DENIED)
    await device_service.claim(session, caller, device_id, None)
    return True


async def _locked(session: "AsyncSession", caller: Caller, device_id: UUID) -> device_service.Row:
    return await device_service.get_for(session, caller, device_id, Operation.CLAIM)


def _opens(claim: Claim, given_hash: bytes, now_ms: int) -> bool:
    return hmac.compare_digest(claim.secret_hash, given_hash) and now_ms < claim.expires_ms
