"""The table of assets."""

from uuid import UUID

from sqlalchemy.orm import Mapped

from fieldline.database.things import Thing


class Asset(Thing):
    """An asset; it has nothing that other things do not have."""

    __tablename__ = "asset"

    asset_profile_id: Mapped[UUID]
