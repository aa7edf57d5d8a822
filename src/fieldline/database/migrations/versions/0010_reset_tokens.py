"""Reset tokens."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0003"
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


def downgrade() -> None:
    op.drop_index(op.f("ix_user_credentials_reset_token_hash"), table_name="user_credentials")
    for name in ("reset_token_expires_ms", "reset_token_hash", "reset_token"):
        op.drop_column("user_credentials", name)
