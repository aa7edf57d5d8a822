"""Tables of the entities."""

import sqlalchemy as sa
from alembic import op

from fieldline.database import types

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "device_trace",
        sa.Column("device_id", types.Guid(length=16), nullable=False),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_device_trace")),
    )
    op.create_table(
        "tenant_profile",
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.String(), nullable=True),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("isolated_tb_rule_engine", sa.Boolean(), nullable=False),
        sa.Column("profile_data", types.Json(), nullable=False),
        sa.Column("id", types.Guid(length=16), nullable=False),
        sa.Column("created_time", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenant_profile")),
        sa.UniqueConstraint("name", name=op.f("uq_tenant_profile_name")),
    )
    with op.batch_alter_table("tenant_profile", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_tenant_profile_created_time"), ["created_time"], unique=False
        )

    op.create_table(
        "token_revocation",
        sa.Column("subject_id", types.Guid(length=16), nullable=False),
        sa.Column("user_id", types.Guid(length=16), nullable=True),
        sa.Column("before_ms", sa.BigInteger(), nullable=False),
        sa.Column("forget_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subject_id", name=op.f("pk_token_revocation")),
    )
    with op.batch_alter_table("token_revocation", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_token_revocation_forget_ms"), ["forget_ms"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_token_revocation_user_id"), ["user_id"], unique=False)

    op.create_table(
        "tenant",
        sa.Column("title", sa.String(length=255), nullable=False),
        sa.Column("region", sa.String(length=255), nullable=True),
        sa.Column("tenant_profile_id", types.Guid(length=16), nullable=False),
        sa.Column("isolated_tb_core", sa.Boolean(), nullable=False),
        sa.Column("isolated_tb_rule_engine", sa.Boolean(), nullable=False),
        sa.Column("additional_info", types.Json(), nullable=True),
        sa.Column("country", sa.String(length=255), nullable=True),
        sa.Column("state", sa.String(length=255), nullable=True),
        sa.Column("city", sa.String(length=255), nullable=True),
        sa.Column("address", sa.String(), nullable=True),
        sa.Column("address2", sa.String(), nullable=True),
        sa.Column("zip", sa.String(length=255), nullable=True),
        sa.Column("phone", sa.String(length=255), nullable=True),
        sa.Column("email", sa.String(length=255), nullable=True),
        sa.Column("id", types.Guid(length=16), nullable=False),
        sa.Column("created_time", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_profile_id"], ["tenant_profile.id"], name=op.f("fk_tenant_tenant_profile_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenant")),
    )
    with op.batch_alter_table("tenant", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_tenant_created_time"), ["created_time"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_tenant_tenant_profile_id"), ["tenant_profile_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_tenant_title"), ["title"], unique=False)

    op.create_table(
        "admin_settings",
        sa.Column("tenant_id", types.Guid(length=16), nullable=True),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("json_value", types.Json(), nullable=False),
        sa.Column("id", types.Guid(length=16), nullable=False),
        sa.Column("created_time", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["tenant.id"],
            name=op.f("fk_admin_settings_tenant_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_admin_settings")),
    )
    with op.batch_alter_table("admin_settings", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_admin_settings_created_time"), ["created_time"], unique=False
        )

    op.create_table(
        "customer",
        sa.Column("tenant_id", types.Guid(length=16), nullable=False),
        sa.Column("title", sa.String(length=255), nullable=False),
        sa.Column("external_id", types.Guid(length=16), nullable=True),
        sa.Column("is_public", sa.Boolean(), nullable=False),
        sa.Column("additional_info", types.Json(), nullable=True),
        sa.Column("country", sa.String(length=255), nullable=True),
        sa.Column("state", sa.String(length=255), nullable=True),
        sa.Column("city", sa.String(length=255), nullable=True),
        sa.Column("address", sa.String(), nullable=True),
        sa.Column("address2", sa.String(), nullable=True),
        sa.Column("zip", sa.String(length=255), nullable=True),
        sa.Column("phone", sa.String(length=255), nullable=True),
        sa.Column("email", sa.String(length=255), nullable=True),
        sa.Column("id", types.Guid(length=16), nullable=False),
        sa.Column("created_time", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_customer_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer")),
        sa.UniqueConstraint("tenant_id", "title", name=op.f("uq_customer_tenant_id_title")),
    )
    with op.batch_alter_table("customer", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_customer_created_time"), ["created_time"], unique=False
        )

    op.create_table(
        "rule_chain",
        sa.Column("tenant_id", types.Guid(length=16), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("type", sa.String(length=16), nullable=False),
        sa.Column("root", sa.Boolean(), nullable=False),
        sa.Column("first_rule_node_id", types.Guid(length=16), nullable=True),
        sa.Column("debug_mode", sa.Boolean(), nullable=False),
        sa.Column("configuration", types.Json(), nullable=True),
        sa.Column("additional_info", types.Json(), nullable=True),
        sa.Column("external_id", types.Guid(length=16), nullable=True),
        sa.Column("connections", types.Json(), nullable=False),
        sa.Column("notes", types.Json(), nullable=False),
        sa.Column("id", types.Guid(length=16), nullable=False),
        sa.Column("created_time", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_rule_chain_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_chain")),
    )
    with op.batch_alter_table("rule_chain", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_rule_chain_created_time"), ["created_time"], unique=False
        )
        batch_op.create_index(
            "ix_rule_chain_tenant_created", ["tenant_id", "created_time"], unique=False
        )
        batch_op.create_index(
            "uq_rule_chain_external_id", ["tenant_id", "external_id"], unique=True
        )
        batch_op.create_index(
            "uq_rule_chain_root",
            ["tenant_id", "type"],
            unique=True,
            sqlite_where=sa.text("root"),
            postgresql_where=sa.text("root"),
        )

    op.create_table(
        "device_profile",
        sa.Column("tenant_id", types.Guid(length=16), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("transport_type", sa.String(length=32), nullable=False),
        sa.Column("provision_type", sa.String(length=64), nullable=False),
        sa.Column("description", sa.String(), nullable=True),
        sa.Column("image", sa.String(), nullable=True),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("default_rule_chain_id", types.Guid(length=16), nullable=True),
        sa.Column("default_edge_rule_chain_id", types.Guid(length=16), nullable=True),
        sa.Column("default_dashboard_id", types.Guid(length=16), nullable=True),
        sa.Column("default_queue_name", sa.String(length=255), nullable=True),
        sa.Column("profile_data", types.Json(), nullable=False),
        sa.Column("transport_configuration", types.Json(), nullable=False),
        sa.Column("provision_device_key", sa.String(length=255), nullable=True),
        sa.Column("provision_secret", sa.String(), nullable=True),
        sa.Column("firmware_id", types.Guid(length=16), nullable=True),
        sa.Column("software_id", types.Guid(length=16), nullable=True),
        sa.Column("external_id", types.Guid(length=16), nullable=True),
        sa.Column("id", types.Guid(length=16), nullable=False),
        sa.Column("created_time", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["default_edge_rule_chain_id"],
            ["rule_chain.id"],
            name=op.f("fk_device_profile_default_edge_rule_chain_id"),
        ),
        sa.ForeignKeyConstraint(
            ["default_rule_chain_id"],
            ["rule_chain.id"],
            name=op.f("fk_device_profile_default_rule_chain_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["tenant.id"],
            name=op.f("fk_device_profile_tenant_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_profile")),
        sa.UniqueConstraint("id", "name", name=op.f("uq_device_profile_id_name")),
        sa.UniqueConstraint(
            "provision_device_key", name=op.f("uq_device_profile_provision_device_key")
        ),
        sa.UniqueConstraint(
            "tenant_id", "external_id", name=op.f("uq_device_profile_tenant_id_external_id")
        ),
        sa.UniqueConstraint("tenant_id", "name", name=op.f("uq_device_profile_tenant_id_name")),
    )
    with op.batch_alter_table("device_profile", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_device_profile_created_time"), ["created_time"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_device_profile_default_rule_chain_id"),
            ["default_rule_chain_id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_device_profile_tenant_id"), ["tenant_id"], unique=False
        )
        batch_op.create_index(
            "uq_device_profile_default",
            ["tenant_id"],
            unique=True,
            sqlite_where=sa.text("is_default"),
            postgresql_where=sa.text("is_default"),
        )

    op.create_table(
        "rule_node",
        sa.Column("rule_chain_id", types.Guid(length=16), nullable=False),
        sa.Column("type", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("configuration", types.Json(), nullable=False),
        sa.Column("configuration_version", sa.Integer(), nullable=False),
        sa.Column("debug_settings", types.Json(), nullable=True),
        sa.Column("singleton_mode", sa.Boolean(), nullable=False),
        sa.Column("queue_name", sa.String(length=255), nullable=True),
        sa.Column("external_id", types.Guid(length=16), nullable=True),
        sa.Column("additional_info", types.Json(), nullable=True),
        sa.Column("id", types.Guid(length=16), nullable=False),
        sa.Column("created_time", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["rule_chain_id"],
            ["rule_chain.id"],
            name=op.f("fk_rule_node_rule_chain_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_node")),
    )
    with op.batch_alter_table("rule_node", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_rule_node_created_time"), ["created_time"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_rule_node_rule_chain_id"), ["rule_chain_id"], unique=False
        )

    op.create_table(
        "tb_user",
        sa.Column("tenant_id", types.Guid(length=16), nullable=True),
        sa.Column("customer_id", types.Guid(length=16), nullable=True),
        sa.Column("email", sa.String(length=255), nullable=False),
        sa.Column("authority", sa.String(length=32), nullable=False),
        sa.Column("first_name", sa.String(length=255), nullable=True),
        sa.Column("last_name", sa.String(length=255), nullable=True),
        sa.Column("phone", sa.String(length=255), nullable=True),
        sa.Column("additional_info", types.Json(), nullable=True),
        sa.Column("id", types.Guid(length=16), nullable=False),
        sa.Column("created_time", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customer.id"],
            name=op.f("fk_tb_user_customer_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_tb_user_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tb_user")),
        sa.UniqueConstraint("email", name=op.f("uq_tb_user_email")),
    )
    with op.batch_alter_table("tb_user", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_tb_user_created_time"), ["created_time"], unique=False)
        batch_op.create_index(batch_op.f("ix_tb_user_customer_id"), ["customer_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_tb_user_tenant_id"), ["tenant_id"], unique=False)

    op.create_table(
        "device",
        sa.Column("tenant_id", types.Guid(length=16), nullable=False),
        sa.Column("customer_id", types.Guid(length=16), nullable=True),
        sa.Column("device_profile_id", types.Guid(length=16), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("type", sa.String(length=255), nullable=False),
        sa.Column("label", sa.String(length=255), nullable=True),
        sa.Column("device_data", types.Json(), nullable=False),
        sa.Column("firmware_id", types.Guid(length=16), nullable=True),
        sa.Column("software_id", types.Guid(length=16), nullable=True),
        sa.Column("external_id", types.Guid(length=16), nullable=True),
        sa.Column("additional_info", types.Json(), nullable=True),
        sa.Column("search_text", sa.String(), nullable=False),
        sa.Column("id", types.Guid(length=16), nullable=False),
        sa.Column("created_time", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customer.id"],
            name=op.f("fk_device_customer_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["device_profile_id", "type"],
            ["device_profile.id", "device_profile.name"],
            name=op.f("fk_device_device_profile_id_type"),
            onupdate="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_device_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device")),
        sa.UniqueConstraint(
            "tenant_id", "external_id", name=op.f("uq_device_tenant_id_external_id")
        ),
        sa.UniqueConstraint("tenant_id", "name", name=op.f("uq_device_tenant_id_name")),
    )
    with op.batch_alter_table("device", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_device_created_time"), ["created_time"], unique=False)
        batch_op.create_index(
            "ix_device_customer_created", ["customer_id", "created_time"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_device_firmware_id"), ["firmware_id"], unique=False)
        batch_op.create_index("ix_device_profile_type", ["device_profile_id", "type"], unique=False)
        batch_op.create_index(batch_op.f("ix_device_software_id"), ["software_id"], unique=False)
        batch_op.create_index(
            "ix_device_tenant_created", ["tenant_id", "created_time"], unique=False
        )
        batch_op.create_index("ix_device_tenant_type", ["tenant_id", "type"], unique=False)

    op.create_table(
        "user_credentials",
        sa.Column("user_id", types.Guid(length=16), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("password", sa.String(length=255), nullable=True),
        sa.Column("activate_token", sa.String(length=255), nullable=True),
        sa.Column("activate_token_hash", sa.LargeBinary(length=32), nullable=True),
        sa.Column("activate_token_expires_ms", sa.BigInteger(), nullable=True),
        sa.Column("last_login_ms", sa.BigInteger(), nullable=True),
        sa.Column("additional_info", types.Json(), nullable=True),
        sa.Column("id", types.Guid(length=16), nullable=False),
        sa.Column("created_time", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["tb_user.id"],
            name=op.f("fk_user_credentials_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_credentials")),
        sa.UniqueConstraint(
            "activate_token_hash", name=op.f("uq_user_credentials_activate_token_hash")
        ),
        sa.UniqueConstraint("user_id", name=op.f("uq_user_credentials_user_id")),
    )
    with op.batch_alter_table("user_credentials", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_user_credentials_created_time"), ["created_time"], unique=False
        )

    op.create_table(
        "alarm",
        sa.Column("tenant_id", types.Guid(length=16), nullable=False),
        sa.Column("customer_id", types.Guid(length=16), nullable=True),
        sa.Column("originator_type", sa.String(length=32), nullable=False),
        sa.Column("originator_id", types.Guid(length=16), nullable=False),
        sa.Column("device_id", types.Guid(length=16), nullable=True),
        sa.Column("type", sa.String(length=255), nullable=False),
        sa.Column("severity", sa.String(length=16), nullable=False),
        sa.Column("acknowledged", sa.Boolean(), nullable=False),
        sa.Column("cleared", sa.Boolean(), nullable=False),
        sa.Column("assignee_id", types.Guid(length=16), nullable=True),
        sa.Column("start_ts", sa.BigInteger(), nullable=False),
        sa.Column("end_ts", sa.BigInteger(), nullable=False),
        sa.Column("ack_ts", sa.BigInteger(), nullable=False),
        sa.Column("clear_ts", sa.BigInteger(), nullable=False),
        sa.Column("assign_ts", sa.BigInteger(), nullable=False),
        sa.Column("details", types.Json(), nullable=True),
        sa.Column("propagate", sa.Boolean(), nullable=False),
        sa.Column("propagate_to_owner", sa.Boolean(), nullable=False),
        sa.Column("propagate_to_tenant", sa.Boolean(), nullable=False),
        sa.Column("propagate_relation_types", types.Json(), nullable=True),
        sa.Column("rule_ts", sa.BigInteger(), nullable=True),
        sa.Column("rule_marks", types.Json(), nullable=True),
        sa.Column("id", types.Guid(length=16), nullable=False),
        sa.Column("created_time", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["assignee_id"], ["tb_user.id"], name=op.f("fk_alarm_assignee_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_alarm_customer_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["device_id"], ["device.id"], name=op.f("fk_alarm_device_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_alarm_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm")),
    )
    with op.batch_alter_table("alarm", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_alarm_assignee_id"), ["assignee_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_alarm_created_time"), ["created_time"], unique=False)
        batch_op.create_index(
            "ix_alarm_customer_id_created_time", ["customer_id", "created_time"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_alarm_device_id"), ["device_id"], unique=False)
        batch_op.create_index(
            "ix_alarm_originator_id_type_rule_ts",
            ["originator_id", "type", "rule_ts"],
            unique=False,
        )
        batch_op.create_index(
            "ix_alarm_tenant_id_created_time", ["tenant_id", "created_time"], unique=False
        )
        batch_op.create_index("ix_alarm_tenant_id_type", ["tenant_id", "type"], unique=False)
        batch_op.create_index(
            "uq_alarm_active",
            ["originator_id", "type"],
            unique=True,
            sqlite_where=sa.text("cleared = 0"),
            postgresql_where=sa.text("NOT cleared"),
        )

    op.create_table(
        "calculated_field",
        sa.Column("tenant_id", types.Guid(length=16), nullable=False),
        sa.Column("entity_type", sa.String(length=32), nullable=False),
        sa.Column("entity_id", types.Guid(length=16), nullable=False),
        sa.Column("device_id", types.Guid(length=16), nullable=True),
        sa.Column("device_profile_id", types.Guid(length=16), nullable=True),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("configuration", types.Json(), nullable=False),
        sa.Column("configuration_version", sa.BigInteger(), nullable=False),
        sa.Column("debug_settings", types.Json(), nullable=True),
        sa.Column("additional_info", types.Json(), nullable=True),
        sa.Column("id", types.Guid(length=16), nullable=False),
        sa.Column("created_time", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"],
            ["device.id"],
            name=op.f("fk_calculated_field_device_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["device_profile_id"],
            ["device_profile.id"],
            name=op.f("fk_calculated_field_device_profile_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["tenant.id"],
            name=op.f("fk_calculated_field_tenant_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calculated_field")),
        sa.UniqueConstraint(
            "entity_id", "type", "name", name=op.f("uq_calculated_field_entity_id_type_name")
        ),
    )
    with op.batch_alter_table("calculated_field", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_calculated_field_created_time"), ["created_time"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_calculated_field_device_id"), ["device_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_calculated_field_device_profile_id"), ["device_profile_id"], unique=False
        )
        batch_op.create_index(
            "ix_calculated_field_tenant_id_created_time",
            ["tenant_id", "created_time"],
            unique=False,
        )

    op.create_table(
        "device_credentials",
        sa.Column("device_id", types.Guid(length=16), nullable=False),
        sa.Column("credentials_type", sa.String(length=32), nullable=False),
        sa.Column("lookup_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("credentials_id", sa.String(), nullable=False),
        sa.Column("credentials_value", sa.String(), nullable=True),
        sa.Column("identity_hash", sa.LargeBinary(length=32), nullable=True),
        sa.Column("password_hash", sa.LargeBinary(length=32), nullable=True),
        sa.Column("id", types.Guid(length=16), nullable=False),
        sa.Column("created_time", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"],
            ["device.id"],
            name=op.f("fk_device_credentials_device_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_credentials")),
        sa.UniqueConstraint("device_id", name=op.f("uq_device_credentials_device_id")),
        sa.UniqueConstraint("lookup_hash", name=op.f("uq_device_credentials_lookup_hash")),
    )
    with op.batch_alter_table("device_credentials", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_device_credentials_created_time"), ["created_time"], unique=False
        )

    # An expression index, which the comparison of schemas cannot see
    op.create_index(
        op.f("ix_device_search"), "device", ["tenant_id", sa.text("substr(search_text, 1, 200)")]
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_device_search"), table_name="device")
    with op.batch_alter_table("device_credentials", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_device_credentials_created_time"))

    op.drop_table("device_credentials")
    with op.batch_alter_table("calculated_field", schema=None) as batch_op:
        batch_op.drop_index("ix_calculated_field_tenant_id_created_time")
        batch_op.drop_index(batch_op.f("ix_calculated_field_device_profile_id"))
        batch_op.drop_index(batch_op.f("ix_calculated_field_device_id"))
        batch_op.drop_index(batch_op.f("ix_calculated_field_created_time"))

    op.drop_table("calculated_field")
    with op.batch_alter_table("alarm", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_alarm_active",
            sqlite_where=sa.text("cleared = 0"),
            postgresql_where=sa.text("NOT cleared"),
        )
        batch_op.drop_index("ix_alarm_tenant_id_type")
        batch_op.drop_index("ix_alarm_tenant_id_created_time")
        batch_op.drop_index("ix_alarm_originator_id_type_rule_ts")
        batch_op.drop_index(batch_op.f("ix_alarm_device_id"))
        batch_op.drop_index("ix_alarm_customer_id_created_time")
        batch_op.drop_index(batch_op.f("ix_alarm_created_time"))
        batch_op.drop_index(batch_op.f("ix_alarm_assignee_id"))

    op.drop_table("alarm")
    with op.batch_alter_table("user_credentials", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_user_credentials_created_time"))

    op.drop_table("user_credentials")
    with op.batch_alter_table("device", schema=None) as batch_op:
        batch_op.drop_index("ix_device_tenant_type")
        batch_op.drop_index("ix_device_tenant_created")
        batch_op.drop_index(batch_op.f("ix_device_software_id"))
        batch_op.drop_index("ix_device_profile_type")
        batch_op.drop_index(batch_op.f("ix_device_firmware_id"))
        batch_op.drop_index("ix_device_customer_created")
        batch_op.drop_index(batch_op.f("ix_device_created_time"))

    op.drop_table("device")
    with op.batch_alter_table("tb_user", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_tb_user_tenant_id"))
        batch_op.drop_index(batch_op.f("ix_tb_user_customer_id"))
        batch_op.drop_index(batch_op.f("ix_tb_user_created_time"))

    op.drop_table("tb_user")
    with op.batch_alter_table("rule_node", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_rule_node_rule_chain_id"))
        batch_op.drop_index(batch_op.f("ix_rule_node_created_time"))

    op.drop_table("rule_node")
    with op.batch_alter_table("device_profile", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_device_profile_default",
            sqlite_where=sa.text("is_default"),
            postgresql_where=sa.text("is_default"),
        )
        batch_op.drop_index(batch_op.f("ix_device_profile_tenant_id"))
        batch_op.drop_index(batch_op.f("ix_device_profile_default_rule_chain_id"))
        batch_op.drop_index(batch_op.f("ix_device_profile_created_time"))

    op.drop_table("device_profile")
    with op.batch_alter_table("rule_chain", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_rule_chain_root", sqlite_where=sa.text("root"), postgresql_where=sa.text("root")
        )
        batch_op.drop_index("uq_rule_chain_external_id")
        batch_op.drop_index("ix_rule_chain_tenant_created")
        batch_op.drop_index(batch_op.f("ix_rule_chain_created_time"))

    op.drop_table("rule_chain")
    with op.batch_alter_table("customer", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_customer_created_time"))

    op.drop_table("customer")
    with op.batch_alter_table("admin_settings", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_admin_settings_created_time"))

    op.drop_table("admin_settings")
    with op.batch_alter_table("tenant", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_tenant_title"))
        batch_op.drop_index(batch_op.f("ix_tenant_tenant_profile_id"))
        batch_op.drop_index(batch_op.f("ix_tenant_created_time"))

    op.drop_table("tenant")
    with op.batch_alter_table("token_revocation", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_token_revocation_user_id"))
        batch_op.drop_index(batch_op.f("ix_token_revocation_forget_ms"))

    op.drop_table("token_revocation")
    with op.batch_alter_table("tenant_profile", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_tenant_profile_created_time"))

    op.drop_table("tenant_profile")
    op.drop_table("device_trace")
