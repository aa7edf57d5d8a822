"""The fields of a package that people set, and what must hold for them."""

from collections.abc import Mapping
from typing import Any, TypedDict
from uuid import UUID

from fieldline.domains.ota_package.errors import InvalidOtaPackage
from fieldline.domains.ota_package.kinds import ChecksumAlgorithm, OtaType
from fieldline.domains.ota_package.models import MAX_CHECKSUM, OtaPackage
from fieldline.kit.storable import check_storable
from fieldline.kit.text import check_json, check_optional_text, check_text

FIXED = {
    "device_profile_id": "deviceProfileId",
    "type": "type",
    "title": "title",
    "version": "version",
    "tag": "tag",
    "url": "url",
}
"""What a package with content keeps: devices may have it already. Field -> its wire name."""


class OtaPackageFields(TypedDict, total=False):
    """Fields to set; what is left out stays as it is, or takes its default."""

    device_profile_id: UUID | None
    type: OtaType | None
    title: str | None
    version: str | None
    tag: str | None
    url: str | None
    uses_url: bool | None
    checksum_algorithm: ChecksumAlgorithm | None
    checksum: str | None
    data_size: int | None
    external_id: UUID | None
    additional_info: dict[str, Any] | None


def has_content(package: OtaPackage) -> bool:
    """Return whether devices can get the package."""
    return package.has_data or bool(package.url)


def set_new(package: OtaPackage, fields: OtaPackageFields) -> None:
    """Set the fields of a package that has no content yet.

    Raises:
        InvalidOtaPackage: a field is not what it must be.
    """
    kind = fields.get("type")
    if kind is None:
        raise InvalidOtaPackage("Type should be specified: FIRMWARE or SOFTWARE")
    check_text("OtaPackage title", fields.get("title"))
    check_text("OtaPackage version", fields.get("version"))
    check_optional_text("tag", fields.get("tag"))
    package.type = kind
    package.title = (fields.get("title") or "").strip()
    package.package_version = (fields.get("version") or "").strip()
    package.tag = fields.get("tag") or None
    _set_url(package, fields)
    set_others(package, fields)


def keep_fixed(package: OtaPackage, fields: OtaPackageFields) -> None:
    """Refuse another value for what a package with content keeps; what is left out stays.

    Raises:
        InvalidOtaPackage: a fixed field has another value.
    """
    given: Mapping[str, object] = fields
    for name, wire_name in FIXED.items():
        kept = package.package_version if name == "version" else getattr(package, name)
        if given.get(name) not in (None, kept):
            what = "a file" if package.has_data else "a URL"
            msg = f"Updating {wire_name} is prohibited: the package has {what}; make a new package"
            raise InvalidOtaPackage(msg)
    set_others(package, fields)


def set_others(package: OtaPackage, fields: OtaPackageFields) -> None:
    """Set what may be changed at any time."""
    if "external_id" in fields:
        package.external_id = fields["external_id"]
    if "additional_info" in fields:
        check_storable("additionalInfo", fields["additional_info"])
        check_json("additionalInfo", fields["additional_info"])
        package.additional_info = fields["additional_info"]
    parts = (package.title, package.package_version, package.tag, package.url, package.file_name)
    package.search_text = "\n".join(part for part in parts if part).lower()


def checked_checksum(text: str | None) -> str | None:
    """Return a checksum as it is kept: lower-case hex.

    Raises:
        InvalidOtaPackage: it is no hex.
    """
    text = (text or "").strip().lower()
    if not text:
        return None
    if len(text) > MAX_CHECKSUM or set(text) - set("0123456789abcdef"):
        msg = f"A checksum is hexadecimal, of {MAX_CHECKSUM} characters at the most"
        raise InvalidOtaPackage(msg)
    return text


def _set_url(package: OtaPackage, fields: OtaPackageFields) -> None:
    url, uses_url = (fields.get("url") or "").strip(), fields.get("uses_url")
    if uses_url and not url:
        raise InvalidOtaPackage("Ota package URL should be specified!")
    if not url or uses_url is False:
        package.url = None
        return
    check_text("url", url)
    package.url = url
    checksum = checked_checksum(fields.get("checksum"))
    algorithm = fields.get("checksum_algorithm")
    if checksum and algorithm is None:
        raise InvalidOtaPackage("A checksum needs its checksumAlgorithm")
    package.checksum = checksum
    package.checksum_algorithm = algorithm if checksum else None
    package.data_size = fields.get("data_size")
