"""Queries of packages and their data."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import (
    String,
    TableClause,
    column,
    delete,
    func,
    insert,
    literal,
    select,
    table,
    union_all,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import flag_modified

from fieldline.database.repository import Column, fetch_page
from fieldline.database.types import Guid
from fieldline.domains.ota_package.kinds import OtaType
from fieldline.domains.ota_package.lists import OtaPackageFilter
from fieldline.domains.ota_package.models import OtaContent, OtaPackage, OtaPiece
from fieldline.kit.paging import Page, PageRequest

MAX_USERS_NAMED = 5
"""Devices and profiles that an error names; there may be thousands."""


def _user(name: str, *more: str) -> TableClause:
    packages = [column(kind.column, Guid) for kind in OtaType]
    others = [column(each, Guid) for each in more]
    return table(
        name, column("id", Guid), column("tenant_id", Guid), column("name"), *packages, *others
    )


_DEVICE = _user("device", "device_profile_id")
_PROFILE = _user("device_profile")
_SORTABLE: dict[str, Column] = {
    "id": OtaPackage.id,
    "created_time": OtaPackage.created_time,
    "title": OtaPackage.title,
    "name": OtaPackage.title,
    "version": OtaPackage.package_version,
    "type": OtaPackage.type,
    "tag": OtaPackage.tag,
    "url": OtaPackage.url,
    "file_name": OtaPackage.file_name,
    "content_type": OtaPackage.content_type,
    "checksum": OtaPackage.checksum,
    "checksum_algorithm": OtaPackage.checksum_algorithm,
    "data_size": OtaPackage.data_size,
    "has_data": OtaPackage.has_data,
    "device_profile_id": OtaPackage.device_profile_id,
    "tenant_id": OtaPackage.tenant_id,
}


class OtaPackageRepository:
    """Packages of one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, package_id: UUID, *, lock: bool = False) -> OtaPackage | None:
        """Return a package; ``lock`` keeps others from changing it until the transaction ends."""
        return await self._session.get(OtaPackage, package_id, with_for_update=lock or None)

    async def get_shared(self, package_id: UUID) -> OtaPackage | None:
        """Return a package that nobody deletes until the transaction ends."""
        return await self._session.get(
            OtaPackage, package_id, with_for_update={"read": True}, populate_existing=True
        )

    async def by_title(self, tenant_id: UUID, title: str, version: str) -> OtaPackage | None:
        query = select(OtaPackage).where(
            OtaPackage.tenant_id == tenant_id,
            OtaPackage.title == title,
            OtaPackage.package_version == version,
        )
        return (await self._session.scalars(query)).one_or_none()

    async def by_ids(self, ids: Sequence[UUID]) -> Sequence[OtaPackage]:
        return (await self._session.scalars(select(OtaPackage).where(OtaPackage.id.in_(ids)))).all()

    async def page(
        self, tenant_id: UUID, request: PageRequest, wanted: OtaPackageFilter
    ) -> Page[OtaPackage]:
        query = select(OtaPackage).where(OtaPackage.tenant_id == tenant_id)
        if wanted.device_profile_id is not None:
            query = query.where(OtaPackage.device_profile_id == wanted.device_profile_id)
        if wanted.type is not None:
            query = query.where(OtaPackage.type == wanted.type)
        if wanted.has_content:
            query = query.where(OtaPackage.has_data.is_(True) | OtaPackage.url.is_not(None))
        return await fetch_page(
            self._session,
            query,
            request,
            sortable=_SORTABLE,
            tie_breaker=OtaPackage.id,
            searched=[OtaPackage.search_text],
        )

    async def has_profile(self, tenant_id: UUID, profile_id: UUID) -> bool:
        query = select(_PROFILE.c.id).where(
            _PROFILE.c.id == profile_id, _PROFILE.c.tenant_id == tenant_id
        )
        return await self._session.scalar(query) is not None

    async def assigned_to(self, device_id: UUID, kind: OtaType) -> OtaPackage | None:
        """Return the package of a device: its own, else its profile's."""
        package_id = (
            select(func.coalesce(_DEVICE.c[kind.column], _PROFILE.c[kind.column]))
            .join_from(_DEVICE, _PROFILE, _PROFILE.c.id == _DEVICE.c.device_profile_id)
            .where(_DEVICE.c.id == device_id)
            .scalar_subquery()
        )
        query = select(OtaPackage).where(OtaPackage.id == package_id)
        return (await self._session.scalars(query)).one_or_none()

    async def users_of(self, package: OtaPackage) -> list[tuple[str, str]]:
        """Return (kind, name) of devices and profiles that have a package, a few of them."""
        name = OtaType(package.type).column
        queries = [
            select(literal(kind, String).label("kind"), user.c.name)
            .where(user.c.tenant_id == package.tenant_id, user.c[name] == package.id)
            .limit(MAX_USERS_NAMED)
            .subquery()
            for kind, user in (("device", _DEVICE), ("device profile", _PROFILE))
        ]
        found = union_all(*(select(query) for query in queries)).limit(MAX_USERS_NAMED)
        return sorted((row.kind, row.name) for row in await self._session.execute(found))

    async def used_bytes(self, tenant_id: UUID) -> int:
        """Return the size of all files of a tenant."""
        query = select(func.coalesce(func.sum(OtaPackage.data_size), 0)).where(
            OtaPackage.tenant_id == tenant_id, OtaPackage.has_data.is_(True)
        )
        return int(await self._session.scalar(query) or 0)

    async def add(self, package: OtaPackage) -> None:
        self._session.add(package)
        await self._session.flush()

    async def save(self, package: OtaPackage) -> None:
        flag_modified(package, "title")
        await self._session.flush()

    async def delete(self, package: OtaPackage) -> None:
        await self._session.delete(package)
        await self._session.flush()

    # Data

    async def add_content(self, package_id: UUID) -> UUID:
        """Begin a file; returns what its pieces are kept under."""
        content = OtaContent(package_id=package_id, is_whole=False)
        self._session.add(content)
        await self._session.flush()
        return content.id

    async def hold_content(self, content_id: UUID) -> bool:
        """Keep a file from being deleted until the transaction ends; False when it is gone."""
        query = select(OtaContent.id).where(OtaContent.id == content_id)
        query = query.with_for_update(read=True, key_share=True)
        return await self._session.scalar(query) is not None

    async def add_pieces(self, content_id: UUID, first: int, pieces: Sequence[bytes]) -> None:
        rows = [
            {"content_id": content_id, "number": number, "data": data}
            for number, data in enumerate(pieces, first)
        ]
        await self._session.execute(insert(OtaPiece), rows)

    async def finish_content(self, content_id: UUID) -> bool:
        """Have a file count; False when it is gone."""
        query = (
            update(OtaContent)
            .where(OtaContent.id == content_id)
            .values(is_whole=True)
            .returning(OtaContent.id)
        )
        return await self._session.scalar(query) is not None

    async def drop_content(self, content_id: UUID) -> None:
        await self._session.execute(delete(OtaContent).where(OtaContent.id == content_id))

    async def abandoned(self, before_ms: int) -> Sequence[UUID]:
        """Return the files that were begun before a time and never became whole."""
        query = select(OtaContent.id).where(
            OtaContent.is_whole.is_(False), OtaContent.created_time < before_ms
        )
        return (await self._session.scalars(query)).all()

    async def piece(self, package_id: UUID, number: int) -> bytes | None:
        query = (
            select(OtaPiece.data)
            .join_from(OtaContent, OtaPiece, OtaPiece.content_id == OtaContent.id)
            .where(
                OtaContent.package_id == package_id,
                OtaContent.is_whole.is_(True),
                OtaPiece.number == number,
            )
        )
        return await self._session.scalar(query)
