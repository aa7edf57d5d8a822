"""What devices and people read of an update, in ThingsBoard's names.

Source: ``provisioning_ota_claim.md`` sections 3.1 and 3.2.
"""

from fieldline.domains.ota_package import service as ota_package_service
from fieldline.domains.ota_package.kinds import OtaType
from fieldline.kit.values import Value

_SHARED = (
    "title", "version", "ts", "state", "size", "checksum", "checksum_algorithm", "url", "tag",
)  # fmt: skip


def queued(kind: OtaType, package: ota_package_service.Row, now_ms: int) -> dict[str, Value]:
    """Return the readings of a device whose update waits for its turn."""
    target = f"target_{kind.prefix}"
    values: dict[str, Value] = {
        f"{target}_title": package.title,
        f"{target}_version": package.package_version,
        f"{target}_ts": now_ms,
        f"{kind.prefix}_state": "QUEUED",
    }
    if package.tag:
        values[f"{target}_tag"] = package.tag
    return values


def initiated(kind: OtaType) -> dict[str, Value]:
    """Return the readings of a device that is told of its package."""
    return {f"{kind.prefix}_state": "INITIATED"}


def shared(
    kind: OtaType, package: ota_package_service.Row
) -> tuple[dict[str, Value], tuple[str, ...]]:
    """Return the shared attributes that tell of a package, and those that are deleted for it."""
    known: dict[str, Value | None] = {
        "title": package.title,
        "version": package.package_version,
        "tag": package.tag or None,
        "size": package.data_size,
        "checksum": package.checksum,
        "checksum_algorithm": package.checksum_algorithm,
        "url": None if package.has_data else package.url,
    }
    values = {f"{kind.prefix}_{k}": value for k, value in known.items() if value is not None}
    deleted = tuple(f"{kind.prefix}_{k}" for k, value in known.items() if value is None)
    return values, deleted


def all_keys(kind: OtaType) -> tuple[str, ...]:
    """Return every shared attribute that may tell of a package."""
    return tuple(f"{kind.prefix}_{key}" for key in _SHARED)
