"""Packages on ThingsBoard's wire."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, computed_field

from fieldline.domains.ota_package.kinds import ChecksumAlgorithm, OtaType
from fieldline.kit.ids import EntityType
from fieldline.rest.wire import TbModel, TenantIdField, WireId, values_of

OtaPackageId = Annotated[UUID, WireId(EntityType.OTA_PACKAGE)]
OptionalOtaPackageId = Annotated[UUID | None, WireId(EntityType.OTA_PACKAGE)]
_ProfileId = Annotated[UUID, WireId(EntityType.DEVICE_PROFILE)]
_OptionalProfileId = Annotated[UUID | None, WireId(EntityType.DEVICE_PROFILE)]


class OtaPackageSave(TbModel):
    """What is sent to create a package, or with an id to change it.

    ``usesUrl`` false drops a URL that is sent; absent, a URL counts when there is one. Name, type,
    size and checksum of a file come with the file; a checksum here is that of what the URL names.
    """

    id: OptionalOtaPackageId = None
    device_profile_id: _OptionalProfileId = None
    type: OtaType | None = None
    title: str | None = None
    version: str | None = None
    tag: str | None = None
    url: str | None = None
    uses_url: bool | None = None
    checksum_algorithm: ChecksumAlgorithm | None = None
    checksum: str | None = None
    data_size: int | None = Field(default=None, ge=0, lt=2**63)
    external_id: OptionalOtaPackageId = None
    additional_info: dict[str, Any] | None = None

    def fields(self) -> Any:  # noqa: ANN401 - as :func:`values_of`
        """Return the fields to set."""
        return values_of(self, "id")


class OtaPackageInfo(TbModel):
    """A package without its data."""

    id: OtaPackageId
    created_time: int
    tenant_id: TenantIdField
    device_profile_id: _ProfileId
    type: OtaType
    title: str
    version: str = Field(validation_alias="package_version")
    tag: str | None
    url: str | None
    has_data: bool
    file_name: str | None
    content_type: str | None
    checksum_algorithm: ChecksumAlgorithm | None
    checksum: str | None
    data_size: int | None
    external_id: OptionalOtaPackageId
    additional_info: dict[str, Any] | None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def name(self) -> str:
        return self.title


class OtaPackage(OtaPackageInfo):
    """A package with its data, as base64: null where it has none, or where that is large."""

    data: str | None = None
