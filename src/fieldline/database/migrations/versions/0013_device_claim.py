"""Devices that may be claimed."""

import sqlalchemy as sa
from alembic import op

from fieldline.database import types

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "device_claim",
        sa.Column("device_id", types.Guid(length=16), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("expiration_time", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"], ["device.id"], name=op.f("fk_device_claim_device_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_device_claim")),
    )


def downgrade() -> None:
    op.drop_table("device_claim")
