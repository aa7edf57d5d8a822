"""Entity views; gateways and the devices that speak through them, as columns of their own."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from alembic import op

from fieldline.database import types

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

DEVICE = sa.table(
    "device",
    sa.column("id", types.Guid()),
    sa.column("additional_info", types.Json()),
    sa.column("is_gateway", sa.Boolean()),
    sa.column("gateway_id", types.Guid()),
)
BATCH = 1_000
"""Devices read at once."""


def upgrade() -> None:
    op.create_table(
        "entity_view",
        sa.Column("tenant_id", types.Guid(length=16), nullable=False),
        sa.Column("customer_id", types.Guid(length=16), nullable=True),
        sa.Column("entity_type", sa.String(length=32), nullable=False),
        sa.Column("entity_id", types.Guid(length=16), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("type", sa.String(length=255), nullable=False),
        sa.Column("keys", types.Json(), nullable=False),
        sa.Column("start_ts", sa.BigInteger(), nullable=False),
        sa.Column("end_ts", sa.BigInteger(), nullable=False),
        sa.Column("external_id", types.Guid(length=16), nullable=True),
        sa.Column("additional_info", types.Json(), nullable=True),
        sa.Column("search_text", sa.String(), nullable=False),
        sa.Column("id", types.Guid(length=16), nullable=False),
        sa.Column("created_time", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customer.id"],
            name=op.f("fk_entity_view_customer_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_entity_view_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entity_view")),
        sa.UniqueConstraint(
            "tenant_id", "external_id", name=op.f("uq_entity_view_tenant_id_external_id")
        ),
        sa.UniqueConstraint("tenant_id", "name", name=op.f("uq_entity_view_tenant_id_name")),
    )
    with op.batch_alter_table("entity_view", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_entity_view_created_time"), ["created_time"], unique=False
        )
        batch_op.create_index(
            "ix_entity_view_customer_created", ["customer_id", "created_time"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_entity_view_entity_id"), ["entity_id"], unique=False)
        batch_op.create_index(
            "ix_entity_view_tenant_created", ["tenant_id", "created_time"], unique=False
        )
        batch_op.create_index("ix_entity_view_tenant_type", ["tenant_id", "type"], unique=False)
        batch_op.create_index(
            "ix_entity_view_search",
            ["tenant_id", sa.text("substr(search_text, 1, 200)")],
            unique=False,
        )
    # Not in a batch: SQLite would copy the table, and lose its expression index.
    op.add_column(
        "device", sa.Column("is_gateway", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    op.add_column("device", sa.Column("gateway_id", types.Guid(length=16), nullable=True))
    _fill_from_additional_info(op.get_bind())
    op.create_index("ix_device_gateway_created", "device", ["gateway_id", "created_time"])
    op.create_index(
        "ix_device_tenant_gateways", "device", ["tenant_id", "is_gateway", "created_time"]
    )


def downgrade() -> None:
    op.drop_index("ix_device_tenant_gateways", "device")
    op.drop_index("ix_device_gateway_created", "device")
    op.drop_column("device", "gateway_id")
    op.drop_column("device", "is_gateway")
    with op.batch_alter_table("entity_view", schema=None) as batch_op:
        batch_op.drop_index("ix_entity_view_search")
        batch_op.drop_index("ix_entity_view_tenant_type")
        batch_op.drop_index("ix_entity_view_tenant_created")
        batch_op.drop_index(batch_op.f("ix_entity_view_entity_id"))
        batch_op.drop_index("ix_entity_view_customer_created")
        batch_op.drop_index(batch_op.f("ix_entity_view_created_time"))

    op.drop_table("entity_view")


def _fill_from_additional_info(connection: sa.Connection) -> None:
    for device_id, info in _devices(connection):
        values = {"is_gateway": info.get("gateway") is True, "gateway_id": _id_in(info)}
        if any(values.values()):
            connection.execute(sa.update(DEVICE).where(DEVICE.c.id == device_id).values(values))


def _devices(connection: sa.Connection) -> Iterator[tuple[UUID, dict[str, Any]]]:
    """Give id and free JSON of every device that has any, in the order of ids."""
    query = (
        sa.select(DEVICE.c.id, DEVICE.c.additional_info)
        .where(DEVICE.c.additional_info.is_not(None))
        .order_by(DEVICE.c.id)
        .limit(BATCH)
    )
    rows = connection.execute(query).all()
    while rows:
        yield from ((row.id, row.additional_info or {}) for row in rows)
        rows = connection.execute(query.where(DEVICE.c.id > rows[-1].id)).all()


def _id_in(info: dict[str, Any]) -> UUID | None:
    named = info.get("lastConnectedGateway")
    if isinstance(named, dict):
        named = named.get("id")
    try:
        return UUID(named) if isinstance(named, str) else None
    except ValueError:
        return None
