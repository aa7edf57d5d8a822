"""Comments on alarms, and at which other entities an alarm is shown."""

import sqlalchemy as sa
from alembic import op

from fieldline.database import types

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "alarm_comment",
        sa.Column("id", types.Guid(length=16), nullable=False),
        sa.Column("created_time", sa.BigInteger(), nullable=False),
        sa.Column("alarm_id", types.Guid(length=16), nullable=False),
        sa.Column("user_id", types.Guid(length=16), nullable=True),
        sa.Column("type", sa.String(length=16), nullable=False),
        sa.Column("comment", types.Json(), nullable=False),
        sa.ForeignKeyConstraint(
            ["alarm_id"],
            ["alarm.id"],
            name=op.f("fk_alarm_comment_alarm_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm_comment")),
    )
    with op.batch_alter_table("alarm_comment", schema=None) as batch_op:
        batch_op.create_index(
            "ix_alarm_comment_alarm_id_created_time", ["alarm_id", "created_time"], unique=False
        )
    op.create_table(
        "entity_alarm",
        sa.Column("entity_id", types.Guid(length=16), nullable=False),
        sa.Column("alarm_id", types.Guid(length=16), nullable=False),
        sa.ForeignKeyConstraint(
            ["alarm_id"], ["alarm.id"], name=op.f("fk_entity_alarm_alarm_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("entity_id", "alarm_id", name=op.f("pk_entity_alarm")),
    )
    with op.batch_alter_table("entity_alarm", schema=None) as batch_op:
        batch_op.create_index(op.f("ix_entity_alarm_alarm_id"), ["alarm_id"], unique=False)
    # Alarms of before whose flags say so are shown at their owner and tenant from now on.
    op.execute(
        "INSERT INTO entity_alarm (entity_id, alarm_id) "
        "SELECT COALESCE(customer_id, tenant_id), id FROM alarm "
        "WHERE propagate_to_owner AND COALESCE(customer_id, tenant_id) <> originator_id "
        "UNION SELECT tenant_id, id FROM alarm "
        "WHERE propagate_to_tenant AND tenant_id <> originator_id"
    )


def downgrade() -> None:
    with op.batch_alter_table("entity_alarm", schema=None) as batch_op:
        batch_op.drop_index(op.f("ix_entity_alarm_alarm_id"))

    op.drop_table("entity_alarm")
    with op.batch_alter_table("alarm_comment", schema=None) as batch_op:
        batch_op.drop_index("ix_alarm_comment_alarm_id_created_time")

    op.drop_table("alarm_comment")
