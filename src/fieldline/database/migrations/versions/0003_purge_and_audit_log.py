"""The list of what is to be purged, of any kind of entity, and the audit log."""

import sqlalchemy as sa
from alembic import op

from fieldline.database import types

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "purge",
        sa.Column("entity_id", types.Guid(length=16), nullable=False),
        sa.PrimaryKeyConstraint("entity_id", name=op.f("pk_purge")),
    )
    op.execute(
        "INSERT INTO purge (entity_id) SELECT device_id FROM device_trace "
        "WHERE NOT EXISTS (SELECT 1 FROM device WHERE device.id = device_trace.device_id)"
    )
    op.drop_table("device_trace")
    op.create_table(
        "audit_log",
        sa.Column("id", types.Guid(length=16), nullable=False),
        sa.Column("created_time", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", types.Guid(length=16), nullable=True),
        sa.Column("customer_id", types.Guid(length=16), nullable=True),
        sa.Column("entity_type", sa.String(length=32), nullable=False),
        sa.Column("entity_id", types.Guid(length=16), nullable=False),
        sa.Column("entity_name", sa.String(), nullable=True),
        sa.Column("user_id", types.Guid(length=16), nullable=False),
        sa.Column("user_name", sa.String(length=255), nullable=False),
        sa.Column("action_type", sa.String(length=32), nullable=False),
        sa.Column("action_data", types.Json(), nullable=True),
        sa.Column("action_status", sa.String(length=16), nullable=False),
        sa.Column("action_failure_details", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_audit_log_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
    )
    with op.batch_alter_table("audit_log", schema=None) as batch_op:
        batch_op.create_index("ix_audit_log_created_time", ["created_time"], unique=False)
        batch_op.create_index(
            "ix_audit_log_customer_id_created_time", ["customer_id", "created_time"], unique=False
        )
        batch_op.create_index(
            "ix_audit_log_entity_id_created_time", ["entity_id", "created_time"], unique=False
        )
        batch_op.create_index(
            "ix_audit_log_tenant_id_created_time", ["tenant_id", "created_time"], unique=False
        )
        batch_op.create_index(
            "ix_audit_log_user_id_created_time", ["user_id", "created_time"], unique=False
        )


def downgrade() -> None:
    with op.batch_alter_table("audit_log", schema=None) as batch_op:
        batch_op.drop_index("ix_audit_log_user_id_created_time")
        batch_op.drop_index("ix_audit_log_tenant_id_created_time")
        batch_op.drop_index("ix_audit_log_entity_id_created_time")
        batch_op.drop_index("ix_audit_log_customer_id_created_time")
        batch_op.drop_index("ix_audit_log_created_time")

    op.drop_table("audit_log")
    op.create_table(
        "device_trace",
        sa.Column("device_id", types.Guid(length=16), nullable=False),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_device_trace")),
    )
    op.execute(
        "INSERT INTO device_trace (device_id) "
        "SELECT entity_id FROM purge UNION SELECT id FROM device"
    )
    op.drop_table("purge")
