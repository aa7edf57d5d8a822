"""Dashboards, and the customers that they are assigned to."""

import sqlalchemy as sa
from alembic import op

from fieldline.database import types

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "dashboard",
        sa.Column("tenant_id", types.Guid(length=16), nullable=False),
        sa.Column("title", sa.String(length=255), nullable=False),
        sa.Column("mobile_hide", sa.Boolean(), nullable=False),
        sa.Column("mobile_order", sa.Integer(), nullable=True),
        sa.Column("external_id", types.Guid(length=16), nullable=True),
        sa.Column("additional_info", types.Json(), nullable=True),
        sa.Column("search_text", sa.String(), nullable=False),
        sa.Column("id", types.Guid(length=16), nullable=False),
        sa.Column("created_time", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("image", sa.Text(), nullable=True),
        sa.Column("configuration", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_dashboard_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dashboard")),
        sa.UniqueConstraint(
            "tenant_id", "external_id", name=op.f("uq_dashboard_tenant_id_external_id")
        ),
    )
    with op.batch_alter_table("dashboard", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_dashboard_created_time"), ["created_time"], unique=False
        )
        batch_op.create_index(
            "ix_dashboard_tenant_created", ["tenant_id", "created_time"], unique=False
        )
    op.create_index(
        op.f("ix_dashboard_search"),
        "dashboard",
        ["tenant_id", sa.text("substr(search_text, 1, 200)")],
    )

    op.create_table(
        "dashboard_customer",
        sa.Column("dashboard_id", types.Guid(length=16), nullable=False),
        sa.Column("customer_id", types.Guid(length=16), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customer.id"],
            name=op.f("fk_dashboard_customer_customer_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["dashboard_id"],
            ["dashboard.id"],
            name=op.f("fk_dashboard_customer_dashboard_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("dashboard_id", "customer_id", name=op.f("pk_dashboard_customer")),
    )
    with op.batch_alter_table("dashboard_customer", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_dashboard_customer_customer_id"), ["customer_id"], unique=False
        )


def downgrade() -> None:
    with op.batch_alter_table("dashboard_customer", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_dashboard_customer_customer_id"))

    op.drop_table("dashboard_customer")
    op.drop_index(op.f("ix_dashboard_search"), table_name="dashboard")
    with op.batch_alter_table("dashboard", schema=None) as batch_op:
        batch_op.drop_index("ix_dashboard_tenant_created")
        batch_op.drop_index(batch_op.f("ix_dashboard_created_time"))

    op.drop_table("dashboard")
