"""The tables of rule chains and of their nodes."""

from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from fieldline.database.base import Entity, only_where


class RuleChain(Entity):
    """A rule chain of one tenant; at most one of each type is the root.

    ``connections`` is a list of ``[from node id, to node id, relation]`` and not a table: they are
    read and written only together with their chain, under its version.
    """

    __tablename__ = "rule_chain"
    __table_args__ = (
        Index("ix_rule_chain_tenant_created", "tenant_id", "created_time"),
        Index(
            "uq_rule_chain_root",
            "tenant_id",
            "type",
            unique=True,
            **only_where("root"),
        ),
        Index("uq_rule_chain_external_id", "tenant_id", "external_id", unique=True),
    )

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenant.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(255))
    type: Mapped[str] = mapped_column(String(16), default="CORE")
    root: Mapped[bool] = mapped_column(default=False)
    first_rule_node_id: Mapped[UUID | None]
    debug_mode: Mapped[bool] = mapped_column(default=False)
    configuration: Mapped[dict[str, Any] | None]
    additional_info: Mapped[dict[str, Any] | None]
    external_id: Mapped[UUID | None]
    connections: Mapped[list[Any]] = mapped_column(default=list)
    notes: Mapped[list[Any]] = mapped_column(default=list)


class RuleNode(Entity):
    """A node of a chain; ``type`` is the wire's id of its kind."""

    __tablename__ = "rule_node"

    rule_chain_id: Mapped[UUID] = mapped_column(
        ForeignKey("rule_chain.id", ondelete="CASCADE"), index=True
    )
    type: Mapped[str] = mapped_column(String(255))
    name: Mapped[str] = mapped_column(String(255))
    configuration: Mapped[dict[str, Any]]
    configuration_version: Mapped[int] = mapped_column(Integer, default=0)
    debug_settings: Mapped[dict[str, Any] | None]
    singleton_mode: Mapped[bool] = mapped_column(default=False)
    queue_name: Mapped[str | None] = mapped_column(String(255))
    external_id: Mapped[UUID | None]
    additional_info: Mapped[dict[str, Any] | None]
