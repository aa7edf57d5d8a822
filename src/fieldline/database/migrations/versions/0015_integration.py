"""Integrations with MQTT brokers."""

import sqlalchemy as sa
from alembic import op

from fieldline.database import types

revision = "0015"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "integration",
        sa.Column("tenant_id", types.Guid(length=16), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("client_id", sa.String(length=255), nullable=False),
        sa.Column("username", sa.String(length=255), nullable=True),
        sa.Column("password", sa.Text(), nullable=True),
        sa.Column("client_key", sa.Text(), nullable=True),
        sa.Column("configuration", types.Json(), nullable=False),
        sa.Column("former_filters", types.Json(), nullable=False),
        sa.Column("additional_info", types.Json(), nullable=True),
        sa.Column("id", types.Guid(length=16), nullable=False),
        sa.Column("created_time", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_integration_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_integration")),
        sa.UniqueConstraint("tenant_id", "name", name=op.f("uq_integration_tenant_id_name")),
    )
    with op.batch_alter_table("integration", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_integration_created_time"), ["created_time"], unique=False
        )
        batch_op.create_index(
            "ix_integration_tenant_id_created_time", ["tenant_id", "created_time"], unique=False
        )
    op.create_table(
        "integration_statistics",
        sa.Column("integration_id", types.Guid(length=16), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("converted", sa.BigInteger(), nullable=False),
        sa.Column("failed", sa.BigInteger(), nullable=False),
        sa.Column("devices_created", sa.BigInteger(), nullable=False),
        sa.Column("readings_stored", sa.BigInteger(), nullable=False),
        sa.Column("last_message_time", sa.BigInteger(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("last_error_time", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["integration_id"],
            ["integration.id"],
            name=op.f("fk_integration_statistics_integration_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("integration_id", name=op.f("pk_integration_statistics")),
    )


def downgrade() -> None:
    op.drop_table("integration_statistics")
    with op.batch_alter_table("integration", schema=None) as batch_op:
        batch_op.drop_index("ix_integration_tenant_id_created_time")
        batch_op.drop_index(batch_op.f("ix_integration_created_time"))

    op.drop_table("integration")
