"""OTA packages in ThingsBoard's dialect."""

from base64 import b64encode
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request
from starlette.datastructures import UploadFile
from starlette.responses import StreamingResponse

from fieldline.domains.ota_package import service, uploads
from fieldline.domains.ota_package.content import Contents, Slice
from fieldline.domains.ota_package.errors import InvalidOtaPackage
from fieldline.domains.ota_package.kinds import ChecksumAlgorithm, OtaType
from fieldline.domains.ota_package.lists import OtaPackageFilter
from fieldline.domains.ota_package.schemas import OtaPackage, OtaPackageInfo, OtaPackageSave
from fieldline.domains.ota_package.uploads import Expected
from fieldline.kit.errors import NotFound
from fieldline.kit.file_names import download_headers
from fieldline.rest.callers import TenantAdmin, TenantOrCustomer
from fieldline.rest.dialects import tb_router
from fieldline.rest.paging import PageData, TbPage
from fieldline.rest.services import ServicesDep
from fieldline.rest.sessions import ReadSession, WriteSession
from fieldline.rest.timely import timely

router = tb_router("OTA package")
MAX_INLINE_BYTES = 1024 * 1024
"""Data that an answer holds as base64; what is larger is downloaded."""
_FORM = "multipart/form-data"
_FILE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            _FORM: {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}},
                }
            }
        },
    }
}
_BYTES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.get("/otaPackage/{package_id}/download", responses=_BYTES, response_class=StreamingResponse)
async def download_ota_package(
    package_id: UUID, caller: TenantAdmin, services: ServicesDep
) -> StreamingResponse:
    """Download the file of a package."""
    async with services.database.read() as session:
        package = await service.get(session, caller, package_id)
    if not package.has_data:
        msg = f"OTA package '{package.title}' has no file"
        raise NotFound(msg)
    whole = Slice(package.id, 0, package.data_size or 0)
    return StreamingResponse(
        Contents(services.database, cached=1).parts(whole),
        media_type=package.content_type,
        headers=download_headers(package.file_name or "") | {"Content-Length": str(whole.size)},
    )


@router.get("/otaPackage/info/{package_id}")
async def get_ota_package_info(
    package_id: UUID, caller: TenantOrCustomer, session: ReadSession
) -> OtaPackageInfo:
    """Return one package without its data."""
    return OtaPackageInfo.model_validate(await service.get(session, caller, package_id))


@router.get("/otaPackage/{package_id}")
async def get_ota_package(
    package_id: UUID, caller: TenantAdmin, services: ServicesDep
) -> OtaPackage:
    """Return one package; a file up to a mebibyte is in ``data``, as base64."""
    async with services.database.read() as session:
        package = await service.get(session, caller, package_id)
    shown = OtaPackage.model_validate(package)
    if package.has_data and (package.data_size or 0) <= MAX_INLINE_BYTES:
        whole = Slice(package.id, 0, package.data_size or 0)
        shown.data = b64encode(await Contents(services.database, cached=1).read(whole)).decode()
    return shown


@router.post("/otaPackage")
async def save_ota_package_info(
    body: OtaPackageSave, caller: TenantAdmin, session: WriteSession
) -> OtaPackageInfo:
    """Create a package or, with an id, change it; its file is uploaded afterwards."""
    if body.id is None:
        saved = await service.create(session, caller, body.fields())
    else:
        saved = await service.update(session, caller, body.id, body.fields())
    return OtaPackageInfo.model_validate(saved)


@router.post("/otaPackage/{package_id}", openapi_extra=_FILE)
async def upload_ota_package_data(
    package_id: UUID,
    request: Request,
    caller: TenantAdmin,
    services: ServicesDep,
    algorithm: Annotated[
        ChecksumAlgorithm, Query(alias="checksumAlgorithm")
    ] = ChecksumAlgorithm.SHA256,
    checksum: Annotated[
        str | None, Query(description="What the file's checksum is to be, as hex.")
    ] = None,
) -> OtaPackageInfo:
    """Give a package its file, in the part `file` of a form."""
    async with uploads.turn(services, caller, package_id):
        content_type = request.headers.get("content-type", "")
        if content_type.split(";", 1)[0].strip().lower() != _FORM:
            msg = f"The file is sent as {_FORM}, in a part named 'file'"
            raise InvalidOtaPackage(msg)
        async with timely(request).form(max_files=1, max_fields=10) as form:
            file = form.get("file")
            if not isinstance(file, UploadFile):
                raise InvalidOtaPackage("Required part 'file' is not present.")
            expected = Expected(algorithm, checksum)
            saved = await uploads.store(services, caller, package_id, file, expected)
    return OtaPackageInfo.model_validate(saved)


@router.get("/otaPackages")
async def list_ota_packages(
    page: TbPage, caller: TenantOrCustomer, session: ReadSession
) -> PageData[OtaPackageInfo]:
    """List the tenant's packages."""
    found = await service.page(session, caller, page, OtaPackageFilter())
    return PageData.of(found.map(OtaPackageInfo.model_validate), page)


@router.get("/otaPackages/{profile_id}/{kind}")
async def list_ota_packages_of_profile(
    profile_id: UUID, kind: OtaType, page: TbPage, caller: TenantOrCustomer, session: ReadSession
) -> PageData[OtaPackageInfo]:
    """List a device profile's packages of one type that can be assigned."""
    wanted = OtaPackageFilter(profile_id, kind, has_content=True)
    found = await service.page(session, caller, page, wanted)
    return PageData.of(found.map(OtaPackageInfo.model_validate), page)


@router.delete("/otaPackage/{package_id}")
async def delete_ota_package(package_id: UUID, caller: TenantAdmin, session: WriteSession) -> None:
    """Delete a package that nothing is assigned to."""
    await service.delete(session, caller, package_id)
