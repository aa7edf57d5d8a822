"""The table of entities that are gone and whose readings may still be there."""

from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from fieldline.database.base import Base


class Purge(Base):
    """One deleted entity; the row goes when its readings and attributes are deleted.

    Readings have no foreign key: with Cassandra they lie in another database.
    """

    __tablename__ = "purge"

    entity_id: Mapped[UUID] = mapped_column(primary_key=True)
