"""OTA packages, their data, and what devices were told of them."""

import sqlalchemy as sa
from alembic import op

from fieldline.database import types

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ota_package",
        sa.Column("tenant_id", types.Guid(length=16), nullable=False),
        sa.Column("device_profile_id", types.Guid(length=16), nullable=False),
        sa.Column("type", sa.String(length=8), nullable=False),
        sa.Column("title", sa.String(length=255), nullable=False),
        sa.Column("package_version", sa.String(length=255), nullable=False),
        sa.Column("tag", sa.String(length=255), nullable=True),
        sa.Column("url", sa.String(length=255), nullable=True),
        sa.Column("has_data", sa.Boolean(), nullable=False),
        sa.Column("file_name", sa.String(length=255), nullable=True),
        sa.Column("content_type", sa.String(length=255), nullable=True),
        sa.Column("checksum_algorithm", sa.String(length=16), nullable=True),
        sa.Column("checksum", sa.String(length=1020), nullable=True),
        sa.Column("data_size", sa.BigInteger(), nullable=True),
        sa.Column("external_id", types.Guid(length=16), nullable=True),
        sa.Column("additional_info", types.Json(), nullable=True),
        sa.Column("search_text", sa.String(), nullable=False),
        sa.Column("id", types.Guid(length=16), nullable=False),
        sa.Column("created_time", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_profile_id"],
            ["device_profile.id"],
            name=op.f("fk_ota_package_device_profile_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_ota_package_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ota_package")),
        sa.UniqueConstraint(
            "tenant_id", "external_id", name=op.f("uq_ota_package_tenant_id_external_id")
        ),
        sa.UniqueConstraint(
            "tenant_id",
            "title",
            "package_version",
            name=op.f("uq_ota_package_tenant_id_title_package_version"),
        ),
    )
    with op.batch_alter_table("ota_package", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_ota_package_created_time"), ["created_time"], unique=False
        )
        batch_op.create_index(
            "ix_ota_package_profile_type", ["device_profile_id", "type"], unique=False
        )
        batch_op.create_index(
            "ix_ota_package_search",
            ["tenant_id", sa.text("substr(search_text, 1, 200)")],
            unique=False,
        )
        batch_op.create_index(
            "ix_ota_package_tenant_created", ["tenant_id", "created_time"], unique=False
        )

    op.create_table(
        "ota_rollout",
        sa.Column("device_profile_id", types.Guid(length=16), nullable=False),
        sa.Column("type", sa.String(length=8), nullable=False),
        sa.Column("package_id", types.Guid(length=16), nullable=True),
        sa.Column("is_pending", sa.Boolean(), nullable=False),
        sa.Column("changed_time", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_profile_id"],
            ["device_profile.id"],
            name=op.f("fk_ota_rollout_device_profile_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("device_profile_id", "type", name=op.f("pk_ota_rollout")),
    )
    op.create_table(
        "ota_content",
        sa.Column("id", types.Guid(length=16), nullable=False),
        sa.Column("package_id", types.Guid(length=16), nullable=False),
        sa.Column("created_time", sa.BigInteger(), nullable=False),
        sa.Column("is_whole", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["package_id"],
            ["ota_package.id"],
            name=op.f("fk_ota_content_package_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ota_content")),
    )
    with op.batch_alter_table("ota_content", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ota_content_package_id"), ["package_id"], unique=False)

    op.create_table(
        "ota_update",
        sa.Column("device_id", types.Guid(length=16), nullable=False),
        sa.Column("type", sa.String(length=8), nullable=False),
        sa.Column("package_id", types.Guid(length=16), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("changed_time", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"], ["device.id"], name=op.f("fk_ota_update_device_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("device_id", "type", name=op.f("pk_ota_update")),
    )
    with op.batch_alter_table("ota_update", schema=None) as batch_op:
        batch_op.create_index("ix_ota_update_state", ["state", "changed_time"], unique=False)

    op.create_table(
        "ota_piece",
        sa.Column("content_id", types.Guid(length=16), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["content_id"],
            ["ota_content.id"],
            name=op.f("fk_ota_piece_content_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("content_id", "number", name=op.f("pk_ota_piece")),
    )


def downgrade() -> None:
    op.drop_table("ota_piece")
    with op.batch_alter_table("ota_update", schema=None) as batch_op:
        batch_op.drop_index("ix_ota_update_state")

    op.drop_table("ota_update")
    with op.batch_alter_table("ota_content", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ota_content_package_id"))

    op.drop_table("ota_content")
    op.drop_table("ota_rollout")
    with op.batch_alter_table("ota_package", schema=None) as batch_op:
        batch_op.drop_index("ix_ota_package_tenant_created")
        batch_op.drop_index("ix_ota_package_search")
        batch_op.drop_index("ix_ota_package_profile_type")
        batch_op.drop_index(batch_op.f("ix_ota_package_created_time"))

    op.drop_table("ota_package")
