"""The table of revocations."""

from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from fieldline.database.base import Base


class Revocation(Base):
    """Tokens of a session, user, customer or tenant, issued until ``before_ms``, are refused.

    Without a foreign key: it must outlive the user that it speaks of. ``user_id`` is set for a
    session. All times in ms; after ``forget_ms`` the row has no effect.
    """

    __tablename__ = "token_revocation"

    subject_id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID | None] = mapped_column(index=True)
    before_ms: Mapped[int]
    forget_ms: Mapped[int] = mapped_column(index=True)
