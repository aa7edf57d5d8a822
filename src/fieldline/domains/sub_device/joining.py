"""Gives a transport the records of devices by name, many at once, made where there are none."""

import asyncio
from collections.abc import Mapping
from uuid import UUID

from fieldline.database.engine import Database
from fieldline.domains.device.directory import DeviceDirectory, DeviceRecord
from fieldline.domains.sub_device import service
from fieldline.domains.sub_device.kind import SubDeviceKind
from fieldline.domains.sub_device.service import Joined, Origin
from fieldline.kit.errors import Conflict, FieldlineError, Invalid, NotFound, Unavailable
from fieldline.kit.locks import Locks
from fieldline.security.secrets import Vault

_AT_ONCE = 100
"""Devices of one transaction: some 0.3 s of SQLite's only writer when all of them are new."""
_READ_AT_ONCE = 1_000
"""Names of one query; databases take some 32,000."""

Records = dict[str, DeviceRecord | FieldlineError]
"""A device of each name, or why there is none."""
_Found = dict[str, Joined | FieldlineError]


class SubDevices:
    """See the module's text."""

    def __init__(self, database: Database, vault: Vault, directory: DeviceDirectory) -> None:
        self._database = database
        self._vault = vault
        self._directory = directory
        # Making devices counts the tenant's, one transaction after the other. All gateways that
        # come back at once would hold, only to wait, every connection of PostgreSQL's; and on
        # SQLite be before all readings that come meanwhile.
        self._turns = Locks()

    async def join(self, gateway: DeviceRecord, wanted: Mapping[str, SubDeviceKind]) -> Records:
        """Return a gateway's devices by name, made where they are not there.

        Args:
            gateway: through which they speak.
            wanted: name and kind of each; the kind is only of those that are made.

        Raises:
            Unavailable: the database is away.
        """
        origin = Origin(gateway.tenant_id, gateway.id, gateway.customer_id)
        return await self._records(await self._join(origin, wanted))

    async def find_or_make(self, tenant_id: UUID, wanted: Mapping[str, str]) -> tuple[Records, int]:
        """Return devices of a tenant by name, as :meth:`join`, and how many of them are new.

        Raises:
            Unavailable: the database is away.
        """
        kinds = {name: SubDeviceKind(device_type) for name, device_type in wanted.items()}
        found = await self._join(Origin(tenant_id), kinds)
        made = sum(isinstance(each, Joined) and each.is_new for each in found.values())
        return await self._records(found), made

    async def _join(self, origin: Origin, wanted: Mapping[str, SubDeviceKind]) -> _Found:
        # PostgreSQL cannot even be asked for such a name.
        found: _Found = {
            name: Invalid("A device's name must not hold the character U+0000")
            for name in wanted
            if "\x00" in name
        }
        names = [name for name in wanted if name not in found]
        for start in range(0, len(names), _READ_AT_ONCE):
            async with self._database.read() as session:
                some = names[start : start + _READ_AT_ONCE]
                found.update(await service.joined(session, origin, some))
        rest = [(name, kind) for name, kind in wanted.items() if name not in found]
        for start in range(0, len(rest), _AT_ONCE):
            found.update(await self._join_some(origin, rest[start : start + _AT_ONCE]))
        return found

    async def _records(self, found: _Found) -> Records:
        return dict(await asyncio.gather(*(self._record(*each) for each in found.items())))

    async def _join_some(self, origin: Origin, some: list[tuple[str, SubDeviceKind]]) -> _Found:
        """Join devices together or, if one of them is refused, each by itself."""
        if len(some) > 1:
            try:
                return dict(await self._join_all(origin, some))
            except Unavailable:
                raise
            except FieldlineError:
                pass  # it is found again, and told, where it is on its own
        return {name: await self._join_one(origin, name, kind) for name, kind in some}

    async def _join_one(
        self, origin: Origin, name: str, kind: SubDeviceKind
    ) -> Joined | FieldlineError:
        try:
            try:
                joined = await self._join_all(origin, [(name, kind)])
            except Conflict:
                # Somebody else made it meanwhile; a second look finds it.
                joined = await self._join_all(origin, [(name, kind)])
        except Unavailable:
            raise
        except FieldlineError as error:
            return error
        return joined[name]

    async def _join_all(
        self, origin: Origin, some: list[tuple[str, SubDeviceKind]]
    ) -> dict[str, Joined]:
        """Join devices in one transaction: all of them, or none if one is refused."""
        async with self._turns.of(origin.tenant_id), self._database.write() as session:
            return {
                name: await service.join(session, origin, name, kind, vault=self._vault)
                for name, kind in some
            }

    async def _record(
        self, name: str, found: Joined | FieldlineError
    ) -> tuple[str, DeviceRecord | FieldlineError]:
        if isinstance(found, FieldlineError):
            return name, found
        record = await self._directory.by_id(found.id)
        return name, record or NotFound("The device was deleted meanwhile; connect it again")
