"""Events of rule chains."""

import sqlalchemy as sa
from alembic import op

from fieldline.database import types

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "event",
        sa.Column("id", types.Guid(length=16), nullable=False),
        sa.Column("created_time", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", types.Guid(length=16), nullable=False),
        sa.Column("rule_chain_id", types.Guid(length=16), nullable=False),
        sa.Column("entity_type", sa.String(length=32), nullable=False),
        sa.Column("entity_id", types.Guid(length=16), nullable=False),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("server", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=True),
        sa.Column("success", sa.Boolean(), nullable=True),
        sa.Column("direction", sa.String(length=8), nullable=True),
        sa.Column("originator_type", sa.String(length=32), nullable=True),
        sa.Column("originator_id", types.Guid(length=16), nullable=True),
        sa.Column("message_id", types.Guid(length=16), nullable=True),
        sa.Column("message_type", sa.String(length=300), nullable=True),
        sa.Column("relation", sa.String(length=300), nullable=True),
        sa.Column("data", sa.Text(), nullable=True),
        sa.Column("metadata", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["rule_chain_id"],
            ["rule_chain.id"],
            name=op.f("fk_event_rule_chain_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_event_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
    )
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_event_created_time"), ["created_time"], unique=False)
        batch_op.create_index(
            "ix_event_entity_id_created_time", ["entity_id", "created_time"], unique=False
        )
        batch_op.create_index(
            "ix_event_rule_chain_id_created_time", ["rule_chain_id", "created_time"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_event_tenant_id"), ["tenant_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_event_tenant_id"))
        batch_op.drop_index("ix_event_rule_chain_id_created_time")
        batch_op.drop_index("ix_event_entity_id_created_time")
        batch_op.drop_index(batch_op.f("ix_event_created_time"))

    op.drop_table("event")
