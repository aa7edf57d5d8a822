"""Relations between entities."""

import sqlalchemy as sa
from alembic import op

from fieldline.database import types

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "relation",
        sa.Column("from_id", types.Guid(length=16), nullable=False),
        sa.Column("from_type", sa.String(length=32), nullable=False),
        sa.Column("type_group", sa.String(length=32), nullable=False),
        sa.Column("type", sa.String(length=255), nullable=False),
        sa.Column("to_id", types.Guid(length=16), nullable=False),
        sa.Column("to_type", sa.String(length=32), nullable=False),
        sa.Column("tenant_id", types.Guid(length=16), nullable=False),
        sa.Column("created_time", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("additional_info", types.Json(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_relation_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint(
            "from_id",
            "from_type",
            "type_group",
            "type",
            "to_id",
            "to_type",
            name=op.f("pk_relation"),
        ),
    )
    with op.batch_alter_table("relation", schema=None) as batch_op:
        batch_op.create_index("ix_relation_tenant_id", ["tenant_id"], unique=False)
        batch_op.create_index(
            "ix_relation_to", ["to_id", "to_type", "type_group", "type"], unique=False
        )


def downgrade() -> None:
    with op.batch_alter_table("relation", schema=None) as batch_op:
        batch_op.drop_index("ix_relation_to")
        batch_op.drop_index("ix_relation_tenant_id")

    op.drop_table("relation")
