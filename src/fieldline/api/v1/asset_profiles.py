"""Asset profiles in the v1 dialect."""

from uuid import UUID

from fastapi import Response

from fieldline.api.v1.shapes import Profile, ProfileBody
from fieldline.domains.asset_profile import service
from fieldline.rest.callers import TenantAdmin
from fieldline.rest.dialects import v1_router
from fieldline.rest.paging import V1Page
from fieldline.rest.sessions import ReadSession, WriteSession
from fieldline.rest.wire import values_of

router = v1_router("asset profiles")


@router.post("/assetProfiles", status_code=201)
async def create_asset_profile(
    body: ProfileBody, caller: TenantAdmin, session: WriteSession
) -> Profile:
    """Create a profile."""
    return Profile.of(await service.create(session, caller, values_of(body, only_set=True)))


@router.get("/assetProfiles")
async def list_asset_profiles(
    page: V1Page, caller: TenantAdmin, session: ReadSession
) -> list[Profile]:
    """List profiles, the newest first."""
    found = await service.page(session, caller, page)
    return [Profile.of(item) for item in found.items]


@router.get("/assetProfiles/{profile_id}")
async def get_asset_profile(profile_id: UUID, caller: TenantAdmin, session: ReadSession) -> Profile:
    """Return one profile."""
    return Profile.of(await service.get(session, caller, profile_id))


@router.put("/assetProfiles/{profile_id}")
async def update_asset_profile(
    profile_id: UUID, body: ProfileBody, caller: TenantAdmin, session: WriteSession
) -> Profile:
    """Change the given fields; ``is_default: true`` makes it the default one."""
    fields = values_of(body, only_set=True)
    return Profile.of(await service.update(session, caller, profile_id, fields))


@router.delete("/assetProfiles/{profile_id}", status_code=204)
async def delete_asset_profile(
    profile_id: UUID, caller: TenantAdmin, session: WriteSession
) -> Response:
    """Delete a profile that is not the default one and that no asset uses."""
    await service.delete(session, caller, profile_id)
    return Response(status_code=204)
