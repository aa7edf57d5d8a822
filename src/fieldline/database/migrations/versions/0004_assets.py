"""Assets and their profiles, a default one for each tenant there is; alarms of assets."""

import time

import sqlalchemy as sa
from alembic import op

from fieldline.database import types
from fieldline.kit.ids import new_id

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "asset_profile",
        sa.Column("tenant_id", types.Guid(length=16), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.String(), nullable=True),
        sa.Column("image", sa.String(), nullable=True),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("default_rule_chain_id", types.Guid(length=16), nullable=True),
        sa.Column("default_edge_rule_chain_id", types.Guid(length=16), nullable=True),
        sa.Column("default_dashboard_id", types.Guid(length=16), nullable=True),
        sa.Column("default_queue_name", sa.String(length=255), nullable=True),
        sa.Column("external_id", types.Guid(length=16), nullable=True),
        sa.Column("id", types.Guid(length=16), nullable=False),
        sa.Column("created_time", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["default_edge_rule_chain_id"],
            ["rule_chain.id"],
            name=op.f("fk_asset_profile_default_edge_rule_chain_id"),
        ),
        sa.ForeignKeyConstraint(
            ["default_rule_chain_id"],
            ["rule_chain.id"],
            name=op.f("fk_asset_profile_default_rule_chain_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["tenant.id"],
            name=op.f("fk_asset_profile_tenant_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_asset_profile")),
        sa.UniqueConstraint("id", "name", name=op.f("uq_asset_profile_id_name")),
        sa.UniqueConstraint(
            "tenant_id", "external_id", name=op.f("uq_asset_profile_tenant_id_external_id")
        ),
        sa.UniqueConstraint("tenant_id", "name", name=op.f("uq_asset_profile_tenant_id_name")),
    )
    with op.batch_alter_table("asset_profile", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_asset_profile_created_time"), ["created_time"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_asset_profile_default_rule_chain_id"),
            ["default_rule_chain_id"],
            unique=False,
        )
        batch_op.create_index(batch_op.f("ix_asset_profile_tenant_id"), ["tenant_id"], unique=False)
        batch_op.create_index(
            "uq_asset_profile_default",
            ["tenant_id"],
            unique=True,
            sqlite_where=sa.text("is_default"),
            postgresql_where=sa.text("is_default"),
        )

    op.create_table(
        "asset",
        sa.Column("asset_profile_id", types.Guid(length=16), nullable=False),
        sa.Column("tenant_id", types.Guid(length=16), nullable=False),
        sa.Column("customer_id", types.Guid(length=16), nullable=True),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("type", sa.String(length=255), nullable=False),
        sa.Column("label", sa.String(length=255), nullable=True),
        sa.Column("external_id", types.Guid(length=16), nullable=True),
        sa.Column("additional_info", types.Json(), nullable=True),
        sa.Column("search_text", sa.String(), nullable=False),
        sa.Column("id", types.Guid(length=16), nullable=False),
        sa.Column("created_time", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["asset_profile_id", "type"],
            ["asset_profile.id", "asset_profile.name"],
            name=op.f("fk_asset_asset_profile_id_type"),
            onupdate="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_asset_customer_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_asset_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_asset")),
        sa.UniqueConstraint(
            "tenant_id", "external_id", name=op.f("uq_asset_tenant_id_external_id")
        ),
        sa.UniqueConstraint("tenant_id", "name", name=op.f("uq_asset_tenant_id_name")),
    )
    with op.batch_alter_table("asset", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_asset_created_time"), ["created_time"], unique=False)
        batch_op.create_index(
            "ix_asset_customer_created", ["customer_id", "created_time"], unique=False
        )
        batch_op.create_index("ix_asset_profile_type", ["asset_profile_id", "type"], unique=False)
        batch_op.create_index(
            "ix_asset_tenant_created", ["tenant_id", "created_time"], unique=False
        )
        batch_op.create_index("ix_asset_tenant_type", ["tenant_id", "type"], unique=False)

    op.execute("CREATE INDEX ix_asset_search ON asset (tenant_id, substr(search_text, 1, 200))")
    _add_asset_of_alarms()
    _seed_default_profiles()


def _add_asset_of_alarms() -> None:
    """Let alarms go with their asset.

    On SQLite this copies the table of alarms and drops the former one, and with it would go what
    refers to alarms: nothing does yet, comments come with 0008.
    """
    with op.batch_alter_table("alarm", reflect_kwargs={"resolve_fks": False}) as batch_op:
        batch_op.add_column(sa.Column("asset_id", types.Guid(length=16), nullable=True))
        batch_op.create_index(batch_op.f("ix_alarm_asset_id"), ["asset_id"], unique=False)
        batch_op.create_foreign_key(
            batch_op.f("fk_alarm_asset_id"), "asset", ["asset_id"], ["id"], ondelete="CASCADE"
        )


def _seed_default_profiles() -> None:
    """Give each tenant the default profile that new ones are made with."""
    tenant = sa.table("tenant", sa.column("id", types.Guid))
    profile = sa.table(
        "asset_profile",
        sa.column("id", types.Guid),
        sa.column("tenant_id", types.Guid),
        sa.column("name"),
        sa.column("description"),
        sa.column("is_default", sa.Boolean),
        sa.column("created_time", sa.BigInteger),
        sa.column("version", sa.Integer),
    )
    rows = [
        {
            "id": new_id(),
            "tenant_id": tenant_id,
            "name": "default",
            "description": "Default asset profile",
            "is_default": True,
            "created_time": time.time_ns() // 1_000_000,
            "version": 1,
        }
        for tenant_id in op.get_bind().scalars(sa.select(tenant.c.id))
    ]
    op.bulk_insert(profile, rows)


def downgrade() -> None:
    with op.batch_alter_table("alarm", reflect_kwargs={"resolve_fks": False}) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_alarm_asset_id"), type_="foreignkey")
        batch_op.drop_index(batch_op.f("ix_alarm_asset_id"))
        batch_op.drop_column("asset_id")

    with op.batch_alter_table("asset", schema=None) as batch_op:
        batch_op.drop_index("ix_asset_tenant_type")
        batch_op.drop_index("ix_asset_tenant_created")
        batch_op.drop_index("ix_asset_profile_type")
        batch_op.drop_index("ix_asset_customer_created")
        batch_op.drop_index(batch_op.f("ix_asset_created_time"))

    op.drop_table("asset")
    with op.batch_alter_table("asset_profile", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_asset_profile_default",
            sqlite_where=sa.text("is_default"),
            postgresql_where=sa.text("is_default"),
        )
        batch_op.drop_index(batch_op.f("ix_asset_profile_tenant_id"))
        batch_op.drop_index(batch_op.f("ix_asset_profile_default_rule_chain_id"))
        batch_op.drop_index(batch_op.f("ix_asset_profile_created_time"))

    op.drop_table("asset_profile")
