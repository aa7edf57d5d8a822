"""Commands to devices that are kept until they are done."""

import sqlalchemy as sa
from alembic import op

from fieldline.database import types

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rpc",
        sa.Column("id", types.Guid(length=16), nullable=False),
        sa.Column("created_time", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", types.Guid(length=16), nullable=False),
        sa.Column("device_id", types.Guid(length=16), nullable=False),
        sa.Column("expiration_time", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("request", types.Json(), nullable=False),
        sa.Column("response", types.Json(), nullable=True),
        sa.Column("additional_info", types.Json(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_rpc_tenant_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["device_id"], ["device.id"], name=op.f("fk_rpc_device_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rpc")),
    )
    op.create_index(op.f("ix_rpc_tenant_id"), "rpc", ["tenant_id"])
    op.create_index("ix_rpc_device_created", "rpc", ["device_id", "created_time"])
    op.create_index("ix_rpc_status_expiration", "rpc", ["status", "expiration_time"])


def downgrade() -> None:
    op.drop_table("rpc")
