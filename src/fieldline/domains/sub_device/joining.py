"""Gives a transport the records of a gateway's devices, many at once."""

import asyncio
from collections.abc import Mapping
from uuid import UUID

from fieldline.database.engine import Database
from fieldline.domains.device.directory import DeviceDirectory, DeviceRecord
from fieldline.domains.sub_device import service
from fieldline.domains.sub_device.service import Gateway
from fieldline.kit.errors import Conflict, FieldlineError, Invalid, NotFound, Unavailable
from fieldline.security.secrets import Vault

_AT_ONCE = 100
"""Devices of one transaction: some 0.3 s of SQLite's only writer when all of them are new."""
_READ_AT_ONCE = 1_000
"""Names of one query; databases take some 32,000."""

Joined = dict[str, DeviceRecord | FieldlineError]
"""A device of each name, or why there is none."""


class SubDevices:
    """See the module's text."""

    def __init__(self, database: Database, vault: Vault, directory: DeviceDirectory) -> None:
        self._database = database
        self._vault = vault
        self._directory = directory

    async def join(self, gateway: DeviceRecord, wanted: Mapping[str, str]) -> Joined:
        """Return a gateway's devices by name, made where they are not there.

        Args:
            gateway: through which they speak.
            wanted: name and type of each; the type is only of those that are made.

        Raises:
            Unavailable: the database is away.
        """
        behind = Gateway(gateway.id, gateway.tenant_id, gateway.customer_id)
        # PostgreSQL cannot even be asked for such a name.
        ids: dict[str, UUID | FieldlineError] = {
            name: Invalid("A device's name must not hold the character U+0000")
            for name in wanted
            if "\x00" in name
        }
        names = [name for name in wanted if name not in ids]
        for start in range(0, len(names), _READ_AT_ONCE):
            async with self._database.read() as session:
                some = names[start : start + _READ_AT_ONCE]
                ids.update(await service.joined(session, behind, some))
        rest = [(name, kind) for name, kind in wanted.items() if name not in ids]
        for start in range(0, len(rest), _AT_ONCE):
            ids.update(await self._join_some(behind, rest[start : start + _AT_ONCE]))
        return dict(await asyncio.gather(*(self._record(*each) for each in ids.items())))

    async def _join_some(
        self, gateway: Gateway, some: list[tuple[str, str]]
    ) -> dict[str, UUID | FieldlineError]:
        try:
            return await self._join_all(gateway, some)
        except Conflict as error:
            # Somebody else made one of them meanwhile; a second look finds it.
            if len(some) == 1:
                try:
                    return await self._join_all(gateway, some)
                except Conflict:
                    return {some[0][0]: error}
        found: dict[str, UUID | FieldlineError] = {}
        for each in some:
            found.update(await self._join_some(gateway, [each]))
        return found

    async def _join_all(
        self, gateway: Gateway, some: list[tuple[str, str]]
    ) -> dict[str, UUID | FieldlineError]:
        found: dict[str, UUID | FieldlineError] = {}
        async with self._database.write() as session:
            for name, kind in some:
                try:
                    found[name] = await service.join(
                        session, gateway, name, kind, vault=self._vault
                    )
                except (Unavailable, Conflict):
                    raise
                except FieldlineError as error:
                    found[name] = error
        return found

    async def _record(
        self, name: str, found: UUID | FieldlineError
    ) -> tuple[str, DeviceRecord | FieldlineError]:
        if isinstance(found, FieldlineError):
            return name, found
        record = await self._directory.by_id(found)
        return name, record or NotFound("The device was deleted meanwhile; connect it again")
