"""What each tenant uses in a month."""

import sqlalchemy as sa
from alembic import op

from fieldline.database import types

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

COUNTED = (
    "transport_messages",
    "transport_data_points",
    "rule_engine_executions",
    "js_executions",
)


def upgrade() -> None:
    op.create_table(
        "api_usage",
        sa.Column("tenant_id", types.Guid(length=16), nullable=False),
        sa.Column("month_start", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in COUNTED),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_api_usage_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "month_start", name=op.f("pk_api_usage")),
    )


def downgrade() -> None:
    op.drop_table("api_usage")
