"""The tables of packages and of their data."""

from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Integer, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from fieldline.database.base import Base, Entity, now_ms
from fieldline.kit.ids import new_id

MAX_CHECKSUM = 1020


class OtaPackage(Entity):
    """A package of one tenant, for the devices of one profile.

    It has either a URL, or a file, or neither yet. With either of them it can be assigned and
    changes no more. ``package_version`` is people's, ``version`` the row's. ``search_text`` is
    title, version, tag, URL and file name in lower case.
    """

    __tablename__ = "ota_package"
    __table_args__ = (
        UniqueConstraint("tenant_id", "title", "package_version"),
        UniqueConstraint("tenant_id", "external_id"),
        Index("ix_ota_package_profile_type", "device_profile_id", "type"),
        Index("ix_ota_package_tenant_created", "tenant_id", "created_time"),
        # Cut to 200 characters: an index entry of PostgreSQL may have 2,704 bytes.
        Index("ix_ota_package_search", "tenant_id", text("substr(search_text, 1, 200)")),
    )

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenant.id", ondelete="CASCADE"))
    device_profile_id: Mapped[UUID] = mapped_column(
        ForeignKey("device_profile.id", ondelete="CASCADE")
    )
    type: Mapped[str] = mapped_column(String(8))
    title: Mapped[str] = mapped_column(String(255))
    package_version: Mapped[str] = mapped_column(String(255))
    tag: Mapped[str | None] = mapped_column(String(255))
    url: Mapped[str | None] = mapped_column(String(255))
    has_data: Mapped[bool] = mapped_column(default=False)
    file_name: Mapped[str | None] = mapped_column(String(255))
    content_type: Mapped[str | None] = mapped_column(String(255))
    checksum_algorithm: Mapped[str | None] = mapped_column(String(16))
    checksum: Mapped[str | None] = mapped_column(String(MAX_CHECKSUM))
    data_size: Mapped[int | None]
    external_id: Mapped[UUID | None]
    additional_info: Mapped[dict[str, Any] | None]
    search_text: Mapped[str]


class OtaContent(Base):
    """A file of a package, or one that is being uploaded: only the whole one counts."""

    __tablename__ = "ota_content"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    package_id: Mapped[UUID] = mapped_column(
        ForeignKey("ota_package.id", ondelete="CASCADE"), index=True
    )
    created_time: Mapped[int] = mapped_column(default=now_ms)
    is_whole: Mapped[bool] = mapped_column(default=False)


class OtaPiece(Base):
    """A part of a file; all but the last have the same size (``content.PIECE_BYTES``)."""

    __tablename__ = "ota_piece"

    content_id: Mapped[UUID] = mapped_column(
        ForeignKey("ota_content.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    data: Mapped[bytes] = mapped_column(LargeBinary)
