"""Reset tokens, and settings of users."""

import sqlalchemy as sa
from alembic import op

from fieldline.database import types

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in (
        sa.Column("reset_token", sa.String(length=255), nullable=True),
        sa.Column("reset_token_hash", sa.LargeBinary(length=32), nullable=True),
        sa.Column("reset_token_expires_ms", sa.BigInteger(), nullable=True),
    ):
        op.add_column("user_credentials", column)
    op.create_index(
        op.f("ix_user_credentials_reset_token_hash"),
        "user_credentials",
        ["reset_token_hash"],
        unique=True,
    )
    op.create_table(
        "user_settings",
        sa.Column("user_id", types.Guid(length=16), nullable=False),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("settings", types.Json(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["tb_user.id"], name=op.f("fk_user_settings_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "type", name=op.f("pk_user_settings")),
    )


def downgrade() -> None:
    op.drop_table("user_settings")
    op.drop_index(op.f("ix_user_credentials_reset_token_hash"), table_name="user_credentials")
    for name in ("reset_token_expires_ms", "reset_token_hash", "reset_token"):
        op.drop_column("user_credentials", name)
